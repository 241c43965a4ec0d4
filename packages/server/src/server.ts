// createServer: the composition root, the public methods, and the order in which a server starts, drains and stops. Not
// here: what its parts do.
import { CallaError, checkMadeBy, isSession, sessionKey, strictness, topicId } from "@calla/shared";
import type {
  AnyTopicSlice,
  EphemeralSlice,
  Limits,
  Message,
  ModelOf,
  Slice,
  TargetKey,
  TopicPattern,
  TopicSlice,
  Wiring,
} from "@calla/shared";
import { Authenticator } from "./app/authenticate.ts";
import type { ConnectRequest, RequestInlet } from "./base/connection.ts";
import { contain } from "./base/contain.ts";
import type { Conversation } from "./connection/conversation.ts";
import type { ServerContext } from "./context/server-context.ts";
import { deadline } from "./base/deadline.ts";
import { sayDevelopment } from "./base/development.ts";
import { mistakeTeller } from "./base/mistakes.ts";
import { hearKick, hearRights, tellKick, tellRights } from "./cluster/node-messages.ts";
import { DRAIN, sendAway } from "./connection/drain.ts";
import { limited } from "./connection/refusal.ts";
import { encoders } from "./context/encoder.ts";
import type { Encoder } from "./context/encoder.ts";
import type { AnyUser, LooseHandlers, Who } from "./app/handlers.ts";
import { HookList } from "./app/hooks.ts";
import type { IncomingMessage, SessionMessage, TopicMessage } from "./app/hooks.ts";
import { messagesOf } from "./app/messages.ts";
import { brief, briefUrl } from "./base/brief.ts";
import { openHouse, setHouse } from "./house/house.ts";
import { setPresence } from "./house/house-presence.ts";
import { Hub } from "./hub/hub.ts";
import { setHub } from "./hub/hubs.ts";
import { hydrate } from "./hydration.ts";
import { inspect } from "./inspect.ts";
import { kickHere, kickOf } from "./identity/kick.ts";
import type { Kick } from "./identity/kick.ts";
import type { Inflow, Inlet } from "./connection/byte-limits.ts";
import { memoryLog } from "./log/memory/memory-log.ts";
import type { LogStorage } from "./log/log.ts";
import { ROUND } from "./hub/access-recheck.ts";
import { SECRET_CURE, secretProblem } from "./identity/secret-strength.ts";
import type { Incoming, Server, ServerOptions, SessionMessageOf } from "./server-api.ts";
import { serverTopic, STOP_WITHIN, unanswered } from "./server-topic.ts";
import type { ServerTopic, StopOptions } from "./server-topic.ts";
import { removeTopics } from "./server-topics.ts";
import { GAP_WITHIN, GapRound, tickOf } from "./cluster/poll-schedule.ts";
import { listTopics } from "./target/topic-list.ts";
import { isRightsChange } from "./identity/rights-change.ts";

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
  const { wiring, serialiser, log = memoryLog() } = options;
  checkMadeBy(wiring, "@calla/server");
  const house = openHouse(options);
  const { clock, random, limits, report, observe, development } = house;
  log.carryWith?.(serialiser);
  options.pubsub?.carryWith?.(serialiser);
  const handlers = new Map<string, LooseHandlers>();
  sayDevelopment(options.strict, report);
  const tellMistake = mistakeTeller(development, report, (target) =>
    isSession(target) ? wiring.session?.name : wiring.sliceOf(target)?.slice.name,
  );
  const hooks = {
    incoming: new HookList<unknown, IncomingMessage<User>>(),
    sessions: new HookList<SessionMessageOf<W>, SessionMessage<ModelOf<NonNullable<W["session"]>>, User>>(),
    topics: new HookList<Message, TopicMessage<User>>(),
  };
  hooks.incoming.add(options.onIncoming);
  hooks.sessions.add(options.onMessage);
  hooks.topics.add(options.onTopicMessage);
  const context: ServerContext = {
    wiring,
    serialiser,
    encoders: encoders(serialiser),
    limits,
    clock,
    random,
    log,
    pubsub: house.pubsub,
    presence: house.presence,
    strict: strictness(options.strict),
    node: house.node,
    handlers,
    hooks: hooks as unknown as ServerContext["hooks"],
    report,
    observe,
    refused(refused) {
      const { code, clientId, userId, target } = refused;
      observe?.({ type: "refused", code, clientId, userId, target });
      if (target !== undefined) tellMistake({ code, target });
      contain(report, () => options.onRefused?.(refused));
    },
  };
  const secret = secretOf(options.secret, log);
  void Promise.resolve(secret()).catch(report); // and every Hello is refused, retryably, until it can be had
  const authenticator = new Authenticator({
    authenticate: options.authenticate,
    clock,
    limits,
    report,
    crowded: () =>
      observe?.({
        type: "limited",
        limit: "maxAuthentications",
        clientId: undefined,
        target: undefined,
      }),
  });
  const { addressOf, proxyWatch, bytes, connections } = house;
  const entrance = { authenticator, secret, addressOf, proxyWatch, bytes, connections };
  const hub = new Hub(context, entrance, {
    connected(conversation, fresh) {
      if (options.onConnect !== undefined) seed(hub, options, conversation, fresh).catch(report);
    },
    disconnected: (conversation) => contain(report, () => options.onDisconnect?.(whoOf<User>(conversation))),
    accepted: (live, author, message, record, model) => {
      const { sequence, at } = record;
      const who = author === undefined ? null : whoOf<User>(author);
      const { key: topic, params } = live;
      contain(report, () =>
        live.handlers?.onMessage?.(message, { topic, params, author: who, sequence, at, model }),
      );
      if (!isSession(topic))
        return hooks.topics.tell(report, message, { topic, author: who, model, sequence });
      const clientId = topic.slice(1);
      const user = ((author ?? hub.clients.get(clientId))?.user ?? null) as User | null;
      const about = { clientId, user, author: who, model: model as never, sequence };
      hooks.sessions.tell(report, message as never, about);
    },
  });
  house.presence.spreadBy(() => hub.herd.spread);
  const cancels = housekeeping(hub);
  let stopping: Promise<void> | undefined;
  const end = (how?: StopOptions): Promise<void> => {
    if (stopping !== undefined) return stopping;
    const guests = [...house.guests].map((guest) => guest.stop());
    return (stopping = Promise.all([stop(hub, cancels, how), ...guests])
      // Last: who left meanwhile has said so.
      .finally(() => house.presence.close(hub.roster.stop()))
      .then(() => undefined));
  };
  const keyOf = (slice: Slice, params: readonly string[]): TargetKey => {
    mustHave(wiring, slice);
    const { pattern } = slice as TopicSlice | EphemeralSlice;
    return topicId(pattern as TopicPattern<"*">, ...(params as [string]));
  };
  const session = (clientId: string): ServerTopic<NonNullable<W["session"]>> => {
    if (wiring.session === undefined)
      throw new CallaError("wiring", {}, "The wiring has no session slice; give defineWiring one.");
    return serverTopic(hub, wiring.session, sessionKey(clientId));
  };
  const eachTopic = (slice: Slice, push: (topic: ServerTopic<never>) => void): void => {
    mustHave(wiring, slice);
    for (const key of hub.directory.ofSlice(slice)) push(serverTopic(hub, slice, key));
  };

  const server: Server<W, User> = {
    wiring,
    serialiser,
    limits,
    handle(slice, given) {
      const { name } = slice as Slice;
      mustHave(wiring, slice as Slice);
      if (handlers.has(name))
        throw new CallaError(
          "wiring",
          { slice: name },
          `handle: slice "${name}" has handlers already; give them all at once.`,
        );
      handlers.set(name, given as unknown as LooseHandlers);
    },
    topic: ((slice: AnyTopicSlice, ...params: string[]) =>
      serverTopic(hub, slice, keyOf(slice, params))) as unknown as Server<W, User>["topic"],
    session,
    onIncoming: (hook) => hooks.incoming.add(hook),
    onMessage: (hook) => hooks.sessions.add(hook),
    onTopicMessage: (hook) => hooks.topics.add(hook),
    topics: (pattern) => listTopics(log, pattern),
    removeTopics: (pattern, removing = {}) => removeTopics(hub, pattern, removing),
    dispatchTo: (clientId, message) => session(clientId).dispatch(message as never),
    async dispatchToAll(message) {
      await Promise.all(
        [...hub.clients.keys()].map((clientId) => session(clientId).dispatch(message as never)),
      );
    },
    broadcast: (slice, message) => eachTopic(slice as Slice, (topic) => topic.push(message as never)),
    broadcastFrom: (clientId, slice, message) =>
      eachTopic(slice as Slice, (topic) => topic.pushFrom(clientId, message as never)),
    subscribe(clientId, slice, ...params) {
      const conversation = hub.clients.get(clientId);
      const key = keyOf(slice as Slice, params);
      if (conversation !== undefined) hub.subscriptions.grant(conversation, key);
      return conversation !== undefined;
    },
    unsubscribe(clientId, slice, ...params) {
      const conversation = hub.clients.get(clientId);
      const key = keyOf(slice as Slice, params);
      if (conversation !== undefined) hub.subscriptions.cut(conversation, key, "unsubscribed");
      hub.roster.sentAway(clientId, key);
      for (const packet of hub.packets) if (packet.clientId === clientId) hub.access.changed(packet, key);
      return conversation !== undefined;
    },
    disconnect(clientId, options = {}) {
      const kick = kickOf(clientId, options);
      tellKick(context, kick);
      return kicked(hub, kick);
    },
    hydrate: (topics, hydrating = {}) => hydrate(hub, topics, hydrating),
    consume(slice, options, handler) {
      mustHave(wiring, slice);
      return hub.consumers.consume(slice, options, handler);
    },
    dropConsumer: (slice, name) => hub.consumers.dropConsumer(slice, name),
    async reauthorise(whose = {}) {
      if (!isRightsChange(whose))
        throw new CallaError("wiring", {}, "reauthorise({ user: null }) needs a userId or a clientId.");
      tellRights(context, whose);
      await hub.reauthorise(whose);
    },
    allowsOrigin: (request) => house.allowsOrigin(request),
    hostRefusal: (request) => house.hostRefusal(request),
    allowsAnyOrigin: house.allowsAnyOrigin,
    refused({ reason, request, error, why }) {
      if (error !== undefined) context.report(error);
      const { url, headers, remoteAddress } = request;
      const origin = one(headers["origin"]);
      const details = {
        url: briefUrl(url),
        origin: origin && brief(origin),
        remoteAddress,
        ...(why === undefined ? {} : { why }),
      };
      tellMistake({ code: reason, origin, why });
      context.refused({ code: reason, clientId: undefined, userId: null, target: undefined, details });
    },
    connect({ connection, request, format }) {
      const conversation = hub.connect(connection, request, encoderOf(context, format));
      const { away } = hub.admission;
      if (away !== undefined) conversation.end(away.code, away.within);
      return new Wire(hub, conversation);
    },
    receive: (inlet) => hub.bytes.open(requestInlet(hub, addressOf, inlet)),
    speak: ({ format, ...spoken }) => hub.speak({ ...spoken, encoder: encoderOf(context, format) }),
    get ready() {
      return hub.admission.away === undefined;
    },
    inspect: (asked = {}) => inspect(hub, hub.admission.away === undefined, asked),
    async logBytes() {
      return log.bytes?.();
    },
    async drain({ over = DRAIN.over, reconnectWithin = DRAIN.reconnectWithin, within } = {}) {
      const stopped = (): boolean => stopping !== undefined;
      if (hub.admission.away === undefined) {
        hub.admission.shut({ code: "draining", within: reconnectWithin });
        const guests = [...house.guests].map((guest) => guest.drain(over));
        await sendAway({ clock, connections: hub.connections, reconnectWithin, stopped }, over);
        await Promise.all(guests);
      }
      await end(within === undefined ? {} : { within });
    },
    stop: end,
  };
  setHouse(server, house);
  setHub(server, hub);
  setPresence(server, house.presence);
  return server;
}

/** What is said of a slice that the wiring does not have would be for nobody. */
function mustHave({ topics, session }: Wiring, slice: Slice): void {
  if ((topics as readonly Slice[]).includes(slice) || (slice !== undefined && slice === session)) return;
  const name = String((slice as Partial<Slice> | undefined)?.name);
  throw new CallaError(
    "wiring",
    { slice: name },
    `Slice "${name}" is not in this server's wiring; list it in defineWiring.`,
  );
}

function encoderOf({ encoders }: ServerContext, format: string): Encoder {
  const encoder = encoders.find(({ name }) => name === format);
  if (encoder !== undefined) return encoder;
  throw new CallaError(
    "transport",
    { format },
    `The serialiser has no format "${format}"; it has ${encoders.map(({ name }) => name).join(", ")}.`,
  );
}

/** A request of an HTTP transport, which sees to the time it takes. */
function requestInlet(
  hub: Hub,
  addressOf: (request: ConnectRequest) => string | undefined,
  inlet: RequestInlet,
): Inlet {
  const address = addressOf(inlet.request);
  return {
    address,
    line: inlet.line,
    timed: false,
    limited(limit) {
      const { context } = hub;
      context.observe?.({ type: "limited", limit, clientId: undefined, target: undefined });
      const code = limit === "byteRate" ? "rate" : "busy";
      const details = { limit, address };
      context.refused({ code, clientId: undefined, userId: null, target: undefined, details });
    },
    pause: () => inlet.pause(),
    resume: () => inlet.resume(),
    cut: () => inlet.cut(),
  };
}

/** A transport's end of a conversation: an object with a prototype, so that a connection costs no closures. */
class Wire implements Incoming, Inlet {
  readonly #hub: Hub;
  readonly #conversation: Conversation;
  readonly #flow: Inflow;
  readonly timed = true;
  /** Its transport tells what it reads. */
  #tells = false;
  constructor(hub: Hub, conversation: Conversation) {
    this.#hub = hub;
    this.#conversation = conversation;
    this.#flow = hub.bytes.open(this);
  }
  incoming(data: string | Uint8Array): void {
    this.#hub.incoming(this.#conversation, data);
    if (!this.#tells) this.#flow.received(data.length, 0);
  }
  received(bytes: number, unfinished: number): void {
    this.#tells = true;
    this.#flow.received(bytes, unfinished);
    this.#hub.heardOutside(this.#conversation, this.#flow.total);
  }
  get address(): string | undefined {
    return this.#conversation.address;
  }
  pause(): void {
    this.#conversation.connection.pause?.();
  }
  resume(): void {
    this.#conversation.connection.resume?.();
  }
  limited(limit: keyof Limits): void {
    limited(this.#hub.context, this.#conversation, limit, undefined);
  }
  cut(code: "busy" | "too-slow"): void {
    this.#conversation.end(code);
    this.#conversation.connection.terminate?.();
  }
  disconnect(code?: number): void {
    this.#conversation.farewell = code === PAGE_LEFT || code === CLOSED;
    this.#hub.intake.closed(this.#conversation);
    this.#flow.over();
  }
  drained(): void {
    this.#hub.slowConsumers.drained(this.#conversation);
  }
}

/** Close codes by which a client says that it goes: its app has closed it, its page is gone. */
const CLOSED = 1000;
const PAGE_LEFT = 1001;

/** Ends what the client has here; who has just lost its connection is waited for no more. */
function kicked(hub: Hub, kick: Kick): number {
  const ended = kickHere(hub, kick);
  hub.roster.sentAway(kick.clientId);
  return ended;
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
  const messages = messagesOf<unknown>(returned);
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

/** Milliseconds behind a gap of the pubsub within which all rights are asked about. */
const RIGHTS_WITHIN = 10_000;

/** Timers of the whole server: idle targets leave, subscribed ones on a shared log are looked at. */
function housekeeping(hub: Hub): (() => void)[] {
  const { context, registry, accessRecheck, connections, expiry } = hub;
  expiry.start();
  const cancels: (() => void)[] = [];
  const every = (milliseconds: number, run: () => void): void => {
    const index = cancels.length;
    const again = (): void => {
      run();
      cancels[index] = context.clock.setTimeout(again, milliseconds);
    };
    cancels[index] = context.clock.setTimeout(again, milliseconds);
  };
  every(context.limits.targetIdle, () => void registry.sweep());
  cancels.push(() => hub.herd.stop());
  if (context.limits.recheckAfter < Infinity)
    every(Math.max(context.limits.recheckAfter / ROUND, 100), () => accessRecheck.tick(connections));
  // Nothing that was read before is known to be in what stands there now (TE11, RD7).
  const silence = context.log.onReplaced?.(() => {
    void hub.headWatch.replaced(Array.from(registry.all()).filter(({ engine }) => engine !== undefined));
    hub.consumers.anew();
  });
  if (silence !== undefined) cancels.push(silence);
  if (context.log.shared) {
    const look = (): void => hub.headWatch.tick();
    every(tickOf(context.limits.maxStaleness), look);
    // Doorbells were lost: all are looked at soon, and not at once, for every node of a broker that was gone does so.
    const soon = new GapRound(context.clock, Math.min(GAP_WITHIN, context.limits.maxStaleness), look);
    // Who has lost a right has it until then, but the app is asked about everybody.
    const rights = new GapRound(context.clock, RIGHTS_WITHIN, () => accessRecheck.tick(connections));
    const hearGap = context.pubsub.onGap?.(() => {
      soon.begin();
      hub.consumers.stirred();
      accessRecheck.doubt();
      rights.begin();
    });
    cancels.push(
      hearGap ?? ((): void => undefined),
      () => soon.stop(),
      () => rights.stop(),
    );
    cancels.push(hearKick(context, (kick) => void kicked(hub, kick)));
    cancels.push(hearRights(context, (whose) => void hub.reauthorise(whose).catch(context.report)));
  }
  return cancels;
}

async function stop(
  hub: Hub,
  cancels: (() => void)[],
  { within = STOP_WITHIN }: StopOptions = {},
): Promise<void> {
  hub.admission.shut({ code: "stopping", within: 0 });
  for (const cancel of cancels) cancel();
  const { context, registry, commitLoop, expiry } = hub;
  const limit = deadline(context.clock, within);
  try {
    let inTime = await limit.met(commitLoop.landed());
    for (const conversation of hub.connections) conversation.end("stopping", 1_000);
    // What onUnsubscribe and onDisconnect dispatched.
    if (inTime) inTime = await limit.met(commitLoop.landed());
    // A consumer's handler that takes long, or for ever, is no reason to lose these.
    if (inTime) inTime = await limit.met(saveAll(hub));
    if (!(await limit.met(hub.consumers.stop()))) inTime = false;
    if (inTime) inTime = await limit.met(saveAll(hub));
    commitLoop.stop();
    expiry.stop();
    for (const live of registry.all()) registry.drop(live);
    if (!(await limit.met(context.log.close()))) inTime = false;
    if (!inTime) context.report(unanswered("server.stop()", within));
  } finally {
    limit.over();
  }
}

/** Some at a time: a log may store them together, and not all of them are in memory twice. */
async function saveAll({ context, registry, expiry }: Hub): Promise<void> {
  await expiry.flush().catch(context.report);
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

const bytesOf = (secret: Uint8Array | string): Uint8Array =>
  typeof secret === "string" ? new TextEncoder().encode(secret) : secret;

/** The key that signs identities, had once. A log that failed to give its own is asked again. */
function secretOf(
  given: Uint8Array | string | undefined,
  log: LogStorage,
): () => Uint8Array | Promise<Uint8Array> {
  const wrong = given === undefined ? undefined : secretProblem(bytesOf(given));
  if (wrong !== undefined)
    throw new CallaError("wiring", {}, `createServer({ secret }): ${wrong}. ${SECRET_CURE}`);
  const ask = async (): Promise<Uint8Array> => {
    const secret = given === undefined ? await log.secret() : bytesOf(given);
    const why = secret === undefined ? "this log keeps none" : secretProblem(secret);
    if (secret !== undefined && why === undefined) return secret;
    throw new CallaError("wiring", {}, `createServer({ secret }): ${why}. ${SECRET_CURE}`);
  };
  let asked: Uint8Array | Promise<Uint8Array> | undefined;
  return () => {
    asked ??= ask().then(
      (secret) => (asked = secret),
      (error: unknown) => {
        asked = undefined;
        throw error;
      },
    );
    return asked;
  };
}
