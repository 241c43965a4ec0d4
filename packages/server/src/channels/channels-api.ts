// What a system of channels takes and does, as the app sees it. Not here: how (channels.ts).
import type { Clock, Limits, Params, Random } from "@calla/shared";
import type { Observe } from "../app/events.ts";
import type { ConnectRequest } from "../base/connection.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import type { Hosts } from "../identity/hosts.ts";
import type { TrustedProxies } from "../identity/address.ts";
import type { OriginPolicy } from "../identity/origin.ts";
import type { PresenceDiff } from "../presence/diff-listeners.ts";
import type { Channel, EventOf, InfoOf, MetaOf, OutOf, SocketOf } from "./definition/channel-types.ts";
import type { MetaChange, PresenceList, TopicPresenceDiff, Tracked } from "./definition/presence-types.ts";
import type { Connect } from "./engine/admission.ts";
import type { ChannelRefusal } from "./engine/channels-context.ts";
import type { ChannelLimits } from "./engine/channels-limits.ts";
import type { JsonObject, Payload } from "./wire/message.ts";

/**
 * What `createChannels` takes; every option has a default.
 *
 * @example
 * createChannels({ connect: ({ authToken }) => (authToken === KEY ? accept({}) : deny(401)) });
 */
export interface ChannelsOptions<Assigns extends object> {
  /** Who may connect, and what its channels know of it. Default: everybody, and nothing. */
  readonly connect?: Connect<Assigns>;
  /**
   * A server of the sync half in the same process: limits, byte rates, connections by address, origins, hosts, pubsub,
   * presence, observers, reporter and draining are its, and the options that say the same must be left out.
   */
  readonly beside?: object;
  /** Ceilings that differ from the defaults; of the sync half's those that any connection has. `Infinity` lifts one. */
  readonly limits?: Partial<ChannelLimits & Limits>;
  /** Broadcasts and `disconnect` between nodes. Default: this node is the only one. */
  readonly pubsub?: PubSub;
  /** This node's own name, the same when it begins again; as of `createServer`. */
  readonly nodeName?: string;
  /** Which pages may connect. Default: those of the server's own origin. */
  readonly origins?: OriginPolicy;
  /** The names under which clients reach this server; as of `createServer`. */
  readonly hosts?: Hosts;
  /** Addresses of your own proxies, whose X-Forwarded-For is trusted. Default: none. */
  readonly trustedProxies?: TrustedProxies;
  /** Answers as Phoenix does, wherever Calla's differ on purpose (◆ in the spec's pages of channels). Default: false. */
  readonly strictPhoenix?: boolean;
  /** Binary frames are not Phoenix's but bytes of your own, for `handleBinary(handler)`. Default: false. */
  readonly rawBinary?: boolean;
  /** Where time comes from. Default: the machine's. */
  readonly clock?: Clock;
  /** Where ids come from. Default: cryptographic chance. */
  readonly random?: Random;
  /** A handler or an engine threw; its channel closed and the rest goes on. Default: a line on the standard error output. */
  readonly onError?: (error: unknown) => void;
  /**
   * Something of a client was refused: a malformed frame, an unknown topic, a payload that does not fit. Default: nothing; in
   * development a line on the standard error output for a topic that nobody serves, and for a page of another origin.
   */
  readonly onRefused?: (refused: ChannelRefusal) => void;
  /** Hears everything worth counting or logging. Default: none, which costs nothing. */
  readonly observe?: Observe | readonly Observe[];
}

type Topic<C extends Channel> = readonly [channel: C, params: Params<C["pattern"]>];
type Said<C extends Channel, Event extends EventOf<OutOf<C>>> = readonly [
  event: Event,
  payload: OutOf<C>[Event],
];

/**
 * Who is on topics of channels, on all nodes, for the app; and holders of its own (a bot, a job, a user of another system),
 * whom it tracks until it says otherwise. A topic is named by its text, or by a channel and what stands for its `*`.
 *
 * @example
 * const here = channels.presence.list(room, ["lobby"]);
 * channels.presence.track(room, ["lobby"], "bot", "bot", { device: "server" });
 */
export interface SystemPresence {
  /** Who is on a topic, by key; the same object until that changes. */
  list<C extends Channel>(...topic: Topic<C>): PresenceList<MetaOf<C>>;
  /** The same by the topic's text. */
  list(topic: string): PresenceList;
  /** A key's metas on a topic. */
  getByKey<C extends Channel>(...given: [...Topic<C>, key: string]): readonly Tracked<MetaOf<C>>[];
  /** The same by the topic's text. */
  getByKey(topic: string, key: string): readonly Tracked[];
  /** How many metas a topic has, those without a key too. */
  count<C extends Channel>(...topic: Topic<C>): number;
  /** The same by the topic's text. */
  count(topic: string): number;
  /** Calls back with whoever comes and goes on any topic of a channel, on all nodes; clients are told by themselves. Returns the undo. */
  onDiff(listener: (diff: TopicPresenceDiff) => unknown): () => void;
  /**
   * Tells all on a topic that a holder of the app's own is here under a key. Gives its ref. Without a key (`""`) it is
   * counted and not listed.
   *
   * @throws CallaError as `socket.presence.track` does: `exists`, `invalid`, `too-large`.
   */
  track<C extends Channel>(...given: [...Topic<C>, holder: string, key: string, meta: MetaOf<C>]): string;
  /** The same by the topic's text. */
  track(topic: string, holder: string, key: string, meta: JsonObject): string;
  /** Changes a meta, in one diff. @throws CallaError `unknown`: nothing is tracked there. As `track`, of the meta. */
  update<C extends Channel>(
    ...given: [...Topic<C>, holder: string, key: string, meta: MetaOf<C> | MetaChange<MetaOf<C>>]
  ): string;
  /** The same by the topic's text. */
  update(topic: string, holder: string, key: string, meta: JsonObject | MetaChange<JsonObject>): string;
  /** The holder is no longer on the topic under the key. Where it was not, nothing happens. */
  untrack<C extends Channel>(...given: [...Topic<C>, holder: string, key: string]): void;
  /** The same by the topic's text. */
  untrack(topic: string, holder: string, key: string): void;
  /** The holder is gone from all topics. */
  untrackAll(holder: string): void;
}

/** A channel that wants more of a socket than `connect` gives does not fit. */
export type Fits<C extends Channel, Assigns> =
  Assigns extends SocketOf<C>
    ? unknown
    : { readonly "connect does not give the sockets what this channel wants": SocketOf<C> };

/**
 * A system of channels, as `createChannels` makes it: what is registered answers, and transports wire connections in.
 * A topic is named by its text, or by a channel and what stands for the `*` of its pattern: then event and payload are
 * those that the channel `says`.
 *
 * @example
 * const channels = createChannels().register(room);
 * channels.broadcast(room, ["lobby"], "new_message", { text: "hello" });
 * channels.broadcast("room:lobby", "new_message", { text: "hello" });
 */
export interface Channels<Assigns extends object = object> {
  /**
   * Serves the topics of a channel's pattern, or of another pattern. The first registered pattern that matches a topic wins.
   *
   * @throws CallaError `wiring`: the pattern is registered already, or one before it takes all of its topics.
   */
  register<C extends Channel>(channel: C & Fits<C, Assigns>): this;
  /** The same for another pattern than the channel's own. */
  register<C extends Channel>(pattern: string, channel: C & Fits<C, Assigns>): this;
  /**
   * Says something to all on a topic, on every node; once and without an acknowledgement.
   *
   * @throws TypeError: the payload is neither an object nor bytes.
   */
  broadcast(topic: string, event: string, payload: Payload): void;
  /** The same by a channel and what stands for its `*`. */
  broadcast<C extends Channel, Event extends EventOf<OutOf<C>>>(
    ...said: [...Topic<C>, ...Said<C, Event>]
  ): void;
  /** The same to all but one connection, on every node. */
  broadcastFrom(socketId: string, topic: string, event: string, payload: Payload): void;
  /** The same by a channel and what stands for its `*`. */
  broadcastFrom<C extends Channel, Event extends EventOf<OutOf<C>>>(
    ...said: [socketId: string, ...Topic<C>, ...Said<C, Event>]
  ): void;
  /** The same to all of this node. */
  localBroadcast(topic: string, event: string, payload: Payload): void;
  /** The same by a channel and what stands for its `*`. */
  localBroadcast<C extends Channel, Event extends EventOf<OutOf<C>>>(
    ...said: [...Topic<C>, ...Said<C, Event>]
  ): void;
  /** Says something to one connection on a topic. False: it is not there, on this node. */
  push(socketId: string, topic: string, event: string, payload: Payload): boolean;
  /** The same by a channel and what stands for its `*`. */
  push<C extends Channel, Event extends EventOf<OutOf<C>>>(
    ...said: [socketId: string, ...Topic<C>, ...Said<C, Event>]
  ): boolean;
  /** Tells the `handleInfo` of one connection's channel something; nothing happens where it is not, on this node. */
  sendInfo(socketId: string, topic: string, message: unknown): void;
  /** The same by a channel and what stands for its `*`. */
  sendInfo<C extends Channel>(...told: [socketId: string, ...Topic<C>, message: InfoOf<C>]): void;
  /** Who is on topics of channels that have `presence`. */
  readonly presence: SystemPresence;
  /**
   * Tells all of this node who came and went by a tracker of the app's own (`createTracker`), as `presence_diff`: on each
   * node, from its tracker's `onDiff`. Who has no key is left out. Channels with `presence` tell theirs by themselves.
   *
   * @example
   * tracker.onDiff((diff) => channels.broadcastPresenceDiff(diff.topic, diff));
   */
  broadcastPresenceDiff(topic: string, diff: Pick<PresenceDiff, "joins" | "leaves">): void;
  /**
   * Ends every connection to which `connect` gave this id, on every node: closed with 1001, after which clients come back
   * and `connect` is asked again.
   */
  disconnect(id: string): void;
  /**
   * Asks the `mayStay` of channels again, on every node: of the connections with that id, or of all. A channel that
   * says no is closed and does not join again by itself.
   */
  reauthorise(id?: string): void;
  /** Wires in a connection of any socket library. */
  readonly connect: ConnectSocket;
  /** Connections of this node. */
  readonly sockets: number;
  /** It takes connections: false from the moment it drains. For `healthHandler`, where channels stand alone. */
  readonly ready: boolean;
  /** Sends all connections away, a share of them at a time (1012); takes none from then on. Resolves when all are gone. */
  drain(options?: { readonly over?: number }): Promise<void>;
  /** The same at once. */
  stop(): Promise<void>;
}

/** A socket of any library, for `channels.connect`. */
export interface AnySocket {
  /** Sends a frame: text as a string, or a binary frame's bytes. */
  send(data: string | Uint8Array): void;
  /** Closes it. Then `disconnect` is to be called. */
  close(code: number, reason: string): void;
  /** What opened it: the url with its query says `vsn` and the params. */
  readonly request: ConnectRequest & { readonly authToken?: string | undefined };
  /** Bytes handed over and not yet written. Default: not known, and not bounded. */
  bufferedAmount?(): number;
}

/**
 * Gives where its frames go. What comes before `connect` has decided waits; who is turned away is closed (1008).
 *
 * @example
 * const { incoming, disconnect } = channels.connect({ send: (data) => socket.send(data), close: (code) => socket.close(code), request });
 * socket.on("message", incoming).on("close", disconnect);
 */
export type ConnectSocket = (socket: AnySocket) => {
  /** A frame of the peer. */
  incoming(data: string | Uint8Array): void;
  /** It is gone. */
  disconnect(): void;
};
