// A run before it happens: all chance is drawn here, once, into plain steps. So a run can be printed, replayed, and made
// smaller by leaving steps out.
import type { Limits, Serialiser } from "@calla/shared";
import { CUT_POINTS } from "../network/points.ts";
import type { Via } from "../network/pair.ts";
import type { CutPoint } from "../network/points.ts";
import { seededRandom } from "../doubles/random.ts";
import type { SeededRandom } from "../doubles/random.ts";
import { drawEngine, withEngine } from "./engine-plan.ts";
import type { EngineStep } from "./engine-plan.ts";
import { drawGuests, withGuests } from "./guest-plan.ts";
import type { GuestConfig, GuestStep } from "./guest-plan.ts";
import { FAULTS } from "./setup.ts";
import type { Fault, SimulationSetup } from "./setup.ts";
import type { CommitBoundary } from "../doubles/storage.ts";
import type { FoundBy } from "./vanishing.ts";

type Direction = "toServer" | "toClient";

/** One thing that happens, and how many milliseconds after the one before. */
export type Step = { readonly after: number } & (
  | GuestStep
  | EngineStep
  | {
      readonly do: "dispatch";
      readonly client: number;
      readonly action: number;
      readonly seed: number;
      readonly count: number;
      readonly cancel: boolean;
    }
  | {
      readonly do: "serve";
      readonly node: number;
      readonly action: number;
      readonly seed: number;
      readonly keyed: boolean;
    }
  | {
      readonly do: "subscribe" | "unsubscribe" | "revoke" | "grant";
      readonly client: number;
      readonly topic: number;
    }
  /** `seed`: of its meta. */
  | {
      readonly do: "track";
      readonly client: number;
      readonly tracking: number;
      readonly seed: number;
    }
  | { readonly do: "untrack"; readonly client: number; readonly tracking: number }
  | { readonly do: "leave"; readonly client: number; readonly for: number }
  | {
      readonly do: "cut";
      readonly client: number;
      readonly noticedBy: "both" | "client" | "server";
      readonly other: number;
    }
  | { readonly do: "cut-at"; readonly client: number; readonly point: CutPoint }
  | {
      readonly do: "half-open";
      readonly client: number;
      readonly direction: "both" | "to-server" | "to-client";
    }
  | {
      readonly do: "drop" | "duplicate" | "reorder";
      readonly client: number;
      readonly lane: Direction;
      readonly index: number;
    }
  | { readonly do: "delay"; readonly client: number; readonly lane: Direction; readonly for: number }
  | { readonly do: "slow"; readonly client: number; readonly rate: number; readonly for: number }
  | { readonly do: "away"; readonly client: number; readonly for: number }
  | {
      readonly do: "crash" | "reload";
      readonly client: number;
      readonly for: number;
      readonly late: number;
      /** Not now but there. */
      readonly at?: CommitBoundary | undefined;
    }
  | { readonly do: "disk-full"; readonly client: number; readonly count: number; readonly crash: number }
  | { readonly do: "move"; readonly client: number; readonly node: number }
  /** `over` 0: stopped; otherwise drained over that time. */
  | { readonly do: "restart"; readonly node: number; readonly over: number }
  | { readonly do: "kill"; readonly node: number }
  | { readonly do: "upgrade"; readonly node: number; readonly over: number }
  | { readonly do: "append-fails" | "append-lost"; readonly node: number; readonly count: number }
  | {
      readonly do: "append-slow";
      readonly node: number;
      readonly count: number;
      readonly for: number;
      readonly answer: boolean;
    }
  | { readonly do: "log-fails"; readonly node: number; readonly count: number }
  | { readonly do: "log-freezes"; readonly node: number; readonly for: number }
  | {
      readonly do: "log-goes";
      readonly found: FoundBy;
      readonly for: number;
      /** What stands there then lacks so many appends. Absent: the same file is back. */
      readonly lacks?: number | undefined;
    }
  | {
      readonly do: "greedy";
      readonly node: number;
      readonly seed: number;
      readonly connections: number;
      readonly frames: number;
      readonly for: number;
    }
  | { readonly do: "rewind"; readonly topic: number; readonly by: number }
  /** A wall clock is set: a node's, or a page's. */
  | { readonly do: "set-clock"; readonly node: number; readonly by: number }
  | { readonly do: "set-page-clock"; readonly client: number; readonly by: number }
);

/** What is the same for a whole run. */
export interface RunConfig {
  /** Which serialiser all sides use: 0 is the setup's, 1 the first of the others. */
  readonly serialiser: number;
  readonly nodes: number;
  /** It begins with the older version, and is a rolling deploy. */
  readonly rolling: boolean;
  /** Nobody is signed in. */
  readonly visitors: boolean;
  /** The log has nothing of what a log may leave out: nodes read instead. */
  readonly bare?: boolean;
  /** The engine that nodes share fails, and consumers read: once in so many steps. */
  readonly engine?: number | undefined;
  /** Doorbells get lost, late and doubled by these shares. */
  readonly doorbell: { readonly drop: number; readonly delay: number; readonly double: number };
  readonly clients: readonly {
    readonly user: string | null;
    /** Whether the page knows its user before the server names it. */
    readonly named: boolean;
    readonly format: number;
    readonly node: number;
    readonly commitDelay: number;
    /** Milliseconds until a changed model is stored; 0: none ever is. */
    readonly modelDelay: number;
    readonly subscriptions: readonly number[];
    /** What it goes by; several: each attempt by another one. */
    readonly via: readonly Via[];
  }[];
  /** Clients of another kind. */
  readonly guests?: readonly GuestConfig[];
  /** Milliseconds a packet travels. */
  readonly latency: readonly [low: number, high: number];
  readonly retention: number;
  readonly limits: Partial<Limits>;
}

/** A run drawn from a seed: its configuration and its steps. The same plan gives the same run. */
export interface Plan {
  readonly seed: number;
  readonly config: RunConfig;
  readonly steps: readonly Step[];
}

/** The share of runs that are rolling deploys, where there is an older version. */
const ROLLING = 0.4;
/** The share of runs whose servers ask nobody who he is. */
const VISITORS = 0.25;

/** The share of runs over a log that leaves out what it may. */
const BARE = 0.3;

/** Draws a run. `topics`: how many there are to subscribe to; `actions`: who does each of them. */
export function drawPlan(seed: number, setup: SimulationSetup<never, never>, topics: number): Plan {
  const random = seededRandom(seed);
  const config = drawConfig(random.fork("config"), setup, topics);
  const draw = random.fork("steps");
  const [low, high] = setup.steps ?? [30, 90];
  const steps = Array.from({ length: draw.int(low, high) }, (_, i) =>
    drawStep(draw.fork(i), setup, config, topics),
  );
  const tracked = withTracks(steps, random.fork("tracks"), config, setup.trackings?.length ?? 0);
  const { guests = [], nodes } = config;
  const visited = withGuests(tracked, random.fork("guests"), guests, { nodes, setup });
  const failing = withEngine(visited, random.fork("engine"), config);
  return { seed, config, steps: withClocks(failing, random.fork("clocks"), config) };
}

/** The serialiser that all sides of a run use. */
export const serialiserOf = (
  { serialiser, otherSerialisers = [] }: Pick<SimulationSetup, "serialiser" | "otherSerialisers">,
  config: Pick<RunConfig, "serialiser">,
): Serialiser => otherSerialisers[config.serialiser - 1] ?? serialiser;

/** Where there is presence, each client says what it is listed as, and says it anew, or no more, now and then. */
function withTracks(
  steps: readonly Step[],
  random: SeededRandom,
  { clients }: RunConfig,
  trackings: number,
): readonly Step[] {
  if (trackings === 0) return steps;
  const found = steps.slice();
  for (let times = Math.ceil(steps.length / 6); times > 0; times--) {
    const client = random.int(0, clients.length - 1);
    const tracking = random.int(0, trackings - 1);
    const seed = random.uint32();
    const one: Step = random.chance(0.8)
      ? { do: "track", after: 0, client, tracking, seed }
      : { do: "untrack", after: 0, client, tracking };
    found.splice(random.int(0, found.length), 0, one);
  }
  return found;
}

const HOUR = 3_600_000;
/** In half of the runs the wall clock of a node and that of a page are each set twice, by up to an hour either way. */
function withClocks(steps: readonly Step[], random: SeededRandom, config: RunConfig): readonly Step[] {
  if (random.chance(0.5)) return steps;
  const found = steps.slice();
  const put = (step: Step): void => void found.splice(random.int(0, found.length), 0, step);
  const [node, client] = [random.int(0, config.nodes - 1), random.int(0, config.clients.length - 1)];
  for (let times = 0; times < 2; times++) {
    put({ do: "set-clock", after: 0, node, by: random.pick([-HOUR, HOUR, random.int(-HOUR, HOUR)]) });
    put({ do: "set-page-clock", after: 0, client, by: random.pick([-HOUR, HOUR, random.int(-HOUR, HOUR)]) });
  }
  return found;
}

function drawConfig(random: SeededRandom, setup: SimulationSetup<never, never>, topics: number): RunConfig {
  const [fewest, most] = setup.nodes ?? [1, 3];
  const nodes = random.chance(0.4) ? fewest : random.int(fewest, most);
  const [few, many] = setup.clients ?? [2, 5];
  const slow = random.chance(0.5);
  const calm = random.chance(0.3);
  const visitors = random.fork("visitors").chance(VISITORS);
  const serialiser = random.fork("serialiser").int(0, setup.otherSerialisers?.length ?? 0);
  const rolling = setup.older !== undefined && random.fork("rolling").chance(ROLLING);
  return {
    serialiser,
    nodes,
    rolling,
    visitors,
    bare: random.fork("bare").chance(BARE),
    engine: drawEngine(random.fork("engine"), setup.engine),
    doorbell: calm ? { drop: 0, delay: 0, double: 0 } : { drop: 0.2, delay: 0.3, double: 0.2 },
    clients: Array.from({ length: random.int(few, many) }, (_, i) => ({
      via: random.fork(`via ${i}`).pick(setup.via ?? [["socket"]]),
      user: visitors ? null : `user-${random.int(1, 3)}`,
      named: random.chance(0.7),
      format: random.int(0, serialiserOf(setup, { serialiser }).formats.length - 1),
      node: random.int(0, nodes - 1),
      commitDelay: random.chance(0.5) ? 0 : random.int(1, 40),
      modelDelay: modelDelay(random.fork(`models ${i}`)),
      subscriptions: Array.from({ length: topics }, (_, topic) => topic).filter(() => random.chance(0.8)),
    })),
    // They know one version.
    guests: rolling ? [] : drawGuests(random.fork("guests"), setup, { nodes, visitors }),
    latency: slow ? [5, 60] : [1, 8],
    retention: random.pick([0, 3, 10_000]),
    limits: {
      // Small enough that every ceiling is met somewhere in a campaign.
      maxQueued: random.pick([2, 4, 10_000, 10_000]),
      maxInFlight: random.pick([2, 3, 256, 256]),
      maxCatchUp: random.pick([3, 10, 1_000]),
      maxClientRows: random.pick([1, 2, 10_000]),
      maxOpenTargets: random.pick([8, 10_000, 10_000]),
      targetIdle: random.pick([300, 60_000]),
      snapshotEvery: random.pick([2, 7, 1_000]),
      collapseBytes: random.pick([100, 150, 600, 1_048_576]),
      maxBufferedBytes: random.pick([3_000, 20_000, 16_777_216]),
      stallTimeout: random.pick([1_000, 30_000]),
      topicMessageRate: random.pick([5, 250]),
      topicMessageBurst: random.pick([3, 1_000]),
      joinRate: random.pick([1, 100]),
      joinBurst: random.pick([2, 1_000, 1_000]),
      maxStaleness: 500,
      digestEvery: random.pick([0, 100, 30_000]),
      helloTimeout: 2_000,
      maxTurnMessages: random.fork("turns").pick([1, 4, 256]),
      maxWaitingBytes: random.fork("waiting").pick([200, 262_144]),
      ...setup.limits,
    },
  };
}

const commitBoundary = (random: SeededRandom): CommitBoundary | undefined =>
  random.chance(0.5) ? undefined : { count: random.int(0, 3), side: random.pick(["before", "after"]) };
const modelDelay = (random: SeededRandom): number => (random.chance(0.4) ? 0 : random.int(1, 400));

function drawStep(
  random: SeededRandom,
  setup: SimulationSetup<never, never>,
  { nodes, clients, rolling }: RunConfig,
  topics: number,
): Step {
  const after = random.chance(0.5) ? 0 : random.chance(0.9) ? random.int(1, 40) : random.int(100, 3_000);
  const client = random.int(0, clients.length - 1);
  const node = random.int(0, nodes - 1);
  const topic = random.int(0, topics - 1);
  if (!random.chance(setup.roughness ?? 0.35)) {
    const kind = random.weighted({ dispatch: 12, subscribe: 1, unsubscribe: 1, leave: 0.5 });
    if (kind === "leave") return { do: kind, after, client, for: random.int(10, 3_000) };
    if (kind !== "dispatch") return { do: kind, after, client, topic };
    const actions = setup.actions.map(({ weight }) => weight);
    const action = Number(random.weighted(Object.fromEntries(actions.entries())));
    const seed = random.uint32();
    if (setup.actions[action]!.by === "server")
      return { do: "serve", after, node, action, seed, keyed: random.chance(0.5) };
    const count = random.chance(0.8) ? 1 : random.int(2, 6);
    return { do: "dispatch", after, client, action, seed, count, cancel: random.chance(0.08) };
  }
  const weights = Object.fromEntries(FAULTS.map((fault) => [fault, setup.faults?.[fault] ?? 1])) as Record<
    Fault,
    number
  >;
  if (nodes === 1) weights.move = 0;
  weights.upgrade *= rolling ? 2 : 0;
  const fault = random.weighted(weights);
  const lane = random.pick(["toServer", "toClient"] as const);
  const count = random.int(1, 3);
  const for_ = random.int(5, 1_500);
  switch (fault) {
    case "cut":
      return {
        do: fault,
        after,
        client,
        noticedBy: random.pick(["both", "client", "server"]),
        other: random.int(1, 300),
      };
    case "cut-at":
      return { do: fault, after, client, point: random.pick(CUT_POINTS) };
    case "half-open":
      return { do: fault, after, client, direction: random.pick(["both", "to-server", "to-client"]) };
    case "drop":
    case "duplicate":
    case "reorder":
      return { do: fault, after, client, lane, index: random.int(0, 2) };
    case "delay":
      return { do: fault, after, client, lane, for: for_ };
    case "slow":
      return { do: fault, after, client, rate: random.pick([0.1, 0.3, 1]), for: 3 * for_ };
    case "away":
      return { do: fault, after, client, for: for_ };
    case "crash":
    case "reload":
      return {
        do: fault,
        after,
        client,
        for: random.chance(0.7) ? 0 : for_,
        late: random.int(0, 200),
        at: commitBoundary(random.fork("boundary")),
      };
    case "disk-full":
      return { do: fault, after, client, count, crash: random.chance(0.9) ? random.int(5, 500) : 0 };
    case "move":
      return { do: fault, after, client, node };
    case "restart":
      return { do: fault, after, node, over: random.pick([0, 300, 2_000]) };
    case "upgrade":
      return { do: fault, after, node, over: random.pick([0, 0, 300]) };
    case "kill":
      return { do: fault, after, node };
    case "append-fails":
    case "append-lost":
    case "log-fails":
      return { do: fault, after, node, count };
    case "append-slow":
      return { do: fault, after, node, count, for: random.int(1, 200), answer: random.chance(0.5) };
    case "log-freezes":
      return { do: fault, after, node, for: random.int(1, 800) };
    case "log-goes":
      return {
        do: fault,
        after,
        found: random.pick(["commit", "second"]),
        for: random.int(1, 1_600),
        lacks: random.chance(0.4) ? undefined : random.pick([0, 1, 1, 2, 5, 20, 1_000]),
      };
    case "greedy":
      return {
        do: fault,
        after,
        node,
        seed: random.uint32(),
        connections: random.int(1, 3),
        frames: random.pick([20, 80]),
        for: random.int(5, 300),
      };
    case "rewind":
      return { do: fault, after, topic, by: random.int(1, 5) };
    case "revoke":
    case "grant":
      return { do: fault, after, client, topic };
  }
}
