// The types of a channel's presence as an app writes it. Not here: what the builder keeps (definition.ts).
import type { Schema } from "@calla/shared";
import type { JsonObject } from "../wire/message.ts";

/** A meta as clients are told it: with its ref, and the ref of the one that it took the place of. Refs are opaque. */
export type Tracked<Meta = JsonObject> = Readonly<Meta> & {
  readonly phx_ref: string;
  readonly phx_ref_prev?: string;
};

/** How a meta becomes another. A method's type, so that a socket with narrower metas is still one with any. */
export type MetaChange<Meta> = { change(before: Meta): Meta }["change"];

/** Who is on a topic, by key; each has a meta for each tab or device. */
export type PresenceList<Meta = JsonObject> = ReadonlyMap<string, readonly Tracked<Meta>[]>;

/** Who came to a topic and who went. An update is one of each, under the same key. */
export interface TopicPresenceDiff<Meta = JsonObject> {
  readonly topic: string;
  readonly joins: PresenceList<Meta>;
  readonly leaves: PresenceList<Meta>;
}

/** Fields that clients are told beside a key's metas. */
export type PresenceFields = ReadonlyMap<string, JsonObject>;

/**
 * What `presence` of a channel takes; every option has a default. Options that are functions of the socket are called
 * when a client has joined.
 *
 * @example
 * .presence({ key: ({ assigns }) => assigns.user.id, initial: ({ assigns }) => ({ device: assigns.device }) })
 */
export interface PresenceOptions<Socket, Meta> {
  /** What metas must be. It answers at once: an asynchronous schema is refused when it is asked. Default: any object. */
  readonly meta?: Schema;
  /** The key of `track(meta)`, `update(meta)` and `untrack()`, say the user's id. Default: none, so each call names one. */
  readonly key?: (socket: Socket) => string;
  /** With `key`: whoever joins is tracked at once, with this meta, behind the state. Default: nobody is. */
  readonly initial?: (socket: Socket) => Meta;
  /** Whether whoever joins is told who is here (`presence_state`). Default: true; else `socket.presence.pushState()` does. */
  readonly state?: boolean;
  /**
   * Fields that stand beside the metas of keys, say a user's name: asked once for each diff and each state, for the keys in
   * it, and meanwhile the topic's presence waits. What throws, or takes over 5 s, is reported, and the metas go without.
   */
  readonly fetch?: (topic: string, presences: PresenceList<Meta>) => PresenceFields | Promise<PresenceFields>;
}

/**
 * The presence of one client's channel. What it tracks ends with the channel, whatever ends that. A client that comes back
 * is tracked anew, by the join.
 *
 * @example
 * .handleIn("away", (_, socket) => void socket.presence.update((meta) => ({ ...meta, away: true })))
 */
export interface ChannelPresence<Meta = JsonObject> {
  /**
   * Tells all on the topic, on every node, that this client is here under the channel's key (option `key`). Gives its ref;
   * "" where the channel has ended. A client's own `phx_ref` in the meta is dropped.
   *
   * @throws CallaError `exists`: it is tracked under this key; `update` changes it. `invalid`: the meta is no object of JSON,
   * or does not fit the schema. `too-large`: meta, key or the number of keys is over a limit. `wiring`: there is no key.
   */
  track(meta: Meta): string;
  /** The same under a key of your own; a channel may have several. */
  track(key: string, meta: Meta): string;
  /**
   * Changes the meta, in one diff. Throws as `track`.
   *
   * @throws CallaError `unknown`: it is not tracked under this key.
   */
  update(meta: Meta | MetaChange<Meta>): string;
  /** The same under a key of your own. */
  update(key: string, meta: Meta | MetaChange<Meta>): string;
  /** This client is no longer here under the key. Where it was not, nothing happens. */
  untrack(key?: string): void;
  /** Who is here, on all nodes; the same object until that changes. */
  list(): PresenceList<Meta>;
  /** A key's metas, in the order in which they were tracked on each node. */
  getByKey(key: string): readonly Tracked<Meta>[];
  /** How many metas there are, those without a key too. */
  count(): number;
  /** Tells this client who is here (`presence_state`), or above `maxPresenceList` how many (`presence_count`). */
  pushState(): void;
}
