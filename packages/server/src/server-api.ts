// What a server takes and does, as the app sees it. Not here: how (server.ts).
import type {
  AnyTopicSlice,
  Clock,
  InWiring,
  Limits,
  Message,
  MessageOf,
  ModelOf,
  ParamsOf,
  Random,
  RequestCode,
  Serialiser,
  SessionSlice,
  Wiring,
} from "@calla/shared";
import type { TrustedProxies } from "./identity/address.ts";
import type { Authenticate } from "./app/authenticate.ts";
import type { Connection, ConnectRequest, Received, RequestInlet } from "./base/connection.ts";
import type { Refused } from "./context/server-context.ts";
import type { DrainOptions } from "./connection/drain.ts";
import type { AnyUser, Handlers, Who } from "./app/handlers.ts";
import type { IncomingMessage, SessionMessage, TopicMessage, Unhook } from "./app/hooks.ts";
import type { Observe } from "./app/events.ts";
import type { Hosts } from "./identity/hosts.ts";
import type { HydrateOptions } from "./hydration.ts";
import type { Inspection, InspectOptions } from "./inspect.ts";
import type { LogStorage } from "./log/log.ts";
import type { OriginPolicy } from "./identity/origin.ts";
import type { PubSub } from "./cluster/pubsub.ts";
import type { ConsumerHandler, ConsumerOptions } from "./history/log-consumers.ts";
import type { ServerTopic, StopOptions } from "./server-topic.ts";
import type { RemoveTopicsOptions } from "./server-topics.ts";
import type { ListedTopic } from "./target/topic-list.ts";
import type { DisconnectOptions } from "./identity/kick.ts";
import type { RightsChange } from "./identity/rights-change.ts";

/** A message of the session slice, where the wiring has one. */
export type SessionMessageOf<W extends Wiring> = MessageOf<NonNullable<W["session"]>>;

/**
 * What `createServer` takes: `wiring` and `serialiser` are those of its clients, everything else has a default.
 *
 * @example
 * createServer({ wiring, serialiser, log: sqlite("calla.db"), origins: ["https://app.example"], authenticate });
 */
export interface ServerOptions<W extends Wiring, User extends AnyUser> {
  readonly wiring: W;
  readonly serialiser: Serialiser;
  /** Default: a memory log. It forgets everything when the process ends. */
  readonly log?: LogStorage;
  /** Doorbells and pushes between nodes. Default: inside this process. */
  readonly pubsub?: PubSub;
  /**
   * This node's own name, the same when it begins again (a host name, a pod's): who was here before it was killed is then
   * gone from presence at its first word, and not 15 s later. No two nodes may have one name. Default: none.
   */
  readonly nodeName?: string;
  /** Which pages may connect. Default: those of the server's own origin. */
  readonly origins?: OriginPolicy;
  /**
   * The names under which clients reach this server ("app.example", "*.app.example"): a page of another site can point a
   * name of its own here (DNS rebinding). Default: any in production; in development, with `origins: "same-origin"`, pages
   * may use localhost and addresses only. "any" lifts that. Behind a proxy the name is what the proxy sends as Host.
   */
  readonly hosts?: Hosts;
  /** Gives the user of a connection. Absent: every client is a visitor (`user` is null). */
  readonly authenticate?: Authenticate<User>;
  /** Signs client identities. Nodes that share a log need the same. Default: the log's own, if it keeps one. */
  readonly secret?: Uint8Array | string;
  /** Limits that differ from the defaults (spec/limits.md). `Infinity` lifts one. */
  readonly limits?: Partial<Limits>;
  /** Addresses of your own proxies, whose X-Forwarded-For is trusted when connections are counted. Default: none. */
  readonly trustedProxies?: TrustedProxies;
  /**
   * Development's checks: frozen models, updates run twice, results parsed. Default: unless NODE_ENV is "production", or
   * the condition `production` has left them out.
   */
  readonly strict?: boolean;
  /** Where time comes from. Default: the machine's; a test gives a virtual one. */
  readonly clock?: Clock;
  /** Where ids, marks and secrets come from. Default: cryptographic chance; a test gives a seeded one. */
  readonly random?: Random;
  /**
   * A client has connected, for the first time (`fresh`) or again. Returned messages are dispatched to its session;
   * server-only ones too.
   */
  readonly onConnect?: (
    who: Who<User> & { readonly request: ConnectRequest; readonly fresh: boolean },
  ) => Returned<SessionMessageOf<W>> | Promise<Returned<SessionMessageOf<W>>>;
  /** A client's connection has ended, for whatever reason; it may connect again. Called once for each `onConnect`. */
  readonly onDisconnect?: (who: Who<User>) => void;
  /** The first of `server.onIncoming`. */
  readonly onIncoming?: IncomingHook<User>;
  /** The first of `server.onMessage`. */
  readonly onMessage?: SessionHook<W, User>;
  /** The first of `server.onTopicMessage`. */
  readonly onTopicMessage?: TopicHook<User>;
  /** The app's code or the storage threw; the server goes on. Default: a line on the standard error output. */
  readonly onError?: (error: unknown) => void;
  /**
   * Called for everything worth counting or logging: `pinoObserver`, `prometheus().observe`, or your own. Default: none,
   * which costs nothing.
   */
  readonly observe?: Observe | readonly Observe[];
  /** Something was refused: a forged frame, a forbidden topic, an invalid message. Default: nothing. */
  readonly onRefused?: (refused: Refused) => void;
}
/** Hears what clients send, before anything is decided. The message is whatever the wire carries: no schema has seen it. */
export type IncomingHook<User extends AnyUser> = (message: unknown, about: IncomingMessage<User>) => void;
/** Hears what was applied to sessions. */
export type SessionHook<W extends Wiring, User extends AnyUser> = (
  message: SessionMessageOf<W>,
  about: SessionMessage<ModelOf<NonNullable<W["session"]>>, User>,
) => void;
/** Hears what was applied to topics. */
export type TopicHook<User extends AnyUser> = (message: Message, about: TopicMessage<User>) => void;
type Returned<M> = M | readonly M[] | void | undefined;

/** A connection seen by a transport. */
export interface Incoming {
  /** Bytes or text from the peer. Never throws. */
  incoming(data: string | Uint8Array): void;
  /**
   * So many bytes have been read, headers and control frames too, and so many are held of what is not whole: for the
   * limits in bytes. A transport that does not tell is counted by what comes in.
   */
  received(bytes: number, unfinished: number): void;
  /** The socket is gone. Repeating it does nothing. */
  disconnect(code?: number, reason?: string): void;
  /** The socket's buffer has emptied. */
  drained(): void;
}

/**
 * The authority over all targets of a wiring, as `createServer` makes it: the app's hold on topics, sessions and
 * clients, and what transports wire connections into.
 *
 * @example
 * const server = createServer({ wiring, serialiser });
 * server.handle(counter, { public: true });
 * webSocket(server, { httpServer, path: "/ws" });
 */
export interface Server<W extends Wiring, User extends AnyUser> {
  readonly wiring: W;
  readonly serialiser: Serialiser;
  readonly limits: Limits;
  /** Says who may subscribe and dispatch on a slice. A slice without handlers is refused. Call it before clients connect. */
  handle<S extends AnyTopicSlice | SessionSlice>(
    slice: S extends NonNullable<W["session"]> ? S : InWiring<W, S>,
    handlers: Handlers<S, User>,
  ): void;
  /** @throws CallaError `wiring`: the slice is not in this server's wiring. `topic`: the parameters make no topic id. */
  topic<S extends AnyTopicSlice>(slice: InWiring<W, S>, ...params: ParamsOf<S>): ServerTopic<S>;
  /**
   * A client's session in the server's own hands, connected or not.
   *
   * @throws CallaError `wiring`: the wiring has no session.
   */
  session(clientId: string): ServerTopic<NonNullable<W["session"]>>;
  /**
   * Called for every message that a client sends and that its rates let in, before its topic has any part in it: to
   * topics, to ephemeral and unknown ones, to its session, also if it will be refused; once for each message of a dispatch
   * of several. Not called for what cannot be decoded, nor for what the server dispatches; called again, with the same
   * `id`, when a client sends a message again (a lost answer, a pause). As long as there is such a hook, messages are
   * decoded and copied for it, frozen: it observes. What it throws is reported. Any number, at any time; returns the undo.
   *
   * @example
   * const stop = server.onIncoming((message, { topic, user }) => audit.debug({ topic, by: user?.id, message }));
   */
  onIncoming(hook: IncomingHook<User>): Unhook;
  /**
   * Called for every message that was applied to a session on this node, after that, at most once. `author`: the client
   * that dispatched it, or null, the server itself. What it throws is reported. Any number, at any time; returns the undo.
   *
   * @example
   * server.onMessage((message, { author, model }) => author && db.save(author.clientId, model));
   */
  onMessage(hook: SessionHook<W, User>): Unhook;
  /** The same of topics. For one slice, with its types, give `handle` an `onMessage`. */
  onTopicMessage(hook: TopicHook<User>): Unhook;
  /**
   * The topics of a pattern that the log has, also those whose slice is no longer in the wiring. They are read page by
   * page, as you iterate; a topic that is made or removed in between may be among them or not.
   *
   * @throws CallaError `wiring`: this is no topic pattern. `storage`: the log cannot be read.
   * @example
   * for await (const { topic, used } of server.topics("board:tenant-7:*")) console.log(topic, new Date(used));
   */
  topics(pattern: string): AsyncIterable<ListedTopic>;
  /**
   * Removes the topics of a pattern as `topic.remove()` does, one after the other; with `unusedFor` only those that
   * nobody has used for so long. Gives how many were removed. Topics that are made in between may be left.
   *
   * @throws CallaError `wiring`: this is no topic pattern. `storage`: the log failed; call it again for what is left.
   * @example
   * await server.removeTopics("draft:*", { unusedFor: 90 * 24 * 3_600_000 });
   */
  removeTopics(pattern: string, options?: RemoveTopicsOptions): Promise<number>;
  /** Dispatches to one client's session. */
  dispatchTo(clientId: string, message: SessionMessageOf<W>): Promise<{ readonly sequence: number }>;
  /** Dispatches to the session of every client connected to this node. */
  dispatchToAll(message: SessionMessageOf<W>): Promise<void>;
  /** Pushes a message to the subscribers of every topic of a slice on this node. */
  broadcast<S extends AnyTopicSlice>(slice: InWiring<W, S>, message: MessageOf<S>): void;
  /** The same in the name of a client, which does not get it itself. */
  broadcastFrom<S extends AnyTopicSlice>(
    clientId: string,
    slice: InWiring<W, S>,
    message: MessageOf<S>,
  ): void;
  /** Subscribes a connected client to a topic whatever `canSubscribe` says. False if it is not connected here. */
  subscribe<S extends AnyTopicSlice>(
    clientId: string,
    slice: InWiring<W, S>,
    ...params: ParamsOf<S>
  ): boolean;
  /** Ends a client's subscription. `canSubscribe` is called again when the client subscribes again. */
  unsubscribe<S extends AnyTopicSlice>(
    clientId: string,
    slice: InWiring<W, S>,
    ...params: ParamsOf<S>
  ): boolean;
  /**
   * Rights have changed: calls `canSubscribe` anew for everything that connected clients have subscribed or may reach
   * (all clients, or one user's, or one; all topics, or one), and ends what it refuses. No answer to a question of before
   * counts: name whose rights changed, so that nobody else is asked again. With a `user`, that is the user from now on;
   * null signs it out (terminal, `unauthenticated`). Resolves when all checks on this node have answered. On a shared log
   * `pubsub` tells the other nodes, and must be able to carry the `user`; a node that is not reached checks again after
   * `recheckAfter`.
   *
   * @example
   * await server.reauthorise({ userId: "anna" });
   */
  reauthorise(whose?: RightsChange<User>): Promise<void>;
  /**
   * Ends what the client has: its connection, polls and packets under way, another tab's that sends what it left behind.
   * On a shared log `pubsub` tells the other nodes. Nothing is remembered: a client that `authenticate` lets in may
   * return; to shut a user out, have it refuse first. Returns how many it ended on this node.
   *
   * @throws CallaError `wiring`: what was given is no client id, code or time.
   * @example
   * server.disconnect(clientId, { code: "replaced-by-admin" });
   */
  disconnect(clientId: string, options?: DisconnectOptions): number;
  /** Whether a page of this origin may connect. Transports check this before anything else. */
  allowsOrigin(request: ConnectRequest): boolean;
  /** Why a request may not come in under the name it was sent to, as a sentence; undefined: it may (`hosts`). */
  hostRefusal(request: ConnectRequest): string | undefined;
  /** Pages of all sites may connect: then none may bring cookies. */
  readonly allowsAnyOrigin: boolean;
  /** A transport refused a request before there was a connection. `onRefused` is called for it. */
  refused(refusal: {
    readonly reason: RequestCode;
    readonly request: ConnectRequest;
    readonly error?: unknown;
    /** What is to be done about it. */
    readonly why?: string | undefined;
  }): void;
  /** Wires in a connection of any socket library. `format` is one of the serialiser's names. */
  connect(wired: {
    readonly connection: Connection;
    readonly request: ConnectRequest;
    readonly format: string;
  }): Incoming;
  /**
   * Topics as they are now, for a page: text to be put as it is into `<script type="application/json" id="calla">`,
   * where `@calla/client/hydration` finds it. Everybody who gets the page sees them: check rights before.
   *
   * @throws CallaError `forbidden`: a session among the topics, or a response that can no longer be made `no-store`.
   * `topic`: an ephemeral one. `storage`, `version`, `closed`: a topic cannot be opened.
   * @example
   * const text = await server.hydrate([server.topic(board, "42")]);
   */
  hydrate(topics: readonly { readonly id: string }[], options?: HydrateOptions): Promise<string>;
  /**
   * Consumes the log: calls the handler for everything that happens to a slice's topics, in the log's order, at least once.
   * A handler that fails is called again until it does not, and what came after waits. Of the nodes that consume under
   * one name, one does it. The position is stored after the handler, some entries at a time, so after a crash the handler
   * is called again for the last ones, with the same `key`.
   * Returns its stop, which resolves when no handler runs any more; the position is kept (`dropConsumer` discards it).
   *
   * @throws CallaError `wiring`: the name is no name or taken on this node, or the slice has no log.
   * @example
   * const stop = server.consume(board, { name: "audit" }, async (entry) => insertIfNew(entry.key, entry));
   */
  consume<S extends W["topics"][number] | NonNullable<W["session"]>>(
    slice: S,
    options: ConsumerOptions,
    handler: ConsumerHandler<S>,
  ): () => Promise<void>;
  /** Discards a consumer that is no longer needed: the log keeps nothing for it. Call it when no node consumes under this name. */
  dropConsumer<S extends W["topics"][number] | NonNullable<W["session"]>>(
    slice: S,
    name: string,
  ): Promise<void>;
  /**
   * A transport has a request under way: it counts until it is over, and is paused or cut where it is more than the
   * limits in bytes allow.
   */
  receive(inlet: RequestInlet): Received;
  /**
   * Takes a packet that is a conversation by itself, `Hello` first, of a client whose stream may be on any node. The
   * answers are sent to `connection`, which is closed when there are no more. Returns what to call if its sender goes.
   */
  speak(spoken: {
    readonly data: string | Uint8Array;
    readonly connection: Connection;
    readonly request: ConnectRequest;
    readonly format: string;
  }): () => void;
  /** What it holds now, counted: connections, topics, queues, memory. Costs a walk over them. */
  inspect(options?: InspectOptions): Inspection;
  /** Bytes that the log stores; undefined where it cannot tell (a memory log). */
  logBytes(): Promise<number | undefined>;
  /** Whether it takes connections: not while it drains, nor after. */
  readonly ready: boolean;
  /**
   * For a deploy: takes no more connections, ends those there are over some time, with a spread time to reconnect, and
   * stops. A second call, and `stop`, end the wait. Call it on SIGTERM.
   *
   * @example
   * process.once("SIGTERM", () => void server.drain({ over: 10_000 }).then(() => process.exit(0)));
   */
  drain(options?: DrainOptions): Promise<void>;
  /** Lets appends land, sends `Closing` to all clients, stores snapshots. Idempotent. */
  stop(options?: StopOptions): Promise<void>;
}
