// Who is here on all nodes: the state of each, kept alike over a pubsub that may lose, double, delay and reorder. A node
// tells its own changes alone, and each period the clock up to which it has told; who is behind asks it. So nothing that
// was lost stays lost, and whoever falls silent is gone. Engine: time, chance and pubsub are passed in.
import { CallaError } from "@calla/shared";
import type { Cancel, Random, SteadyClock } from "@calla/shared";
import { contain } from "../base/contain.ts";
import type { Report } from "../base/contain.ts";
import type { ContainedPubSub, PubSub } from "../cluster/pubsub.ts";
import { containedPubSub } from "../cluster/pubsub.ts";
import { Complaints } from "./complaints.ts";
import { DiffListeners } from "./diff-listeners.ts";
import type { PresenceDiff } from "./diff-listeners.ts";
import { LONGEST_SILENCE, Peers } from "./peers.ts";
import type { Peer } from "./peers.ts";
import { LONGEST_TEXT, readPresenceMessage, senderOf, writePresenceMessage } from "./presence-message.ts";
import type { PresenceMessage, PresenceNode } from "./presence-message.ts";
import { within } from "./state/clock-set.ts";
import type { EntryDiff, PresenceEntry, PresencePart } from "./state/entry.ts";
import { PresenceState } from "./state/presence-state.ts";

/** What `createTracker` gives a tracker: its options, and what has no default any more. Not for apps. */
export interface TrackerSettings {
  /** Reaches the other nodes. */
  readonly pubsub: PubSub;
  /** Where time comes from. */
  readonly clock: SteadyClock;
  /** Where the replica's name comes from. */
  readonly random: Random;
  /** Hears what went wrong. */
  readonly report: Report;
  /** Trackers of different scopes do not hear each other. */
  readonly scope: string;
  /** What this node's lives have in common; undefined: nothing has. */
  readonly name: string | undefined;
  /** Milliseconds after which a silent node's members are gone: T. */
  readonly silence: number;
  /** Milliseconds between two words of a node that has nothing to tell. */
  readonly period: number;
  /** The widest spread over which this node told its clients to return: its members wait for them that long (PN25). */
  readonly spread: () => number;
  /** Other nodes that are listened to. */
  readonly maxNodes: number;
  /** Members of other nodes. */
  readonly maxEntries: number;
  /** Something of its own threw, so its state is not to be trusted until `restart`. Default: as `report`. */
  readonly failed?: ((error: unknown) => void) | undefined;
}

/** A node's changes are told at once after idle, then in intervals of so many milliseconds. */
const INTERVAL = 50;
/** So many of them make one message, and who is far behind is told one message in a turn. */
const MOST_CHANGES = 1_000;
/** What comes over so many gaps is taken as lost, which it may have been. */
const MOST_GAPS = 1_000;
/** Everything of a node that was silent for so long is forgotten; it may come again, and is learnt anew. */
const FORGET_AFTER = 1_200_000;

/**
 * Who is here, on all nodes, as `createTracker` makes it.
 *
 * @example
 * tracker.track("room:1", "socket 7", "ada", { name: "Ada" });
 * tracker.onDiff(({ topic, joins, leaves }) => tell(topic, joins, leaves));
 * tracker.untrackAll("socket 7");
 */
export class Tracker<Meta = unknown> {
  readonly #options: TrackerSettings;
  #node: PresenceNode;
  #state: PresenceState<Meta>;
  readonly #restarts = new Set<{ readonly trackAgain: () => unknown }>();
  readonly #listeners: DiffListeners<Meta>;
  readonly #complaints: Complaints;
  readonly #peers: Peers;
  readonly #pubsub: ContainedPubSub;
  readonly #channel: string;
  /** Up to which clock the others were told. */
  #told = 0;
  #toldAt = -Infinity;
  #telling: Cancel | undefined;
  #beating: Cancel | undefined;
  #answersHello = false;
  /** Who is far behind, and from where it is told next. */
  readonly #behind = new Map<string, number>();
  readonly #answeredAt = new Map<string, number>();
  #ends: (() => void)[] = [];
  #stopped = false;
  #spreadThrew = false;

  /** Apps use `createTracker`. */
  constructor(options: TrackerSettings) {
    const { clock, random, report, scope, name, period, maxNodes } = options;
    this.#options = options;
    this.#node = newLife(options, name, 0);
    this.#state = new PresenceState<Meta>(this.#node.replica);
    this.#listeners = new DiffListeners<Meta>(report);
    this.#channel = `presence:${scope}`;
    this.#complaints = new Complaints(clock, report, this.#channel);
    this.#pubsub = containedPubSub(options.pubsub, report);
    this.#peers = new Peers({
      clock,
      forgetAfter: FORGET_AFTER,
      patience: period,
      most: maxNodes,
      silent: ({ replica }) => this.#guarded(() => this.#listeners.tell(this.#state.replicaDown(replica))),
      forgotten: ({ replica }) =>
        this.#guarded(() => {
          this.#answeredAt.delete(replica);
          this.#behind.delete(replica);
          // Its members have gone already.
          this.#state.replicaForget(replica);
        }),
    });
    this.#ends = [
      this.#pubsub.subscribe(this.#channel, (payload) => this.#hear(payload)),
      this.#pubsub.onGap(() => this.#gap()),
    ];
    this.#beat(true);
    // Not all nodes at once.
    this.#nextBeat(1 + (random.uint32() % period));
  }

  /** This node's name as a replica, another one in each life. */
  get replica(): string {
    return this.#node.replica;
  }

  /** How many other nodes are listed here. */
  get nodes(): number {
    let listed = 0;
    for (const peer of this.#peers.all()) if (!peer.gone && peer.awaited === undefined) listed++;
    return listed;
  }

  /**
   * A holder is on a topic under a key from now on. False: it is already, and nothing has changed (`update` does).
   *
   * @param attempt Which time it is that the holder comes, say the count of a client's connections: on whatever nodes, what
   * it tracks by a higher one takes the place of what it tracked there before. Default: not counted.
   * @throws CallaError `too-large`: a text is too long. `wiring`: what should be a text is none, or the attempt is no
   * integer from 0. Other nodes would read no message that has it.
   */
  track(topic: string, holder: string, key: string, meta: Meta, attempt?: number): boolean {
    mustBeTexts([topic, holder, key]);
    mustBeAttempt(attempt);
    const state = this.#state;
    const before = state.ownEntry(topic, holder, key);
    const later = attempt !== undefined && attempt > (before?.attempt ?? -1);
    if (this.#stopped || (before !== undefined && !later)) return false;
    if (attempt !== undefined && (state.attemptOf(topic, holder) ?? 0) > attempt) return false;
    const joined = state.join(topic, holder, key, meta, attempt);
    // What it held by an earlier attempt is not listed since, so its end is no news.
    if (attempt !== undefined) state.leaveOlder(topic, holder, attempt);
    this.#changed(joined);
    return true;
  }

  /** Gives what is tracked another meta, in one diff. False: it is not tracked. */
  update(topic: string, holder: string, key: string, meta: Meta): boolean {
    return !this.#stopped && this.#changed(this.#state.update(topic, holder, key, meta));
  }

  /** A holder is no longer on a topic under a key. False: it was not. */
  untrack(topic: string, holder: string, key: string): boolean {
    return !this.#stopped && this.#changed(this.#state.leave(topic, holder, key));
  }

  /**
   * A holder is gone from everywhere, in one diff for each topic. False: it was nowhere.
   *
   * @param attempt What it tracked by a higher one stays. Default: all goes.
   * @throws CallaError `wiring`: the attempt is no integer from 0.
   */
  untrackAll(holder: string, attempt?: number): boolean {
    mustBeAttempt(attempt);
    return !this.#stopped && this.#changed(this.#state.leaveHolder(holder, attempt));
  }

  /** Who is on a topic, on all nodes, by key; the same object until that changes. */
  list(topic: string): ReadonlyMap<string, readonly PresenceEntry<Meta>[]> {
    return this.#state.list(topic);
  }

  /** A key's entries on a topic. */
  getByKey(topic: string, key: string): readonly PresenceEntry<Meta>[] {
    return this.#state.getByKey(topic, key);
  }

  /** How many are on a topic, those without a name too. */
  count(topic: string): number {
    return this.#state.count(topic);
  }

  /** How many entries `list` has. */
  listed(topic: string): number {
    return this.#state.listed(topic);
  }

  /** What this node tracks of a holder on a topic under a key. */
  ownEntry(topic: string, holder: string, key: string): PresenceEntry<Meta> | undefined {
    return this.#state.ownEntry(topic, holder, key);
  }

  /** Calls back with whoever comes and goes; the lists say so already. Returns the undo. */
  onDiff(listener: (diff: PresenceDiff<Meta>) => unknown): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * Calls back when `restart` has begun anew, with nobody of this node: whoever tracks here tracks again, before it returns.
   * Returns the undo.
   */
  onRestart(trackAgain: () => unknown): () => void {
    const listener = { trackAgain };
    this.#restarts.add(listener);
    return () => void this.#restarts.delete(listener);
  }

  /**
   * Begins anew as another replica of this node, whose state is not trusted any more. Who is told by `onRestart` tracks
   * again; the others stay listed until they have told anew who is there. Each topic has one diff at most, on each node.
   */
  restart(): void {
    if (this.#stopped) return;
    const earlier = this.#state;
    this.#telling?.();
    this.#telling = undefined;
    this.#told = 0;
    this.#toldAt = -Infinity;
    this.#behind.clear();
    this.#answeredAt.clear();
    this.#peers.anew();
    // Under one name, so that the first word of this life ends the earlier one (PN28).
    this.#node = newLife(this.#options, this.#node.name, this.#node.born + 1);
    this.#state = new PresenceState<Meta>(this.#node.replica);
    this.#listeners.silently(() => {
      this.#guarded(() => this.#state.succeed(earlier));
      for (const { trackAgain } of Array.from(this.#restarts)) contain(this.#options.report, trackAgain);
    });
    this.#listeners.tell(changeOf(earlier, this.#state));
    if (!this.#stopped) this.#beat(true);
  }

  /**
   * Says goodbye: this node's members are gone at once, everywhere else. Nothing is heard or told any more.
   *
   * @param keep For so many milliseconds the other nodes keep those who are tracked here still, for they are expected to come
   * to another node; at most ten minutes. Default: 0.
   */
  stop(keep = 0): void {
    if (this.#stopped) return;
    if (keep > 0) {
      this.#tellChanges();
      // Nothing is heard of it any more: so they go when it has been silent for as long as it says. It gives up its name, so
      // that its next life, which may begin sooner, does not end it.
      this.#node = { ...this.#node, name: this.#node.replica };
      this.#publish({
        type: "beat",
        ...this.#from(),
        silence: Math.min(keep, LONGEST_SILENCE),
        hello: false,
      });
    } else this.#publish({ type: "goodbye", ...this.#from() });
    this.#stopped = true;
    this.#telling?.();
    this.#beating?.();
    for (const end of this.#ends) end();
    this.#ends = [];
    this.#peers.stop();
    this.#behind.clear();
    this.#listeners.clear();
    this.#restarts.clear();
  }

  // --- telling ---

  #changed(diff: EntryDiff<Meta>): boolean {
    if (this.#told === this.#state.clock) return false;
    this.#tellSoon();
    if (diff.joins.length === 0 && diff.leaves.length === 0) return false;
    this.#listeners.tell(diff);
    return true;
  }

  /** At the end of the turn after idle, else at the end of the interval. */
  #tellSoon(): void {
    if (this.#telling !== undefined) return;
    const { clock } = this.#options;
    const wait = this.#toldAt + INTERVAL - clock.monotonic();
    let due = true;
    const tell = (): void => {
      if (!due || this.#stopped) return;
      this.#telling = undefined;
      this.#tellChanges();
    };
    const cancel = wait > 0 ? clock.setTimeout(tell, wait) : undefined;
    if (cancel === undefined) clock.defer(tell);
    this.#telling = () => {
      due = false;
      cancel?.();
    };
  }

  #tellChanges(): void {
    if (this.#told === this.#state.clock) return;
    this.#telling?.();
    this.#telling = undefined;
    this.#toldAt = this.#options.clock.monotonic();
    while (this.#told < this.#state.clock) {
      const { part, upTo } = this.#state.changes(this.#told, MOST_CHANGES);
      this.#told = upTo;
      this.#publish({ type: "changes", ...this.#from(), to: undefined, part });
    }
  }

  #beat(hello: boolean): void {
    this.#tellChanges();
    this.#publish({ type: "beat", ...this.#from(), hello });
  }

  #nextBeat(wait: number): void {
    this.#beating = this.#options.clock.setTimeout(() => {
      this.#nextBeat(this.#options.period);
      this.#beat(false);
    }, wait);
  }

  #from() {
    return { node: this.#node, clock: this.#told, silence: this.#silence() };
  }

  /** The app's `spread` is asked; who gave another number, no node would read a word of. */
  #silence(): number {
    const { silence, spread, report } = this.#options;
    try {
      const told = spread();
      return told > silence ? Math.min(told, LONGEST_SILENCE) : silence;
    } catch (error) {
      // Each beat asks: it is told once.
      if (!this.#spreadThrew) report(error);
      this.#spreadThrew = true;
      return silence;
    }
  }

  #publish(message: PresenceMessage<Meta>): void {
    if (!this.#stopped) this.#pubsub.publish(this.#channel, writePresenceMessage(message));
  }

  /** Something may have been lost, of the others and of this one: all say how far they are. */
  #gap(): void {
    if (this.#stopped) return;
    for (const peer of this.#peers.all()) peer.askedAt = -Infinity;
    this.#beat(true);
  }

  // --- hearing ---

  #hear(payload: unknown): void {
    if (this.#stopped || senderOf(payload) === this.#node.replica) return;
    const message = readPresenceMessage<Meta>(payload);
    // A node that begins again ends its earlier life and comes in one diff.
    this.#guarded(() => this.#listeners.together(() => this.#heard(message)));
  }

  /** Nobody is above a message or a timer to hear what throws. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      const { failed, report } = this.#options;
      // The lists say so already.
      this.#listeners.tell(this.#state.unsaid);
      (failed ?? report)(error);
    }
  }

  #heard(message: PresenceMessage<Meta> | "version" | undefined): void {
    if (message === undefined) return this.#complaints.say("malformed");
    if (message === "version") return this.#complaints.say("version");
    const { node } = message;
    if (!this.#isAlive(node)) return;
    if (message.type === "goodbye") return this.#remove(node.replica);
    const peer = this.#peers.heard(node, message.clock, message.silence);
    if (peer === undefined) return this.#complaints.say("nodes");
    if (message.type === "changes") this.#merge(peer, message);
    if (message.type === "ask" && message.of === this.#node.replica) this.#asked(peer, message.after);
    if (message.type === "beat" && message.hello) this.#answerHello();
    this.#compare(peer, message.type === "beat");
  }

  /** Whether this is a node's life that goes on: a later one ends the earlier, whose late words are no sign of life. */
  #isAlive(node: PresenceNode): boolean {
    if (this.#state.statusOf(node.replica) === "removed") return false;
    if (node.name === this.#node.name) {
      if (!isLater(node, this.#node)) return false;
      this.#complaints.say("name");
      return true;
    }
    const other = this.#peers.named(node.name);
    if (other === undefined || other.replica === node.replica) return true;
    // A node whose wall clock was set back before it began again is believed once its earlier life is silent.
    if (!isLater(node, other) && !other.gone) return false;
    this.#remove(other.replica);
    return true;
  }

  #remove(replica: string): void {
    const peer = this.#peers.get(replica);
    if (peer !== undefined) this.#peers.delete(peer);
    this.#behind.delete(replica);
    this.#answeredAt.delete(replica);
    this.#listeners.tell(this.#state.replicaRemove(replica));
  }

  #merge(
    peer: Peer,
    { to, part }: { readonly to: string | undefined; readonly part: PresencePart<Meta> },
  ): void {
    if (to !== undefined && to !== this.#node.replica) return;
    const next = this.#state.contextOf(peer.replica) + 1;
    if (this.#state.gapsOf(peer.replica) >= MOST_GAPS && !within(part.clocks, next)) return;
    while (this.#exceeds(part)) if (!this.#peers.forgetOne()) return this.#complaints.say("entries");
    const diff = this.#state.merge([part]);
    this.#giveWay(diff);
    this.#listeners.tell(diff);
  }

  /** Whether there would be too many of the others: who ends by it, or is known, takes no room. */
  #exceeds(part: PresencePart<Meta>): boolean {
    const state = this.#state;
    const room = this.#options.maxEntries - (state.size - state.sizeOf(this.#node.replica));
    return part.entries.length > room && state.growthBy(part) > Math.max(0, room);
  }

  /** Who came to another node by a higher attempt is no longer here: what he held here is not listed, and ends. */
  #giveWay({ joins }: EntryDiff<Meta>): void {
    const before = this.#state.clock;
    for (const { topic, holder, attempt } of joins)
      if (attempt !== undefined) this.#state.leaveOlder(topic, holder, attempt);
    if (this.#state.clock > before) this.#tellSoon();
  }

  /** Lists a peer of which enough is known; asks one of which something is lacking. */
  #compare(peer: Peer, now: boolean): void {
    const { replica } = peer;
    // A listener may have stopped this tracker.
    if (this.#stopped || this.#peers.get(replica) !== peer) return;
    const known = this.#state.contextOf(replica);
    if (peer.awaited !== undefined && known >= peer.awaited) {
      peer.awaited = undefined;
      const diff = this.#state.replicaUp(replica);
      this.#giveWay(diff);
      this.#listeners.tell(diff);
    }
    if (known >= peer.clock || (!now && peer.awaited === undefined)) return;
    const time = this.#options.clock.monotonic();
    if (time - peer.askedAt < this.#options.period / 2) return;
    peer.askedAt = time;
    this.#publish({ type: "ask", ...this.#from(), of: replica, after: known });
  }

  #answerHello(): void {
    if (this.#answersHello) return;
    this.#answersHello = true;
    this.#options.clock.defer(() => {
      this.#answersHello = false;
      if (!this.#stopped) this.#beat(false);
    });
  }

  /** Tells a peer what it lacks, a message in each turn, however much that is and however many ask. */
  #asked({ replica }: Peer, after: number): void {
    const { clock, period } = this.#options;
    const time = clock.monotonic();
    if (after >= this.#state.clock || time - (this.#answeredAt.get(replica) ?? -Infinity) < period / 4)
      return;
    this.#answeredAt.set(replica, time);
    const idle = this.#behind.size === 0;
    this.#behind.set(replica, after);
    if (idle) clock.defer(() => this.#answer());
  }

  #answer(): void {
    for (const [replica, after] of this.#behind) {
      this.#behind.delete(replica);
      // Others were told of nothing later, and it compares with what they were told.
      if (after < this.#told) {
        const { part, upTo } = this.#state.changes(after, MOST_CHANGES);
        if (upTo < this.#told) this.#behind.set(replica, upTo);
        this.#publish({ type: "changes", ...this.#from(), to: replica, part });
      }
      break;
    }
    if (this.#behind.size > 0) this.#options.clock.defer(() => this.#answer());
  }
}

/** @throws CallaError */
function mustBeTexts(texts: readonly string[]): void {
  for (const text of texts) {
    if (typeof text !== "string")
      throw new CallaError(
        "wiring",
        { given: typeof text },
        `A topic, a holder and a key of presence are texts; one of them is of the type ${typeof text}.`,
      );
    if (text.length > LONGEST_TEXT)
      throw new CallaError(
        "too-large",
        { length: text.length, most: LONGEST_TEXT },
        `A topic, a holder or a key of presence has ${text.length} characters; ${LONGEST_TEXT} are the most.`,
      );
  }
}

/** @throws CallaError */
function mustBeAttempt(attempt: number | undefined): void {
  if (attempt === undefined || (Number.isSafeInteger(attempt) && attempt >= 0)) return;
  const what = `The attempt of a holder of presence is ${String(attempt)}: count from 0, in integers.`;
  throw new CallaError("wiring", { attempt }, what);
}

/** A life of a node, later than any before. */
function newLife(
  { clock, random }: TrackerSettings,
  name: string | undefined,
  notBefore: number,
): PresenceNode {
  const born = Math.max(notBefore, clock.now());
  const luck = `${random.uint32().toString(36)}${random.uint32().toString(36)}`;
  const replica = `${born.toString(36)}-${luck}`;
  return { name: name ?? replica, replica, born };
}

/** What the lists of two states differ by. O(members): once in a restart. */
function changeOf<Meta>(before: PresenceState<Meta>, after: PresenceState<Meta>): EntryDiff<Meta> {
  const [joins, leaves]: PresenceEntry<Meta>[][] = [[], []];
  for (const topic of new Set([...before.topics(), ...after.topics()])) {
    const [was, is] = [before, after].map(
      (state) => new Set(Array.from(state.list(topic).values()).flat()),
    ) as [Set<PresenceEntry<Meta>>, Set<PresenceEntry<Meta>>];
    for (const entry of is) if (!was.has(entry)) joins!.push(entry);
    for (const entry of was) if (!is.has(entry)) leaves!.push(entry);
  }
  return { joins: joins!, leaves: leaves! };
}

/** Which of two lives of a node began later. */
const isLater = (one: PresenceNode, other: PresenceNode): boolean =>
  one.born === other.born ? one.replica > other.replica : one.born > other.born;
