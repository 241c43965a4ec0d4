// Which clients wait for topics that only the server makes and has not made yet (`created: "server"`): each hears once
// when there is one, whichever node made it, and subscribes again. Not here: that it is missing (catch-up.ts), what subscribing
// again comes to (subscriptions.ts).
import { ORIGIN } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import type { Conversation } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import { hearTarget } from "../cluster/node-messages.ts";
import type { LogStorage } from "../log/log.ts";

/** So many topics are remembered for one connection, and for all of them together. Over that, a client retries by itself. */
export const MOST_EXPECTED = { ofOne: 100, ofAll: 100_000 };
/** Milliseconds after which that is worth doing. */
export const ASK_AGAIN = 30_000;

interface Expected {
  readonly by: Set<Conversation>;
  readonly silence: () => void;
}

export class AwaitedTopics {
  readonly #context: ServerContext;
  readonly #there: (conversation: Conversation, key: TargetKey, ref: number) => void;
  /** What each connection waits for, by the ref that was refused. */
  readonly #refs = new Map<Conversation, Map<TargetKey, number>>();
  /** Those that were looked at longest ago come first. */
  readonly #topics = new Map<TargetKey, Expected>();
  #count = 0;

  /** `there` is called once for each that waits: the subscriptions lie above this file. */
  constructor(
    context: ServerContext,
    there: (conversation: Conversation, key: TargetKey, ref: number) => void,
  ) {
    this.#context = context;
    this.#there = there;
  }

  /** The ref by which it waits for a topic; undefined: it does not. */
  refOf(conversation: Conversation, key: TargetKey): number | undefined {
    return this.#refs.get(conversation)?.get(key);
  }

  /** Remembers that it waits. False: its client has to retry by itself. */
  add(conversation: Conversation, key: TargetKey, ref: number): boolean {
    this.forget(conversation, key);
    const refs = this.#refs.get(conversation) ?? new Map<TargetKey, number>();
    if (refs.size >= MOST_EXPECTED.ofOne || this.#count >= MOST_EXPECTED.ofAll) return false;
    this.#count++;
    this.#refs.set(conversation, refs.set(key, ref));
    const known = this.#topics.get(key);
    if (known !== undefined) {
      known.by.add(conversation);
      return true;
    }
    const { shared } = this.#context.log;
    const silence = shared
      ? hearTarget(this.#context, key, { rang: () => this.appeared(key) })
      : () => undefined;
    this.#topics.set(key, { by: new Set([conversation]), silence });
    // It may have been made between the look that found nothing and now, and nobody rings twice.
    if (shared) this.look(key);
    return true;
  }

  /** There is something of it now: whoever waits subscribes again. */
  appeared(key: TargetKey): void {
    // A copy: one that hears of it may wait again at once.
    const by = Array.from(this.#topics.get(key)?.by ?? []);
    for (const conversation of by) {
      const ref = this.refOf(conversation, key);
      this.forget(conversation, key);
      if (ref !== undefined) this.#there(conversation, key, ref);
    }
  }

  /** It does not wait for this one any more. */
  forget(conversation: Conversation, key: TargetKey): void {
    const refs = this.#refs.get(conversation);
    if (refs?.delete(key) !== true) return;
    if (refs.size === 0) this.#refs.delete(conversation);
    this.#count--;
    const expected = this.#topics.get(key)!;
    expected.by.delete(conversation);
    if (expected.by.size > 0) return;
    this.#topics.delete(key);
    expected.silence();
  }

  /** It is gone. */
  left(conversation: Conversation): void {
    for (const key of this.#refs.get(conversation)?.keys() ?? []) this.forget(conversation, key);
  }

  /** Its rights have changed: its client has to subscribe again to what it waits for, and may be refused. */
  askAnew(conversation: Conversation, topic?: TargetKey): void {
    const refs = Array.from(this.#refs.get(conversation) ?? []);
    for (const [key, ref] of refs) {
      if (topic !== undefined && topic !== key) continue;
      this.forget(conversation, key);
      this.#there(conversation, key, ref);
    }
  }

  /** On a shared log, whose turn it is to be looked at: at most so many, for a ring may be lost (SV6). */
  due(most: number): readonly TargetKey[] {
    const due: TargetKey[] = [];
    let left = Math.min(most, this.#topics.size);
    for (const [key, expected] of this.#topics) {
      if (left-- === 0) break;
      this.#topics.delete(key);
      this.#topics.set(key, expected);
      due.push(key);
    }
    return due;
  }

  /** Looks whether there is something of it. */
  look(key: TargetKey): void {
    const { log, report } = this.#context;
    void begun(log, key).then(
      (is) => is && this.appeared(key),
      (error: unknown) => report(error),
    );
  }
}

/** Whether the log has anything of a target; nothing is opened for it. */
const begun = async (log: LogStorage, key: TargetKey): Promise<boolean> => {
  const found = await log.read(key, ORIGIN, 1);
  return found.status !== "records" || found.records.length > 0;
};
