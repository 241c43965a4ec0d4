// The switchboard, and the only one: it makes the parts and joins them, connections come and go here, and what happens to
// a target goes to hooks. Decisions are elsewhere: who is let in (admission.ts), what a frame asks (router.ts), who has
// subscribed (subscriptions.ts), where a message goes (dispatch.ts), what it becomes (target-engine.ts), when things are
// carried out (commit-loop.ts).
import { Budget } from "../base/budget.ts";
import { SlowConsumers } from "../connection/slow-consumers.ts";
import type { Connection, ConnectRequest } from "../base/connection.ts";
import { ConnectionQuota, SPREAD } from "../connection/connection-quota.ts";
import { Conversation, isOutside } from "../connection/conversation.ts";
import type { ConversationKeeper } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { compareDigest } from "../target/digest-check.ts";
import type { RungRecords } from "../cluster/rung-records.ts";
import { Dispatcher } from "./dispatch.ts";
import type { Encoder } from "../context/encoder.ts";
import { AwaitedTopics } from "./awaited-topics.ts";
import { CatchUp, isMissing } from "./catch-up.ts";
import { HeadWatch } from "./head-watch.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Access } from "./access.ts";
import { Admission } from "./admission.ts";
import type { Entrance } from "./admission.ts";
import { Router } from "./router.ts";
import { IncomingPacket } from "../connection/incoming.ts";
import type { IncomingHandler } from "../connection/incoming.ts";
import { Herd } from "../connection/herd.ts";
import { Intake } from "../connection/intake.ts";
import type { ByteIntake } from "../connection/byte-limits.ts";
import { ExpirySweep } from "../target/expiry.ts";
import { RateLimiter } from "../connection/rate-limiter.ts";
import { Roster } from "../roster/roster.ts";
import type { LiveTarget, Reply } from "../target/live-target.ts";
import type { LogRecord } from "../log/log.ts";
import { Identifications } from "../app/inquiry.ts";
import { IdentityQuota } from "../connection/identity-quota.ts";
import { Parties } from "../connection/parties.ts";
import { TargetDirectory } from "../target/target-directory.ts";
import { AccessRecheck } from "./access-recheck.ts";
import { TokenRefresh } from "./token-refresh.ts";
import { limited } from "../connection/refusal.ts";
import { LogConsumers } from "../history/log-consumers.ts";
import { packetAnswers } from "./packet-conversation.ts";
import type { PacketAnswer } from "./packet-conversation.ts";
import type { HubHooks } from "./hub-hooks.ts";
import { TargetRegistry } from "../target/target-registry.ts";
import { CommitLoop } from "../target/commit-loop.ts";
import { matches } from "../identity/rights-change.ts";
import type { RightsChange } from "../identity/rights-change.ts";

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
  readonly roster: Roster;
  readonly awaitedTopics: AwaitedTopics;
  readonly headWatch: HeadWatch;
  readonly dispatcher: Dispatcher;
  readonly slowConsumers: SlowConsumers;
  readonly connectionQuota: ConnectionQuota;
  readonly intake: Intake;
  readonly bytes: ByteIntake;
  readonly parties: Parties;
  readonly accessRecheck: AccessRecheck;
  readonly admission: Admission;
  readonly #identifications = new Identifications();
  readonly #entrance: Entrance;
  readonly #hooks: HubHooks;
  readonly #keeper: ConversationKeeper;
  readonly #tokenRefresh: TokenRefresh;
  readonly #rateLimiter: RateLimiter;
  readonly #incoming: IncomingHandler;
  /** Takes a packet that is a conversation by itself; returns what to call when its sender has gone. */
  readonly speak: (spoken: PacketAnswer) => () => void;

  constructor(context: ServerContext, entrance: Entrance, hooks: HubHooks) {
    this.context = context;
    this.#entrance = entrance;
    this.#hooks = hooks;
    const { limits, clock } = context;
    const now = (): number => clock.monotonic();
    const { clients, connections, packets } = this;
    // One connection.
    this.herd = new Herd(clock, connections);
    this.connectionQuota = new ConnectionQuota(limits, entrance.connections);
    this.bytes = entrance.bytes;
    this.parties = new Parties(now, limits);
    this.#rateLimiter = new RateLimiter(context);
    this.slowConsumers = new SlowConsumers(
      context,
      (conversation) => void this.subscriptions.resume(conversation),
    );
    this.intake = new Intake({
      clock,
      budget: new Budget(now, limits.turnTime, limits.maxTurnMessages),
      inARow: Math.min(Math.max(Math.floor(limits.maxTurnMessages / 16), 1), 16),
      most: limits.maxWaitingBytes,
      busy: () => this.commitLoop.busy,
      opened: () => this.registry.opened,
    });
    const { slowConsumers, intake, parties, connectionQuota, herd } = this;
    this.#keeper = {
      fullBytes: Math.min(limits.collapseBytes, limits.maxBufferedBytes),
      full: (conversation, waiting) => slowConsumers.full(conversation, waiting),
      ended: (conversation) => this.#ended(conversation),
      report: (error) => context.report(error),
    };
    // Targets.
    this.registry = new TargetRegistry(context, slowConsumers, clients, {
      rang: (live, grown) => this.#rang(live, grown),
      told: (live, digest) =>
        void compareDigest(context, this.commitLoop, live, digest).catch(context.report),
      givesWay: (live) => this.subscriptions.givesWay(live),
    });
    const { registry } = this;
    this.directory = new TargetDirectory(context, slowConsumers, registry, (topic) =>
      this.subscriptions.givesWay(topic),
    );
    this.consumers = new LogConsumers(context);
    this.commitLoop = new CommitLoop(context, registry, intake, {
      grown: () => this.consumers.grown(),
      begun: (live) => this.awaitedTopics.appeared(live.key),
      resnapshot: (live, reason) => {
        this.subscriptions.resnapshot(live, reason);
        if (!isMissing(live)) this.awaitedTopics.appeared(live.key);
      },
      unfit: (live) => this.subscriptions.unfit(connections, live),
      accepted: (live, reply, record, model) => this.#accepted(live, reply, record, model),
    });
    const { directory, commitLoop } = this;
    this.expiry = new ExpirySweep(context, registry, commitLoop, () => this.consumers.grown());
    // What a connection says goes to its target.
    this.access = new Access(context, registry);
    const { access } = this;
    const rateLimiter = this.#rateLimiter;
    this.roster = new Roster({
      context,
      directory,
      rateLimiter,
      isSlow: (conversation) => slowConsumers.has(conversation),
      spreadOf: (conversation) => herd.sentTo(conversation),
    });
    const { roster } = this;
    this.dispatcher = new Dispatcher({ context, registry, directory, access, commitLoop, clients });
    this.awaitedTopics = new AwaitedTopics(context, (conversation, key, ref) =>
      this.subscriptions.appeared(conversation, key, ref),
    );
    const { dispatcher, awaitedTopics } = this;
    this.headWatch = new HeadWatch(context, registry, commitLoop, awaitedTopics);
    this.subscriptions = new Subscriptions({
      awaitedTopics,
      context,
      registry,
      directory,
      access,
      dispatcher,
      catchUp: new CatchUp(context, commitLoop, this.headWatch, this.expiry, slowConsumers),
      slowConsumers,
      roster,
    });
    const { subscriptions } = this;
    this.accessRecheck = new AccessRecheck(context, directory, access, subscriptions, awaitedTopics);
    const identifications = this.#identifications;
    this.#tokenRefresh = new TokenRefresh(
      context,
      entrance.authenticator,
      identifications,
      this.accessRecheck,
    );
    this.admission = new Admission({
      context,
      entrance,
      identifications,
      connectionQuota,
      identityQuota: new IdentityQuota({ now, rate: limits.identityRate, burst: limits.identityBurst }),
      parties,
      access,
      clients,
      flushers: this.#flushers,
    });
    const { admission } = this;
    const router = new Router({
      context,
      admission,
      dispatcher,
      subscriptions,
      awaitedTopics,
      tokenRefresh: this.#tokenRefresh,
      rateLimiter,
      roster,
      intake,
      herd,
      hooks,
    });
    const { maxFrameBytes, maxHelloBytes } = limits;
    this.#incoming = {
      context,
      outside: { ...limits, maxFrameBytes: Math.min(maxFrameBytes, maxHelloBytes) },
      hear: (conversation, frame, words) => router.hear(conversation, frame, words),
    };
    this.speak = packetAnswers({
      context,
      packets,
      // The packet also holds a Hello, so that each message may be as large as on a WebSocket.
      limits: { ...limits, maxFrameBytes: maxFrameBytes + HELLO_BYTES },
      addressOf: (request) => entrance.addressOf(request),
      admission,
      router,
      intake,
    });
  }

  // ------------------------------------------------------------------------------------------------- connections

  connect(connection: Connection, request: ConnectRequest, encoder: Encoder): Conversation {
    const address = this.#entrance.addressOf(request);
    const conversation = new Conversation(this.#keeper, connection, request, encoder, address);
    this.connections.add(conversation);
    this.admission.arrived(conversation);
    const leaving = this.connectionQuota.arrived(conversation);
    if (leaving !== undefined) {
      limited(this.context, leaving.who, leaving.limit, undefined, leaving.code);
      leaving.who.end(leaving.code, SPREAD);
    }
    return conversation;
  }

  /** It is closed: every part forgets it. */
  #ended(conversation: Conversation): void {
    if (!this.connections.delete(conversation)) return;
    this.slowConsumers.left(conversation);
    this.connectionQuota.left(conversation);
    this.intake.drop(conversation);
    const { was, code } = conversation.closes();
    this.roster.ended(conversation);
    this.subscriptions.left(conversation);
    this.admission.left(conversation);
    this.#tokenRefresh.left(conversation);
    this.#rateLimiter.left(conversation);
    this.herd.left(conversation);
    if (was === undefined) return;
    const { clientId, userId } = conversation;
    const lasted = Math.round(this.context.clock.monotonic() - was.since);
    this.context.observe?.({ type: "disconnected", clientId, userId, code, lasted });
    const peers = conversation.speaker === "flush" ? this.#flushers : this.clients;
    if (peers.get(clientId) === conversation) peers.delete(clientId);
    if (conversation.speaker === "page") this.#hooks.disconnected(conversation);
  }

  incoming(conversation: Conversation, data: string | Uint8Array): void {
    if (conversation.phase !== "closed")
      this.intake.take(conversation, new IncomingPacket(this.#incoming, conversation, data));
  }

  /** So many bytes have been read of a connection: more than a Hello, before it was let in? */
  heardOutside(conversation: Conversation, bytes: number): void {
    if (bytes <= this.#incoming.outside.maxFrameBytes + ASIDE || !isOutside(conversation)) return;
    limited(this.context, conversation, "maxHelloBytes", undefined, "too-large");
    conversation.end({ code: "too-large", retryable: true });
    // Nor is the rest of it read, while the peer hears so.
    conversation.connection.pause?.();
  }

  /** Rights have changed: asks the app again about all subscriptions of those it concerns, or ends who is signed out. Of this node. */
  async reauthorise(whose: RightsChange): Promise<void> {
    const { user, topic } = whose;
    this.#identifications.changed(whose);
    if (user === null) this.roster.signedOut(whose);
    const asked = [...this.connections, ...this.packets].filter(
      (one) => one.phase === "open" && matches(whose, one),
    );
    await Promise.all(
      asked.map((one) => {
        if (user === null) return one.end({ code: "unauthenticated", retryable: false });
        if (user !== undefined && user.id === one.userId) one.user = user;
        // A packet has no subscriptions; what it waits for is asked about again.
        if (one.speaker === "packet") return this.access.changed(one, topic);
        return this.accessRecheck.changed(one, topic);
      }),
    );
  }

  /** Another node has appended: read on, if anybody here has subscribed. */
  #rang(live: LiveTarget, grown: RungRecords | undefined): void {
    if (live.engine === undefined || live.audience.current.size === 0) return;
    this.commitLoop.rang(live, grown);
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
