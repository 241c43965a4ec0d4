// A rate with a burst, as one number per counted thing: the time at which all that was taken will have been paid for.
// A token bucket without the bucket. Time is passed in.

export class TokenBucket {
  /** Milliseconds that one costs. */
  readonly #cost: number;
  /** How far ahead of now one may have taken. */
  readonly #ahead: number;
  readonly #burst: number;

  constructor(perSecond: number, burst: number) {
    this.#cost = 1_000 / perSecond;
    this.#burst = Math.max(burst, 1);
    this.#ahead = this.#cost === 0 ? Infinity : this.#cost * this.#burst;
  }

  /** The number after taking so many, or undefined: too many. More than a burst at once is taken by a full bucket. */
  take(paid: number, now: number, count = 1): number | undefined {
    const next = Math.max(paid, now) + this.#cost * Math.min(count, this.#burst);
    return next - now > this.#ahead + ROUNDING ? undefined : next;
  }

  /**
   * Milliseconds until a retry is worth it: until a quarter of the burst, or as many as are asked for, is there. A
   * minute at most: a client that retries too early is told again.
   */
  wait(paid: number, now: number, count = 1): number {
    const some = Math.min(Math.max(count, this.#burst / 4), this.#burst);
    const wait = Math.ceil(Math.max(paid, now) + this.#cost * some - now - this.#ahead);
    return Math.min(Math.max(0, wait), LONGEST_WAIT);
  }

  /** Whether nothing of it is used up: it need not be remembered. */
  rested(paid: number, now: number): boolean {
    return paid <= now;
  }
}

const ROUNDING = 1e-6;
const LONGEST_WAIT = 60_000;
