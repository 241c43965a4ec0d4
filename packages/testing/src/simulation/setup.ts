// What a user says of a simulation: the wiring, the servers' handlers, what clients do, and how rough it may get.
import type {
  ClientMessageOf,
  Limits,
  Message,
  MessageOf,
  ModelOf,
  ParamsOf,
  PresenceMeta,
  Serialiser,
  SessionSlice,
  SteadyClock,
  TargetKey,
  TopicSlice,
  Wiring,
} from "@calla/shared";
import type { AnyUser, LogStorage, Server } from "@calla/server";
import type { Told } from "../history/history.ts";
import type { Via } from "../network/pair.ts";
import type { SeededRandom } from "../doubles/random.ts";

/** Something a simulated client, or a server, dispatches. Made by `action` and `serverAction`. */
export interface SimulatedAction {
  readonly by: "client" | "server";
  readonly slice: TopicSlice | SessionSlice;
  readonly params: readonly string[];
  readonly weight: number;
  /** Makes the next message of it, or several with one fate, of chance and of the model seen. */
  message(random: SeededRandom, model: unknown): Message | readonly Message[];
}

type Making<S, M> = (random: SeededRandom, model: ModelOf<S> | undefined) => M | readonly M[];

/**
 * What a client may do: a message, or an array with one fate, made of chance and of the model it sees (undefined while
 * it loads). Weights say how often, compared with other actions.
 *
 * @example
 * action(board, ["1"], (random, model) => ({ type: "cardMoved", id: random.pick(model?.cards ?? ["none"]), before: null }))
 */
export function action<S extends TopicSlice | SessionSlice>(
  slice: S,
  params: S extends TopicSlice ? ParamsOf<S> : readonly [],
  message: Making<S, ClientMessageOf<S>>,
  weight = 1,
): SimulatedAction {
  return { by: "client", slice, params, weight, message: message as SimulatedAction["message"] };
}

/**
 * The same by a server, on its own behalf; server-only messages are welcome.
 *
 * @example
 * serverAction(board, ["1"], () => ({ type: "titleStamped", at: 0 }))
 */
export function serverAction<S extends TopicSlice>(
  slice: S,
  params: ParamsOf<S>,
  message: Making<S, MessageOf<S>>,
  weight = 1,
): SimulatedAction {
  return { by: "server", slice, params, weight, message: message as SimulatedAction["message"] };
}

/** What a simulated client says of itself on a topic. Made by `tracking`. */
export interface SimulatedTracking {
  readonly slice: TopicSlice;
  readonly params: readonly string[];
  /** Makes the next meta, of chance. */
  readonly meta: (random: SeededRandom) => unknown;
}

/**
 * As what a client may be listed on a topic whose slice has presence.
 *
 * @example
 * tracking(board, ["1"], (random) => ({ selected: random.int(0, 9) }))
 */
export function tracking<S extends TopicSlice>(
  slice: S,
  params: ParamsOf<S>,
  meta: (random: SeededRandom) => PresenceMeta<S>,
): SimulatedTracking {
  return { slice, params, meta };
}

/** Which way what was under way is lost with a connection. */
export type LostWay = "both" | "to-server" | "to-client";

/** What a guest tells of itself while it lives. */
export interface GuestEvents {
  /** The server has given it this identity. */
  named(clientId: string): void;
  /** What became of one of its dispatches. */
  told(id: string, told: Told): void;
  /** It has this model of the server's, up to there, and shows these of its dispatches on top, by id. */
  seen(seen: {
    readonly sequence: number;
    readonly mark: number;
    readonly model: unknown;
    readonly pending: readonly string[];
  }): void;
}

/** Where a guest finds itself. */
export interface GuestOptions<W extends Wiring = Wiring, User extends AnyUser = AnyUser> extends GuestEvents {
  readonly clock: SteadyClock;
  readonly random: SeededRandom;
  /** As its token names it; null: a visitor. */
  readonly user: string | null;
  readonly slice: TopicSlice;
  readonly params: readonly string[];
  readonly target: TargetKey;
  /** Where a connection that it opens now leads; undefined: nowhere. */
  server(): Server<W, User> | undefined;
  /** How long the next packet travels, in milliseconds. */
  latency(): number;
}

/**
 * A page of a client of another kind than Calla's own, at one topic, which may take part in runs. Everything it does is in
 * the time of its clock and of its random alone, so that a run is the same run again.
 */
export interface Guest {
  /** `live`: it has a connection and the topic; `closed`: it has been sent away, and will not try again. */
  readonly status: "live" | "away" | "closed";
  /** What it shows, in plain form; undefined: nothing yet. */
  readonly model: unknown;
  /** Its dispatches without an outcome, or that are shown on top. */
  readonly pending: number;
  /** Dispatches messages with one fate, and gives their id. What becomes of them is told afterwards. */
  dispatch(messages: readonly Message[]): string;
  /** Its connection breaks, if it has one. What is under way in the other direction arrives before. */
  cut(loses: LostWay): void;
  /** It is gone, and says nothing more. */
  end(): void;
}

/**
 * Guests of a simulation: how each is made, and where they may be. Their models must be what JSON has as it is, since
 * they are compared in plain form.
 */
export interface SimulatedGuests {
  /** The topics: those of actions that clients do. */
  readonly at: readonly { readonly slice: TopicSlice; readonly params: readonly string[] }[];
  /**
   * Opens a page of a guest's, which begins to connect.
   *
   * @example
   * const guests = { at: [{ slice: board, params: ["1"] }], open: (options) => new BridgedPage(options) };
   */
  readonly open: (options: GuestOptions) => Guest;
}

/** What goes wrong in a run, by name; each may be switched off or weighted. */
export const FAULTS = [
  "cut",
  "cut-at",
  "half-open",
  "drop",
  "duplicate",
  "reorder",
  "delay",
  "slow",
  "away",
  "crash",
  "reload",
  "disk-full",
  "move",
  "restart",
  "kill",
  "append-fails",
  "append-lost",
  "append-slow",
  "log-fails",
  "log-freezes",
  /** The log's file is moved away under its servers; it comes back, or a backup does. */
  "log-goes",
  "rewind",
  "revoke",
  "grant",
  /** Somebody takes all he can get: the others' writes go on. */
  "greedy",
  /** A node is replaced by one of the newer version, in runs that begin with the older one (`older`). */
  "upgrade",
] as const;
/** The name of something that goes wrong in a run. */
export type Fault = (typeof FAULTS)[number];

/** The log of a run, empty. */
export interface TestedLog extends LogStorage {
  /** Forgets everything that is not stored, as a restart does: the run's last look is at what was stored. */
  reopen?(): Promise<void>;
}

/** What a run wants of its log. */
export interface TestedLogOptions {
  /** Several servers append to it. */
  readonly shared: boolean;
  /** Records to keep behind a saved snapshot. */
  readonly retention: number;
  readonly random: SeededRandom;
}

/**
 * What a simulation runs: the app's wiring and handlers, what its clients do, and what goes wrong.
 *
 * @example
 * await simulate(1, {
 *   wiring,
 *   serialiser,
 *   server: (server) => server.handle(board, { public: true }),
 *   actions: [action(board, ["1"], () => ({ type: "added", by: 1 }))],
 * });
 */
export interface SimulationSetup<W extends Wiring = Wiring, User extends AnyUser = AnyUser> {
  readonly wiring: W;
  readonly serialiser: Serialiser;
  /** Others that carry the same values: one of all is drawn for each run. */
  readonly otherSerialisers?: readonly Serialiser[];
  /** Gives each server its handlers, as in production. */
  readonly server: (server: Server<W, User>) => void;
  readonly actions: readonly SimulatedAction[];
  /** As what clients are listed, where slices have presence. Default: nobody is. */
  readonly trackings?: readonly SimulatedTracking[];
  /**
   * The same one version ago: then some runs are a rolling deploy. They begin with nodes and pages of this version; nodes
   * are replaced one by one, pages reload when they are told. `actions`: what an older page does in place of each above.
   */
  readonly older?: {
    readonly wiring: Wiring;
    readonly server: (server: never) => void;
    readonly actions: readonly SimulatedAction[];
  };
  /**
   * Makes the log that the servers of a run share. It must answer without waiting for anything but promises, since time
   * is virtual. Default: a memory log.
   */
  readonly log?: (options: TestedLogOptions) => TestedLog;
  /** The user of a simulated user's name; by default the name is the id. */
  readonly user?: (name: string) => User;
  /** How many, drawn per run from low to high. Default: clients 2 to 5, nodes 1 to 3, steps 30 to 90. */
  readonly clients?: readonly [low: number, high: number];
  /** How many nodes share the log, drawn as `clients` are. Default 1 to 3. */
  readonly nodes?: readonly [low: number, high: number];
  /** How many steps a run has, drawn as `clients` are. Default 30 to 90. */
  readonly steps?: readonly [low: number, high: number];
  /** How likely each fault is, compared with the others (1 each by default); 0: never. */
  readonly faults?: Partial<Record<Fault, number>>;
  /** The share of steps that are faults; 0.35 by default. */
  readonly roughness?: number;
  /**
   * The share of runs over an engine that fails as a shared database does (nodes apart from it or from each other, a
   * failover that loses the last appends of all, read-only, held back, another one in its place), with a consumer of
   * every topic; 0.2 by default.
   */
  readonly engine?: number;
  /** What clients go by: for each client one of these is drawn. Sockets by default. */
  readonly via?: readonly (readonly Via[])[];
  /**
   * Clients of another kind, of which some runs have one or two; none by default. Runs of two versions have none.
   */
  readonly guests?: SimulatedGuests;
  /** Ceilings of every server; those not given are drawn per run, some of them very low. */
  readonly limits?: Partial<Limits>;
}
