// The switchboard, and the only one: connections come and go here, what one says goes on to its target, what happens to
// a target goes to hooks. Decisions are elsewhere: who someone is (hello.ts), who follows (following.ts), where a
// message goes (dispatching.ts), what it becomes (target-engine.ts), when things are carried out (turns.ts).
import { isSession, OWN_SESSION, sessionKey } from "@calla/shared";
import type { ClientFrame, ClientFrames, Limits, Message, Subscription, TargetKey } from "@calla/shared";
import { Budget } from "./budget.ts";
import { Collapsing } from "./collapsing.ts";
import type { Identified } from "./authenticate.ts";
import type { Connection, ConnectRequest } from "./connection.ts";
import { Crowd, SPREAD } from "./crowd.ts";
import { Conversation, isOutside } from "./conversation.ts";
import type { Keeper } from "./conversation.ts";
import type { Core } from "./core.ts";
import { compareDigest } from "./digests.ts";
import { Dispatching } from "./dispatching.ts";
import type { Encoder } from "./encoder.ts";
import { Expecting } from "./expecting.ts";
import { Followers, isMissing } from "./follow.ts";
import { Following } from "./following.ts";
import { Gates } from "./gates.ts";
import type { Greeting } from "./hello.ts";
import { newest, Said, Wishes } from "./incoming.ts";
import type { Ear } from "./incoming.ts";
import { Herd } from "./herd.ts";
import { Intake } from "./intake.ts";
import { ByteIntake } from "./bytes.ts";
import { Lifetimes } from "./lifetimes.ts";
import { Limiter } from "./limiter.ts";
import type { LiveTarget, Reply } from "./live-target.ts";
import type { LogRecord } from "./log.ts";
import { Meanwhile } from "./meanwhile.ts";
import { Newcomers } from "./newcomers.ts";
import { Parties } from "./parties.ts";
import { keyOf, Places } from "./places.ts";
import { Reauthorising } from "./reauthorising.ts";
import { Refreshing } from "./refreshing.ts";
import { refused } from "./refusal.ts";
import { Readers } from "./readers.ts";
import { speak } from "./speaking.ts";
import type { Away, SpeakingParts, Spoken } from "./speaking.ts";
import { TargetRegistry } from "./target-registry.ts";
import { Turns } from "./turns.ts";
import { concerns } from "./whose.ts";
import type { Whose } from "./whose.ts";

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
  readonly core: Core;
  readonly registry: TargetRegistry;
  readonly places: Places;
  readonly gates: Gates;
  readonly turns: Turns;
  readonly lifetimes: Lifetimes;
  readonly readers: Readers;
  readonly connections = new Set<Conversation>();
  /** The open conversation of each client. */
  readonly clients = new Map<string, Conversation>();
  readonly herd: Herd;
  /** What speaks for itself and waits for answers (speaking.ts). */
  readonly packets = new Set<Conversation>();
  /** Those that only flush a client whose page is gone. */
  readonly #flushers = new Map<string, Conversation>();
  readonly following: Following;
  readonly expecting: Expecting;
  readonly dispatching: Dispatching;
  readonly collapsing: Collapsing;
  readonly crowd: Crowd;
  readonly intake: Intake;
  readonly #ear: Ear;
  readonly bytes: ByteIntake;
  readonly parties: Parties;
  readonly reauthorising: Reauthorising;
  /** It drains or stops: nobody new is served. */
  away: Away | undefined;
  readonly #meanwhile = new Meanwhile();
  readonly #refreshing: Refreshing;
  readonly #limiter: Limiter;
  readonly #hooks: HubHooks;
  readonly #keeper: Keeper;
  readonly #newcomers: Newcomers;
  /** What holds for who has not been let in. */
  readonly #outside: Limits;
  #hellos = 0;
  readonly #speaking: SpeakingParts;

  constructor(core: Core, hooks: HubHooks) {
    this.core = core;
    this.#hooks = hooks;
    this.herd = new Herd(core.clock, this.connections);
    this.registry = new TargetRegistry(core, {
      rang: (live) => this.look(live),
      told: (live, digest) => void compareDigest(core, this.turns, live, digest).catch(core.report),
      givesWay: (live) => this.following.givesWay(live),
      clients: this.clients,
    });
    this.places = new Places(core, this.registry, (topic) => this.following.givesWay(topic));
    this.gates = new Gates(core, this.registry);
    this.readers = new Readers(core);
    this.turns = new Turns(core, this.registry, {
      grown: () => this.readers.grown(),
      begun: (live) => this.expecting.appeared(live.key),
      resnapshot: (live, reason) => {
        this.following.resnapshot(live, reason);
        if (!isMissing(live)) this.expecting.appeared(live.key);
      },
      unfit: (live) => this.following.unfit(this.connections, live),
      accepted: (live, reply, record, model) => this.#accepted(live, reply, record, model),
      free: () => this.intake.free(),
    });
    const { registry, places, gates, turns, clients } = this;
    this.lifetimes = new Lifetimes(core, registry, turns, () => this.readers.grown());
    this.dispatching = new Dispatching({
      core,
      registry,
      places,
      gates,
      turns,
      clients,
      end: (conversation, code, retryable) => this.end(conversation, code, retryable),
    });
    this.expecting = new Expecting(core, (conversation, key, ref) =>
      this.following.appeared(conversation, key, ref),
    );
    this.following = new Following({
      expecting: this.expecting,
      core,
      registry,
      places,
      gates,
      dispatching: this.dispatching,
      followers: new Followers(core, turns, this.lifetimes),
    });
    this.reauthorising = new Reauthorising(core, places, gates, this.following, this.expecting);
    this.#refreshing = new Refreshing(core.clock, this.#meanwhile, {
      identify: (conversation, token) => hooks.identify(conversation, token),
      renewed: (conversation) => this.#recheck(conversation),
      close: (conversation, code, retryable) => {
        refused(core, conversation, undefined, code, {});
        this.end(conversation, code, retryable);
      },
      report: (error) => core.report(error),
    });
    this.crowd = new Crowd(core.limits);
    this.bytes = new ByteIntake(core.clock, core.limits);
    const { maxFrameBytes, maxHelloBytes } = core.limits;
    this.#outside = { ...core.limits, maxFrameBytes: Math.min(maxFrameBytes, maxHelloBytes) };
    const now = (): number => core.clock.monotonic();
    this.parties = new Parties(now, core.limits);
    const { identityRate: rate, identityBurst: burst } = core.limits;
    this.#newcomers = new Newcomers({ now, rate, burst });
    this.#limiter = new Limiter(now, core.limits, {
      limited: (conversation, limit, target) => this.limited(conversation, limit, target),
      flooded: (conversation) => this.end(conversation, "rate", true, SPREAD),
    });
    const { collapseBytes, maxBufferedBytes, turnTime, maxTurnMessages, maxWaitingBytes } = core.limits;
    this.intake = new Intake({
      clock: core.clock,
      budget: new Budget(now, turnTime, maxTurnMessages),
      most: maxWaitingBytes,
      busy: () => turns.busy,
      opened: () => registry.opened,
      gone: (conversation) => this.disconnect(conversation),
      failed: (conversation, error) => this.#fail(conversation, error),
    });
    this.#ear = {
      core,
      outside: this.#outside,
      hear: (conversation, frame) => this.#hear(conversation, frame),
      end: (conversation, code, retryable) => this.end(conversation, code, retryable),
    };
    this.collapsing = new Collapsing(core.clock, core.limits, {
      slow: ({ clientId }, waiting) => core.observe?.({ type: "slow", clientId, waiting }),
      resume: (conversation, after) => {
        core.observe?.({ type: "caught-up", clientId: conversation.clientId, after });
        void this.following.resume(conversation).then(() => conversation.poll && this.#finish(conversation));
      },
      close: (conversation) => this.end(conversation, "slow", true),
    });
    this.#keeper = {
      fullBytes: Math.min(collapseBytes, maxBufferedBytes),
      // A packet is shown nothing that could be held back, and its end is nobody's to tell.
      full: (conversation, waiting) => {
        if (!conversation.brief || waiting > maxBufferedBytes) this.collapsing.full(conversation, waiting);
      },
      broken: (conversation, error) => {
        core.report(error);
        this.end(conversation, "transport", true);
      },
    };
    this.#speaking = {
      core,
      keeper: this.#keeper,
      dispatching: this.dispatching,
      clients,
      flushers: this.#flushers,
      packets: this.packets,
      // The packet also holds a Hello, so that each message may be as large as on a WebSocket.
      limits: { ...core.limits, maxFrameBytes: core.limits.maxFrameBytes + HELLO_BYTES },
      greet: (hello, packet) => this.#hooks.greet(hello, packet),
      left: (packet) => this.#hooks.left(packet),
      addressOf: (request) => this.#hooks.addressOf(request),
      meanwhile: this.#meanwhile,
      limiter: this.#limiter,
      parties: this.parties,
      intake: this.intake,
      gates: this.gates,
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
    conversation.greeted = this.core.clock.setTimeout(
      () => this.end(conversation, "hello-timeout", true),
      this.core.limits.helloTimeout,
    );
    const leaving = this.crowd.arrived(conversation);
    if (leaving !== undefined) {
      this.limited(leaving.who, leaving.limit, undefined, leaving.code);
      this.end(leaving.who, leaving.code, true, SPREAD);
    }
    return conversation;
  }

  /** Takes a packet that is a conversation by itself; returns what to call when its sender has gone. */
  speak(spoken: Spoken): () => void {
    return speak(this.#speaking, spoken);
  }

  /** Its socket has closed. What had come in before is taken as from any. */
  closed(conversation: Conversation): void {
    if (!this.intake.closing(conversation)) this.disconnect(conversation);
  }

  disconnect(conversation: Conversation): void {
    if (!this.connections.delete(conversation)) return;
    this.#stopWaiting(conversation);
    this.collapsing.forget(conversation);
    this.crowd.left(conversation);
    this.intake.drop(conversation);
    this.parties.left(conversation);
    const wasOpen = conversation.clientId !== "";
    conversation.phase = "closed";
    for (const key of conversation.follows.keys()) this.following.leave(conversation, key);
    this.expecting.left(conversation);
    this.gates.left(conversation);
    this.#hooks.left(conversation);
    if (!wasOpen) return;
    const { clientId, userId, ending: code, since } = conversation;
    const lasted = Math.round(this.core.clock.monotonic() - since);
    this.core.observe?.({ type: "disconnected", clientId, userId, code, lasted });
    const peers = this.#peers(conversation);
    if (peers.get(conversation.clientId) === conversation) peers.delete(conversation.clientId);
    if (!conversation.flushOnly && !conversation.poll) this.#hooks.disconnected(conversation);
  }

  limited(conversation: Conversation, limit: string, target: TargetKey | undefined, code = "rate"): void {
    const { address, clientId } = conversation;
    this.core.observe?.({ type: "limited", limit, clientId: clientId || undefined, target });
    refused(this.core, conversation, target, code, { limit, address });
  }

  #stopWaiting(conversation: Conversation): void {
    conversation.greeted?.();
    conversation.greeted = undefined;
    conversation.expiry?.();
    conversation.expiry = undefined;
  }

  incoming(conversation: Conversation, data: string | Uint8Array): void {
    if (conversation.phase !== "closed")
      this.intake.take(conversation, new Said(this.#ear, conversation, data));
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
      case "SessionMessage":
        if (!this.#takes(conversation, frame)) return;
        return this.dispatching.message(conversation, sessionKey(conversation.clientId), frame);
      case "TopicMessage":
        if (!this.#takes(conversation, frame)) return;
        return this.dispatching.message(
          conversation,
          isSession(frame.target) ? OWN_SESSION : frame.target,
          frame,
        );
      case "Subscribe":
        return void this.#follow(conversation, frame);
      case "Resync":
        return this.#resync(conversation, frame.targets);
      case "Unsubscribe": {
        if (!this.#limiter.other(conversation, frame)) return;
        const key = keyOf(conversation, frame.target);
        // An unsubscribe overtaken by a newer subscribe is an old ref: it means nothing any more.
        if ((conversation.follows.get(key)?.ref ?? Infinity) <= frame.ref)
          this.following.leave(conversation, key);
        if ((conversation.expects?.get(key) ?? Infinity) <= frame.ref)
          this.expecting.forget(conversation, key);
        return;
      }
      case "Ping":
        if (!this.#limiter.other(conversation, frame)) return;
        this.herd.pong(conversation);
        return this.following.ping(conversation, frame);
      case "Authenticate":
        if (!this.#limiter.other(conversation, frame)) return;
        return void this.#refreshing
          .answer(conversation, frame.token)
          .catch((error: unknown) => this.#fail(conversation, error));
      default:
        frame satisfies never;
    }
  }

  #takes(conversation: Conversation, frame: ClientFrames["SessionMessage" | "TopicMessage"]): boolean {
    if (!conversation.leaving) return this.#limiter.message(conversation, frame) === "taken";
    const target = frame.type === "TopicMessage" ? frame.target : OWN_SESSION;
    conversation.send({ type: "Paused", target, from: frame.mid, code: "draining", retryAfter: 1_000 });
    return false;
  }

  #follow(conversation: Conversation, asked: Subscription): Promise<void> | undefined {
    const retryAfter = this.#limiter.join(conversation, asked.target);
    if (retryAfter === 0) return this.following.follow(conversation, asked);
    this.following.putOff(conversation, asked, retryAfter);
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
      return this.intake.first(conversation, new Wishes(newest(targets), follow, asked));
    asked(targets.map(follow)); // as most have it
  }

  #hello(conversation: Conversation, hello: ClientFrames["Hello"]): void {
    conversation.phase = "greeting";
    conversation.order = ++this.#hellos;
    conversation.attempt = hello.attempt;
    this.crowd.greeting(conversation);
    const since = this.#meanwhile.count;
    const found = this.#hooks.greet(hello, conversation);
    if (!(found instanceof Promise)) return this.#greeted(conversation, hello, found, since);
    found
      .then((known) => this.#greeted(conversation, hello, known, since))
      .catch((error: unknown) => this.#fail(conversation, error));
  }

  #greeted(conversation: Conversation, hello: ClientFrames["Hello"], found: Greeting, since: number): void {
    if (conversation.phase !== "greeting") return; // gone meanwhile
    this.#stopWaiting(conversation);
    this.crowd.greeted(conversation);
    const asNow = (): Greeting => (found.ok ? this.#meanwhile.asNow(found, found.clientId, since) : found);
    const greeting = asNow();
    if (!greeting.ok) return this.#refuse(conversation, greeting);
    const { clientId, expires, connected, fresh } = greeting;
    conversation.flushOnly = hello.flushOnly === true;
    conversation.poll = hello.poll === true && conversation.connection.finish !== undefined;
    const wait = fresh ? this.#newcomers.arrived(conversation.address) : 0;
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
    if (!this.crowd.identified(conversation, user?.id ?? null)) {
      this.limited(conversation, "maxConnectionsPerUser", undefined, "too-many-connections");
      return this.end(conversation, "too-many-connections", true, SPREAD);
    }
    conversation.phase = "open";
    conversation.clientId = clientId;
    conversation.user = user;
    this.parties.entered(conversation, fresh);
    peers.set(clientId, conversation);
    conversation.checkedAt = conversation.since = this.core.clock.monotonic();
    this.core.observe?.({ type: "connected", clientId, userId: conversation.userId, fresh });
    conversation.send(connected(this.herd.welcome(conversation)));
    this.#refreshing.watch(conversation, expires);
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
    if (error !== undefined) this.core.report(error);
    refused(this.core, conversation, undefined, code, {});
    if (last !== undefined) conversation.send(last);
    this.end(conversation, code, retryable);
  }

  /** A poll has got what there was: its end, and no word is needed. */
  #finish(conversation: Conversation): void {
    if (conversation.phase === "closed") return;
    // What waits until it has drained is told first (collapsing.ts).
    if ((conversation.behind?.size ?? 0) > 0) return;
    conversation.phase = "closed";
    conversation.connection.finish?.();
    this.disconnect(conversation);
  }

  #recheck(conversation: Conversation): void {
    this.reauthorising.recheck(conversation, { lenient: false }).catch(this.core.report);
  }

  /** Rights have changed: asks anew about whatever these follow, or ends who is signed out. Of this node. */
  async reauthorise(whose: Whose): Promise<void> {
    const { user } = whose;
    this.#meanwhile.add(whose);
    const asked = [...this.connections, ...this.packets].filter(
      (one) => one.phase === "open" && concerns(whose, one),
    );
    await Promise.all(
      asked.map((one) => {
        if (user === null) return this.end(one, "unauthenticated", false);
        if (user !== undefined && user.id === one.userId) one.user = user;
        // A packet follows nothing; what it waits for is asked about again.
        if (one.brief) return this.gates.forget(one);
        return this.reauthorising.recheck(one, { lenient: false });
      }),
    );
  }

  #peers({ flushOnly }: Conversation): Map<string, Conversation> {
    return flushOnly ? this.#flushers : this.clients;
  }

  /** Nothing that a peer says may throw; what does all the same costs its own connection. */
  #fail(conversation: Conversation, error: unknown): void {
    this.core.report(error);
    this.end(conversation, "failed", true);
  }

  /** Closes with a last word. The transport's own close then finds everything done. */
  end(conversation: Conversation, code: string, retryable: boolean, within = 0): void {
    if (conversation.ending === "") conversation.ending = code;
    try {
      conversation.close(code, retryable, within);
    } catch (error) {
      this.core.report(error); // a socket that threw is as gone as any
    }
    this.disconnect(conversation);
  }

  /** A doorbell rang or time has passed: read on, if anybody here cares. */
  look(live: LiveTarget): void {
    if (live.engine === undefined || live.audience.followers.size === 0) return;
    void this.turns.look(live);
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
