// The switchboard, and the only one: connections come and go here, what one says goes on to its target, what happens to
// a target goes to hooks. Decisions are elsewhere: who someone is (hello.ts), who follows (subscriptions.ts), where a
// message goes (dispatch.ts), what it becomes (target-engine.ts), when things are carried out (commit-loop.ts).
import type {
  AppCode,
  ClientFrame,
  ClientFrames,
  ClosingCode,
  Limits,
  Message,
  RefusedCode,
  Subscription,
  TargetKey,
} from "@calla/shared";
import { Budget } from "../base/budget.ts";
import { SlowConsumers } from "../connection/slow-consumers.ts";
import type { Identified } from "../app/authenticate.ts";
import type { Connection, ConnectRequest } from "../base/connection.ts";
import { ConnectionQuota, SPREAD } from "../connection/connection-quota.ts";
import { Conversation, isOutside } from "../connection/conversation.ts";
import type { ConversationEvents } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { compareDigest } from "../target/digest-check.ts";
import { Dispatcher } from "./dispatch.ts";
import type { Encoder } from "../context/encoder.ts";
import { AwaitedTopics } from "./awaited-topics.ts";
import { CatchUp, isMissing } from "./catch-up.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Access } from "./access.ts";
import type { Greeting } from "./hello.ts";
import { newest, IncomingPacket, SubscribeRequests } from "../connection/incoming.ts";
import type { IncomingHandler } from "../connection/incoming.ts";
import { Herd } from "../connection/herd.ts";
import { Intake } from "../connection/intake.ts";
import { ByteIntake } from "../connection/byte-limits.ts";
import { ExpirySweep } from "../target/expiry.ts";
import { RateLimiter } from "../connection/rate-limiter.ts";
import type { LiveTarget, Reply } from "../target/live-target.ts";
import type { LogRecord } from "../log/log.ts";
import { RecentRightsChanges } from "../app/recent-rights-changes.ts";
import { IdentityQuota } from "../connection/identity-quota.ts";
import { Parties } from "../connection/parties.ts";
import { keyOf, TargetDirectory } from "../target/target-directory.ts";
import { AccessRecheck } from "./access-recheck.ts";
import { TokenRefresh } from "../connection/token-refresh.ts";
import { refused } from "../connection/refusal.ts";
import { LogConsumers } from "../history/log-consumers.ts";
import { answerPacket } from "./packet-conversation.ts";
import type { Unavailable, PacketParts, PacketAnswer } from "./packet-conversation.ts";
import { TargetRegistry } from "../target/target-registry.ts";
import { CommitLoop } from "../target/commit-loop.ts";
import { matches } from "../identity/rights-change.ts";
import type { RightsChange } from "../identity/rights-change.ts";

/** Hooks of the whole server. They observe; what they throw is reported and changes nothing. */
export interface HubHooks {
  greet(hello: ClientFrames["Hello"], who: Conversation): Greeting | Promise<Greeting>;
  identify(who: Conversation, token: unknown): Identified | Promise<Identified>;
  /** It is gone: whatever is being found out about it is not needed any more. */
  left(who: Conversation): void;
  /** What a connection's address is counted as. */
  addressOf(request: ConnectRequest): string | undefined;
  /** A user has come from an address. */
  came(address: string | undefined, userId: string | null): void;
  connected(conversation: Conversation, fresh: boolean): void;
  disconnected(conversation: Conversation): void;
  accepted(
    live: LiveTarget,
    author: Conversation | undefined,
    message: Message,
    record: LogRecord,
    model: unknown,
  ): void;
}

export class Hub {
  readonly context: ServerContext;
  readonly registry: TargetRegistry;
  readonly directory: TargetDirectory;
  readonly access: Access;
  readonly commitLoop: CommitLoop;
  readonly expiry: ExpirySweep;
  readonly consumers: LogConsumers;
  readonly connections = new Set<Conversation>();
  /** The open conversation of each client. */
  readonly clients = new Map<string, Conversation>();
  readonly herd: Herd;
  /** What speaks for itself and waits for answers (packet-conversation.ts). */
  readonly packets = new Set<Conversation>();
  /** Those that only flush a client whose page is gone. */
  readonly #flushers = new Map<string, Conversation>();
  readonly subscriptions: Subscriptions;
  readonly awaitedTopics: AwaitedTopics;
  readonly dispatcher: Dispatcher;
  readonly slowConsumers: SlowConsumers;
  readonly connectionQuota: ConnectionQuota;
  readonly intake: Intake;
  readonly #ear: IncomingHandler;
  readonly bytes: ByteIntake;
  readonly parties: Parties;
  readonly accessRecheck: AccessRecheck;
  /** It drains or stops: nobody new is served. */
  away: Unavailable | undefined;
  readonly #recentChanges = new RecentRightsChanges();
  readonly #tokenRefresh: TokenRefresh;
  readonly #rateLimiter: RateLimiter;
  readonly #hooks: HubHooks;
  readonly #keeper: ConversationEvents;
  readonly #identityQuota: IdentityQuota;
  /** What holds for who has not been let in. */
  readonly #outside: Limits;
  #hellos = 0;
  readonly #speaking: PacketParts;

  constructor(context: ServerContext, hooks: HubHooks) {
    this.context = context;
    this.#hooks = hooks;
    this.herd = new Herd(context.clock, this.connections);
    this.registry = new TargetRegistry(context, {
      rang: (live) => this.look(live),
      told: (live, digest) =>
        void compareDigest(context, this.commitLoop, live, digest).catch(context.report),
      givesWay: (live) => this.subscriptions.givesWay(live),
      clients: this.clients,
    });
    this.directory = new TargetDirectory(context, this.registry, (topic) =>
      this.subscriptions.givesWay(topic),
    );
    this.access = new Access(context, this.registry);
    this.consumers = new LogConsumers(context);
    this.commitLoop = new CommitLoop(context, this.registry, {
      grown: () => this.consumers.grown(),
      begun: (live) => this.awaitedTopics.appeared(live.key),
      resnapshot: (live, reason) => {
        this.subscriptions.resnapshot(live, reason);
        if (!isMissing(live)) this.awaitedTopics.appeared(live.key);
      },
      unfit: (live) => this.subscriptions.unfit(this.connections, live),
      accepted: (live, reply, record, model) => this.#accepted(live, reply, record, model),
      free: () => this.intake.free(),
    });
    const { registry, directory, access, commitLoop, clients } = this;
    this.expiry = new ExpirySweep(context, registry, commitLoop, () => this.consumers.grown());
    this.dispatcher = new Dispatcher({
      context,
      registry,
      directory,
      access,
      commitLoop,
      clients,
      end: (conversation, code, retryable) => this.end(conversation, code, retryable),
    });
    this.awaitedTopics = new AwaitedTopics(context, (conversation, key, ref) =>
      this.subscriptions.appeared(conversation, key, ref),
    );
    this.subscriptions = new Subscriptions({
      awaitedTopics: this.awaitedTopics,
      context,
      registry,
      directory,
      access,
      dispatcher: this.dispatcher,
      catchUp: new CatchUp(context, commitLoop, this.expiry),
    });
    this.accessRecheck = new AccessRecheck(
      context,
      directory,
      access,
      this.subscriptions,
      this.awaitedTopics,
    );
    this.#tokenRefresh = new TokenRefresh(context.clock, this.#recentChanges, {
      identify: (conversation, token) => hooks.identify(conversation, token),
      renewed: (conversation) => this.#recheck(conversation),
      close: (conversation, code, retryable) => {
        refused(context, conversation, undefined, code, {});
        this.end(conversation, code, retryable);
      },
      report: (error) => context.report(error),
    });
    this.connectionQuota = new ConnectionQuota(context.limits);
    this.bytes = new ByteIntake(context.clock, context.limits);
    const { maxFrameBytes, maxHelloBytes } = context.limits;
    this.#outside = { ...context.limits, maxFrameBytes: Math.min(maxFrameBytes, maxHelloBytes) };
    const now = (): number => context.clock.monotonic();
    this.parties = new Parties(now, context.limits);
    const { identityRate: rate, identityBurst: burst } = context.limits;
    this.#identityQuota = new IdentityQuota({ now, rate, burst });
    this.#rateLimiter = new RateLimiter(now, context.limits, {
      limited: (conversation, limit, target) => this.limited(conversation, limit, target),
      flooded: (conversation) => this.end(conversation, "rate", true, SPREAD),
    });
    const { collapseBytes, maxBufferedBytes, turnTime, maxTurnMessages, maxWaitingBytes } = context.limits;
    this.intake = new Intake({
      clock: context.clock,
      budget: new Budget(now, turnTime, maxTurnMessages),
      most: maxWaitingBytes,
      busy: () => commitLoop.busy,
      opened: () => registry.opened,
      gone: (conversation) => this.disconnect(conversation),
      failed: (conversation, error) => this.#fail(conversation, error),
    });
    this.#ear = {
      context,
      outside: this.#outside,
      hear: (conversation, frame) => this.#hear(conversation, frame),
      end: (conversation, code, retryable) => this.end(conversation, code, retryable),
    };
    this.slowConsumers = new SlowConsumers(context.clock, context.limits, {
      slow: ({ clientId }, waiting) => context.observe?.({ type: "slow", clientId, waiting }),
      resume: (conversation, after) => {
        context.observe?.({ type: "caught-up", clientId: conversation.clientId, after });
        void this.subscriptions
          .resume(conversation)
          .then(() => conversation.poll && this.#finish(conversation));
      },
      close: (conversation) => this.end(conversation, "slow", true),
    });
    this.#keeper = {
      fullBytes: Math.min(collapseBytes, maxBufferedBytes),
      // A packet is shown nothing that could be held back, and its end is nobody's to tell.
      full: (conversation, waiting) => {
        if (!conversation.brief || waiting > maxBufferedBytes) this.slowConsumers.full(conversation, waiting);
      },
      broken: (conversation, error) => {
        context.report(error);
        this.end(conversation, "transport", true);
      },
    };
    this.#speaking = {
      context,
      keeper: this.#keeper,
      dispatcher: this.dispatcher,
      clients,
      flushers: this.#flushers,
      packets: this.packets,
      // The packet also holds a Hello, so that each message may be as large as on a WebSocket.
      limits: { ...context.limits, maxFrameBytes: context.limits.maxFrameBytes + HELLO_BYTES },
      greet: (hello, packet) => this.#hooks.greet(hello, packet),
      left: (packet) => this.#hooks.left(packet),
      addressOf: (request) => this.#hooks.addressOf(request),
      recentChanges: this.#recentChanges,
      rateLimiter: this.#rateLimiter,
      parties: this.parties,
      intake: this.intake,
      access: this.access,
      away: () => this.away,
      hear: (conversation, frame) => this.#hear(conversation, frame),
    };
  }

  // ------------------------------------------------------------------------------------------------- connections

  connect(connection: Connection, request: ConnectRequest, encoder: Encoder): Conversation {
    const conversation = new Conversation(this.#keeper, connection, request, encoder);
    this.connections.add(conversation);
    conversation.address = this.#hooks.addressOf(request);
    this.parties.arrived(conversation);
    conversation.greeted = this.context.clock.setTimeout(
      () => this.end(conversation, "hello-timeout", true),
      this.context.limits.helloTimeout,
    );
    const leaving = this.connectionQuota.arrived(conversation);
    if (leaving !== undefined) {
      this.limited(leaving.who, leaving.limit, undefined, leaving.code);
      this.end(leaving.who, leaving.code, true, SPREAD);
    }
    return conversation;
  }

  /** Takes a packet that is a conversation by itself; returns what to call when its sender has gone. */
  speak(spoken: PacketAnswer): () => void {
    return answerPacket(this.#speaking, spoken);
  }

  /** Its socket has closed. What had come in before is taken as from any. */
  closed(conversation: Conversation): void {
    if (!this.intake.closing(conversation)) this.disconnect(conversation);
  }

  disconnect(conversation: Conversation): void {
    if (!this.connections.delete(conversation)) return;
    this.#stopWaiting(conversation);
    this.slowConsumers.forget(conversation);
    this.connectionQuota.left(conversation);
    this.intake.drop(conversation);
    this.parties.left(conversation);
    const wasOpen = conversation.clientId !== "";
    conversation.phase = "closed";
    for (const key of conversation.follows.keys()) this.subscriptions.leave(conversation, key);
    this.awaitedTopics.left(conversation);
    this.access.left(conversation);
    this.#hooks.left(conversation);
    if (!wasOpen) return;
    const { clientId, userId, ending: code, since } = conversation;
    const lasted = Math.round(this.context.clock.monotonic() - since);
    this.context.observe?.({ type: "disconnected", clientId, userId, code, lasted });
    const peers = this.#peers(conversation);
    if (peers.get(conversation.clientId) === conversation) peers.delete(conversation.clientId);
    if (!conversation.flushOnly && !conversation.poll) this.#hooks.disconnected(conversation);
  }

  limited(
    conversation: Conversation,
    limit: string,
    target: TargetKey | undefined,
    code: RefusedCode = "rate",
  ): void {
    const { address, clientId } = conversation;
    this.context.observe?.({ type: "limited", limit, clientId: clientId || undefined, target });
    refused(this.context, conversation, target, code, { limit, address });
  }

  #stopWaiting(conversation: Conversation): void {
    conversation.greeted?.();
    conversation.greeted = undefined;
    conversation.expiry?.();
    conversation.expiry = undefined;
  }

  incoming(conversation: Conversation, data: string | Uint8Array): void {
    if (conversation.phase !== "closed")
      this.intake.take(conversation, new IncomingPacket(this.#ear, conversation, data));
  }

  /** So many bytes have been read of a connection: more than a Hello, before it was let in? */
  heardOutside(conversation: Conversation, bytes: number): void {
    if (bytes <= this.#outside.maxFrameBytes + ASIDE || !isOutside(conversation)) return;
    this.limited(conversation, "maxHelloBytes", undefined, "too-large");
    this.end(conversation, "too-large", true);
    // Nor is the rest of it, while the peer hears so.
    conversation.connection.pause?.();
  }

  #hear(conversation: Conversation, frame: ClientFrame): void {
    switch (frame.type) {
      case "Hello":
        return this.#hello(conversation, frame);
      case "TopicMessage":
        if (!this.#takes(conversation, frame)) return;
        return this.dispatcher.message(conversation, keyOf(conversation, frame.target), frame);
      case "Subscribe":
        return void this.#follow(conversation, frame);
      case "Resync":
        return this.#resync(conversation, frame.targets);
      case "Unsubscribe": {
        if (!this.#rateLimiter.other(conversation, frame)) return;
        const key = keyOf(conversation, frame.target);
        // An unsubscribe overtaken by a newer subscribe is an old ref: it means nothing any more.
        if ((conversation.follows.get(key)?.ref ?? Infinity) <= frame.ref)
          this.subscriptions.leave(conversation, key);
        if ((conversation.expects?.get(key) ?? Infinity) <= frame.ref)
          this.awaitedTopics.forget(conversation, key);
        return;
      }
      case "Ping":
        if (!this.#rateLimiter.other(conversation, frame)) return;
        this.herd.pong(conversation);
        return this.subscriptions.ping(conversation, frame);
      case "Authenticate":
        if (!this.#rateLimiter.other(conversation, frame)) return;
        return void this.#tokenRefresh
          .answer(conversation, frame.token)
          .catch((error: unknown) => this.#fail(conversation, error));
      default:
        frame satisfies never;
    }
  }

  #takes(conversation: Conversation, frame: ClientFrames["TopicMessage"]): boolean {
    if (!conversation.leaving) return this.#rateLimiter.message(conversation, frame) === "taken";
    const { target, mid } = frame;
    conversation.send({ type: "Paused", target, from: mid, code: "draining", retryAfter: 1_000 });
    return false;
  }

  #follow(conversation: Conversation, asked: Subscription): Promise<void> | undefined {
    const retryAfter = this.#rateLimiter.join(conversation, asked.target);
    if (retryAfter === 0) return this.subscriptions.follow(conversation, asked);
    this.subscriptions.putOff(conversation, asked, retryAfter);
    return undefined;
  }

  /** `asked` hears, once all were asked for, what has to be waited for. */
  #resync(
    conversation: Conversation,
    targets: readonly Subscription[],
    asked: (answers: readonly (Promise<void> | undefined)[]) => void = () => {},
  ): void {
    const follow = (one: Subscription): Promise<void> | undefined => this.#follow(conversation, one);
    if (targets.length > 1)
      return this.intake.first(conversation, new SubscribeRequests(newest(targets), follow, asked));
    asked(targets.map(follow)); // as most have it
  }

  #hello(conversation: Conversation, hello: ClientFrames["Hello"]): void {
    conversation.phase = "greeting";
    conversation.order = ++this.#hellos;
    conversation.attempt = hello.attempt;
    this.connectionQuota.greeting(conversation);
    const since = this.#recentChanges.count;
    const found = this.#hooks.greet(hello, conversation);
    if (!(found instanceof Promise)) return this.#greeted(conversation, hello, found, since);
    found
      .then((known) => this.#greeted(conversation, hello, known, since))
      .catch((error: unknown) => this.#fail(conversation, error));
  }

  #greeted(conversation: Conversation, hello: ClientFrames["Hello"], found: Greeting, since: number): void {
    if (conversation.phase !== "greeting") return; // gone meanwhile
    this.#stopWaiting(conversation);
    this.connectionQuota.greeted(conversation);
    const asNow = (): Greeting =>
      found.ok ? this.#recentChanges.asNow(found, found.clientId, since) : found;
    const greeting = asNow();
    if (!greeting.ok) return this.#refuse(conversation, greeting);
    const { clientId, expires, connected, fresh } = greeting;
    conversation.flushOnly = hello.flushOnly === true;
    conversation.poll = hello.poll === true && conversation.connection.finish !== undefined;
    const wait = fresh ? this.#identityQuota.arrived(conversation.address) : 0;
    if (wait > 0) {
      this.limited(conversation, "identityRate", undefined);
      return this.end(conversation, "rate", true, wait);
    }
    // A page speaks for itself: who would flush for it waits, or lets go when it comes back (CV17).
    if (conversation.flushOnly && this.clients.has(clientId)) return this.end(conversation, "in-use", true);
    const flusher = this.#flushers.get(clientId);
    if (flusher !== undefined && !conversation.flushOnly) this.end(flusher, "superseded", false);
    // One client speaks by one connection: the newer takes over, the older must not come back (CV6).
    const peers = this.#peers(conversation);
    const other = peers.get(clientId);
    if (other !== undefined && overtaken(conversation, other))
      return this.end(conversation, "superseded", false);
    if (other !== undefined) this.end(other, "superseded", false);
    // Hooks have heard of those ends: what they have said of this one counts, too.
    if ((conversation.phase as string) !== "greeting") return;
    const known = asNow();
    if (!known.ok) return this.#refuse(conversation, known);
    const { user } = known;
    this.#hooks.came(conversation.address, user?.id ?? null);
    if (!this.connectionQuota.identified(conversation, user?.id ?? null)) {
      this.limited(conversation, "maxConnectionsPerUser", undefined, "too-many-connections");
      return this.end(conversation, "too-many-connections", true, SPREAD);
    }
    conversation.phase = "open";
    conversation.clientId = clientId;
    conversation.user = user;
    this.parties.entered(conversation, fresh);
    peers.set(clientId, conversation);
    conversation.checkedAt = conversation.since = this.context.clock.monotonic();
    this.context.observe?.({ type: "connected", clientId, userId: conversation.userId, fresh });
    conversation.send(connected(this.herd.welcome(conversation)));
    this.#tokenRefresh.watch(conversation, expires);
    if ((conversation.phase as string) !== "open") return; // the socket broke, or the token has expired already
    // A page that asks every few seconds has not come anew each time; only its first coming is one.
    if (!conversation.flushOnly && (fresh || !conversation.poll)) this.#hooks.connected(conversation, fresh);
    this.#resync(conversation, hello.targets, (answers) => {
      if (conversation.poll) void Promise.all(answers).then(() => this.#finish(conversation));
    });
  }

  #refuse(
    conversation: Conversation,
    { code, retryable, last, error }: Extract<Greeting, { ok: false }>,
  ): void {
    if (error !== undefined) this.context.report(error);
    refused(this.context, conversation, undefined, code, {});
    if (last !== undefined) conversation.send(last);
    this.end(conversation, code, retryable);
  }

  /** A poll has got what there was: its end, and no word is needed. */
  #finish(conversation: Conversation): void {
    if (conversation.phase === "closed") return;
    // What waits until it has drained is told first (slow-consumers.ts).
    if ((conversation.behind?.size ?? 0) > 0) return;
    conversation.phase = "closed";
    conversation.connection.finish?.();
    this.disconnect(conversation);
  }

  #recheck(conversation: Conversation): void {
    this.accessRecheck.recheck(conversation, { lenient: false }).catch(this.context.report);
  }

  /** Rights have changed: asks anew about whatever these follow, or ends who is signed out. Of this node. */
  async reauthorise(whose: RightsChange): Promise<void> {
    const { user } = whose;
    this.#recentChanges.add(whose);
    const asked = [...this.connections, ...this.packets].filter(
      (one) => one.phase === "open" && matches(whose, one),
    );
    await Promise.all(
      asked.map((one) => {
        if (user === null) return this.end(one, "unauthenticated", false);
        if (user !== undefined && user.id === one.userId) one.user = user;
        // A packet follows nothing; what it waits for is asked about again.
        if (one.brief) return this.access.forget(one);
        return this.accessRecheck.recheck(one, { lenient: false });
      }),
    );
  }

  #peers({ flushOnly }: Conversation): Map<string, Conversation> {
    return flushOnly ? this.#flushers : this.clients;
  }

  /** Nothing that a peer says may throw; what does all the same costs its own connection. */
  #fail(conversation: Conversation, error: unknown): void {
    this.context.report(error);
    this.end(conversation, "failed", true);
  }

  /** Closes with a last word. The transport's own close then finds everything done. */
  end(conversation: Conversation, code: ClosingCode | AppCode, retryable: boolean, within = 0): void {
    if (conversation.ending === "") conversation.ending = code;
    try {
      conversation.close(code, retryable, within);
    } catch (error) {
      this.context.report(error); // a socket that threw is as gone as any
    }
    this.disconnect(conversation);
  }

  /** A doorbell rang or time has passed: read on, if anybody here cares. */
  look(live: LiveTarget): void {
    if (live.engine === undefined || live.audience.followers.size === 0) return;
    void this.commitLoop.look(live);
  }

  // ----------------------------------------------------------------------------------------------------------- hooks

  #accepted(live: LiveTarget, reply: Reply, record: LogRecord, model: unknown): void {
    if (!live.hooked) return;
    const author = reply instanceof Conversation ? reply : undefined;
    for (const message of record.messages) this.#hooks.accepted(live, author, message, record, model);
  }
}

/** What comes beside a Hello: its frame's header, pings. */
const ASIDE = 16_384;

/** Room for the Hello in front of a packet's messages: identity, token, versions. */
const HELLO_BYTES = 65_536;

/**
 * Whether the other one's Hello is the newer: it came later (this one was identified late), or it is the same page's and
 * that said it later (a proxy held this one back).
 */
const overtaken = ({ order, attempt }: Conversation, other: Conversation): boolean =>
  other.order > order ||
  (attempt !== undefined && other.attempt?.[0] === attempt[0] && other.attempt[1] > attempt[1]);
