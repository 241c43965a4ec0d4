// The switchboard, and the only one: connections come and go here, what one says goes on to its target, what happens to
// a target goes to hooks. Decisions are elsewhere: who is let in (admission.ts), what a frame asks (router.ts), who follows
// (subscriptions.ts), where a message goes (dispatch.ts), what it becomes (target-engine.ts), when things are carried out
// (commit-loop.ts).
import type { Limits, Message, RefusedCode, TargetKey } from "@calla/shared";
import { Budget } from "../base/budget.ts";
import { SlowConsumers } from "../connection/slow-consumers.ts";
import type { Identified } from "../app/authenticate.ts";
import type { Connection, ConnectRequest } from "../base/connection.ts";
import type { ConnectionEnd } from "../base/ending.ts";
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
import { Admission } from "./admission.ts";
import type { AdmissionHooks, Unavailable } from "./admission.ts";
import { Router } from "./router.ts";
import { IncomingPacket } from "../connection/incoming.ts";
import type { IncomingHandler } from "../connection/incoming.ts";
import { Herd } from "../connection/herd.ts";
import { Intake } from "../connection/intake.ts";
import { ByteIntake } from "../connection/byte-limits.ts";
import { ExpirySweep } from "../target/expiry.ts";
import { RateLimiter } from "../connection/rate-limiter.ts";
import type { LiveTarget, Reply } from "../target/live-target.ts";
import type { LogRecord } from "../log/log.ts";
import { Identifications } from "../app/inquiry.ts";
import { IdentityQuota } from "../connection/identity-quota.ts";
import { Parties } from "../connection/parties.ts";
import { TargetDirectory } from "../target/target-directory.ts";
import { AccessRecheck } from "./access-recheck.ts";
import { TokenRefresh } from "../connection/token-refresh.ts";
import { refused } from "../connection/refusal.ts";
import { LogConsumers } from "../history/log-consumers.ts";
import { answerPacket } from "./packet-conversation.ts";
import type { PacketParts, PacketAnswer } from "./packet-conversation.ts";
import { TargetRegistry } from "../target/target-registry.ts";
import { CommitLoop } from "../target/commit-loop.ts";
import { matches } from "../identity/rights-change.ts";
import type { RightsChange } from "../identity/rights-change.ts";

/** Hooks of the whole server. They observe; what they throw is reported and changes nothing. */
export interface HubHooks extends AdmissionHooks {
  identify(who: Conversation, token: unknown): Identified | Promise<Identified>;
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
  readonly #identifications = new Identifications();
  readonly #hooks: HubHooks;
  readonly #events: ConversationEvents;
  readonly #admission: Admission;
  readonly #tokenRefresh: TokenRefresh;
  readonly #router: Router;
  /** What holds for who has not been let in. */
  readonly #outside: Limits;
  readonly #packetParts: PacketParts;

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
      end: (conversation, end) => this.end(conversation, end),
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
    const tokenRefresh = (this.#tokenRefresh = new TokenRefresh(context.clock, this.#identifications, {
      identify: (conversation, token) => hooks.identify(conversation, token),
      renewed: (conversation) =>
        void this.accessRecheck.changed(conversation).catch((error: unknown) => context.report(error)),
      close: (conversation, code) => {
        refused(context, conversation, undefined, code, {});
        this.end(conversation, code === "unauthenticated" ? { code, retryable: false } : code);
      },
      report: (error) => context.report(error),
    }));
    this.connectionQuota = new ConnectionQuota(context.limits);
    this.bytes = new ByteIntake(context.clock, context.limits);
    const { maxFrameBytes, maxHelloBytes } = context.limits;
    this.#outside = { ...context.limits, maxFrameBytes: Math.min(maxFrameBytes, maxHelloBytes) };
    const now = (): number => context.clock.monotonic();
    this.parties = new Parties(now, context.limits);
    const { identityRate: rate, identityBurst: burst } = context.limits;
    const identityQuota = new IdentityQuota({ now, rate, burst });
    const rateLimiter = new RateLimiter(now, context.limits, {
      limited: (conversation, limit, target) => this.limited(conversation, limit, target),
      flooded: (conversation) => this.end(conversation, "rate", SPREAD),
    });
    const { collapseBytes, maxBufferedBytes, turnTime, maxTurnMessages, maxWaitingBytes } = context.limits;
    this.intake = new Intake({
      clock: context.clock,
      budget: new Budget(now, turnTime, maxTurnMessages),
      inARow: Math.min(Math.max(maxTurnMessages >> 4, 1), 16),
      most: maxWaitingBytes,
      busy: () => commitLoop.busy,
      opened: () => registry.opened,
      gone: (conversation) => this.disconnect(conversation),
      failed: (conversation, error) => this.#fail(conversation, error),
    });
    this.#ear = {
      context,
      outside: this.#outside,
      hear: (conversation, frame) => this.#router.hear(conversation, frame),
      end: (conversation, end) => this.end(conversation, end),
    };
    this.slowConsumers = new SlowConsumers(context.clock, context.limits, {
      slow: ({ clientId }, waiting) => context.observe?.({ type: "slow", clientId, waiting }),
      resume: (conversation, after) => {
        context.observe?.({ type: "caught-up", clientId: conversation.clientId, after });
        void this.subscriptions
          .resume(conversation)
          .then(() => conversation.speaker === "poll" && this.#finish(conversation));
      },
      close: (conversation) => this.end(conversation, "slow"),
    });
    this.#events = {
      fullBytes: Math.min(collapseBytes, maxBufferedBytes),
      // A packet is shown nothing that could be held back, and its end is nobody's to tell.
      full: (conversation, waiting) => {
        if (conversation.speaker !== "packet" || waiting > maxBufferedBytes)
          this.slowConsumers.full(conversation, waiting);
      },
      broken: (conversation, error) => {
        context.report(error);
        this.end(conversation, "transport");
      },
    };
    const { parties, intake, connectionQuota, subscriptions, awaitedTopics, dispatcher, herd } = this;
    this.#admission = new Admission({
      context,
      hooks,
      identifications: this.#identifications,
      connectionQuota,
      identityQuota,
      parties,
      access,
      clients,
      flushers: this.#flushers,
      away: () => this.away,
      limited: (conversation, limit, target, code) => this.limited(conversation, limit, target, code),
      end: (conversation, end, within) => this.end(conversation, end, within),
    });
    this.#router = new Router({
      context,
      admission: this.#admission,
      dispatcher,
      subscriptions,
      awaitedTopics,
      tokenRefresh,
      rateLimiter,
      intake,
      herd,
      connected: (conversation, fresh) => hooks.connected(conversation, fresh),
      finish: (conversation) => this.#finish(conversation),
      fail: (conversation, error) => this.#fail(conversation, error),
    });
    this.#packetParts = {
      context,
      events: this.#events,
      packets: this.packets,
      // The packet also holds a Hello, so that each message may be as large as on a WebSocket.
      limits: { ...context.limits, maxFrameBytes: maxFrameBytes + HELLO_BYTES },
      admission: this.#admission,
      router: this.#router,
      intake,
    };
  }

  // ------------------------------------------------------------------------------------------------- connections

  connect(connection: Connection, request: ConnectRequest, encoder: Encoder): Conversation {
    const conversation = new Conversation(this.#events, connection, request, encoder);
    this.connections.add(conversation);
    this.#admission.arrived(conversation, () => this.end(conversation, "hello-timeout"));
    const leaving = this.connectionQuota.arrived(conversation);
    if (leaving !== undefined) {
      this.limited(leaving.who, leaving.limit, undefined, leaving.code);
      this.end(leaving.who, leaving.code, SPREAD);
    }
    return conversation;
  }

  /** Takes a packet that is a conversation by itself; returns what to call when its sender has gone. */
  speak(spoken: PacketAnswer): () => void {
    return answerPacket(this.#packetParts, spoken);
  }

  /** Its socket has closed. What had come in before is taken as from any. */
  closed(conversation: Conversation): void {
    if (!this.intake.closing(conversation)) this.disconnect(conversation);
  }

  disconnect(conversation: Conversation): void {
    if (!this.connections.delete(conversation)) return;
    this.slowConsumers.forget(conversation);
    this.connectionQuota.left(conversation);
    this.intake.drop(conversation);
    const { was, code } = conversation.closes();
    for (const key of conversation.follows.keys()) this.subscriptions.leave(conversation, key);
    this.awaitedTopics.left(conversation);
    this.#admission.left(conversation);
    this.#tokenRefresh.left(conversation);
    if (was === undefined) return;
    const { clientId, userId } = conversation;
    const lasted = Math.round(this.context.clock.monotonic() - was.since);
    this.context.observe?.({ type: "disconnected", clientId, userId, code, lasted });
    const peers = conversation.speaker === "flush" ? this.#flushers : this.clients;
    if (peers.get(clientId) === conversation) peers.delete(clientId);
    if (conversation.speaker === "page") this.#hooks.disconnected(conversation);
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

  incoming(conversation: Conversation, data: string | Uint8Array): void {
    if (conversation.phase !== "closed")
      this.intake.take(conversation, new IncomingPacket(this.#ear, conversation, data));
  }

  /** So many bytes have been read of a connection: more than a Hello, before it was let in? */
  heardOutside(conversation: Conversation, bytes: number): void {
    if (bytes <= this.#outside.maxFrameBytes + ASIDE || !isOutside(conversation)) return;
    this.limited(conversation, "maxHelloBytes", undefined, "too-large");
    this.end(conversation, { code: "too-large", retryable: true });
    // Nor is the rest of it, while the peer hears so.
    conversation.connection.pause?.();
  }

  /** A poll has got what there was: its end, and no word is needed. */
  #finish(conversation: Conversation): void {
    if (conversation.phase === "closed") return;
    // What waits until it has drained is told first (slow-consumers.ts).
    if ((conversation.behind?.size ?? 0) > 0) return;
    conversation.closes();
    conversation.connection.finish?.();
    this.disconnect(conversation);
  }

  /** Rights have changed: asks anew about whatever these follow, or ends who is signed out. Of this node. */
  async reauthorise(whose: RightsChange): Promise<void> {
    const { user, topic } = whose;
    this.#identifications.changed(whose);
    const asked = [...this.connections, ...this.packets].filter(
      (one) => one.phase === "open" && matches(whose, one),
    );
    await Promise.all(
      asked.map((one) => {
        if (user === null) return this.end(one, { code: "unauthenticated", retryable: false });
        if (user !== undefined && user.id === one.userId) one.user = user;
        // A packet follows nothing; what it waits for is asked about again.
        if (one.speaker === "packet") return this.access.changed(one, topic);
        return this.accessRecheck.changed(one, topic);
      }),
    );
  }

  /** Nothing that a peer says may throw; what does all the same costs its own connection. */
  #fail(conversation: Conversation, error: unknown): void {
    this.context.report(error);
    this.end(conversation, "failed");
  }

  /** Closes with a last word. The transport's own close then finds everything done. */
  end(conversation: Conversation, end: ConnectionEnd, within = 0): void {
    try {
      conversation.close(end, within);
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
