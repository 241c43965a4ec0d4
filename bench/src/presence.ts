// What presence costs, as ratios within one process by CPU time: a merge beside filling a Map, and one who comes and goes
// beside how many are there.
import { createTracker } from "@calla/server/presence";
import type { Tracker } from "@calla/server/presence";
import { PresenceState } from "@calla/server/presence-state";
import { localPubSub } from "@calla/server";
import type { PubSub } from "@calla/server";
import { cpu } from "./cpu.ts";
import { handClock } from "./hand-clock.ts";
import { median } from "./median.ts";
import type { Micro } from "./report.ts";

const verdict = (met: boolean): string => (met ? "met" : "**missed**");
const TOPIC = "room:1";

/** All that a node tells another that knows nothing, as it comes off a wire, merged; and its keys put into a Map. */
function merging(samples: number): string[] {
  const many = 10_000;
  const state = new PresenceState<{ n: number }>("a");
  for (let n = 0; n < many; n++) state.join(TOPIC, `socket ${n}`, `user ${n}`, { n });
  const parts = JSON.parse(JSON.stringify(state.extract())) as ReturnType<typeof state.extract>;
  const keys = parts.flatMap(({ entries }) => entries.map(({ key }) => key));
  const merges: number[] = [];
  const fills: number[] = [];
  for (let i = 0; i < samples; i++) {
    const to = Array.from({ length: 5 }, (_, n) => new PresenceState<{ n: number }>(`b${n}`));
    for (const one of to) one.replicaUp("a");
    merges.push(
      cpu(() => {
        for (const one of to) one.merge(parts);
      }) / 5,
    );
    if (to.some((one) => one.count(TOPIC) !== many)) throw new Error("not all were merged");
    const maps = Array.from({ length: 5 }, () => new Map<string, object>());
    fills.push(
      cpu(() => {
        for (const map of maps) for (const key of keys) map.set(key, { key });
      }) / 5,
    );
  }
  const [merge, fill] = [median(merges), median(fills)];
  return [
    `merging ${many.toLocaleString("en")} entries`,
    (merge / 1_000).toFixed(2),
    `filling a Map: ${(fill / 1_000).toFixed(2)}`,
    (merge / fill).toFixed(2),
    "≤ 10",
    verdict(merge <= 10 * fill),
  ];
}

/** As a broker carries it; counts the bytes of changes. */
function textPubSub(): { readonly pubsub: PubSub; bytes: number } {
  const inner = localPubSub();
  const counted = {
    bytes: 0,
    pubsub: {
      publish(channel: string, payload: unknown) {
        const text = JSON.stringify(payload);
        counted.bytes += text.length;
        inner.publish(channel, JSON.parse(text));
      },
      subscribe: (channel: string, listener: (payload: unknown) => void) =>
        inner.subscribe(channel, listener),
    },
  };
  return counted;
}

interface Full {
  readonly tracker: Tracker<{ n: number }>;
  readonly far: Tracker<{ n: number }>;
  readonly hand: ReturnType<typeof handClock>;
  readonly line: ReturnType<typeof textPubSub>;
  heard: number;
  told: number;
}

function full(members: number): Full {
  const [hand, line] = [handClock(), textPubSub()];
  const { clock } = hand;
  const [tracker, far] = [1, 2].map(() => createTracker<{ n: number }>({ pubsub: line.pubsub, clock }));
  const room: Full = { tracker: tracker!, far: far!, hand, line, heard: 0, told: 0 };
  hand.settle();
  for (let n = 0; n < members; n++) room.tracker.track(TOPIC, `socket ${n}`, `user ${n}`, { n });
  hand.settle();
  room.far.onDiff(() => void room.heard++);
  return room;
}

/** So many who come and go, one after the other, each told by itself and heard by the other node. */
function comeAndGo(room: Full, events: number): void {
  const { tracker, hand } = room;
  for (let i = 0; i < events / 2; i++) {
    tracker.track(TOPIC, "guest", `guest ${i % 100}`, { n: i });
    hand.pass(50);
    hand.settle();
    tracker.untrackAll("guest");
    hand.pass(50);
    hand.settle();
  }
  room.told += events;
  if (room.heard !== room.told) throw new Error(`${room.heard} of ${room.told} were heard`);
}

function comingAndGoing(samples: number): string[][] {
  const sizes = [100, 1_000, 10_000];
  const rooms = sizes.map((members) => full(members));
  for (const room of rooms) comeAndGo(room, 2_000);
  const costs = sizes.map((): number[] => []);
  const bytes = sizes.map(() => 0);
  for (let i = 0; i < samples; i++)
    for (const [at, room] of rooms.entries()) {
      const before = room.line.bytes;
      costs[at]!.push(cpu(() => comeAndGo(room, 1_000)) / 1_000);
      bytes[at]! += (room.line.bytes - before) / 1_000 / samples;
    }
  const [few] = costs.map(median);
  return sizes.map((members, at) => {
    const cost = median(costs[at]!);
    const ratio = Math.max(cost / few!, bytes[at]! / bytes[0]!);
    return [
      `one comes or goes where ${members.toLocaleString("en")} are, told by one node and heard by another`,
      (cost / 1_000).toFixed(4),
      `${bytes[at]!.toFixed(0)} bytes between the nodes, beats among them`,
      ratio.toFixed(2),
      at === 0 ? "" : "≤ 1.3",
      at === 0 ? "" : verdict(ratio <= 1.3),
    ];
  });
}

/** Arrivals within a second on three nodes, and the longest turn among them. */
function arrivals(): string[] {
  const many = 10_000;
  const [hand, line] = [handClock(), textPubSub()];
  const nodes = [1, 2, 3].map(() => createTracker<{ n: number }>({ pubsub: line.pubsub, clock: hand.clock }));
  hand.settle();
  let longest = 0;
  const turn = (run: () => void): void => {
    const began = performance.now();
    run();
    longest = Math.max(longest, performance.now() - began);
  };
  const spent = cpu(() => {
    for (let n = 0; n < many; n++) {
      nodes[n % 3]!.track(TOPIC, `socket ${n}`, `user ${n}`, { n });
      if (n % 10 === 9) {
        hand.pass(1, () => undefined);
        turn(hand.settle);
      }
    }
    for (let i = 0; i < 100; i++) {
      turn(() => hand.pass(10, () => undefined));
      turn(hand.settle);
    }
  });
  if (nodes.some((node) => node.count(TOPIC) !== many)) throw new Error("not all agree");
  return [
    `${many.toLocaleString("en")} arrive on three nodes within a second; all agree within two`,
    (spent / 1_000).toFixed(1),
    "longest turn, ms",
    longest.toFixed(1),
    "≤ 50",
    verdict(longest <= 50),
  ];
}

export function presence(quick: boolean): Micro[number] {
  return {
    title: "Presence: who is here, on all nodes",
    rows: [
      ["work", "CPU ms", "beside it", "ratio, or ms", "must be", ""],
      merging(quick ? 3 : 25),
      ...comingAndGoing(quick ? 3 : 25),
      arrivals(),
    ],
  };
}
