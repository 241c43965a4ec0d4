// Which clients want to be listed here, on which topics and with what: each one's latest word, which outlives its connection
// for a while and the tracker's lives. What the tracker does not take yet, for the client is already on another node by a
// later connection, is said again when that one goes: nobody stays invisible.
import { sameValue } from "@calla/shared";
import type { Cancel, SteadyClock, TargetKey } from "@calla/shared";
import type { Conversation } from "../connection/conversation.ts";
import type { PresenceDiff } from "../presence/diff-listeners.ts";
import { ChurnMap } from "../presence/state/churn-map.ts";
import type { Tracker } from "../presence/tracker.ts";

/** With what a client is listed. `attempt`: which of its connections says so. */
export interface WishedEntry {
  readonly key: string;
  readonly meta: unknown;
  readonly attempt: number;
}

/** What one client wants of one topic's presence. Written by roster.ts, but for `tracked`. */
export interface Wish {
  readonly clientId: string;
  readonly target: TargetKey;
  userId: string | null;
  /** Whose word it is; undefined: its connection has ended, and it stays for a while. */
  conversation: Conversation | undefined;
  watch: boolean;
  /** Which of its client's words it is (of the connection). */
  number: number | undefined;
  /** Of a client that polls: how long it is here without another word. */
  within: number | undefined;
  /** Its client has polled since its last word, or by that: a poll without a word is no longer a sign of it. */
  polled: boolean;
  /** When the connection ended that said it, by the clock that is never set back. */
  lostAt: number | undefined;
  /** undefined: it is not to be listed. */
  entry: WishedEntry | undefined;
  /** Its meta as it came. */
  plain: unknown;
  /** What the tracker has of it. */
  tracked: WishedEntry | undefined;
  /** When it goes, by the clock that is never set back, unless its client says more. */
  goesAt: number;
  stopWaiting: Cancel | undefined;
}

/** A target's topic in the house's tracker. */
export const trackerTopic = (target: TargetKey): string => `${PREFIX}${target}`;
const PREFIX = "s:";
/** undefined: it is none of the sync half's. */
export const targetOf = (topic: string): TargetKey | undefined =>
  topic.startsWith(PREFIX) ? topic.slice(PREFIX.length) : undefined;

export class ListedClients {
  #clients = new ChurnMap<string, Map<TargetKey, Wish>>();
  readonly #clock: SteadyClock;
  readonly #tracker: () => Tracker;

  constructor(clock: SteadyClock, tracker: () => Tracker) {
    this.#clock = clock;
    this.#tracker = tracker;
  }

  get empty(): boolean {
    return this.#clients.size === 0;
  }
  get(clientId: string, target: TargetKey): Wish | undefined {
    return this.#clients.get(clientId)?.get(target);
  }
  /** A copy: what is done with one may delete it. */
  of(clientId: string): readonly Wish[] {
    return Array.from(this.#clients.get(clientId)?.values() ?? []);
  }
  /** On how many topics a client has a wish. */
  sizeOf(clientId: string): number {
    return this.#clients.get(clientId)?.size ?? 0;
  }
  *all(): Iterable<Wish> {
    for (const wishes of this.#clients.values()) yield* wishes.values();
  }

  begin(clientId: string, target: TargetKey): Wish {
    const wish: Wish = {
      clientId,
      target,
      userId: null,
      conversation: undefined,
      watch: false,
      number: undefined,
      within: undefined,
      polled: false,
      lostAt: undefined,
      entry: undefined,
      plain: undefined,
      tracked: undefined,
      goesAt: Infinity,
      stopWaiting: undefined,
    };
    const wishes = this.#clients.get(clientId);
    if (wishes === undefined) this.#clients.set(clientId, new Map([[target, wish]]));
    else wishes.set(target, wish);
    return wish;
  }

  /** It is gone, and listed no more. */
  delete(wish: Wish): void {
    const wishes = this.#clients.get(wish.clientId);
    if (wishes?.get(wish.target) !== wish) return;
    this.#forget(wish);
    this.#untrack(wish);
  }

  /** Its connection has ended: it stays for so many milliseconds. */
  leave(wish: Wish, within: number): void {
    wish.conversation = undefined;
    this.stays(wish);
    wish.goesAt = this.#clock.monotonic() + within;
    wish.stopWaiting = this.#clock.setTimeout(() => this.delete(wish), within);
  }

  /** Its client is back. */
  stays(wish: Wish): void {
    wish.stopWaiting?.();
    wish.stopWaiting = undefined;
    wish.goesAt = Infinity;
  }

  /** Brings the tracker to what is wished. */
  put(wish: Wish): void {
    const { target, clientId, entry, tracked } = wish;
    if (entry === undefined) return this.#untrack(wish);
    const topic = trackerTopic(target);
    const tracker = this.#tracker();
    const { key, meta, attempt } = entry;
    if (tracked !== undefined && tracked.key === key && tracked.attempt === attempt) {
      if (sameValue(tracked.meta, meta)) return;
      wish.tracked = entry;
      if (tracker.update(topic, clientId, key, meta)) return;
    } else if (tracked !== undefined && (tracked.key !== key || tracked.attempt > attempt)) {
      // A page whose clock was set back counts from a lower number: this connection is the later one all the same.
      this.#untrack(wish);
    }
    wish.tracked = entry;
    // Before it is heard of, which is at once.
    if (!tracker.track(topic, clientId, key, meta, attempt)) wish.tracked = undefined;
  }

  /** Who came to a topic and who went, on whichever node. */
  hear(target: TargetKey, { joins, leaves }: PresenceDiff): void {
    if (this.#clients.size === 0) return;
    const { replica } = this.#tracker();
    for (const join of joins) {
      const wish = join.replica === replica ? undefined : this.get(join.holder, target);
      if (wish !== undefined) this.#movedOn(wish, join.attempt ?? 0);
    }
    for (const { holder } of leaves) {
      const wish = this.get(holder, target);
      if (wish?.entry !== undefined && wish.tracked === undefined && wish.conversation !== undefined)
        this.put(wish);
    }
  }

  /** The tracker has begun anew, with nobody of this node. */
  again(): void {
    for (const wish of this.all()) {
      wish.tracked = undefined;
      if (wish.entry !== undefined) this.put(wish);
    }
  }

  /** Nobody is waited for any more. Gives for how many milliseconds the other nodes are to wait for them. */
  stop(): number {
    const now = this.#clock.monotonic();
    let longest = 0;
    for (const wish of this.all()) {
      wish.stopWaiting?.();
      if (wish.conversation === undefined) longest = Math.max(longest, wish.goesAt - now);
    }
    this.#clients = new ChurnMap();
    return longest;
  }

  /** Its client is listed by another node: by a later connection, or by a later poll of the same. */
  #movedOn(wish: Wish, attempt: number): void {
    if (wish.conversation === undefined) {
      if (attempt >= (wish.entry?.attempt ?? 0)) this.delete(wish);
    } else if (wish.tracked !== undefined && attempt > wish.tracked.attempt) wish.tracked = undefined;
  }

  #forget({ clientId, target, stopWaiting }: Wish): void {
    stopWaiting?.();
    const wishes = this.#clients.get(clientId)!;
    wishes.delete(target);
    if (wishes.size === 0) this.#clients.delete(clientId);
  }

  #untrack(wish: Wish): void {
    const { tracked, target, clientId } = wish;
    if (tracked === undefined) return;
    wish.tracked = undefined;
    this.#tracker().untrack(trackerTopic(target), clientId, tracked.key);
  }
}
