// Nodes with trackers in one process, over a line that loses, doubles, delays and reorders, under a clock that moves when
// told. Nothing in it waits for a promise, so a minute of ten nodes takes milliseconds.
import type { Cancel, Random, SteadyClock } from "@calla/shared";
import { expect } from "vitest";
import type { PubSub } from "../cluster/pubsub.ts";
import { tagOf } from "./state/entry.ts";
import type { PresenceDiff } from "./diff-listeners.ts";
import type { PresenceEntry } from "./state/entry.ts";
import { Tracker } from "./tracker.ts";
import type { TrackerSettings } from "./tracker.ts";

export interface Line {
  /** Probabilities. */
  readonly lose?: number;
  readonly double?: number;
  /** Milliseconds that a message takes at most; each takes its own time. */
  readonly delay?: number;
}

interface Timer {
  readonly at: number;
  readonly node: number;
  readonly run: () => void;
  /** A message comes. */
  readonly arrives: boolean;
}

export type Meta = { readonly n: number };

export interface Node {
  readonly tracker: Tracker<Meta>;
  /** What listeners of diffs make of them. */
  readonly folded: Map<string, PresenceEntry<Meta>>;
  readonly diffs: PresenceDiff<Meta>[];
  readonly errors: unknown[];
  readonly gaps: Set<() => void>;
  alive: boolean;
}

export class Net {
  readonly nodes: Node[] = [];
  /** Every message since, with what it was in bytes. */
  sent: { readonly from: number; readonly bytes: number; readonly said: Record<string, unknown> }[] = [];
  line: Line = {};
  #cut = new Set<string>();
  readonly #stopped = new Map<
    number,
    { readonly timers: (() => void)[]; readonly arrived: (() => void)[] }
  >();
  #now = 0;
  #ahead = 1_700_000_000_000;
  #timers: Timer[] = [];
  #turn: Omit<Timer, "at">[] = [];
  #random: () => number;
  readonly #listeners: Map<string, Set<(payload: unknown) => void>>[] = [];

  constructor(seed = 1) {
    let state = seed >>> 0;
    this.#random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return ((state ^ (state >>> 15)) >>> 0) / 4_294_967_296;
    };
  }

  get now(): number {
    return this.#now;
  }

  /** Sets the wall clock. */
  step(milliseconds: number): void {
    this.#ahead += milliseconds;
  }

  begin(options: Partial<TrackerSettings> = {}): Node {
    const at = this.nodes.length;
    const errors: unknown[] = [];
    const gaps = new Set<() => void>();
    const listeners = new Map<string, Set<(payload: unknown) => void>>();
    this.#listeners.push(listeners);
    const pubsub: PubSub = {
      publish: (channel, payload) => this.#send(at, channel, payload),
      subscribe(channel, listener) {
        const all = listeners.get(channel) ?? new Set();
        listeners.set(channel, all.add(listener));
        return () => void all.delete(listener);
      },
      onGap(listener) {
        gaps.add(listener);
        return () => void gaps.delete(listener);
      },
    };
    const random: Random = { uint32: () => Math.floor(this.#random() * 4_294_967_296) };
    const tracker = new Tracker<Meta>({
      pubsub,
      clock: this.#clock(at),
      random,
      report: (error) => void errors.push(error),
      scope: "test",
      name: undefined,
      silence: 15_000,
      period: 1_500,
      spread: () => 0,
      maxNodes: 100,
      maxEntries: 100_000,
      ...options,
    });
    const node: Node = { tracker, folded: new Map(), diffs: [], errors, gaps, alive: true };
    tracker.onDiff((diff) => fold(node, diff));
    this.nodes.push(node);
    return node;
  }

  /** The process ends without a word. */
  kill(node: Node): void {
    node.alive = false;
    this.#timers = this.#timers.filter(({ node: at }) => this.nodes[at] !== node);
    this.#turn = this.#turn.filter(({ node: at }) => this.nodes[at] !== node);
    this.#listeners[this.nodes.indexOf(node)]!.clear();
  }

  /** The process stands still: what it would do waits. */
  stall(node: Node): void {
    this.#stopped.set(this.nodes.indexOf(node), { timers: [], arrived: [] });
  }

  /** Timers come first, as in Node: what has arrived is read behind them. */
  resume(node: Node): void {
    const at = this.nodes.indexOf(node);
    const { timers = [], arrived = [] } = this.#stopped.get(at) ?? {};
    this.#stopped.delete(at);
    for (const run of [...timers, ...arrived]) run();
  }

  /** Between these two nothing goes. */
  cut(one: Node, other: Node): void {
    this.#cut.add(this.#pair(this.nodes.indexOf(one), this.nodes.indexOf(other)));
  }

  mend(): void {
    this.#cut.clear();
  }

  /** Everything due, and what it leads to, without time passing. */
  settle(): void {
    for (let turns = 0; this.#turn.length > 0; turns++) {
      expect(turns).toBeLessThan(10_000);
      const due = this.#turn;
      this.#turn = [];
      for (const one of due) this.#run(one);
    }
  }

  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    this.settle();
    for (let next = this.#timers[0]; next !== undefined && next.at <= end; next = this.#timers[0]) {
      this.#timers.shift();
      this.#now = Math.max(this.#now, next.at);
      this.#run(next);
      this.settle();
    }
    this.#now = end;
  }

  /** Every node that lives lists the same, which is what its diffs came to; gives it. */
  agreed(): readonly string[] {
    const [first, ...others] = this.nodes.filter(({ alive }) => alive).map(viewOf);
    for (const other of others) expect(other).toEqual(first);
    return first ?? [];
  }

  #clock(node: number): SteadyClock {
    return {
      now: () => this.#now + this.#ahead,
      monotonic: () => this.#now,
      setTimeout: (run, milliseconds) => this.#at({ node, run, arrives: false }, milliseconds),
      defer: (run) => void this.#turn.push({ node, run, arrives: false }),
    };
  }

  #at(due: Omit<Timer, "at">, milliseconds: number): Cancel {
    const timer: Timer = { ...due, at: this.#now + Math.max(0, Math.ceil(milliseconds)) };
    let low = 0;
    for (let high = this.#timers.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#timers[middle]!.at <= timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  #run({ node, run, arrives }: Omit<Timer, "at">): void {
    const waiting = this.#stopped.get(node);
    if (waiting !== undefined) (arrives ? waiting.arrived : waiting.timers).push(run);
    else if (this.nodes[node]?.alive !== false) run();
  }

  #pair = (one: number, other: number): string => `${Math.min(one, other)} ${Math.max(one, other)}`;

  #send(from: number, channel: string, payload: unknown): void {
    const text = JSON.stringify(payload);
    this.sent.push({ from, bytes: text.length, said: payload as Record<string, unknown> });
    const { lose = 0, double = 0, delay = 0 } = this.line;
    for (const to of this.#listeners.keys()) {
      const [luck, again] = [this.#random(), this.#random()];
      if (this.#cut.has(this.#pair(from, to)) || luck < lose) continue;
      for (let i = 0; i < (again < double ? 2 : 1); i++) {
        const arrive = (): void => {
          for (const listener of Array.from(this.#listeners[to]!.get(channel) ?? []))
            listener(JSON.parse(text));
        };
        const due = { node: to, run: arrive, arrives: true };
        if (delay > 0) this.#at(due, this.#random() * delay);
        else this.#turn.push(due);
      }
    }
  }
}

/** Keeps the fold of a node's diffs, and holds each diff to what the node lists by then. */
function fold({ tracker, folded, diffs }: Node, diff: PresenceDiff<Meta>): void {
  diffs.push(diff);
  expect(diff.joins.length + diff.leaves.length).toBeGreaterThan(0);
  for (const entry of diff.leaves) {
    expect(folded.delete(tagOf(entry))).toBe(true);
    expect(entry.topic).toBe(diff.topic);
    expect(tracker.getByKey(entry.topic, entry.key).map(tagOf)).not.toContain(tagOf(entry));
  }
  for (const entry of diff.joins) {
    expect(entry.key).not.toBe("");
    expect(folded.has(tagOf(entry))).toBe(false);
    expect(entry.topic).toBe(diff.topic);
    folded.set(tagOf(entry), entry);
  }
}

const written = ({ topic, holder, key, meta }: PresenceEntry<Meta>): string =>
  JSON.stringify([topic, holder, key, meta]);

/** What a node lists, which is what its diffs came to. */
export function viewOf({ tracker, folded }: Node): readonly string[] {
  const topics = new Set([...folded.values()].map(({ topic }) => topic).concat(TOPICS));
  const listed = [...topics].flatMap((topic) => [...tracker.list(topic).values()].flat());
  expect(new Set(listed.map(tagOf))).toEqual(new Set(folded.keys()));
  return listed.map(written).toSorted();
}

export const TOPICS = ["room:1", "room:2", "__proto__"];
