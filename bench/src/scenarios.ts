// The work, the same for every system: who is there, who speaks how much, and what of it is told.
import type { System } from "./dialects.ts";

/** What is done, by whom, and what of it is told. */
export interface Work {
  readonly name: string;
  readonly title: string;
  /** The heading of the table it stands in. */
  readonly group: string;
  /** The process that is the load, for all but `calla-client`. With real clients each system has its own: `load`-system. */
  readonly load: string;
  /** The first is the one that the others are compared with. */
  readonly systems: readonly System[];
  readonly figures: readonly Figure[];
  /** At least so many rounds: what is close to its bound needs more of them. */
  readonly rounds?: number;
}

/** Work of clients that say and hear messages. */
export interface Scenario extends Work {
  /** What its topics are called, before the number: "room:" unless given. */
  readonly topic?: "records:";
  readonly topics: number;
  /** Subscribers of each topic. */
  readonly peers: number;
  readonly speaks:
    | { readonly how: "window"; readonly speakers: number; readonly window: number }
    | Paced
    | { readonly how: "not" };
  /** Whether the speakers follow their topic. Over a WebSocket Calla's always do: the echo is their outcome. */
  readonly follow: boolean;
  /** What is counted: each message at each subscriber, or each message once. */
  readonly counted: "deliveries" | "messages";
  readonly seconds: number;
  /** Seconds before that; 1 unless given. */
  readonly warmUp?: number;
  /** And so many of what is counted: a slow system is compiled as far as a fast one. */
  readonly warmUpCount?: number;
}

/** So many messages a second of all speakers, each in its turn. */
export interface Paced {
  readonly how: "paced";
  readonly speakers: number;
  readonly perSecond: number;
}

export interface Figure {
  readonly key: keyof Measured;
  readonly unit: string;
  readonly digits: number;
  /** What the issue asks: a bound on the ratio to the table's first system in the same run, or on the figure itself. */
  readonly targets?: readonly Target[];
}
export interface Target {
  readonly system: System;
  /** `updates`: how many times the update alone it may cost more than the table's first system, in the same round. */
  readonly of: "ratio" | "value" | "updates";
  readonly must: "≥" | "≤";
  readonly bound: number;
  /** What a ratio is taken to, if not to the table's first system. */
  readonly to?: System;
}

/** One run of one system. */
export interface Measured {
  readonly rate?: number;
  readonly cpu?: number;
  /** Microseconds of CPU that the load took for each. */
  readonly loadCpu?: number;
  /** Microseconds of CPU of the update alone, on the load's core. */
  readonly update?: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly memory?: number;
  /** Milliseconds until everybody had everything. */
  readonly took?: number;
  /** The same from the last change on. */
  readonly late?: number;
  /** Clients that had not converged when they were given up: `took` and `late` are lower bounds then. */
  readonly stray?: number;
  /** Connections that ended meanwhile. */
  readonly lost?: number;
  /** Milliseconds of the load's longest turn: meanwhile its page does not answer. */
  readonly turn?: number;
  /** Updates of the app's that ran in the load, and those that had to (`had-to-run.ts`). */
  readonly ran?: number;
  readonly had?: number;
  /** The load's CPU to that of the updates that had to run. */
  readonly overUpdates?: number;
  /** Models that replaced all there was. */
  readonly snapshots?: number;
  /** The same where the server had just thrown away its compiled code. */
  readonly tookCold?: number;
  /** On the wire, of what the figure's unit says. */
  readonly bytes?: number;
  /** MB or KB that the server holds for those who do not read. */
  readonly unwritten?: number;
  /** MB that came with the second half of the work. */
  readonly growth?: number;
  /** How busy the two processes were, 0 to 1: whoever is near 1 is the limit. */
  readonly serverBusy: number;
  readonly loadBusy: number;
  /** How much of the machine went to other processes, 0 to 1. Only a quiet machine measures. */
  readonly others: number;
}

const asks = (
  of: Target["of"],
  must: Target["must"],
  bound: number,
  system: System = "calla",
): { readonly targets: readonly Target[] } => ({ targets: [{ system, of, must, bound }] });

const rate = (unit: string, ratio?: number, system?: System): Figure => ({
  key: "rate",
  unit,
  digits: 0,
  ...(ratio === undefined ? {} : asks("ratio", "≥", ratio, system)),
});
const cpu = (of: string): Figure => ({ key: "cpu", unit: `server CPU µs/${of}`, digits: 2 });

const SOCKETS = {
  group: "Messages over WebSocket",
  load: "load",
  systems: ["ws", "ws-batched", "socket.io", "calla"],
} as const;

const fanout = (peers: number, ratio: number): Scenario => ({
  ...SOCKETS,
  name: `fanout${peers}`,
  title: `fan-out, 1 topic, ${peers.toLocaleString("en")} subscribers, 64 in flight`,
  topics: 1,
  peers,
  speaks: { how: "window", speakers: 1, window: 64 },
  follow: true,
  counted: "deliveries",
  seconds: 4,
  figures: [rate("deliveries/s", ratio), cpu("delivery")],
});

const ack = (window: number, ...targets: readonly Target[]): Scenario => ({
  ...SOCKETS,
  systems: [...SOCKETS.systems, "calla-client"],
  name: `ack${window}`,
  title: `one client, request → outcome, ${window} in flight (5 rounds)`,
  rounds: 5,
  topics: 1,
  peers: 1,
  speaks: { how: "window", speakers: 1, window },
  follow: false,
  counted: "messages",
  warmUpCount: 40_000,
  seconds: 3,
  figures: [
    { ...rate("ops/s"), targets: targets.filter(({ must }) => must === "≥") },
    cpu("op"),
    {
      key: "loadCpu",
      unit: "client CPU µs/op",
      digits: 2,
      targets: targets.filter(({ must }) => must === "≤"),
    },
  ],
});

const HTTP = {
  group: "Messages over HTTP and server-sent events",
  load: "load",
  systems: ["sse", "calla-http"],
} as const;

const idle = (name: string, title: string, topics: number, peers: number, most?: number): Scenario => ({
  ...SOCKETS,
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
      ...(most === undefined ? {} : asks("value", "≤", most)),
    },
    { key: "cpu", unit: "server CPU µs/connection", digits: 0 },
  ],
});

const p50: Figure = { key: "p50", unit: "p50 ms to the last", digits: 2 };
const p99: Figure = { key: "p99", unit: "p99 ms to the last", digits: 2 };
const PACED: Scenario = {
  ...SOCKETS,
  name: "paced",
  title: "paced fan-out to 1,000 subscribers, 20 messages/s",
  topics: 1,
  peers: 1_000,
  speaks: { how: "paced", speakers: 1, perSecond: 20 },
  follow: true,
  counted: "deliveries",
  seconds: 8,
  figures: [{ ...p50, ...asks("ratio", "≤", 1.1) }, p99, cpu("delivery")],
};

const CHANNELS = {
  group: "Phoenix channels",
  systems: ["ws", "ws-corked", "socket.io", "calla-phoenix"],
} as const;
/** The same work, said over the Phoenix wire. */
const channels = (work: Scenario, figures: readonly Figure[]): Scenario => ({
  ...work,
  ...CHANNELS,
  name: `phoenix-${work.name}`,
  figures,
});
const channelAsks = (must: Target["must"], bound: number) => asks("ratio", must, bound, "calla-phoenix");
const channelFanout = (peers: number, ratio: number): Scenario =>
  channels(fanout(peers, ratio), [
    {
      ...rate("deliveries/s"),
      targets: [
        { system: "calla-phoenix", of: "ratio", must: "≥", bound: ratio },
        { system: "calla-phoenix", of: "ratio", to: "ws-corked", must: "≥", bound: 0.7 },
      ],
    },
    cpu("delivery"),
  ]);
const OVER_CHANNELS: readonly Scenario[] = [
  channelFanout(100, 3.5),
  channelFanout(1_000, 4.5),
  channels(PACED, [
    p50,
    { ...p99, ...channelAsks("≤", 1.25) },
    { ...cpu("delivery"), ...channelAsks("≤", 1.1) },
  ]),
  channels(ack(1), [rate("ops/s"), { ...cpu("op"), ...channelAsks("≤", 1.3) }]),
  channels(ack(64), [rate("ops/s"), { ...cpu("op"), ...channelAsks("≤", 1) }]),
  channels(idle("idle", "5,000 joined sockets, all on one topic", 1, 5_000), [
    {
      key: "memory",
      unit: "RSS KB/socket",
      digits: 1,
      ...asks("value", "≤", 12, "calla-phoenix"),
    },
    { key: "cpu", unit: "server CPU µs/socket", digits: 0 },
  ]),
  {
    group: "Phoenix channels over LongPoll",
    load: "load",
    systems: ["long-poll", "calla-long-poll"],
    name: "phoenix-polls",
    title: "500 sessions, each a topic of its own, a push and its reply a second each",
    topics: 500,
    peers: 1,
    speaks: { how: "paced", speakers: 500, perSecond: 500 },
    follow: false,
    counted: "messages",
    warmUp: 5,
    seconds: 10,
    figures: [
      { ...cpu("message"), ...asks("ratio", "≤", 2, "calla-long-poll") },
      { ...p50, unit: "p50 ms to the reply" },
      { ...p99, unit: "p99 ms to the reply" },
    ],
  },
];

export const SCENARIOS: readonly Scenario[] = [
  fanout(100, 3.5),
  fanout(1_000, 4.5),
  PACED,
  {
    ...SOCKETS,
    name: "rooms",
    title: "200 rooms of 5, everybody sends, 8 in flight each",
    topics: 200,
    peers: 5,
    speaks: { how: "window", speakers: 1_000, window: 8 },
    follow: true,
    counted: "messages",
    seconds: 4,
    figures: [rate("messages/s", 2.2), cpu("message")],
  },
  {
    ...SOCKETS,
    name: "records",
    title: "20 clients of a record of 1,000 items, 1 in flight each",
    topic: "records:",
    systems: ["ws", "calla"],
    topics: 1,
    peers: 20,
    speaks: { how: "window", speakers: 20, window: 1 },
    follow: true,
    counted: "messages",
    seconds: 4,
    figures: [
      rate("messages/s"),
      { ...cpu("message"), ...asks("updates", "≤", 2) },
      { key: "update", unit: "CPU µs of the update alone", digits: 1 },
    ],
  },
  // Calla's own client beside the lean one that speaks Calla's protocol and nothing else.
  ack(1, { system: "calla-client", of: "ratio", to: "calla", must: "≥", bound: 0.8 }),
  // And beside the load of `ws`, which counts what it sent.
  ack(
    64,
    { system: "calla", of: "ratio", must: "≥", bound: 0.7 },
    { system: "calla-client", of: "ratio", must: "≤", bound: 2 },
  ),
  idle("idle", "5,000 idle connections, all on one topic", 1, 5_000, 13),
  idle("idle-own", "5,000 idle connections, each on a topic of its own", 5_000, 1),
  {
    ...HTTP,
    name: "sse",
    title: "fan-out, 1 topic, 1,000 event streams, 64 POSTs in flight",
    topics: 1,
    peers: 1_000,
    speaks: { how: "window", speakers: 64, window: 1 },
    follow: true,
    counted: "deliveries",
    seconds: 4,
    figures: [rate("deliveries/s", 4, "calla-http"), cpu("delivery")],
  },
  {
    ...HTTP,
    systems: ["sse", "calla-http", "calla-packets"],
    name: "post",
    title: "64 messages in flight by POST: of 64 clients, or (`calla-packets`) of one",
    topics: 1,
    peers: 64,
    speaks: { how: "window", speakers: 64, window: 1 },
    follow: false,
    counted: "messages",
    seconds: 4,
    figures: [rate("ops/s", 0.6, "calla-packets"), cpu("op")],
  },
  ...OVER_CHANNELS,
];

/** Work that is no steady speaking: each has a load of its own. */
const OTHERS: readonly Work[] = [
  {
    name: "storm",
    title: "1,000 clients of a 100 KB model come back after missing 10 messages",
    group: "Coming back",
    load: "storm",
    systems: ["ws", "ws-once", "ws-records", "calla", "calla-msgpack"],
    figures: [
      { key: "took", unit: "ms until all are current", digits: 0, ...asks("ratio", "≤", 0.5) },
      { key: "tookCold", unit: "ms, right after a full collection", digits: 0 },
      { key: "cpu", unit: "server CPU µs/client", digits: 0 },
      {
        key: "bytes",
        unit: "KB/client, the handshake's too",
        digits: 2,
        targets: [
          { system: "calla", of: "value", must: "≤", bound: 1.2 },
          { system: "calla-msgpack", of: "value", must: "≤", bound: 1.2 },
        ],
      },
    ],
  },
  {
    name: "sync",
    title: "20 clients make 500 small changes each at once, a model of 1,000 items",
    group: "State sync",
    load: "sync",
    systems: ["ws", "ws-batched", "calla", "calla-msgpack"],
    figures: [
      { key: "took", unit: "ms until all have converged", digits: 0, ...asks("ratio", "≤", 0.5) },
      { key: "cpu", unit: "server CPU µs/update", digits: 1, ...asks("value", "≤", 25) },
      {
        key: "bytes",
        unit: "bytes/update and receiver",
        digits: 1,
        targets: [
          { system: "calla", of: "value", must: "≤", bound: 80 },
          { system: "calla-msgpack", of: "value", must: "≤", bound: 55 },
        ],
      },
    ],
  },
  {
    name: "stuck",
    title: "100 subscribers of a busy topic that read nothing, beside 10 that do",
    group: "Slow consumers",
    load: "stuck",
    systems: ["ws", "ws-batched", "calla"],
    figures: [
      { key: "memory", unit: "RSS MB more than before", digits: 0 },
      { key: "growth", unit: "of these in the second half", digits: 0, ...asks("value", "≤", 10) },
      { key: "unwritten", unit: "unwritten KB/stuck subscriber", digits: 0, ...asks("value", "≤", 1_100) },
      { key: "rate", unit: "messages/s to those who read", digits: 0 },
    ],
  },
];

/** Systems' own clients, twenty in one process: as an app has them, with 500 changes each to 1,000 items. */
const clients = (
  mode: "burst" | "paced",
  kept: "record" | "list",
  bars: { readonly [K in keyof Measured]?: readonly Target[] },
): Work => ({
  name: `clients-${mode}-${kept}`,
  title: `${mode === "burst" ? "all at once" : "1,000 changes a second"}, ${kept === "record" ? "a record by id" : "a list"}`,
  group: "Real clients: 20 in one process, 500 changes each, 1,000 items",
  load: "clients",
  systems: kept === "record" ? ["calla", "tldraw", "hocuspocus"] : ["calla", "hocuspocus"],
  figures: (
    [
      ["took", "ms until all have converged", 0],
      ["late", "of these after the last change", 0],
      ["stray", "clients that had not when given up", 0],
      ["lost", "connections lost", 0],
      ["turn", "ms of the clients' longest turn", 0],
      ["loadCpu", "CPU µs/change of all clients", 0],
      ["cpu", "server CPU µs/change", 1],
      ["ran", "updates run", 0],
      ["had", "updates that have to run", 0],
      ["update", "CPU µs of one alone", 1],
      ["overUpdates", "clients' CPU / theirs", 2],
      ["snapshots", "whole models in place of records", 0],
    ] as const
  ).map(([key, unit, digits]) => ({ key, unit, digits, targets: bars[key] ?? [] })),
});
const must = (of: Target["of"], bound: number, to?: System): readonly Target[] => [
  { system: "calla", of, must: "≤", bound, ...(to && { to }) },
];
const CLIENTS: readonly Work[] = [
  clients("burst", "record", { stray: must("value", 0), overUpdates: must("value", 1.5) }),
  clients("burst", "list", { stray: must("value", 0), took: must("ratio", 1, "hocuspocus") }),
  clients("paced", "record", {
    late: must("value", 60_000),
    stray: must("value", 0),
    lost: must("value", 0),
  }),
  clients("paced", "list", { stray: must("value", 0), late: must("ratio", 1, "hocuspocus") }),
];

export const WORKS: readonly Work[] = [...SCENARIOS, ...OTHERS, ...CLIENTS];

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
