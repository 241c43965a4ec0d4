// The dispatches of one topic whose client waits for an answer.
import type { ReplyRef } from "../channels/definition/channel-types.ts";
import type { Json } from "../channels/wire/message.ts";
import { Budget, OverBudget } from "./patch/budget.ts";
import { equal } from "./patch/identity.ts";

interface Waiting {
  readonly mid: number;
  readonly id: string;
  readonly messages: readonly Json[];
  /** Of the newest who said it: the client has given up on the one before. */
  readonly ref: ReplyRef;
}

/** Values that are looked at to find out whether a message was changed. */
const MOST_LOOKS = 10_000;

export class Dispatches {
  /** So many wait at most: what a client has to say beyond is paused, and nobody hears of the oldest. */
  most = 1_000;
  readonly #waiting = new Map<string, Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  add(mid: number, id: string, messages: readonly Json[], ref: ReplyRef): void {
    const key = keyOf(mid, id);
    this.#waiting.delete(key);
    this.#waiting.set(key, { mid, id, messages, ref });
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= this.most) break;
      this.#waiting.delete(oldest);
    }
  }

  /** Who is to be answered, once. */
  take(mid: number, id: string): ReplyRef | undefined {
    const key = keyOf(mid, id);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiting?.ref;
  }

  /** Whether it was taken as its client sent it; not, where that is not known. */
  isAsSent(mid: number, id: string, taken: readonly unknown[]): boolean {
    const waiting = this.#waiting.get(keyOf(mid, id));
    if (waiting === undefined) return false;
    try {
      return equal(waiting.messages, taken, new Budget(MOST_LOOKS));
    } catch (thrown) {
      if (thrown instanceof OverBudget) return false;
      throw thrown;
    }
  }

  /** They are to be sent again, and are answered then. */
  forgetFrom(mid: number): void {
    for (const [key, waiting] of this.#waiting) if (waiting.mid >= mid) this.#waiting.delete(key);
  }
}

const keyOf = (mid: number, id: string): string => `${mid} ${id}`;
