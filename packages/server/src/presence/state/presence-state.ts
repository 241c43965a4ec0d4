// Who is here, as every replica comes to the same answer: an add-wins observed-remove set. Each replica alone makes and
// ends its entries, and gives each change the next clock. What is known of a replica is a set of clocks and those of them
// that are alive; two such are merged by: alive is what both know alive, or one knows alive and the other does not know.
// Everything is a function of what is called, and nothing is called back. Not here: time, messages (tracker.ts).
import type { ClockRange } from "./clock-set.ts";
import { Attempts } from "./attempts.ts";
import type { ListingChange } from "./attempts.ts";
import { ClockSet, sizeOf, within, without } from "./clock-set.ts";
import type { EntryDiff, PresenceClocks, PresenceEntry, PresencePart } from "./entry.ts";
import { Members } from "./members.ts";
import { OwnEntries } from "./own-entries.ts";

interface Replica<Meta> {
  readonly name: string;
  readonly known: ClockSet;
  /** Alive, by clock. */
  readonly entries: Map<number, PresenceEntry<Meta>>;
  /** Its entries are listed. */
  up: boolean;
}

/** So many replicas are remembered as removed; the longest removed is forgotten first. */
const MOST_REMOVED = 10_000;

/**
 * Who is here, as one replica knows it. It makes and ends entries of its own, and merges what others know.
 *
 * @example
 * const [here, there] = [new PresenceState<{ name: string }>("a.1"), new PresenceState<{ name: string }>("b.1")];
 * here.join("room:1", "socket 7", "ada", { name: "Ada" });
 * there.replicaUp("a.1");
 * const { joins } = there.merge(here.extract(there.clocks()));
 */
export class PresenceState<Meta = unknown> {
  /** This replica's own name, another one in each life of a node. */
  readonly replica: string;
  readonly #own: Replica<Meta>;
  readonly #ownEntries: OwnEntries<Meta>;
  readonly #replicas = new Map<string, Replica<Meta>>();
  readonly #removed = new Set<string>();
  readonly #members = new Members<Meta>();
  readonly #attempts = new Attempts<Meta>();
  #unsaid: Diff<Meta> | undefined;
  #clock = 0;
  #size = 0;
  #walked = 0;

  /**
   * @param replica Must never have been used before: clocks begin at 1.
   * @param remembered Of so many of its last changes it is remembered what they ended (`changes`).
   */
  constructor(replica: string, { remembered = 10_000 }: { readonly remembered?: number } = {}) {
    this.replica = replica;
    this.#ownEntries = new OwnEntries(remembered);
    this.#own = newReplica(replica, true);
    this.#replicas.set(replica, this.#own);
  }

  /** The clock of the last change that this replica made; 0 before the first. */
  get clock(): number {
    return this.#clock;
  }

  /** All entries, of replicas that are down too. */
  get size(): number {
    return this.#size;
  }

  /** Entries and clocks that were looked at so far, to merge and to extract: what the tests hold the cost to. */
  get walked(): number {
    return this.#walked;
  }

  // --- this replica's own entries ---

  /**
   * A holder is on a topic under a key; where it is already, as `update`. O(1).
   *
   * @param attempt Which time it is that the holder comes (PN16). Default: not counted.
   */
  join(topic: string, holder: string, key: string, meta: Meta, attempt?: number): EntryDiff<Meta> {
    const diff = newDiff<Meta>();
    const before = this.#ownEntries.at(topic, holder, key);
    if (before !== undefined) this.#end(before, diff);
    const entry: PresenceEntry<Meta> = {
      topic,
      holder,
      key,
      meta,
      replica: this.replica,
      clock: this.#tick(0),
      ...(before !== undefined && { replaced: before.clock }),
      ...(attempt !== undefined && { attempt }),
    };
    this.#ownEntries.set(entry);
    this.#put(this.#own, entry, diff);
    return settled(diff);
  }

  /** Gives an entry another meta, and so another tag; nothing where the holder is not on the topic under that key. O(1). */
  update(topic: string, holder: string, key: string, meta: Meta): EntryDiff<Meta> {
    const before = this.#ownEntries.at(topic, holder, key);
    return before === undefined ? NOTHING : this.join(topic, holder, key, meta, before.attempt);
  }

  /** A holder is no longer on a topic under a key; nothing where it was not. O(1). */
  leave(topic: string, holder: string, key: string): EntryDiff<Meta> {
    const entry = this.#ownEntries.at(topic, holder, key);
    return entry === undefined ? NOTHING : this.#leave([entry]);
  }

  /** A holder is gone from everywhere, or what it held up to some attempt. O(its entries). */
  leaveHolder(holder: string, attempt = Infinity): EntryDiff<Meta> {
    return this.#leave(this.#ownEntries.of(holder).filter((entry) => (entry.attempt ?? 0) <= attempt));
  }

  /** What a holder held on a topic by an earlier attempt ends. O(its entries). */
  leaveOlder(topic: string, holder: string, attempt: number): EntryDiff<Meta> {
    const older = this.#ownEntries
      .of(holder)
      .filter((entry) => entry.topic === topic && entry.attempt !== undefined && entry.attempt < attempt);
    return older.length === 0 ? NOTHING : this.#leave(older);
  }

  /** This replica's entry of a holder on a topic under a key. */
  ownEntry(topic: string, holder: string, key: string): PresenceEntry<Meta> | undefined {
    return this.#ownEntries.at(topic, holder, key);
  }

  /** By which attempt a holder is listed on a topic, by whatever replica. */
  attemptOf(topic: string, holder: string): number | undefined {
    return this.#attempts.of(topic, holder);
  }

  /** What this replica holds for a holder. */
  held(holder: string): readonly PresenceEntry<Meta>[] {
    return this.#ownEntries.of(holder);
  }

  /** The holders that have an entry of this replica. */
  holders(): Iterable<string> {
    return this.#ownEntries.holders();
  }

  // --- other replicas ---

  /**
   * Takes in what others know and gives what came of it for those who are listed. Of a replica that is not up, it is
   * taken in and not listed; of this one and of a removed one, nothing is. O(what the parts say), however much is
   * held: a part that names more clocks than its replica has entries costs those entries.
   */
  merge(parts: readonly PresencePart<Meta>[]): EntryDiff<Meta> {
    const diff = this.#open();
    for (const part of parts) {
      if (part.replica === this.replica || this.#removed.has(part.replica)) continue;
      const replica = this.#known(part.replica);
      for (const entry of this.#dead(replica, part)) this.#drop(replica, entry, diff);
      this.#walked += part.entries.length;
      for (const entry of part.entries) if (isNews(replica, entry)) this.#put(replica, entry, diff);
      for (const [from, to] of part.clocks) replica.known.add(from, to);
      this.#walked += part.clocks.length;
    }
    return this.#closed(diff);
  }

  /** What of the last change of others' entries was done before it threw: the lists say so, and nobody was told. */
  get unsaid(): EntryDiff<Meta> {
    return this.#unsaid === undefined ? NOTHING : settled(this.#unsaid);
  }

  /**
   * Begins where an earlier life of this node ends, whose state is not trusted: what that listed of others is listed here
   * until they have told it anew. Neither what it knew of them nor its own entries are taken over. O(entries).
   */
  succeed(earlier: PresenceState<Meta>): void {
    for (const name of earlier.#removed) this.#removed.add(name);
    this.replicaRemove(earlier.replica);
    for (const { name, entries, up } of earlier.#replicas.values()) {
      if (!up || name === earlier.replica) continue;
      const replica = this.#known(name);
      replica.up = true;
      for (const entry of entries.values()) this.#put(replica, entry, newDiff());
    }
  }

  /** By how many entries merging a part would make this state grow; it may shrink. O(what it says). */
  growthBy(part: PresencePart<Meta>): number {
    if (part.replica === this.replica || this.#removed.has(part.replica)) return 0;
    const replica = this.#replicas.get(part.replica) ?? newReplica<Meta>(part.replica, false);
    this.#walked += part.entries.length;
    const more = part.entries.filter((entry) => isNews(replica, entry));
    return more.length - this.#dead(replica, part).length;
  }

  /** What this state knows of the replicas that are up. */
  clocks(): PresenceClocks {
    return Array.from(this.#replicas.values())
      .filter(({ up }) => up)
      .map(({ name, known }) => [name, Array.from(known.ranges)] as const);
  }

  /** What this state knows of one replica; none: it is not known. */
  clocksOf(replica: string): readonly ClockRange[] {
    return Array.from(this.#replicas.get(replica)?.known.ranges ?? []);
  }

  /** The clock up to which everything of a replica is known. */
  contextOf(replica: string): number {
    return this.#replicas.get(replica)?.known.context ?? 0;
  }

  /** How many gaps there are in what is known of a replica. */
  gapsOf(replica: string): number {
    const known = this.#replicas.get(replica)?.known;
    return known === undefined ? 0 : known.ranges.length - (known.context > 0 ? 1 : 0);
  }

  /**
   * What somebody does not know who knows this much, of the replicas that are up: merging it gives him what merging all
   * would give. Without an argument: all. What is dead is said in any case. O(entries).
   */
  extract(clocks: PresenceClocks = []): readonly PresencePart<Meta>[] {
    const knows = new Map(clocks);
    return Array.from(this.#replicas.values()).flatMap((replica) => {
      if (!replica.up) return [];
      const part = this.#lacking(replica, knows.get(replica.name) ?? []);
      return part.clocks.length === 0 ? [] : [part];
    });
  }

  /**
   * The own changes after a clock, about `most` of them: for who knows all up to there. O(changes), if what
   * they ended is remembered; for who lags further, O(own entries).
   *
   * @returns The part, and the clock up to which everything is known by who merges it.
   */
  changes(after: number, most: number): { readonly part: PresencePart<Meta>; readonly upTo: number } {
    if (!this.#ownEntries.remembers(after)) return this.#oldChanges(after, most);
    const upTo = Math.min(this.#clock, after + most);
    const clocks = new ClockSet();
    for (const clock of this.#ownEntries.ended(after, upTo)) clocks.add(clock);
    if (upTo > after) clocks.add(after + 1, upTo);
    const entries: PresenceEntry<Meta>[] = [];
    for (let clock = after + 1; clock <= upTo; clock++) {
      const entry = this.#own.entries.get(clock);
      if (entry !== undefined) entries.push(entry);
    }
    this.#walked += upTo - after;
    return { part: { replica: this.replica, clocks: clocks.ranges, entries }, upTo };
  }

  /** A replica's entries are listed from now on; gives them as joins. O(its entries). */
  replicaUp(name: string): EntryDiff<Meta> {
    if (this.#removed.has(name)) return NOTHING;
    const replica = this.#known(name);
    if (replica.up) return NOTHING;
    replica.up = true;
    const diff = this.#open();
    for (const entry of replica.entries.values()) this.#list(entry, diff);
    return this.#closed(diff);
  }

  /** A replica's entries are kept and no longer listed; gives them as leaves. Not this replica's. O(its entries). */
  replicaDown(name: string): EntryDiff<Meta> {
    const replica = this.#replicas.get(name);
    if (replica === undefined || !replica.up || replica === this.#own) return NOTHING;
    const diff = this.#open();
    for (const entry of replica.entries.values()) this.#unlist(entry, diff);
    replica.up = false;
    return this.#closed(diff);
  }

  /** A replica is as if it had never been heard of; it may come again. Gives its entries as leaves. */
  replicaForget(name: string): EntryDiff<Meta> {
    const diff = this.replicaDown(name);
    const replica = this.#replicas.get(name);
    if (replica !== undefined && replica !== this.#own) {
      this.#size -= replica.entries.size;
      this.#replicas.delete(name);
    }
    return diff;
  }

  /** A replica is gone for good: what is still said of it is ignored. Gives its entries as leaves. */
  replicaRemove(name: string): EntryDiff<Meta> {
    const diff = this.replicaForget(name);
    if (name === this.replica) return diff;
    this.#removed.add(name);
    if (this.#removed.size > MOST_REMOVED)
      for (const oldest of this.#removed) {
        this.#removed.delete(oldest);
        break;
      }
    return diff;
  }

  /** Whether a replica is up, down (or only heard of), or removed; undefined: not known. */
  statusOf(name: string): "up" | "down" | "removed" | undefined {
    if (this.#removed.has(name)) return "removed";
    const replica = this.#replicas.get(name);
    return replica === undefined ? undefined : replica.up ? "up" : "down";
  }

  /** Of a replica that is up or down, how many entries it has. */
  sizeOf(name: string): number {
    return this.#replicas.get(name)?.entries.size ?? 0;
  }

  // --- who is listed ---

  /** Who is on a topic, by key; the same object until that changes. Entries with the key "" are left out. */
  list(topic: string): ReadonlyMap<string, readonly PresenceEntry<Meta>[]> {
    return this.#members.list(topic);
  }

  /** A key's entries on a topic. */
  getByKey(topic: string, key: string): readonly PresenceEntry<Meta>[] {
    return this.#members.byKey(topic, key);
  }

  /** How many entries a topic has, with those whose key is "". */
  count(topic: string): number {
    return this.#members.count(topic);
  }

  /** How many entries a topic's `list` has. */
  listed(topic: string): number {
    return this.#members.listed(topic);
  }

  /** The topics on which somebody is. */
  topics(): Iterable<string> {
    return this.#members.topics();
  }

  #open(): Diff<Meta> {
    return (this.#unsaid = newDiff());
  }

  #closed(diff: Diff<Meta>): EntryDiff<Meta> {
    this.#unsaid = undefined;
    return settled(diff);
  }

  #tick(ended: number): number {
    const clock = ++this.#clock;
    this.#own.known.add(clock);
    this.#ownEntries.changed(ended);
    return clock;
  }

  #leave(entries: readonly PresenceEntry<Meta>[]): EntryDiff<Meta> {
    const diff = newDiff<Meta>();
    for (const entry of entries) this.#end(entry, diff);
    return settled(diff);
  }

  /**
   * An end takes a clock of its own: else who knows the entry would pass for somebody who knows its end. And that clock is
   * no entry's: else who is told that the entry is dead would pass for somebody who knows what its beginning ended (PN8).
   */
  #end(entry: PresenceEntry<Meta>, diff: Diff<Meta>): void {
    this.#tick(entry.clock);
    this.#ownEntries.delete(entry);
    this.#drop(this.#own, entry, diff);
  }

  #known(name: string): Replica<Meta> {
    let replica = this.#replicas.get(name);
    if (replica === undefined) this.#replicas.set(name, (replica = newReplica(name, false)));
    return replica;
  }

  #put(replica: Replica<Meta>, entry: PresenceEntry<Meta>, diff: Diff<Meta>): void {
    replica.entries.set(entry.clock, entry);
    this.#size++;
    if (replica.up) this.#list(entry, diff);
  }

  #drop(replica: Replica<Meta>, entry: PresenceEntry<Meta>, diff: Diff<Meta>): void {
    replica.entries.delete(entry.clock);
    this.#size--;
    if (replica.up) this.#unlist(entry, diff);
  }

  #list(entry: PresenceEntry<Meta>, diff: Diff<Meta>): void {
    if (entry.attempt !== undefined) return this.#relist(this.#attempts.add(entry), diff);
    this.#members.add(entry);
    diff.joins.push(entry);
  }

  #unlist(entry: PresenceEntry<Meta>, diff: Diff<Meta>): void {
    if (entry.attempt !== undefined) return this.#relist(this.#attempts.delete(entry), diff);
    this.#members.delete(entry);
    diff.leaves.push(entry);
  }

  #relist({ listed, unlisted }: ListingChange<Meta>, diff: Diff<Meta>): void {
    diff.contested = true;
    for (const entry of unlisted) {
      this.#members.delete(entry);
      diff.leaves.push(entry);
    }
    for (const entry of listed) {
      this.#members.add(entry);
      diff.joins.push(entry);
    }
  }

  /** Entries of a replica that a part knows and has no more. */
  #dead(replica: Replica<Meta>, { clocks, entries }: PresencePart<Meta>): readonly PresenceEntry<Meta>[] {
    if (replica.entries.size === 0) return [];
    const named = sizeOf(clocks);
    const alive = new Set<number>();
    for (const { clock } of entries) alive.add(clock);
    const dead: PresenceEntry<Meta>[] = [];
    if (named > replica.entries.size) {
      this.#walked += replica.entries.size;
      for (const [clock, entry] of replica.entries)
        if (!alive.has(clock) && within(clocks, clock)) dead.push(entry);
      return dead;
    }
    this.#walked += named;
    for (const [from, to] of clocks)
      for (let clock = from; clock <= to; clock++) {
        const entry = alive.has(clock) ? undefined : replica.entries.get(clock);
        if (entry !== undefined) dead.push(entry);
      }
    return dead;
  }

  /** A replica's clocks but those that are alive and known to who asks: all that he learns is new or dead. */
  #lacking({ name, known, entries }: Replica<Meta>, knows: readonly ClockRange[]): PresencePart<Meta> {
    this.#walked += entries.size;
    const alive = byClock(entries).filter(({ clock }) => known.has(clock));
    const told = alive.filter(({ clock }) => !within(knows, clock));
    const held = alive.filter(({ clock }) => within(knows, clock)).map(({ clock }) => clock);
    return { replica: name, clocks: without(known.ranges, held), entries: told };
  }

  /**
   * For who lags further than is remembered. All that is dead up to `upTo` is said, and not only what the changes of this
   * part have ended: no part may tell of a change without what it ended (PN8).
   */
  #oldChanges(after: number, most: number): { readonly part: PresencePart<Meta>; readonly upTo: number } {
    this.#walked += this.#own.entries.size;
    const alive = byClock(this.#own.entries);
    const told = alive.filter(({ clock }) => clock > after);
    const upTo = told.length > most ? told[most - 1]!.clock : this.#clock;
    const held = alive.filter(({ clock }) => clock <= after).map(({ clock }) => clock);
    const clocks = without([[1, upTo]], held);
    return { part: { replica: this.replica, clocks, entries: told.slice(0, most) }, upTo };
  }
}

interface Diff<Meta> {
  readonly joins: PresenceEntry<Meta>[];
  readonly leaves: PresenceEntry<Meta>[];
  /** Something may stand in both, for one entry may give way to another and come again. */
  contested: boolean;
}

const newDiff = <Meta>(): Diff<Meta> => ({ joins: [], leaves: [], contested: false });

/** Without what came and went within it. */
function settled<Meta>({ joins, leaves, contested }: Diff<Meta>): EntryDiff<Meta> {
  if (!contested) return { joins, leaves };
  const net = new Map<PresenceEntry<Meta>, number>();
  for (const entry of joins) net.set(entry, (net.get(entry) ?? 0) + 1);
  for (const entry of leaves) net.set(entry, (net.get(entry) ?? 0) - 1);
  const of = (sign: number) => Array.from(net).flatMap(([entry, count]) => (count === sign ? [entry] : []));
  return { joins: of(1), leaves: of(-1) };
}

const NOTHING: EntryDiff<never> = { joins: [], leaves: [] };

const newReplica = <Meta>(name: string, up: boolean): Replica<Meta> => ({
  name,
  known: new ClockSet(),
  entries: new Map(),
  up,
});

/** An entry of a life before is there, and its clock not known. */
const isNews = <Meta>({ known, entries }: Replica<Meta>, { clock }: PresenceEntry<Meta>): boolean =>
  !known.has(clock) && !entries.has(clock);

/** Own entries are made in order; others' come as they come. */
const byClock = <Meta>(entries: ReadonlyMap<number, PresenceEntry<Meta>>): readonly PresenceEntry<Meta>[] =>
  Array.from(entries.values()).toSorted((a, b) => a.clock - b.clock);
