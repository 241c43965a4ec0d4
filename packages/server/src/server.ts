// createServer: the composition root and the public methods. No logic of its own.
import { CallaError, hashString, isSession, sessionKey, topicId } from "@calla/shared";
import type {
  AnyTopicSlice,
  Clock,
  EphemeralSlice,
  Limits,
  Message,
  MessageOf,
  ModelOf,
  ParamsOf,
  Random,
  Serialiser,
  SessionSlice,
  Slice,
  TargetKey,
  TopicPattern,
  TopicSlice,
  Wiring,
} from "@calla/shared";
import { addressReader, trustedProxiesProblem } from "./address.ts";
import type { TrustedProxies } from "./address.ts";
import { identify } from "./authenticate.ts";
import type { Authenticate } from "./authenticate.ts";
import { systemClock, systemRandom } from "./clock.ts";
import { contain, containedPubSub, reporter } from "./contain.ts";
import type { Report } from "./contain.ts";
import type { Connection, ConnectRequest } from "./connection.ts";
import type { Conversation } from "./conversation.ts";
import type { Core, Refused } from "./core.ts";
import { deadline } from "./deadline.ts";
import { hearRights, tellRights } from "./doorbell.ts";
import { DRAIN, sendAway } from "./draining.ts";
import type { DrainOptions } from "./draining.ts";
import { encoders } from "./encoder.ts";
import type { Encoder } from "./encoder.ts";
import type { AnyUser, Handlers, LooseHandlers, Who } from "./handlers.ts";
import { observerOf } from "./events.ts";
import type { Observe } from "./events.ts";
import { greet } from "./hello.ts";
import { Hub } from "./hub.ts";
import { hydrate } from "./hydration.ts";
import type { HydrateOptions } from "./hydration.ts";
import { inspect } from "./inspect.ts";
import type { Inspection, InspectOptions } from "./inspect.ts";
import type { LiveTarget } from "./live-target.ts";
import { memoryLog } from "./log-memory.ts";
import type { LogStorage } from "./log.ts";
import { originAllowed, originPolicyProblem } from "./origin.ts";
import type { OriginPolicy } from "./origin.ts";
import { limitsOf } from "./limits.ts";
import { localPubSub } from "./pubsub.ts";
import type { PubSub } from "./pubsub.ts";
import type { FollowHandler, FollowOptions } from "./readers.ts";
import { ROUND } from "./reauthorising.ts";
import { serverTopic, STOP_WITHIN, unanswered } from "./server-topic.ts";
import type { ServerTopic, StopOptions } from "./server-topic.ts";
import { Staleness, tickOf } from "./staleness.ts";
import { isWhose } from "./whose.ts";
import type { Whose } from "./whose.ts";

/** A message of the session slice, where the wiring has one. */
type SessionMessageOf<W extends Wiring> = MessageOf<NonNullable<W["session"]>>;

export interface ServerOptions<W extends Wiring, User extends AnyUser> {
  readonly wiring: W;
  readonly serialiser: Serialiser;
  /** Default: a memory log. It forgets everything when the process ends. */
  readonly log?: LogStorage;
  /** Doorbells and pushes between nodes. Default: inside this process. */
  readonly pubsub?: PubSub;
  /** Which pages may connect. Default: those of the server's own origin. */
  readonly origins?: OriginPolicy;
  /** Gives the user of a connection. Absent: everybody is nobody (`user` is null). */
  readonly authenticate?: Authenticate<User>;
  /** Signs client identities. Nodes that share a log need the same. Default: the log's own, if it keeps one. */
  readonly secret?: Uint8Array | string;
  /** Ceilings that differ from the defaults (SPEC.md, section LM). `Infinity` lifts one. */
  readonly limits?: Partial<Limits>;
  /** Addresses of one's own proxies, whose X-Forwarded-For is believed when connections are counted. Default: none. */
  readonly trustedProxies?: TrustedProxies;
  /** Development's checks: frozen models, updates run twice, results parsed. Default: unless NODE_ENV is "production". */
  readonly strict?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
  /**
   * A client is there, for the first time (`fresh`) or again. Messages returned are dispatched to its session;
   * server-only ones are welcome.
   */
  readonly onConnect?: (
    who: Who<User> & { readonly request: ConnectRequest; readonly fresh: boolean },
  ) => Returned<SessionMessageOf<W>> | Promise<Returned<SessionMessageOf<W>>>;
  readonly onDisconnect?: (who: Who<User>) => void;
  /** After a session message was accepted here, at most once. */
  readonly onMessage?: (
    message: SessionMessageOf<W>,
    accepted: {
      readonly clientId: string;
      readonly user: User | null;
      readonly model: ModelOf<NonNullable<W["session"]>>;
      readonly sequence: number;
    },
  ) => void;
  /** After a topic message was accepted here, at most once. `author` is null for the server's own. */
  readonly onTopicMessage?: (
    message: Message,
    accepted: {
      readonly topic: TargetKey;
      readonly author: Who<User> | null;
      readonly model: unknown;
      readonly sequence: number;
    },
  ) => void;
  /** The app's code or the storage threw; the server goes on. Default: a line on the standard error output. */
  readonly onError?: (error: unknown) => void;
  /**
   * Hears of everything worth counting or writing down: `pinoObserver`, `prometheus().observe`, or one's own. Default:
   * nobody, which costs nothing.
   */
  readonly observe?: Observe | readonly Observe[];
  /** Something was refused: a forged frame, a forbidden topic, an invalid message. Default: nothing. */
  readonly onRefused?: (refused: Refused) => void;
}
type Returned<M> = M | readonly M[] | void | undefined;

/** A connection seen by a transport. */
export interface Incoming {
  /** Bytes or text from the peer. Never throws. */
  incoming(data: string | Uint8Array): void;
  /** The socket is gone. Repeating it does nothing. */
  disconnect(code?: number, reason?: string): void;
  /** The socket's buffer has emptied. */
  drained(): void;
}

export interface Server<W extends Wiring, User extends AnyUser> {
  readonly wiring: W;
  readonly serialiser: Serialiser;
  readonly limits: Limits;
  /** Says who may follow and dispatch on a slice. A slice without handlers is refused. Call it before clients come. */
  handle<S extends W["topics"][number] | NonNullable<W["session"]>>(
    slice: S,
    handlers: Handlers<S, User>,
  ): void;
  topic<S extends W["topics"][number]>(slice: S, ...params: ParamsOf<S>): ServerTopic<S>;
  session(clientId: string): ServerTopic<NonNullable<W["session"]>>;
  /** Dispatches to one client's session. */
  dispatchTo(clientId: string, message: SessionMessageOf<W>): Promise<{ readonly sequence: number }>;
  /** Dispatches to the session of every client connected to this node. */
  dispatchToAll(message: SessionMessageOf<W>): Promise<void>;
  /** Pushes a message to the followers of every topic of a slice on this node. */
  broadcast<S extends W["topics"][number]>(slice: S, message: MessageOf<S>): void;
  /** The same in the name of a client, which does not get it itself. */
  broadcastFrom<S extends W["topics"][number]>(clientId: string, slice: S, message: MessageOf<S>): void;
  /** Makes a connected client follow a topic whatever `canSubscribe` says. False if it is not connected here. */
  subscribe<S extends W["topics"][number]>(clientId: string, slice: S, ...params: ParamsOf<S>): boolean;
  /** Cuts a client off a topic. It is asked again (`canSubscribe`) should it come back. */
  unsubscribe<S extends W["topics"][number]>(clientId: string, slice: S, ...params: ParamsOf<S>): boolean;
  /**
   * Rights have changed: asks `canSubscribe` anew for everything that connected clients follow or may reach (all of
   * them, or one user's, or one client's), and cuts off what is refused. With a `user`, that is what that user is from
   * now on; null signs it out (terminal, `unauthenticated`). Resolves when all on this node have been asked. On a shared
   * log the other nodes are told by `pubsub`, which must be able to carry the `user`; one that is not reached finds out
   * after `recheckAfter`, if `canSubscribe` says so.
   *
   * @example
   * await server.reauthorise({ userId: "anna" });
   */
  reauthorise(whose?: Whose<User>): Promise<void>;
  /** Whether a page of this origin may connect. Transports ask before anything else. */
  allowsOrigin(request: ConnectRequest): boolean;
  /** A transport turned somebody away before there was a connection. It is recorded as `onRefused` hears everything. */
  refused(refusal: {
    readonly reason: string;
    readonly request: ConnectRequest;
    readonly error?: unknown;
  }): void;
  /** Wires in a connection of any socket library. `format` is one of the serialiser's names. */
  connect(wired: {
    readonly connection: Connection;
    readonly request: ConnectRequest;
    readonly format: string;
  }): Incoming;
  /**
   * Topics as they are now, for a page: text to be put as it is into `<script type="application/json" id="calla">`,
   * where `@calla/client/hydration` finds it. Who gets the page sees them: ask before whether they may.
   *
   * @throws CallaError `forbidden`: a session among the topics, or a response that can no longer be made `no-store`.
   * `topic`: an ephemeral one. `storage`, `version`, `closed`: a topic cannot be opened.
   * @example
   * const text = await server.hydrate([server.topic(board, "42")]);
   */
  hydrate(topics: readonly { readonly id: string }[], options?: HydrateOptions): Promise<string>;
  /**
   * Does something for everything that happens to a slice's topics, in the log's order, at least once: the handler is
   * asked again until it does not fail, and what came after waits. One node of those that follow under a name does it.
   * The position is stored after the handler, some at a time, so after a crash the last ones are told again: `key` tells.
   * Returns its stop, which resolves when no handler runs any more; the place is kept (`unfollow` gives it up).
   *
   * @throws CallaError `wiring`: the name is no name or taken on this node, or the slice has no log.
   * @example
   * const stop = server.follow(board, { name: "audit" }, async (entry) => insertIfNew(entry.key, entry));
   */
  follow<S extends W["topics"][number] | NonNullable<W["session"]>>(
    slice: S,
    options: FollowOptions,
    handler: FollowHandler<S>,
  ): () => Promise<void>;
  /** A follower is not needed any more: nothing is kept for it. Call it when no node follows under this name. */
  unfollow<S extends W["topics"][number] | NonNullable<W["session"]>>(slice: S, name: string): Promise<void>;
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
  /** Whether it takes connections: not while it drains, nor after. */
  readonly ready: boolean;
  /**
   * For a deploy: takes no more connections, sends clients away over some time, told to come back spread over a while,
   * and stops. A second call, and `stop`, end the wait. Call it on SIGTERM.
   *
   * @example
   * process.once("SIGTERM", () => void server.drain({ over: 10_000 }).then(() => process.exit(0)));
   */
  drain(options?: DrainOptions): Promise<void>;
  /** Lets appends land, says goodbye to everybody, stores snapshots. Idempotent. */
  stop(options?: StopOptions): Promise<void>;
}

/**
 * Makes a server: the authority over every model.
 *
 * @example
 * const server = createServer({ wiring, serialiser });
 * server.handle(board, { public: true });
 * webSocket(server, { httpServer, path: "/ws" });
 * @throws CallaError `wiring`: an option is wrong; the message says which and what to write.
 */
export function createServer<W extends Wiring, User extends AnyUser = AnyUser>(
  options: ServerOptions<W, User>,
): Server<W, User> {
  const {
    wiring,
    serialiser,
    log = memoryLog(),
    clock = systemClock,
    random = systemRandom,
    origins = "same-origin",
  } = options;
  const problem = originPolicyProblem(origins);
  if (problem !== undefined) throw new CallaError("wiring", { origins }, problem);
  log.carryWith?.(serialiser);
  const limits = limitsOf(options.limits);
  const { trustedProxies = [] } = options;
  const untrusted = trustedProxiesProblem(trustedProxies);
  if (untrusted !== undefined) throw new CallaError("wiring", { trustedProxies }, untrusted);
  const handlers = new Map<string, LooseHandlers>();
  const reported = reporter(options.onError);
  const observe = observerOf(options.observe, reported);
  const report: Report =
    observe === undefined
      ? reported
      : (error) => {
          observe({ type: "error", error });
          reported(error);
        };
  const core: Core = {
    wiring,
    serialiser,
    encoders: encoders(serialiser),
    limits,
    clock,
    random,
    log,
    pubsub: containedPubSub(options.pubsub ?? localPubSub(), report),
    strict: options.strict ?? process.env["NODE_ENV"] !== "production",
    node: `${random.uint32().toString(36)}${random.uint32().toString(36)}`,
    handlers,
    hears: { sessions: options.onMessage !== undefined, topics: options.onTopicMessage !== undefined },
    report,
    observe,
    refused(refused) {
      const { code, clientId, userId, target } = refused;
      observe?.({ type: "refused", code, clientId, userId, target });
      contain(report, () => options.onRefused?.(refused));
    },
  };
  const secret = secretOf(options.secret, log);
  secret().catch(report); // and every Hello is refused, retryably, until it can be had
  const hub = new Hub(core, {
    greet: (hello, request) => greet({ core, authenticate: options.authenticate, secret }, hello, request),
    addressOf: addressReader(trustedProxies),
    identify: (request, token) => identify(options.authenticate, request, token),
    connected: (conversation, fresh) => void seed(hub, options, conversation, fresh).catch(report),
    disconnected: (conversation) => contain(report, () => options.onDisconnect?.(whoOf<User>(conversation))),
    accepted: (live, author, message, record, model) => {
      const { sequence, at } = record;
      const who = author === undefined ? null : whoOf<User>(author);
      const { key: topic, params } = live;
      contain(report, () =>
        live.handlers?.onMessage?.(message, { topic, params, author: who, sequence, at, model }),
      );
      contain(report, () => {
        if (!isSession(topic))
          return options.onTopicMessage?.(message, { topic, author: who, model, sequence });
        const clientId = topic.slice(1);
        const user = (author ?? hub.clients.get(clientId))?.user as User | null | undefined;
        return options.onMessage?.(message as never, {
          clientId,
          user: user ?? null,
          model: model as never,
          sequence,
        });
      });
    },
  });
  const cancels = housekeeping(hub);
  let stopping: Promise<void> | undefined;
  const end = (how?: StopOptions): Promise<void> => (stopping ??= stop(hub, cancels, how));
  const keyOf = (slice: Slice, params: readonly string[]): TargetKey => {
    const { pattern } = slice as TopicSlice | EphemeralSlice;
    return topicId(pattern as TopicPattern<"*">, ...(params as [string]));
  };
  const session = (clientId: string): ServerTopic<NonNullable<W["session"]>> => {
    if (wiring.session === undefined)
      throw new CallaError("wiring", {}, "The wiring has no session slice; give defineWiring one.");
    return serverTopic(hub, wiring.session, sessionKey(clientId));
  };
  const eachTopic = (slice: Slice, push: (topic: ServerTopic<never>) => void): void => {
    for (const key of hub.places.ofSlice(slice)) push(serverTopic(hub, slice, key));
  };

  return {
    wiring,
    serialiser,
    limits,
    handle(slice, given) {
      if (
        !(wiring.topics as readonly AnyTopicSlice[]).includes(slice as never) &&
        slice !== (wiring.session as SessionSlice | undefined)
      ) {
        throw new CallaError(
          "wiring",
          { slice: slice.name },
          `handle: slice "${slice.name}" is not in this server's wiring; add it to defineWiring.`,
        );
      }
      if (handlers.has(slice.name))
        throw new CallaError(
          "wiring",
          { slice: slice.name },
          `handle: slice "${slice.name}" has handlers already; give them all at once.`,
        );
      handlers.set(slice.name, given as unknown as LooseHandlers);
    },
    topic: (slice, ...params) => serverTopic(hub, slice, keyOf(slice, params)),
    session,
    dispatchTo: (clientId, message) => session(clientId).dispatch(message),
    async dispatchToAll(message) {
      await Promise.all([...hub.clients.keys()].map((clientId) => session(clientId).dispatch(message)));
    },
    broadcast: (slice, message) => eachTopic(slice, (topic) => topic.push(message as never)),
    broadcastFrom: (clientId, slice, message) =>
      eachTopic(slice, (topic) => topic.pushFrom(clientId, message as never)),
    subscribe(clientId, slice, ...params) {
      const conversation = hub.clients.get(clientId);
      if (conversation !== undefined) hub.following.grant(conversation, keyOf(slice, params));
      return conversation !== undefined;
    },
    unsubscribe(clientId, slice, ...params) {
      const conversation = hub.clients.get(clientId);
      const key = keyOf(slice, params);
      if (conversation !== undefined) hub.following.cut(conversation, key, "unsubscribed", false);
      for (const packet of hub.packets) if (packet.clientId === clientId) packet.gates?.delete(key);
      return conversation !== undefined;
    },
    hydrate: (topics, hydrating = {}) => hydrate(hub, topics, hydrating),
    follow: (slice, followed, handler) => hub.readers.follow(slice, followed, handler),
    unfollow: (slice, name) => hub.readers.unfollow(slice, name),
    async reauthorise(whose = {}) {
      if (!isWhose(whose))
        throw new CallaError(
          "wiring",
          {},
          "reauthorise({ user: null }) wants a userId or a clientId: whose?",
        );
      tellRights(core, whose);
      await hub.reauthorise(whose);
    },
    allowsOrigin: ({ headers }) =>
      originAllowed(origins, { origin: one(headers["origin"]), host: one(headers["host"]) }),
    refused({ reason, request, error }) {
      if (error !== undefined) core.report(error);
      const details = {
        url: request.url,
        origin: request.headers["origin"],
        remoteAddress: request.remoteAddress,
      };
      core.refused({ code: reason, clientId: undefined, userId: null, target: undefined, details });
    },
    connect({ connection, request, format }) {
      const conversation = hub.connect(connection, request, encoderOf(core, format));
      if (hub.away !== undefined) hub.end(conversation, hub.away.code, true, hub.away.within);
      return new Wire(hub, conversation);
    },
    speak: ({ format, ...spoken }) => hub.speak({ ...spoken, encoder: encoderOf(core, format) }),
    get ready() {
      return hub.away === undefined;
    },
    inspect: (asked = {}) => inspect(hub, hub.away === undefined, asked),
    async drain({ over = DRAIN.over, reconnectWithin = DRAIN.reconnectWithin, within } = {}) {
      const again = hub.away !== undefined;
      hub.away ??= { code: "draining", within: reconnectWithin };
      const sent = (one: Conversation): void => hub.end(one, "draining", true, reconnectWithin);
      const stopped = (): boolean => stopping !== undefined;
      if (!again) await sendAway({ clock, connections: hub.connections, end: sent, stopped }, over);
      await end(within === undefined ? {} : { within });
    },
    stop: end,
  };
}

function encoderOf({ encoders }: Core, format: string): Encoder {
  const encoder = encoders.find(({ name }) => name === format);
  if (encoder !== undefined) return encoder;
  throw new CallaError(
    "transport",
    { format },
    `The serialiser has no format "${format}"; it has ${encoders.map(({ name }) => name).join(", ")}.`,
  );
}

/** A transport's end of a conversation: an object with a prototype, so that a connection costs no closures. */
class Wire implements Incoming {
  readonly #hub: Hub;
  readonly #conversation: Conversation;
  constructor(hub: Hub, conversation: Conversation) {
    this.#hub = hub;
    this.#conversation = conversation;
  }
  incoming(data: string | Uint8Array): void {
    this.#hub.incoming(this.#conversation, data);
  }
  disconnect(): void {
    this.#hub.disconnect(this.#conversation);
  }
  drained(): void {
    this.#hub.collapsing.drained(this.#conversation);
  }
}

/** onConnect, and the messages it returns into the client's session. */
async function seed<W extends Wiring, User extends AnyUser>(
  hub: Hub,
  options: ServerOptions<W, User>,
  conversation: Conversation,
  fresh: boolean,
): Promise<void> {
  const { request } = conversation;
  const returned = await options.onConnect?.({ ...whoOf<User>(conversation), request, fresh });
  if (returned === undefined || returned === null) return;
  const messages: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  if (messages.length === 0) return;
  const { session } = options.wiring;
  if (session === undefined)
    throw new CallaError(
      "wiring",
      {},
      "onConnect returned messages, but the wiring has no session slice for them.",
    );
  await serverTopic(hub, session, sessionKey(conversation.clientId)).dispatch(messages as never);
}

/** Timers of the whole server: idle targets leave, followed ones on a shared log are looked at. */
function housekeeping(hub: Hub): (() => void)[] {
  const { core, registry, turns, reauthorising, connections, lifetimes } = hub;
  lifetimes.start();
  const cancels: (() => void)[] = [];
  const every = (milliseconds: number, run: () => void): void => {
    const index = cancels.length;
    const again = (): void => {
      run();
      cancels[index] = core.clock.setTimeout(again, milliseconds);
    };
    cancels[index] = core.clock.setTimeout(again, milliseconds);
  };
  every(core.limits.targetIdle, () => registry.sweep());
  if (core.limits.recheckAfter < Infinity)
    every(Math.max(core.limits.recheckAfter / ROUND, 100), () => reauthorising.tick(connections));
  if (core.log.shared) {
    const staleness = new Staleness<LiveTarget>(hashString(core.node));
    every(tickOf(core.limits.maxStaleness), () => {
      for (const live of staleness.due(registry.followed())) void turns.look(live);
    });
    cancels.push(hearRights(core, (whose) => void hub.reauthorise(whose).catch(core.report)));
  }
  return cancels;
}

async function stop(
  hub: Hub,
  cancels: (() => void)[],
  { within = STOP_WITHIN }: StopOptions = {},
): Promise<void> {
  hub.away = { code: "stopping", within: 0 };
  for (const cancel of cancels) cancel();
  const { core, registry, turns, lifetimes } = hub;
  const limit = deadline(core.clock, within);
  try {
    let inTime = await limit.met(turns.landed());
    for (const conversation of hub.connections) hub.end(conversation, "stopping", true, 1_000);
    // What onUnsubscribe and onDisconnect dispatched.
    if (inTime) inTime = await limit.met(turns.landed());
    if (!(await limit.met(hub.readers.stop()))) inTime = false;
    if (inTime) inTime = await limit.met(saveAll(hub));
    turns.stop();
    lifetimes.stop();
    for (const live of registry.all()) registry.drop(live);
    if (!(await limit.met(core.log.close()))) inTime = false;
    if (!inTime) core.report(unanswered("server.stop()", within));
  } finally {
    limit.over();
  }
}

/** Some at a time: a log may store them together, and not all of them are in memory twice. */
async function saveAll({ core, registry, lifetimes }: Hub): Promise<void> {
  await lifetimes.flush().catch(core.report);
  const all = [...registry.all()];
  for (let i = 0; i < all.length; i += 32)
    await Promise.all(all.slice(i, i + 32).map((live) => registry.saveSnapshot(live)));
}

const whoOf = <User extends AnyUser>({ clientId, user }: Conversation): Who<User> => ({
  clientId,
  user: user as User | null,
});

const one = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === "string" || header === undefined ? header : header[0];

/** The key that signs identities, had once. A log that failed to give its own is asked again. */
function secretOf(given: Uint8Array | string | undefined, log: LogStorage): () => Promise<Uint8Array> {
  const ask = async (): Promise<Uint8Array> => {
    const secret =
      typeof given === "string" ? new TextEncoder().encode(given) : (given ?? (await log.secret()));
    if (secret !== undefined && secret.length >= 16) return secret;
    const why = secret === undefined ? "This log keeps none, so" : "It is shorter than 16 bytes;";
    throw new CallaError(
      "wiring",
      {},
      `createServer({ secret }): ${why} give all nodes the same random secret of at least 32 bytes.`,
    );
  };
  let asked: Promise<Uint8Array> | undefined;
  return () => {
    asked ??= ask().catch((error: unknown) => {
      asked = undefined;
      throw error;
    });
    return asked;
  };
}
