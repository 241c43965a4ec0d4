// What a supervisor takes and does, as the app sees it. Not here: how (supervisor.ts).
import type { Clock } from "@calla/shared";
import type { Observe } from "../../app/events.ts";

/** What a child is started with. */
export interface Starting {
  /** It says that it cannot go on, at any time from now on; of its life that has ended already nothing is heard. */
  failed(error: unknown): void;
  /** What a child before it is now. @throws CallaError `closed`: it does not run. */
  get<Value>(child: Child<Value>): Value;
  /** Aborted when nobody waits for the start any more: it took too long, or everything stops. */
  readonly signal: AbortSignal;
}

/**
 * What is started, watched, restarted and stopped.
 *
 * @example
 * const queue: Child<Queue> = {
 *   name: "queue",
 *   start: async ({ failed }) => (await connect(url)).on("error", failed),
 *   stop: (queue) => queue.close(),
 * };
 */
export interface Child<Value = unknown> {
  /** As sentences, events and health say it; no two of a supervisor are alike. */
  readonly name: string;
  /** Makes it anew, each time; what it throws or rejects with is a failed start. */
  start(starting: Starting): Value | Promise<Value>;
  /** Ends it; also one that has failed, to let go of what it holds. Default: nothing is to be done. */
  stop?(value: Value): unknown;
  /** It goes on where a child before it is restarted, and restarts only when it fails itself. Default: false. */
  readonly lasting?: boolean;
  /** Milliseconds that its start may take. Default: what its supervisor gives each. */
  readonly startWithin?: number;
  /** Milliseconds that its stop may take. Default: what its supervisor gives each. */
  readonly stopWithin?: number;
  /** What it says of children of its own. Default: it has none. */
  inspect?(value: Value): SupervisorInspection;
}

/** What a child is doing. `failed`: it has, and is not restarted yet, or not any more. */
export type ChildState = "waiting" | "starting" | "running" | "stopping" | "stopped" | "failed";
/** What a supervisor is doing. `failed`: it has given up, or its start has failed. */
export type SupervisorState =
  | "idle"
  | "starting"
  | "running"
  | "restarting"
  | "stopping"
  | "stopped"
  | "failed";

/** A supervisor and its children as they are now. */
export interface SupervisorInspection {
  readonly name: string;
  readonly state: SupervisorState;
  /** Restarts within the window until now. */
  readonly restarts: number;
  readonly intensity: number;
  /** Milliseconds. */
  readonly window: number;
  readonly children: readonly {
    readonly name: string;
    readonly state: ChildState;
    /** How often it was made anew since the supervisor's start, for its own failures and for others'. */
    readonly restarts: number;
    /** Where the child is a supervisor itself. */
    readonly inside?: SupervisorInspection;
  }[];
}

/**
 * What `createSupervisor` takes.
 *
 * @example
 * createSupervisor({ name: "shop", children: [queue, orders], intensity: 5, window: 60_000 });
 */
export interface SupervisorOptions {
  /** As sentences, events and health say it. Default: "supervisor". */
  readonly name?: string;
  /** In the order in which they start. */
  readonly children: readonly Child[];
  /** So many restarts within the window are tried; at the next failure the supervisor gives up. Default: 2. */
  readonly intensity?: number;
  /** Milliseconds. Default: 5,000. */
  readonly window?: number;
  /** Milliseconds that a child's start may take. Default: 30,000. */
  readonly startWithin?: number;
  /** Milliseconds that a child's stop may take; then the next one's turn comes. Default: 5,000. */
  readonly stopWithin?: number;
  /** Where time comes from. Default: the machine's. */
  readonly clock?: Clock;
  /** Hears each failure, with what becomes of it, and what a stop throws. Default: a line on the standard error output. */
  readonly onError?: (error: unknown) => void;
  /** Hears `restarted` and `gave-up`. Default: nobody. */
  readonly observe?: Observe | readonly Observe[];
  /** It has given up, and everything is stopped. Default: nobody hears but `onError` and, where it is a child, its parent. */
  readonly onFailed?: (error: unknown) => void;
}

/**
 * Children that are started in order, restarted with all behind them when one fails, and stopped in reverse.
 *
 * @example
 * await supervisor.start();
 * process.once("SIGTERM", () => void supervisor.stop());
 */
export interface Supervisor {
  /**
   * Starts the children one after the other. After a stop or a failure it begins anew, with no restarts behind it. Where it
   * runs already, nothing happens.
   *
   * @throws CallaError `child-failed`: one did not start; those before it are stopped again. `closed`: it was stopped meanwhile.
   */
  start(): Promise<void>;
  /** Stops the children in reverse, also in the middle of a start or a restart. Resolves when all have stopped. */
  stop(): Promise<void>;
  /** What a child is now; another one after a restart. @throws CallaError `closed`: it does not run. */
  get<Value>(child: Child<Value>): Value;
  /** What it is doing. */
  readonly state: SupervisorState;
  /** All children run. For `healthHandler`. */
  readonly ready: boolean;
  /** It and its children as they are now. */
  inspect(): SupervisorInspection;
  /** It as a child of another supervisor, which starts and stops it; it fails where it gives up. */
  asChild(): Child<Supervisor>;
}
