// A connection's subscriptions: requested, allowed, joined, left, revoked. Not here: how one catches up (catch-up.ts),
// whether a client may subscribe (access.ts).
import { CallaError, OWN_SESSION, PROTOCOL_VERSION, sessionKey } from "@calla/shared";
import type { ClientFrames, Message, Subscription, TargetKey } from "@calla/shared";
import { subscriptionEnd } from "../base/ending.ts";
import type { SubscriptionEnd } from "../base/ending.ts";
import type { Conversation, TargetSubscription } from "../connection/conversation.ts";
import type { SlowConsumers } from "../connection/slow-consumers.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { Dispatcher } from "./dispatch.ts";
import { EphemeralTopic } from "../target/ephemeral-topic.ts";
import { ASK_AGAIN } from "./awaited-topics.ts";
import type { AwaitedTopics } from "./awaited-topics.ts";
import { fromNothing, isMissing } from "./catch-up.ts";
import type { CatchUp, Joined } from "./catch-up.ts";
import { Inquiry } from "../app/inquiry.ts";
import { asking, toldAs } from "./access.ts";
import type { Admitted } from "../app/intent.ts";
import type { Access } from "./access.ts";
import type { LooseHandlers } from "../app/handlers.ts";
import { messagesOf } from "../app/messages.ts";
import type { LiveTarget } from "../target/live-target.ts";
import { keyOf } from "../target/target-directory.ts";
import type { NamedTarget, ResolvedTarget, TargetDirectory } from "../target/target-directory.ts";
import { wireOf } from "../log/record.ts";
import type { Roster } from "../roster/roster.ts";
import { refused } from "../connection/refusal.ts";
import type { TargetRegistry } from "../target/target-registry.ts";

export interface SubscriptionsParts {
  readonly context: ServerContext;
  readonly registry: TargetRegistry;
  readonly directory: TargetDirectory;
  readonly access: Access;
  readonly dispatcher: Dispatcher;
  readonly catchUp: CatchUp;
  readonly awaitedTopics: AwaitedTopics;
  readonly slowConsumers: SlowConsumers;
  readonly roster: Roster;
}

/** A request and what it is for, while the app is asked about it. */
interface SubscribeRequest {
  readonly conversation: Conversation;
  readonly key: TargetKey;
  readonly named: NamedTarget;
  readonly subscription: TargetSubscription;
  readonly asked: Subscription;
  readonly why: string | undefined;
}

/** The answer could not be made: for now, or for as long as the model cannot be carried. */
type Failed = "failed" | "invalid-value";

/** Milliseconds after which a client retries whose target was closed to make room, or for which there was none. */
const RETRY_AFTER = 5_000;

export class Subscriptions {
  readonly #context: ServerContext;
  readonly #registry: TargetRegistry;
  readonly #directory: TargetDirectory;
  readonly #access: Access;
  readonly #dispatcher: Dispatcher;
  readonly #catchUp: CatchUp;
  readonly #awaitedTopics: AwaitedTopics;
  readonly #slowConsumers: SlowConsumers;
  readonly #roster: Roster;
  /** Polls that have their answers, but for what is held until they have drained. */
  readonly #answered = new Set<Conversation>();
  /** Connections that have drained and are being brought up to date. */
  readonly #resuming = new Set<Conversation>();

  constructor({
    context,
    registry,
    directory,
    access,
    dispatcher,
    catchUp,
    awaitedTopics,
    slowConsumers,
    roster,
  }: SubscriptionsParts) {
    this.#context = context;
    this.#registry = registry;
    this.#directory = directory;
    this.#access = access;
    this.#dispatcher = dispatcher;
    this.#catchUp = catchUp;
    this.#awaitedTopics = awaitedTopics;
    this.#slowConsumers = slowConsumers;
    this.#roster = roster;
  }

  /** Resolves once it is answered; undefined if it is already. Never rejects nor throws. */
  subscribe(conversation: Conversation, asked: Subscription): Promise<void> | undefined {
    return this.#answer(conversation, asked, asked.diverged === undefined ? undefined : "diverged");
  }

  #answer(
    conversation: Conversation,
    asked: Subscription,
    why: string | undefined,
  ): Promise<void> | undefined {
    try {
      return this.#subscribe(conversation, asked, why)?.catch(this.#context.report);
    } catch (error) {
      this.#context.report(error);
      return undefined;
    }
  }

  /**
   * Its connection has drained: it is sent what it has missed, one target after the other, as long as it takes them in. Then
   * a poll has all its answers.
   */
  async resume(conversation: Conversation): Promise<void> {
    // It drained, was slow and has drained again: the first goes on.
    if (this.#resuming.has(conversation)) return;
    this.#resuming.add(conversation);
    this.#roster.drained(conversation);
    while (conversation.phase === "open" && !this.#slowConsumers.has(conversation)) {
      const held = this.#slowConsumers.next(conversation);
      if (held === undefined) break;
      await this.#answer(conversation, held.asked, held.why);
    }
    this.#resuming.delete(conversation);
    if (this.#answered.has(conversation)) this.finish(conversation);
  }

  /** A poll has its answers: it ends, unless something of it is held until it has drained. */
  finish(poll: Conversation): void {
    if (!this.#slowConsumers.holds(poll) && !this.#resuming.has(poll)) {
      this.#roster.answer(poll);
      return poll.finish();
    }
    if (poll.phase === "open") this.#answered.add(poll);
  }

  /** It is gone. */
  left(conversation: Conversation): void {
    for (const key of conversation.subscriptions.keys()) this.leave(conversation, key);
    this.#awaitedTopics.left(conversation);
    this.#answered.delete(conversation);
  }

  /** Nothing is added to what a slow connection has to take in: the request is held until it has drained. */
  #hold(conversation: Conversation, key: TargetKey, asked: Subscription, why: string | undefined): undefined {
    // Its outcomes of meanwhile come with the answer: it asks for them, whatever it has sent before.
    const sent = Math.max(asked.sent, asked.settled + 1);
    this.#slowConsumers.hold(conversation, key, { asked: { ...asked, sent }, why });
    this.#directory.get(key)?.audience.behind.add(conversation);
  }

  /** Waits only where it has to: of many that come at once most are answered in their turn. */
  #subscribe(
    conversation: Conversation,
    asked: Subscription,
    why: string | undefined,
  ): Promise<void> | undefined {
    if (conversation.phase !== "open") return undefined;
    const key = keyOf(conversation, asked.target);
    const { subscriptions } = conversation;
    const before = subscriptions.get(key);
    if (before !== undefined && before.ref > asked.ref) return undefined; // an old request, overtaken
    const refuse = (end: SubscriptionEnd): undefined => this.#turnAway(conversation, key, asked, end);
    const named = this.#directory.named(key, conversation.clientId);
    if (conversation.speaker === "flush") return refuse("flush-only");
    if (typeof named === "string") return refuse(named);
    // Its session is none of the topics.
    const topics = subscriptions.size - (subscriptions.has(sessionKey(conversation.clientId)) ? 1 : 0);
    const most = named.slice.kind === "session" ? Infinity : this.#context.limits.maxTopicsPerConnection;
    if (before === undefined && topics >= most) return refuse("too-many-topics");
    // The app is not asked what it is being asked already: that answer counts for this request.
    const inquiry = before?.inquiry;
    const admitted = before?.admitted === true && inquiry === undefined;
    const welcomed = before?.welcomed === true;
    const subscription: TargetSubscription = { ref: asked.ref, admitted, welcomed, live: false, inquiry };
    subscriptions.set(key, subscription);
    this.#awaitedTopics.forget(conversation, key);
    // Until it is caught up again it is sent nothing: its client would ignore it (CV8).
    if (before !== undefined) this.#directory.get(key)?.audience.remove(conversation);
    this.#slowConsumers.release(conversation, key);
    const request = { conversation, key, named, subscription, asked, why };
    if (!subscription.admitted) {
      const allowed = inquiry ?? this.#access.ask(conversation, key, named, "subscribe");
      if (allowed instanceof Inquiry) return this.#whenAdmitted(request, allowed);
      // The app that was asked may have revoked it, granted it or ended the connection.
      if (conversation.phase !== "open" || subscriptions.get(key) !== subscription) return undefined;
      if (allowed !== true) return refuse(toldAs(allowed));
      subscription.admitted = true;
    }
    return this.#enter(request);
  }

  #whenAdmitted(request: SubscribeRequest, inquiry: Inquiry<Admitted>): Promise<void> {
    const { conversation, key, subscription, asked } = request;
    subscription.inquiry = inquiry;
    return new Promise((resolve, reject) =>
      inquiry.whenAnswered((allowed) => {
        try {
          subscription.inquiry = undefined; // it is over, and subscriptions are many
          if (conversation.phase !== "open" || conversation.subscriptions.get(key) !== subscription)
            return resolve();
          if (allowed !== true) return resolve(this.#turnAway(conversation, key, asked, toldAs(allowed)));
          subscription.admitted = true;
          resolve(this.#enter(request));
        } catch (error) {
          reject(error);
        }
      }),
    );
  }

  #enter({
    conversation,
    key,
    named,
    subscription,
    asked,
    why,
  }: SubscribeRequest): Promise<void> | undefined {
    if (this.#slowConsumers.has(conversation)) return this.#hold(conversation, key, asked, why);
    const place = this.#directory.open(key, named, conversation.membership.party);
    if (place === undefined)
      return this.#turnAway(conversation, key, asked, "busy", { retryAfter: RETRY_AFTER });
    if (!(place instanceof EphemeralTopic) && place.ending !== undefined)
      return this.#turnAway(conversation, key, asked, place.ending);
    if (place instanceof EphemeralTopic) {
      place.join(conversation, subscription);
      return this.#welcome(conversation, place, subscription);
    }
    return this.#join(conversation, place, subscription, asked, why);
  }

  /** Its client subscribes too often; the answer says after how many milliseconds to retry. */
  putOff(conversation: Conversation, asked: Subscription, retryAfter: number): void {
    const key = keyOf(conversation, asked.target);
    if ((conversation.subscriptions.get(key)?.ref ?? 0) > asked.ref) return;
    this.#turnAway(conversation, key, asked, "rate", { retryAfter });
  }

  #join(
    conversation: Conversation,
    live: LiveTarget,
    subscription: TargetSubscription,
    asked: Subscription,
    why?: string,
  ): Promise<void> | undefined {
    const answer = (joined: Joined | Failed): undefined =>
      this.#joined(conversation, live, subscription, asked, why, joined);
    const failed = (error: unknown): Failed => {
      // A model that no format carries: reported where it was found. Nobody can subscribe until it has been repaired.
      if (error instanceof CallaError && error.code === "invalid-value") return error.code;
      this.#context.report(error);
      return "failed";
    };
    try {
      const joined = this.#catchUp.join(conversation, live, subscription, asked, why);
      return joined instanceof Promise ? joined.catch(failed).then(answer) : answer(joined);
    } catch (error) {
      return answer(failed(error));
    }
  }

  #joined(
    conversation: Conversation,
    live: LiveTarget,
    subscription: TargetSubscription,
    asked: Subscription,
    why: string | undefined,
    joined: Joined | Failed,
  ): undefined {
    // It may subscribe, so what its client says of its model is worth hearing; it is healed already (VE9).
    if (joined === "joined" && asked.diverged !== undefined)
      refused(this.#context, conversation, live.key, "diverged", { digest: asked.diverged });
    if (joined === "joined") return this.#welcome(conversation, live, subscription);
    if (joined === "outdated" || conversation.subscriptions.get(live.key) !== subscription) return undefined;
    // Drained since it was found slow: nobody would bring up to date what is held only now.
    if (joined === "slow" && !this.#slowConsumers.has(conversation))
      return void this.#join(conversation, live, subscription, asked, why);
    if (joined === "slow") return this.#hold(conversation, live.key, asked, why);
    if (joined === "missing") return this.#missing(conversation, live, subscription, asked, why);
    return this.#turnAway(conversation, live.key, asked, joined, { details: whichVersion(live) });
  }

  /** The server has not made it: the client hears that, and hears again when there is one. */
  #missing(
    conversation: Conversation,
    live: LiveTarget,
    subscription: TargetSubscription,
    asked: Subscription,
    why: string | undefined,
  ): undefined {
    // Made since it was looked at: nobody would say so any more.
    if (!isMissing(live)) return void this.#join(conversation, live, subscription, asked, why);
    this.leave(conversation, live.key);
    // A poll ends with its answers, and its client polls again.
    if (conversation.speaker === "poll" || this.#awaitedTopics.add(conversation, live.key, asked.ref))
      return this.#turnAway(conversation, live.key, asked, { code: "missing", retryable: false });
    const again = { code: "missing", retryable: true } as const;
    return this.#turnAway(conversation, live.key, asked, again, { retryAfter: ASK_AGAIN });
  }

  /** There is a topic that was missing. A client that asked for it subscribes again; one that the server subscribed is in. */
  appeared(conversation: Conversation, key: TargetKey, ref: number): void {
    if (ref === 0 && this.#access.isGranted(conversation, key))
      return void this.subscribe(conversation, fromNothing(key, ref));
    conversation.send({ type: "Unsubscribed", target: key, ref, ...subscriptionEnd("created") });
  }

  #welcome(conversation: Conversation, place: ResolvedTarget, subscription: TargetSubscription): undefined {
    if (!subscription.live) return;
    this.#roster.live(conversation, keyOfPlace(place));
    if (subscription.welcomed) return;
    subscription.welcomed = true;
    this.#hook(conversation, place, "onSubscribe");
  }

  #turnAway(
    conversation: Conversation,
    key: TargetKey,
    { target, ref }: Subscription,
    end: SubscriptionEnd,
    { details, retryAfter }: { readonly details?: unknown; readonly retryAfter?: number } = {},
  ): undefined {
    this.leave(conversation, key);
    const { code, retryable } = subscriptionEnd(end);
    if (!retryable) refused(this.#context, conversation, key === OWN_SESSION ? target : key, code, {});
    conversation.send({
      type: "Unsubscribed",
      target,
      ref,
      code,
      retryable,
      ...(retryAfter === undefined ? {} : { retryAfter }),
      ...(details === undefined ? {} : { details }),
    });
  }

  leave(conversation: Conversation, key: TargetKey): void {
    const subscription = conversation.subscriptions.get(key);
    if (subscription === undefined) return;
    conversation.subscriptions.delete(key);
    subscription.inquiry?.withdraw();
    this.#slowConsumers.release(conversation, key);
    // Who has lost its connection may come back (roster.ts, `ended`).
    if (conversation.phase === "open") this.#roster.unsubscribed(conversation, key);
    const place = this.#directory.get(key);
    if (place instanceof EphemeralTopic) {
      place.leave(conversation);
      this.#directory.forget(place);
    } else if (place !== undefined) {
      place.audience.remove(conversation);
      place.lastUsed = this.#context.clock.monotonic();
      this.#registry.unused(place);
    }
    if (subscription.welcomed && place !== undefined) this.#hook(conversation, place, "onUnsubscribe");
  }

  /** Revokes a client's subscription. The client hears that, and must subscribe again to come back. */
  cut(
    conversation: Conversation,
    key: TargetKey,
    end: SubscriptionEnd,
    { details, retryAfter }: { readonly details?: unknown; readonly retryAfter?: number } = {},
  ): void {
    this.#access.revoke(conversation, key);
    const ref = conversation.subscriptions.get(key)?.ref ?? this.#awaitedTopics.refOf(conversation, key);
    if (ref === undefined) return;
    this.leave(conversation, key);
    this.#awaitedTopics.forget(conversation, key);
    conversation.send({
      type: "Unsubscribed",
      target: wireOf(key),
      ref,
      ...subscriptionEnd(end),
      ...(retryAfter === undefined ? {} : { retryAfter }),
      ...(details === undefined ? {} : { details }),
    });
  }

  /** The log holds what this node has no updates for: other nodes serve it, and pages of their version (VE4). */
  unfit(conversations: Iterable<Conversation>, live: LiveTarget): void {
    // Of all, not of its audience alone: some are being brought up to date.
    for (const conversation of conversations)
      this.cut(conversation, live.key, live.failure, { details: whichVersion(live) });
  }

  /** It is closed to make room for somebody who holds less: its subscribers may retry (LM24). */
  givesWay(place: ResolvedTarget): void {
    const key = keyOfPlace(place);
    for (const conversation of [...place.audience.current, ...place.audience.behind])
      this.cut(conversation, key, "busy", { retryAfter: RETRY_AFTER });
  }

  /** Subscribes a client to a target, whatever `canSubscribe` says. */
  grant(conversation: Conversation, key: TargetKey): void {
    this.#access.grant(conversation, key);
    const subscription = conversation.subscriptions.get(key);
    if (subscription?.live === true) return;
    const asked = fromNothing(wireOf(key), subscription?.ref ?? 0);
    void this.subscribe(conversation, asked);
  }

  /** All subscribers are sent what there is now, in place of what they had. */
  resnapshot(live: LiveTarget, reason: string): void {
    // A copy: joining may put a subscriber back at once.
    const current = [...live.audience.current];
    for (const conversation of current) {
      // Still the same request, so that what the app is being asked about it counts (AU15).
      const subscription = conversation.subscriptions.get(live.key)!;
      subscription.live = false;
      live.audience.remove(conversation);
      void this.#join(conversation, live, subscription, fromNothing(live.wire, subscription.ref), reason);
    }
  }

  ping(conversation: Conversation, { cursors }: ClientFrames["Ping"]): void {
    for (const [target, sequence, mark] of cursors) {
      const key = keyOf(conversation, target);
      const subscription = conversation.subscriptions.get(key);
      const live = this.#registry.get(key);
      if (subscription?.live !== true || live?.engine === undefined) continue;
      const { state } = live.engine;
      if (state.sequence === sequence && state.mark === mark) continue;
      // The tail was lost on the way: the same as a gap, found by the client's own word.
      void this.subscribe(conversation, {
        target,
        ref: subscription.ref,
        cursor: { sequence, mark },
        settled: 0,
        sent: 1,
      });
    }
  }

  /** Runs onSubscribe or onUnsubscribe; the messages it returns are dispatched by the server. */
  #hook(conversation: Conversation, place: ResolvedTarget, name: "onSubscribe" | "onUnsubscribe"): void {
    const handlers: LooseHandlers | undefined = this.#context.handlers.get(place.slice.name);
    // A poll would come and go with every question.
    if (handlers?.[name] === undefined || conversation.speaker === "poll") return;
    void (async () => {
      const returned = await handlers[name]!(asking(conversation, keyOfPlace(place), place.params));
      const messages = messagesOf<Message>(returned);
      if (messages.length === 0) return;
      if (place instanceof EphemeralTopic) {
        for (const message of messages) this.#dispatcher.push(place.slice, place.topic, message);
        return;
      }
      await this.#dispatcher.dispatchUnlessRemoved(place, messages);
    })().catch((error: unknown) => this.#context.report(error));
  }
}

/** What a client gets with `version`: that of a target which is newer than its own. */
const whichVersion = ({ slice, newer }: LiveTarget): unknown =>
  newer === undefined ? undefined : { protocol: PROTOCOL_VERSION, slices: { [slice.name]: newer } };

const keyOfPlace = (place: ResolvedTarget): TargetKey =>
  place instanceof EphemeralTopic ? place.topic : place.key;
