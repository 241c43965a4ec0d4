// Replicas that change, tell each other parts in any order and more than once, and come and go; beside each state stands
// a naive one, of sets, by the definition of the merge. Every step compares the two, and every diff with the lists.
import * as fc from "fast-check";
import { expect } from "vitest";
import type { EntryDiff, PresenceEntry, PresencePart } from "./entry.ts";
import { tagOf } from "./entry.ts";
import { PresenceState } from "./presence-state.ts";

const TOPICS = ["a", "__proto__"];
const HOLDERS = ["h", "constructor"];
const KEYS = ["k", "toString", ""];

/** Who is here, as text by tag. */
export function viewOf(state: PresenceState<number>): ReadonlyMap<string, string> {
  const view = new Map<string, string>();
  for (const topic of state.topics()) {
    const listed = [...state.list(topic).values(), state.getByKey(topic, "")].flat();
    expect(listed).toHaveLength(state.count(topic));
    for (const entry of listed) {
      expect(entry.topic).toBe(topic);
      expect(state.getByKey(topic, entry.key)).toContain(entry);
      view.set(tagOf(entry), JSON.stringify([topic, entry.holder, entry.key, entry.meta]));
    }
  }
  return view;
}

interface Naive {
  readonly known: Set<string>;
  readonly alive: Set<string>;
}
const naive = (): Naive => ({ known: new Set(), alive: new Set() });
function naiveOf({ replica, clocks, entries }: PresencePart<number>): Naive {
  const part = naive();
  for (const [from, to] of clocks)
    for (let clock = from; clock <= to; clock++) part.known.add(`${replica}.${clock.toString(36)}`);
  for (const entry of entries) part.alive.add(tagOf(entry));
  for (const tag of part.alive) expect(part.known).toContain(tag);
  return part;
}
/** Alive is what both know alive, or one knows alive and the other does not know. */
function merged(a: Naive, b: Naive): Naive {
  const alive = [...a.alive, ...b.alive].filter(
    (tag) => (a.alive.has(tag) || !a.known.has(tag)) && (b.alive.has(tag) || !b.known.has(tag)),
  );
  return { known: new Set([...a.known, ...b.known]), alive: new Set(alive) };
}

export interface Member {
  readonly state: PresenceState<number>;
  readonly naive: Map<string, Naive>;
  readonly up: Set<string>;
  readonly removed: Set<string>;
}

export class World {
  readonly members: Member[] = [];
  /** Everything that was ever said. */
  readonly said: PresencePart<number>[] = [];
  /** Which entry each change ended, by tag. */
  readonly ended = new Map<string, string>();
  readonly #entries = new Map<string, string>();
  readonly #made = new Map<string, PresenceEntry<number>>();
  readonly #remembered: number;
  #meta = 0;

  constructor(many: number, remembered: number) {
    this.#remembered = remembered;
    for (let i = 0; i < many; i++) this.#begin(i, 0);
    for (const { state, up } of this.members)
      for (const other of this.members) {
        up.add(other.state.replica);
        state.replicaUp(other.state.replica);
      }
  }

  #begin(i: number, life: number): void {
    const name = `${"abcd"[i]!}${life}`;
    const state = new PresenceState<number>(name, { remembered: this.#remembered });
    this.members[i] = { state, naive: new Map(), up: new Set([name]), removed: new Set() };
  }

  /** A change of a member's own. */
  change(i: number, what: number, place: number, attempt: number | undefined): void {
    const { state, naive: naively } = this.members[i]!;
    const topic = TOPICS[place % 2]!;
    const holder = HOLDERS[(place >> 1) % 2]!;
    const key = KEYS[(place >> 2) % 3]!;
    const before = state.clock;
    const held = [...state.held(holder)];
    const at = state.ownEntry(topic, holder, key);
    this.#watched(state, () => {
      if (what === 0) return state.leaveHolder(holder, attempt);
      if (what === 1) return state.leave(topic, holder, key);
      if (what === 2) return state.update(topic, holder, key, this.#meta++);
      if (what === 3) return state.leaveOlder(topic, holder, attempt ?? 1);
      return state.join(topic, holder, key, this.#meta++, attempt);
    });
    const gone =
      what === 0
        ? held.filter((entry) => (entry.attempt ?? 0) <= (attempt ?? Infinity))
        : what === 3
          ? held.filter((entry) => entry.topic === topic && (entry.attempt ?? Infinity) < (attempt ?? 1))
          : at === undefined
            ? []
            : [at];
    const own = naively.get(state.replica) ?? naive();
    for (let clock = before + 1; clock <= state.clock; clock++) own.known.add(tag(state.replica, clock));
    for (const [n, entry] of gone.entries()) {
      own.alive.delete(tagOf(entry));
      this.ended.set(tag(state.replica, before + 1 + n), tagOf(entry));
    }
    if (what === 4 || (what === 2 && at !== undefined)) {
      const entry = state.ownEntry(topic, holder, key)!;
      expect([entry.clock, entry.replaced]).toEqual([state.clock, at?.clock]);
      expect(entry.attempt).toBe(what === 2 ? at!.attempt : attempt);
      own.alive.add(tagOf(entry));
      this.#made.set(tagOf(entry), entry);
      expect(state.clock).toBe(before + gone.length + 1);
    } else expect(state.clock).toBe(before + gone.length);
    naively.set(state.replica, own);
    this.check(i);
  }

  /** Says what changed after any clock, or all that a member knows, or what another lacks. */
  say(i: number, how: number, number: number): void {
    const { state } = this.members[i]!;
    if (how === 0) return void this.said.push(...state.extract());
    if (how === 1) {
      const to = this.members[number % this.members.length]!;
      return void this.said.push(...state.extract(to.state.clocks()));
    }
    const { part, upTo } = state.changes(number % (state.clock + 1), 1 + (number % 4));
    expect(upTo).toBeLessThanOrEqual(state.clock);
    if (part.clocks.length > 0) this.said.push(part);
  }

  hear(i: number, number: number): void {
    if (this.said.length > 0) this.merge(i, [this.said[number % this.said.length]!]);
  }

  merge(i: number, parts: readonly PresencePart<number>[]): void {
    const { state, naive: naively, removed } = this.members[i]!;
    this.#watched(state, () => state.merge(parts));
    for (const part of parts) {
      if (part.replica === state.replica || removed.has(part.replica)) continue;
      naively.set(part.replica, merged(naively.get(part.replica) ?? naive(), naiveOf(part)));
    }
    this.check(i);
  }

  comeOrGo(i: number, how: number, number: number): void {
    const { state, naive: naively, up, removed } = this.members[i]!;
    const other = this.members[number % this.members.length]!.state.replica;
    const own = other === state.replica;
    this.#watched(state, () => {
      if (how === 0) {
        if (!removed.has(other)) up.add(other);
        return state.replicaUp(other);
      }
      if (!own) up.delete(other);
      if (how === 1) return state.replicaDown(other);
      if (!own) naively.delete(other);
      if (how === 2) return state.replicaForget(other);
      if (!own) removed.add(other);
      return state.replicaRemove(other);
    });
    this.check(i);
  }

  restart(i: number): void {
    const { state } = this.members[i]!;
    this.#begin(i, Number(state.replica.slice(1)) + 1);
    const { replica } = this.members[i]!.state;
    for (const { state, up } of this.members) {
      state.replicaUp(replica);
      up.add(replica);
    }
  }

  /** Every member hears all that every other knows, whatever it thought of its going. */
  meet(): void {
    for (const [i, member] of this.members.entries())
      for (const other of this.members) {
        if (member === other || member.removed.has(other.state.replica)) continue;
        member.state.replicaUp(other.state.replica);
        member.up.add(other.state.replica);
        this.merge(i, other.state.extract(member.state.clocks()));
      }
  }

  check(i: number): void {
    const { state, naive: naively, up } = this.members[i]!;
    for (const [replica, { known }] of naively) {
      const knows = new Set<string>();
      for (const [from, to] of state.clocksOf(replica))
        for (let clock = from; clock <= to; clock++) knows.add(tag(replica, clock));
      expect(knows).toEqual(known);
      // Whoever knows a change knows what it ended (PN8).
      for (const change of known) {
        const ended = this.ended.get(change);
        if (ended === undefined) continue;
        expect(known).toContain(ended);
        expect(naively.get(replica)!.alive).not.toContain(ended);
      }
    }
    const alive = [...naively].flatMap(([replica, { alive }]) => (up.has(replica) ? [...alive] : []));
    // Of a holder on a topic, what it holds by its highest attempt (PN16).
    const made = alive.map((one) => this.#made.get(one)!);
    const listed = made.filter(
      ({ topic, holder, attempt }) =>
        attempt === undefined ||
        !made.some(
          (other) => other.topic === topic && other.holder === holder && (other.attempt ?? -1) > attempt,
        ),
    );
    expect(new Set(viewOf(state).keys())).toEqual(new Set(listed.map(tagOf)));
    expect(state.size).toBe([...naively.values()].reduce((sum, { alive }) => sum + alive.size, 0));
  }

  /** Runs a step; its diff is what the lists differ by, and an entry never changes. */
  #watched(state: PresenceState<number>, step: () => EntryDiff<number>): EntryDiff<number> {
    const before = viewOf(state);
    const diff = step();
    const after = viewOf(state);
    const tags = (entries: readonly PresenceEntry<number>[]): string[] => entries.map(tagOf);
    expect(new Set(tags(diff.joins))).toEqual(new Set([...after.keys()].filter((one) => !before.has(one))));
    expect(new Set(tags(diff.leaves))).toEqual(new Set([...before.keys()].filter((one) => !after.has(one))));
    expect(new Set(tags([...diff.joins, ...diff.leaves])).size).toBe(diff.joins.length + diff.leaves.length);
    for (const [one, text] of after) {
      expect(this.#entries.get(one) ?? text).toBe(text);
      this.#entries.set(one, text);
    }
    return diff;
  }
}

const tag = (replica: string, clock: number): string => `${replica}.${clock.toString(36)}`;

type Step = (world: World) => void;
const member = fc.nat(3);
const number = fc.nat(1_000);
const on =
  (i: number, step: (world: World, i: number) => void): Step =>
  (world) =>
    step(world, i % world.members.length);

const change = fc
  .tuple(member, fc.nat(6), fc.nat(11), fc.option(fc.nat(2), { nil: undefined }))
  .map(([i, what, place, attempt]) =>
    on(i, (world, i) => world.change(i, Math.min(what, 4), place, attempt)),
  );
const say = fc
  .tuple(member, fc.nat(4), number)
  .map(([i, how, number]) => on(i, (world, i) => world.say(i, how, number)));
const hear = fc.tuple(member, number).map(([i, number]) => on(i, (world, i) => world.hear(i, number)));
const comeOrGo = fc
  .tuple(member, fc.nat(2), number)
  .map(([i, how, number]) => on(i, (world, i) => world.comeOrGo(i, how, number)));
const remove = fc
  .tuple(member, number)
  .map(([i, number]) => on(i, (world, i) => world.comeOrGo(i, 3, number)));
const restart = member.map((i) => on(i, (world, i) => world.restart(i)));

const talk = [
  { weight: 8, arbitrary: change },
  { weight: 6, arbitrary: say },
  { weight: 8, arbitrary: hear },
];
const from = (steps: fc.Arbitrary<Step>): fc.Arbitrary<World> =>
  fc
    .tuple(
      fc.integer({ min: 2, max: 4 }),
      fc.constantFrom(2, 4, 10_000),
      fc.array(steps, { minLength: 1, maxLength: 60, size: "max" }),
    )
    .map(([many, remembered, all]) => {
      const world = new World(many, remembered);
      for (const step of all) step(world);
      return world;
    });

/** Replicas that change and talk. */
export const talking: fc.Arbitrary<World> = from(fc.oneof(...talk));
/** And come and go. */
export const changing: fc.Arbitrary<World> = from(
  fc.oneof(
    ...talk,
    { weight: 2, arbitrary: comeOrGo },
    { weight: 1, arbitrary: remove },
    { weight: 1, arbitrary: restart },
  ),
);
