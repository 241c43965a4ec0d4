// How much a client may say. What is over a rate is not taken and not lost: `Paused` says from which mid on the client sends
// again, and when; what it had sent behind that is ignored until then (S33). What is used up is counted by user or address
// (parties.ts); the pause is one client's and one target's.
import type { ClientFrame, ClientFrames, Limits, SteadyClock, TargetKey } from "@calla/shared";
import type { ServerContext } from "../context/server-context.ts";
import { SPREAD } from "./connection-quota.ts";
import type { Conversation } from "./conversation.ts";
import type { Share } from "./parties.ts";
import { limited } from "./refusal.ts";
import { TokenBucket } from "../base/token-bucket.ts";

type MessageFrame = ClientFrames["TopicMessage"];

/** So many times its rate of messages that are ignored, and a connection is closed. */
const PATIENCE = 10;
/** No topic has a longer id (TP6): nothing is remembered of longer ones. */
const LONGEST_ID = 256;

/** How many clients' pauses are remembered that have no stream here; of the others a gap is found (TE7). */
const MOST_STRANGERS = 10_000;

export type Limited = "taken" | "told" | "ignored";

/** Targets of which nothing is taken before a mid is sent again, or the time has passed. */
type Pauses = Map<TargetKey, { readonly from: number; readonly until: number }>;

export class RateLimiter {
  readonly #context: ServerContext;
  readonly #clock: SteadyClock;
  readonly #limits: Limits;
  readonly #messages: TokenBucket;
  readonly #topicMessages: TokenBucket;
  readonly #joins: TokenBucket;
  readonly #ignored: TokenBucket;
  /** Of connections that were paused. */
  readonly #pauses = new Map<Conversation, Pauses>();
  /** Of clients that speak here without a stream here. */
  readonly #strangers = new Map<string, Pauses>();

  constructor(context: ServerContext) {
    const { clock, limits } = context;
    this.#context = context;
    this.#clock = clock;
    this.#limits = limits;
    this.#messages = new TokenBucket(limits.messageRate, limits.messageBurst);
    this.#topicMessages = new TokenBucket(limits.topicMessageRate, limits.topicMessageBurst);
    this.#joins = new TokenBucket(limits.joinRate, limits.joinBurst);
    this.#ignored = new TokenBucket(limits.messageRate * PATIENCE, limits.messageBurst * PATIENCE);
  }

  /** Whether a message is taken. Otherwise its client got `Paused`, or `ignored`: a `Paused` of before holds for this. */
  message(conversation: Conversation, frame: MessageFrame): Limited {
    const target = frame.target;
    const { mid } = frame;
    const now = this.#clock.monotonic();
    const share = conversation.membership.share!;
    const pauses = this.#pausesOf(conversation);
    const pause = pauses?.get(target);
    // Sent before the client heard of the pause: it is sent again, behind what was paused. Only for the time of the
    // pause, for the paused one may have been a second copy that is not; whether one is missing its row says.
    if (pause !== undefined && mid > pause.from && now < pause.until) {
      this.#ignore(conversation, now);
      return "ignored";
    }
    const count = Math.max(1, frame.messages.length);
    const paid = share.messages;
    const paidTopic = share.topics?.get(target) ?? 0;
    const next = this.#messages.take(paid, now, count);
    const nextTopic = this.#topicMessages.take(paidTopic, now, count);
    if (next !== undefined && nextTopic !== undefined) {
      share.messages = next;
      share.restsAt = Math.max(share.restsAt, next, nextTopic);
      this.#remember(share, target, nextTopic, now);
      if (pause !== undefined) pauses!.delete(target);
      return "taken";
    }
    if (!this.#ignore(conversation, now) || (pause !== undefined && mid === 0)) return "ignored";
    const paused = pauses ?? this.#beginPauses(conversation);
    // What is over holds nothing back: a client that was paused on many topics over a long life floods nobody.
    if (paused.size >= this.#limits.maxTopicsPerConnection)
      for (const [other, { until }] of paused) if (until <= now) paused.delete(other);
    if (
      target.length > LONGEST_ID ||
      (paused.size >= this.#limits.maxTopicsPerConnection && !paused.has(target))
    ) {
      this.#flood(conversation);
      return "ignored";
    }
    const retryAfter = Math.max(
      next === undefined ? this.#messages.wait(paid, now, count) : 0,
      nextTopic === undefined ? this.#topicMessages.wait(paidTopic, now, count) : 0,
    );
    paused.set(target, { from: mid, until: now + retryAfter });
    conversation.send({ type: "Paused", target, from: mid, code: "rate", retryAfter });
    const limit = next === undefined ? "messageRate" : "topicMessageRate";
    limited(this.#context, conversation, limit, target);
    return "told";
  }

  /** Whether another meta of presence is taken: 0, or after how many milliseconds the client may say it again. It counts as a message. */
  meta(conversation: Conversation, target: TargetKey): number {
    const now = this.#clock.monotonic();
    const share = conversation.membership.share!;
    const paid = share.messages;
    const paidTopic = share.topics?.get(target) ?? 0;
    const next = this.#messages.take(paid, now);
    const nextTopic = this.#topicMessages.take(paidTopic, now);
    if (next !== undefined && nextTopic !== undefined) {
      share.messages = next;
      share.restsAt = Math.max(share.restsAt, next, nextTopic);
      this.#remember(share, target, nextTopic, now);
      return 0;
    }
    limited(this.#context, conversation, next === undefined ? "messageRate" : "topicMessageRate", target);
    this.#ignore(conversation, now);
    return Math.max(1, this.#messages.wait(paid, now), this.#topicMessages.wait(paidTopic, now));
  }

  /** Whether a request to subscribe is taken: 0, or after how many milliseconds the client may retry it. */
  join(conversation: Conversation, target: TargetKey): number {
    const now = this.#clock.monotonic();
    const share = conversation.membership.share!;
    const next = this.#joins.take(share.joins, now);
    if (next !== undefined) {
      share.joins = next;
      share.restsAt = Math.max(share.restsAt, next);
      return 0;
    }
    limited(this.#context, conversation, "joinRate", target);
    this.#ignore(conversation, now);
    return Math.max(1, this.#joins.wait(share.joins, now));
  }

  /** Whether any other frame is taken. They cost little, so they are taken until it is a flood. */
  other(conversation: Conversation, frame: ClientFrame): boolean {
    return this.#ignore(
      conversation,
      this.#clock.monotonic(),
      frame.type === "Ping" ? 1 + frame.cursors.length + (frame.presence?.length ?? 0) : 1,
    );
  }

  /** It is gone. */
  left(conversation: Conversation): void {
    this.#pauses.delete(conversation);
  }

  /** undefined: nothing of its client is paused, as is the rule. */
  #pausesOf(conversation: Conversation): Pauses | undefined {
    if (this.#pauses.size === 0 && this.#strangers.size === 0) return undefined;
    return this.#pauses.get(speakerOf(conversation)) ?? this.#strangers.get(conversation.clientId);
  }

  /** When a client is first paused. Of one without a stream here it is remembered for its next packet. */
  #beginPauses(conversation: Conversation): Pauses {
    const pauses: Pauses = new Map();
    const speaker = speakerOf(conversation);
    if (speaker.speaker !== "packet") {
      this.#pauses.set(speaker, pauses);
      return pauses;
    }
    for (const oldest of this.#strangers.keys()) {
      if (this.#strangers.size < MOST_STRANGERS) break;
      this.#strangers.delete(oldest);
    }
    this.#strangers.set(conversation.clientId, pauses);
    return pauses;
  }

  /** False: it is a flood. */
  #ignore(conversation: Conversation, now: number, count = 1): boolean {
    const share = conversation.membership.share!;
    const next = this.#ignored.take(share.ignored, now, count);
    if (next === undefined) return this.#flood(conversation);
    share.ignored = next;
    share.restsAt = Math.max(share.restsAt, next);
    return true;
  }

  /** It goes on sending what is ignored. */
  #flood(conversation: Conversation): false {
    limited(this.#context, conversation, "messageRate", undefined);
    conversation.end("rate", SPREAD);
    return false;
  }

  /** Only of topics that it has used up some of the rate of. */
  #remember(share: Share, target: TargetKey, paid: number, now: number): void {
    if (target.length > LONGEST_ID) return;
    const topics = (share.topics ??= new Map<TargetKey, number>());
    if (topics.size >= this.#limits.maxTopicsPerConnection && !topics.has(target)) {
      for (const [other, itsPaid] of topics)
        if (this.#topicMessages.rested(itsPaid, now)) topics.delete(other);
      // All in use: the oldest begins anew. The share's own rate holds it.
      for (const oldest of topics.keys()) {
        if (topics.size < this.#limits.maxTopicsPerConnection) break;
        topics.delete(oldest);
      }
    }
    topics.set(target, paid);
  }
}

/** Whose pauses hold for it: a packet shares those of its client's stream, as long as there is one. */
const speakerOf = (conversation: Conversation): Conversation =>
  conversation.stream?.phase === "open" ? conversation.stream : conversation;
