// The work, the same for every system: who is there, who speaks how much, and what of it is told.
import type { System } from "./dialects.ts";

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly topics: number;
  /** Subscribers of each topic. */
  readonly peers: number;
  readonly speaks:
    | { readonly how: "window"; readonly speakers: "first" | "all"; readonly window: number }
    | { readonly how: "paced"; readonly perSecond: number }
    | { readonly how: "not" };
  /** Whether the speakers follow their topic. Calla's always do: the echo is their outcome. */
  readonly follow: boolean;
  /** What is counted: each message at each subscriber, or each message once. */
  readonly counted: "deliveries" | "messages";
  readonly seconds: number;
  readonly figures: readonly Figure[];
}

export interface Figure {
  readonly key: keyof Measured;
  readonly unit: string;
  readonly digits: number;
  /** What the issue asks of Calla: a bound on the ratio to raw `ws` in the same run, or on the figure itself. */
  readonly target?: { readonly of: "ratio" | "value"; readonly must: "≥" | "≤"; readonly bound: number };
}

/** One run of one system. */
export interface Measured {
  readonly rate?: number;
  readonly cpu?: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly memory?: number;
  /** How busy the two processes were, 0 to 1: whoever is near 1 is the limit. */
  readonly serverBusy: number;
  readonly loadBusy: number;
  /** How much of the machine went to other processes, 0 to 1. Only a quiet machine measures. */
  readonly others: number;
}

const rate = (unit: string, ratio?: number): Figure => ({
  key: "rate",
  unit,
  digits: 0,
  ...(ratio === undefined ? {} : { target: { of: "ratio", must: "≥", bound: ratio } }),
});
const cpu = (of: string): Figure => ({ key: "cpu", unit: `server CPU µs/${of}`, digits: 2 });

const fanout = (peers: number, ratio: number): Scenario => ({
  name: `fanout${peers}`,
  title: `fan-out, 1 topic, ${peers.toLocaleString("en")} subscribers, 64 in flight`,
  topics: 1,
  peers,
  speaks: { how: "window", speakers: "first", window: 64 },
  follow: true,
  counted: "deliveries",
  seconds: 4,
  figures: [rate("deliveries/s", ratio), cpu("delivery")],
});

const ack = (window: number, ratio?: number): Scenario => ({
  name: `ack${window}`,
  title: `one client, request → outcome, ${window} in flight`,
  topics: 1,
  peers: 1,
  speaks: { how: "window", speakers: "all", window },
  follow: false,
  counted: "messages",
  seconds: 3,
  figures: [rate("ops/s", ratio), cpu("op")],
});

const idle = (name: string, title: string, topics: number, peers: number, most?: number): Scenario => ({
  name,
  title,
  topics,
  peers,
  speaks: { how: "not" },
  follow: true,
  counted: "messages",
  seconds: 0,
  figures: [
    {
      key: "memory",
      unit: "RSS KB/connection",
      digits: 1,
      ...(most === undefined ? {} : { target: { of: "value", must: "≤", bound: most } }),
    },
    { key: "cpu", unit: "server CPU µs/connection", digits: 0 },
  ],
});

export const SCENARIOS: readonly Scenario[] = [
  fanout(100, 3.5),
  fanout(1_000, 4.5),
  {
    name: "paced",
    title: "paced fan-out to 1,000 subscribers, 20 messages/s",
    topics: 1,
    peers: 1_000,
    speaks: { how: "paced", perSecond: 20 },
    follow: true,
    counted: "deliveries",
    seconds: 8,
    figures: [
      { key: "p50", unit: "p50 ms to the last", digits: 2, target: { of: "ratio", must: "≤", bound: 1.1 } },
      { key: "p99", unit: "p99 ms to the last", digits: 2 },
      cpu("delivery"),
    ],
  },
  {
    name: "rooms",
    title: "200 rooms of 5, everybody sends, 8 in flight each",
    topics: 200,
    peers: 5,
    speaks: { how: "window", speakers: "all", window: 8 },
    follow: true,
    counted: "messages",
    seconds: 4,
    figures: [rate("messages/s", 2.2), cpu("message")],
  },
  ack(1),
  ack(64, 0.7),
  idle("idle", "5,000 idle connections, all on one topic", 1, 5_000, 13),
  idle("idle-own", "5,000 idle connections, each on a topic of its own", 5_000, 1),
];

/** Linux' way to keep a process on one core; the core follows. */
export const PIN = ["taskset", "-c"] as const;

/** What the starter tells the load process. */
export interface Assignment {
  readonly system: System;
  readonly scenario: string;
  readonly quick: boolean;
  /** The core the server runs on, if it is pinned. */
  readonly serverCore: number | undefined;
  /** Where the server's profile of the measured time goes. */
  readonly profile: string | undefined;
}
