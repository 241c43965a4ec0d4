// Presence of sync topics on this node: which clients are listed, and who is told. A client says its whole wish of a topic
// in one frame; it holds as long as it is subscribed, and over a loss of its connection for as long as that client may take to
// come back (grace.ts). Over the house's tracker, whose holders are clients. Not here: what watchers are told (topic-roster.ts).
//
// For clients over HTTP, whose transport cannot say that a page is gone: as the page goes (`pagehide`, and it is not kept for
// later) or its app closes the client, one request that outlives it (a POST with `keepalive`) says Hello and, for each topic
// on which it is listed, `Track` without a meta and without `watch`. It may come when the stream has ended, and to any node.
import type {
  ClientFrames,
  EphemeralSlice,
  Slice,
  SlicePresence,
  TargetKey,
  TopicSlice,
  UntrackedCode,
} from "@calla/shared";
import { sameValue } from "@calla/shared";
import type { LooseAsking } from "../app/handlers.ts";
import { contain } from "../base/contain.ts";
import type { Conversation } from "../connection/conversation.ts";
import type { RateLimiter } from "../connection/rate-limiter.ts";
import { limited, refused } from "../connection/refusal.ts";
import type { ServerContext } from "../context/server-context.ts";
import { matches } from "../identity/rights-change.ts";
import type { RightsChange } from "../identity/rights-change.ts";
import type { PresenceDiff } from "../presence/diff-listeners.ts";
import type { TargetDirectory } from "../target/target-directory.ts";
import { GRACE, graceOf, pollGrace } from "./grace.ts";
import { ListedClients, targetOf, trackerTopic } from "./listed-clients.ts";
import type { Wish } from "./listed-clients.ts";
import { readMeta } from "./meta.ts";
import { presenceKeyOf } from "./presence-key.ts";
import { TopicRoster } from "./topic-roster.ts";

export interface RosterParts {
  readonly context: ServerContext;
  readonly directory: Pick<TargetDirectory, "named">;
  readonly rateLimiter: RateLimiter;
  isSlow(conversation: Conversation): boolean;
  /** Over how many milliseconds it was told to spread its return. */
  spreadOf(conversation: Conversation): number;
}

type Track = ClientFrames["Track"];
type ListMembers = ClientFrames["ListMembers"];
type ListedSlice = (TopicSlice | EphemeralSlice) & { readonly presence: SlicePresence };

/** Milliseconds after which what was made for a topic that nobody watches is dropped. */
const IDLE = 10_000;
/** Questions for members of one connection that wait for its rate; who asks for more at once asks again. */
const MOST_QUESTIONS = 100;
/** Milliseconds from its last connection with a word of it, for which a client is waited for that is let in again and again. */
const LONGEST_WAIT = 30_000;
/** Milliseconds for which a client that is gone is listed by the node that says so: longer than nodes take to hear of it. */
const TOLD_AFTER = 500;

export class Roster {
  readonly #parts: RosterParts;
  readonly #context: ServerContext;
  readonly #clients: ListedClients;
  readonly #topics = new Map<TargetKey, TopicRoster>();
  /** The app's own, by topic. */
  readonly #listeners = new Map<TargetKey, Set<{ readonly hears: (diff: PresenceDiff) => unknown }>>();
  /** To be told at the end of the turn. */
  #due = new Set<TopicRoster>();
  /** The attempt of connections whose client counts none. */
  readonly #uncounted = new WeakMap<Conversation, number>();
  /** What was asked over the rate, in order: the first waits for its turn. */
  readonly #questions = new WeakMap<Conversation, ListMembers[]>();
  #sweeping = false;
  #stopped = false;
  #silence: (() => void) | undefined;

  constructor(parts: RosterParts) {
    this.#parts = parts;
    this.#context = parts.context;
    const { context } = parts;
    this.#clients = new ListedClients(context.clock, () => context.presence.tracker);
    // Where no slice lists anybody, nothing is made, and no other node is told or heard.
    if (!context.wiring.topics.some((slice) => slice.presence !== undefined)) return;
    const undo = context.presence.tracker.onDiff((diff) => this.#hear(diff));
    const stay = context.presence.onRestart(() => this.#clients.again());
    this.#silence = () => {
      undo();
      stay();
    };
  }

  // ------------------------------------------------------------------------------------------------ what clients say

  track(conversation: Conversation, frame: Track): void {
    const { target, meta, watch } = frame;
    const { rateLimiter } = this.#parts;
    const subscription = conversation.subscriptions.get(target);
    if (meta === undefined && !watch) {
      if (rateLimiter.other(conversation, frame)) this.#wantsNothing(conversation, target);
      return;
    }
    const before = this.#clients.get(conversation.clientId, target);
    const retryAfter = this.#waitOf(conversation, frame, before);
    if (conversation.phase !== "open") return; // it was a flood
    if (retryAfter > 0) return this.#refuse(conversation, target, "rate", { retryAfter });
    if (subscription === undefined) return this.#refuse(conversation, target, "not-subscribed");
    const named = this.#parts.directory.named(target, conversation.clientId);
    const slice = typeof named === "string" ? undefined : listed(named.slice);
    if (slice === undefined || typeof named === "string")
      return this.#refuse(conversation, target, "no-presence", { told: true });
    if (before === undefined && !this.#hasRoom(conversation))
      return this.#refuse(conversation, target, "too-many-topics", { told: true });
    const wish = before ?? this.#clients.begin(conversation.clientId, target);
    this.#clients.stays(wish);
    wish.conversation = conversation;
    wish.userId = conversation.userId;
    wish.watch = watch;
    wish.within = frame.within;
    wish.polled = conversation.speaker === "poll";
    wish.number = frame.number;
    if (meta === undefined) wish.entry = undefined;
    else this.#wishes(wish, conversation, slice, named.params, meta);
    if (subscription.live) this.#apply(wish, conversation);
    else if (wish.entry === undefined && !wish.watch) this.#clients.delete(wish);
  }

  /** What a word costs: milliseconds until it is taken. */
  #waitOf(conversation: Conversation, frame: Track, before: Wish | undefined): number {
    const { target, meta, watch } = frame;
    const { rateLimiter } = this.#parts;
    // What is said again is no message: who polls would have none left for its messages (SP15).
    const again = meta === undefined || (before?.entry !== undefined && sameValue(before.plain, meta));
    const wait = again ? 0 : rateLimiter.meta(conversation, target);
    const begins = watch && !(before?.watch === true && before.conversation === conversation);
    // To be told the whole costs as much as to subscribe.
    if (begins) return Math.max(wait, rateLimiter.join(conversation, target));
    // Where that is a flood, the connection has ended.
    if (again) rateLimiter.other(conversation, frame);
    return wait;
  }

  /** What its client wanted by a connection that has ended makes room for what it wants now. */
  #hasRoom(conversation: Conversation): boolean {
    const { clientId } = conversation;
    if (this.#clients.sizeOf(clientId) < this.#context.limits.maxTopicsPerConnection) return true;
    const former = this.#clients.of(clientId).find((wish) => wish.conversation !== conversation);
    if (former === undefined) return false;
    this.#gone(former);
    return true;
  }

  /** It wants another meta. Where that is not taken, an earlier one stays. */
  #wishes(
    wish: Wish,
    conversation: Conversation,
    slice: ListedSlice,
    params: readonly string[],
    plain: unknown,
  ): void {
    const { target, clientId } = wish;
    const read = readMeta(this.#context, slice, plain, conversation.encoder);
    if (!read.ok) {
      const { code, details } = read;
      if (code === "too-large") limited(this.#context, conversation, "maxPresenceBytes", target, code);
      return this.#refuse(conversation, target, code, { details, told: code !== "too-large" });
    }
    const about = { clientId, user: conversation.user, topic: target, params };
    const key = this.#keyOf(slice, about);
    if (key === undefined) return this.#refuse(conversation, target, "hook", { told: true });
    wish.entry = { key, meta: read.meta, attempt: this.#attemptOf(conversation) };
    wish.plain = plain;
  }

  #keyOf(slice: ListedSlice, about: LooseAsking): string | undefined {
    try {
      return presenceKeyOf(slice, this.#context.handlers.get(slice.name), about);
    } catch (error) {
      this.#context.report(error);
      return undefined;
    }
  }

  #apply(wish: Wish, conversation: Conversation): void {
    const { target, entry, watch } = wish;
    this.#clients.put(wish);
    if (watch) this.#topic(target).watch(conversation);
    else this.#unwatch(target, conversation);
    if (entry === undefined && !watch) this.#clients.delete(wish);
  }

  #wantsNothing(conversation: Conversation, target: TargetKey): void {
    const wish = this.#clients.get(conversation.clientId, target);
    if (wish !== undefined) this.#gone(wish);
  }

  /** Which of its client's connections this is, of all there ever were. */
  #attemptOf(conversation: Conversation): number {
    const { state } = conversation;
    const counted = state.phase === "open" ? state.attempt?.[1] : undefined;
    if (counted !== undefined) return counted;
    const known = this.#uncounted.get(conversation) ?? Math.max(0, Math.floor(this.#context.clock.now()));
    this.#uncounted.set(conversation, known);
    return known;
  }

  /** What the client has said and was told last, as it knows it: what one of both has missed is said again. */
  ping(conversation: Conversation, all: NonNullable<ClientFrames["Ping"]["presence"]>): void {
    for (const [target, at, number] of all) {
      if (!conversation.subscriptions.has(target)) continue;
      const wish = this.#clients.get(conversation.clientId, target);
      if (number === 0) {
        if (wish !== undefined) this.#gone(wish);
      } else if (wish?.conversation !== conversation || wish.number !== number)
        this.#refuse(conversation, target, "missed", { retryAfter: 0 });
      // To be told the whole costs as much as to subscribe: over the rate, the next ping says it again.
      else if (wish.watch && this.#topics.get(target)?.misses(conversation, at) === true)
        if (this.#parts.rateLimiter.join(conversation, target) === 0)
          this.#topics.get(target)?.tellAgain(conversation);
    }
  }

  /** Its client waits for an answer: over the rate it waits longer. */
  listMembers(conversation: Conversation, frame: ListMembers): void {
    const waiting = this.#questions.get(conversation);
    if (waiting === undefined) return this.#answer(conversation, [frame]);
    if (this.#parts.rateLimiter.other(conversation, frame) && waiting.length < MOST_QUESTIONS)
      waiting.push(frame);
  }

  /** A page costs as much as a subscribe. */
  #answer(conversation: Conversation, questions: ListMembers[]): void {
    const { clock } = this.#context;
    this.#questions.delete(conversation);
    for (let next = questions[0]; next !== undefined; next = questions[0]) {
      if (conversation.phase !== "open" || this.#stopped) return;
      const wait = this.#parts.rateLimiter.join(conversation, next.target);
      if (wait > 0) {
        this.#questions.set(conversation, questions);
        return void clock.setTimeout(() => this.#answer(conversation, questions), wait);
      }
      questions.shift();
      this.#page(conversation, next);
    }
  }

  #page(conversation: Conversation, { target, ref, after, most }: ListMembers): void {
    if (conversation.phase !== "open" || this.#stopped) return;
    const named = this.#parts.directory.named(target, conversation.clientId);
    const may = conversation.subscriptions.get(target)?.live === true;
    if (!may || typeof named === "string" || listed(named.slice) === undefined)
      return conversation.send({ type: "Members", target, ref, members: [], more: false });
    const { members, more } = this.#topic(target).page(after, most, conversation.encoder);
    conversation.send({ type: "Members", target, ref, members, more });
  }

  #refuse(
    conversation: Conversation,
    target: TargetKey,
    code: UntrackedCode,
    {
      retryAfter,
      details,
      told = false,
    }: { readonly retryAfter?: number; readonly details?: unknown; readonly told?: boolean } = {},
  ): void {
    if (told) refused(this.#context, conversation, target, code, details ?? {});
    conversation.send({
      type: "Untracked",
      target,
      code,
      ...(retryAfter === undefined ? {} : { retryAfter }),
      ...(details === undefined ? {} : { details }),
    });
  }

  // ------------------------------------------------------------------------------------------- what becomes of them

  /** It was let in: who came back in time is waited for until it has said what it wants. */
  opened({ clientId, speaker }: Conversation): void {
    if (this.#clients.empty) return;
    const polls = speaker === "poll";
    const now = this.#context.clock.monotonic();
    for (const wish of this.#clients.of(clientId)) {
      // Polls are many: only the first is followed by what its client wants, if that is anything.
      if (wish.conversation !== undefined || (polls && wish.polled)) continue;
      wish.polled = polls;
      // A page that comes and goes and says nothing of it, for it is another page, keeps nobody listed.
      const left = (wish.lostAt ?? now) + LONGEST_WAIT - now;
      if (left > 0) this.#clients.leave(wish, Math.min(GRACE, left));
    }
  }

  /** Its subscription is live, for the first time or again. */
  live(conversation: Conversation, target: TargetKey): void {
    const wish = this.#clients.empty ? undefined : this.#clients.get(conversation.clientId, target);
    if (wish?.conversation === conversation) this.#apply(wish, conversation);
  }

  /** Its subscription has ended, though its connection has not. */
  unsubscribed({ clientId }: Conversation, target: TargetKey): void {
    const wish = this.#clients.empty ? undefined : this.#clients.get(clientId, target);
    if (wish !== undefined) this.#gone(wish);
  }

  /** Its connection has ended. */
  ended(conversation: Conversation): void {
    if (this.#clients.empty) return;
    const { state, clientId, speaker } = conversation;
    if (state.phase !== "closed") return;
    const { code, within } = state;
    const spread = Math.max(within, this.#parts.spreadOf(conversation));
    const grace = graceOf({ code, farewell: conversation.farewell, within: spread });
    for (const wish of this.#clients.of(clientId)) {
      if (wish.conversation !== conversation) continue;
      this.#unwatch(wish.target, conversation);
      // Who is not listed by this node needs none of its time.
      const stays =
        wish.tracked === undefined ? 0 : speaker === "poll" && code === "" ? pollGrace(wish.within) : grace;
      wish.lostAt = this.#context.clock.monotonic();
      if (stays > 0) this.#clients.leave(wish, stays);
      else this.#clients.delete(wish);
    }
  }

  /** It takes frames again. */
  drained(conversation: Conversation): void {
    if (this.#clients.empty) return;
    for (const { target, watch } of this.#clients.of(conversation.clientId))
      if (watch) this.#topics.get(target)?.drained(conversation);
  }

  /** A poll is about to have all its answers: who is here is one of them. */
  answer(poll: Conversation): void {
    if (this.#clients.empty) return;
    for (const { target, watch } of this.#clients.of(poll.clientId))
      if (watch) this.#topics.get(target)?.tell(poll);
  }

  /** A client is sent away or signed out: nobody waits for it. `target`: of this one alone. */
  sentAway(clientId: string, target?: TargetKey): void {
    for (const wish of this.#clients.of(clientId))
      if (target === undefined || wish.target === target) this.#gone(wish);
  }
  signedOut(whose: RightsChange): void {
    for (const wish of Array.from(this.#clients.all())) if (matches(whose, wish)) this.#gone(wish);
  }

  /**
   * A packet says that its client is gone, whose connection has ended or is on another node. That node alone can end what it
   * has listed: it does when the client comes to this one, and here it goes as soon as that was told.
   */
  farewell(packet: Conversation, frame: Track): void {
    const { target } = frame;
    const { clientId } = packet;
    if (!this.#parts.rateLimiter.other(packet, frame)) return;
    // A page that was loaded again is here already (SP21).
    const said = packet.state.phase === "open" ? packet.state.attempt?.[1] : undefined;
    const isLater = (attempt = 0): boolean => said !== undefined && attempt > said;
    const here = this.#clients.get(clientId, target);
    if (here !== undefined) return isLater(here.entry?.attempt) ? undefined : this.#gone(here);
    const named = this.#parts.directory.named(target, clientId);
    const slice = typeof named === "string" ? undefined : listed(named.slice);
    if (slice === undefined || typeof named === "string") return;
    const key = this.#keyOf(slice, { clientId, user: packet.user, topic: target, params: named.params });
    if (key === undefined) return;
    const { tracker } = this.#context.presence;
    const entry = tracker.getByKey(trackerTopic(target), key).find(({ holder }) => holder === clientId);
    if (entry === undefined || isLater(entry.attempt)) return;
    const wish = this.#clients.begin(clientId, target);
    wish.entry = { key, meta: entry.meta, attempt: (entry.attempt ?? 0) + 1 };
    this.#clients.put(wish);
    this.#clients.leave(wish, TOLD_AFTER);
  }

  /** Ends everything. Gives for how many milliseconds other nodes are to keep who was listed here and may come back. */
  stop(): number {
    this.#stopped = true;
    this.#silence?.();
    for (const topic of this.#topics.values()) topic.stop();
    this.#topics.clear();
    return this.#clients.stop();
  }

  #gone(wish: Wish): void {
    if (wish.conversation !== undefined) this.#unwatch(wish.target, wish.conversation);
    this.#clients.delete(wish);
  }

  // ---------------------------------------------------------------------------------------------------- who is told

  #hear(diff: PresenceDiff): void {
    const target = targetOf(diff.topic);
    if (target === undefined) return;
    this.#topics.get(target)?.hear(diff);
    this.#clients.hear(target, diff);
    for (const { hears } of Array.from(this.#listeners.get(target) ?? []))
      contain(this.#context.report, () => hears(diff));
  }

  /** Calls back with whoever comes to a topic and goes, on whichever node. Returns the undo. */
  onDiff(target: TargetKey, hears: (diff: PresenceDiff) => unknown): () => void {
    const listener = { hears };
    const all = this.#listeners.get(target);
    if (all === undefined) this.#listeners.set(target, new Set([listener]));
    else all.add(listener);
    return () => {
      const left = this.#listeners.get(target);
      if (left?.delete(listener) === true && left.size === 0) this.#listeners.delete(target);
    };
  }

  #topic(target: TargetKey): TopicRoster {
    let topic = this.#topics.get(target);
    if (topic !== undefined) return topic;
    const { context, isSlow } = this.#parts;
    const entries = context.presence.tracker.list(trackerTopic(target)).values();
    topic = new TopicRoster(target, entries, {
      clock: context.clock,
      maxPresenceList: context.limits.maxPresenceList,
      isSlow,
      due: (roster) => this.#tellLater(roster),
    });
    this.#topics.set(target, topic);
    this.#sweepLater();
    return topic;
  }

  #unwatch(target: TargetKey, conversation: Conversation): void {
    const topic = this.#topics.get(target);
    if (topic?.watches(conversation) !== true) return;
    topic.unwatch(conversation);
    this.#sweepLater();
  }

  #tellLater(roster: TopicRoster): void {
    if (this.#stopped) return;
    if (this.#due.size === 0) this.#context.clock.defer(() => this.#tell());
    this.#due.add(roster);
  }

  #tell(): void {
    const due = this.#due;
    this.#due = new Set();
    for (const roster of due) roster.flush();
  }

  /** What nobody watches is kept for a while: who reloads comes back. */
  #sweepLater(): void {
    if (this.#sweeping || this.#stopped) return;
    this.#sweeping = true;
    this.#context.clock.setTimeout(() => this.#sweep(), IDLE);
  }

  #sweep(): void {
    this.#sweeping = false;
    for (const [target, topic] of this.#topics) {
      if (topic.watched) continue;
      topic.stop();
      this.#topics.delete(target);
    }
  }
}

/** undefined: nobody is listed on its topics. */
const listed = (slice: Slice): ListedSlice | undefined =>
  "presence" in slice && slice.presence !== undefined ? (slice as ListedSlice) : undefined;
