// The dispatches of one topic whose client waits for an answer.
import type { ReplyRef } from "../channels/definition/channel-types.ts";
import type { Json } from "../channels/wire/message.ts";
import { Budget, OverBudget } from "./patch/budget.ts";
import { equal } from "./patch/identity.ts";

interface Waiting {
  readonly mid: number;
  readonly id: string;
  /** undefined: too much waits for it to be kept. */
  readonly messages: readonly Json[] | undefined;
  readonly bytes: number;
  /** Of the newest who said it: the client has given up on the one before. */
  readonly ref: ReplyRef;
}

/** Bytes of messages that are kept to be compared. What waits beyond is answered with its messages, as if amended. */
const MOST_BYTES = 1_048_576;
/** Values that are looked at to find out whether a message was changed. */
const MOST_LOOKS = 10_000;

export class Dispatches {
  /** So many wait at most: what a client has to say beyond is paused, and nobody hears of the oldest. */
  most = 1_000;
  readonly #waiting = new Map<string, Waiting>();
  #bytes = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** `bytes`: what its messages weigh, roughly. */
  add(mid: number, id: string, messages: readonly Json[], ref: ReplyRef, bytes: number): void {
    const key = keyOf(mid, id);
    this.#forget(key);
    const isKept = this.#bytes + bytes <= MOST_BYTES;
    const kept = isKept ? { messages, bytes } : { messages: undefined, bytes: 0 };
    this.#waiting.set(key, { mid, id, ref, ...kept });
    this.#bytes += kept.bytes;
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= this.most) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): Waiting | undefined {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    this.#bytes -= waiting?.bytes ?? 0;
    return waiting;
  }

  /** Who is to be answered, once. */
  take(mid: number, id: string): ReplyRef | undefined {
    return this.#forget(keyOf(mid, id))?.ref;
  }

  /** Whether it was taken as its client sent it; not, where that is not known. */
  isAsSent(mid: number, id: string, taken: readonly unknown[]): boolean {
    const waiting = this.#waiting.get(keyOf(mid, id));
    if (waiting?.messages === undefined) return false;
    try {
      return equal(waiting.messages, taken, new Budget(MOST_LOOKS));
    } catch (thrown) {
      if (thrown instanceof OverBudget) return false;
      throw thrown;
    }
  }

  /** They are to be sent again, and are answered then. */
  forgetFrom(mid: number): void {
    for (const [key, waiting] of this.#waiting) if (waiting.mid >= mid) this.#forget(key);
  }
}

const keyOf = (mid: number, id: string): string => `${mid} ${id}`;
