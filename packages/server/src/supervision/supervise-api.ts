// What a supervised system takes and gives, as the app sees it. Not here: how (supervise.ts).
import type { Wiring } from "@calla/shared";
import type { Channels } from "../channels/channels-api.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import type { Groups, GroupsOptions } from "../groups/groups-api.ts";
import type { Child, Supervisor, SupervisorOptions } from "./tree/supervisor-api.ts";

/** What `createServer` gives, whatever its wiring and its users. */
export interface SupervisedServer {
  readonly wiring: Wiring;
  readonly ready: boolean;
  /** As the server's own. */
  stop(): Promise<void>;
}

/** A system of channels, and what serves it. */
export interface SupervisedChannels {
  /** What `createChannels` gives. */
  readonly channels: Pick<Channels, "broadcast" | "stop" | "sockets" | "ready">;
  /** What `phoenix` or `supabase` gives, closed with the channels. Default: the app sees to it. */
  readonly mount?: {
    /** As the mount's own. */
    close(): unknown;
  };
}

/** The wiring of a server; none: there is no server. */
export type WiringOf<S> = S extends { readonly wiring: infer W extends Wiring } ? W : never;

/**
 * What `supervise` takes: one of both halves, or both.
 *
 * @example
 * supervise({ pubsub: () => redisPubSub(url), server: ({ pubsub }) => createServer({ wiring, serialiser, log, pubsub }) });
 */
export interface SuperviseOptions<
  S extends SupervisedServer | undefined,
  C extends SupervisedChannels | undefined,
> extends Omit<SupervisorOptions, "children"> {
  /** Makes an engine, each time; what it throws or rejects with is a failed start. Default: this node is the only one. */
  readonly pubsub?: () => PubSub | Promise<PubSub>;
  /**
   * Makes a server of the sync half, over the pubsub that it is given: that one lives as long as the system. It goes on
   * where the pubsub is restarted, and is made anew where it fails itself: `failed` says so. Default: none.
   */
  readonly server?: (parts: {
    readonly pubsub: PubSub;
    readonly failed: (error: unknown) => void;
  }) => S | Promise<S>;
  /**
   * Makes the channels, over that pubsub or beside that server, registers what answers and mounts them. They are made anew
   * where they fail (`failed` says so), or the pubsub or the server: their connections are closed with 1012, and come back.
   * Default: none.
   */
  readonly channels?: (parts: {
    readonly pubsub: PubSub;
    readonly server: S;
    readonly failed: (error: unknown) => void;
  }) => C | Promise<C>;
  /** Ceilings of the groups that differ from the defaults. */
  readonly groups?: GroupsOptions["limits"];
}

/**
 * Calla's parts under one supervisor.
 *
 * @example
 * system.channels.broadcast("room:lobby", "announce", { text: "hello" });
 */
export interface System<
  S extends SupervisedServer | undefined,
  C extends SupervisedChannels | undefined,
> extends Supervisor {
  /** The pubsub, over whatever engine is there. It may be kept. */
  readonly pubsub: PubSub;
  /** The server as it was made last. @throws CallaError `closed`: there is none before the first start. */
  readonly server: S;
  /**
   * The channels as they were made last: another object after a restart, so ask for it each time.
   *
   * @throws CallaError `closed`: there are none before the first start.
   */
  readonly channels: C extends { readonly channels: infer Made } ? Made : undefined;
  /** Their mount, likewise; undefined before the first start. */
  readonly mount: (C extends { readonly mount: infer Mount } ? Mount : undefined) | undefined;
  /** Groups over both, which may be kept: what they hold outlives restarts, for topics do. */
  readonly groups: Groups<WiringOf<S>>;
  /** It as a child of another supervisor. */
  asChild(): Child<System<S, C>>;
}
