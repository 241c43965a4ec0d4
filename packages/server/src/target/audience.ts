// The subscribers of one topic on this node, and what is sent to all of them: each frame encoded once per format,
// pushes of one turn joined. Nothing here is allocated per subscriber, except for one that becomes slow.
import { isSession, OWN_SESSION } from "@calla/shared";
import type { Clock, Cursor, ServerFrame, TargetKey } from "@calla/shared";
import type { Conversation } from "../connection/conversation.ts";
import type { SlowConsumers } from "../connection/slow-consumers.ts";
import { Shared } from "../context/encoder.ts";

/** One push on the wire: author tag, userId, messages; none: the author has gone. */
export type Pushed = readonly [tag: number | null, userId: string | null, messages: readonly unknown[]];

export class Audience {
  readonly #key: TargetKey;
  /** The target as the wire names it. */
  readonly target: TargetKey;
  /** Those who are shown everything. */
  readonly current = new Set<Conversation>();
  /** Subscribers that are shown nothing until their connection has drained. */
  readonly behind = new Set<Conversation>();
  readonly #clock: Clock;
  readonly #slowConsumers: SlowConsumers;
  /** Whether a slow subscriber has something to come back for after a push. */
  readonly #keepsPushes: boolean;
  #pushes: { pushed: Pushed; except: string | undefined }[] = [];

  constructor(key: TargetKey, clock: Clock, slowConsumers: SlowConsumers, keepsPushes = false) {
    this.#key = key;
    this.#slowConsumers = slowConsumers;
    this.target = isSession(key) ? OWN_SESSION : key;
    this.#clock = clock;
    this.#keepsPushes = keepsPushes;
  }

  get empty(): boolean {
    return this.current.size === 0 && this.behind.size === 0;
  }
  has(conversation: Conversation): boolean {
    return this.current.has(conversation) || this.behind.has(conversation);
  }
  remove(conversation: Conversation): void {
    this.current.delete(conversation);
    this.behind.delete(conversation);
  }

  /** To everybody but the slow, who will be shown what comes after `after` when they have drained. */
  say(frame: ServerFrame, after: Cursor): void {
    if (this.current.size === 0) return;
    for (const slow of this.#slowConsumers.among(this.current)) this.#holdBack(slow, after);
    const shared = new Shared(frame);
    for (const subscriber of this.current) subscriber.sendShared(shared);
  }

  #holdBack(slow: Conversation, after: Cursor | undefined): void {
    this.current.delete(slow);
    this.behind.add(slow);
    const ref = slow.subscriptions.get(this.#key)?.ref ?? 0;
    const cursor = after && { sequence: after.sequence, mark: after.mark };
    // "sent": its outcomes of meanwhile are sent with what it missed.
    const asked = { target: this.target, ref, ...(cursor && { cursor }), settled: 0, sent: 1 };
    this.#slowConsumers.hold(slow, this.#key, { asked, why: "slow" });
  }

  /** Sent at the end of the turn, together with what else is pushed meanwhile. */
  push(pushed: Pushed, except?: string): void {
    if (this.current.size === 0) return;
    if (this.#pushes.length === 0) this.#clock.defer(() => this.#flush());
    this.#pushes.push({ pushed, except });
  }

  #flush(): void {
    const pushes = this.#pushes;
    this.#pushes = [];
    const frame = (all: typeof pushes): ServerFrame => ({
      type: "Push",
      target: this.target,
      pushes: all.map(({ pushed }) => pushed),
    });
    const shared = new Shared(frame(pushes));
    const excepted = new Set(pushes.map(({ except }) => except));
    excepted.delete(undefined);
    // One that nothing is kept for misses them.
    const slow = new Set(this.#slowConsumers.among(this.current));
    if (this.#keepsPushes) for (const one of slow) this.#holdBack(one, undefined);
    for (const subscriber of this.current) {
      if (slow.size > 0 && slow.has(subscriber)) continue;
      if (!excepted.has(subscriber.clientId)) {
        subscriber.sendShared(shared);
        continue;
      }
      const others = pushes.filter(({ except }) => except !== subscriber.clientId);
      if (others.length > 0) subscriber.send(frame(others));
    }
  }
}
