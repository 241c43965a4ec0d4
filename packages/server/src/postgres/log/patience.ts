// How long `changes` waits for what is held back: moments, for a commit that is just under way, and not at all for a
// transaction that has been open for long. Who holds it back for very long is told.
import type { SteadyClock } from "@calla/shared";

/** Milliseconds that a call waits in all, and its first and longest pause. */
const LONGEST = 1_000;
const FIRST = 2;
const PAUSE = 50;
/** Milliseconds after which somebody is told. */
const LATE = 30_000;

export class Patience {
  readonly #clock: SteadyClock;
  readonly #late: () => void;
  /** What is held back since when; by the number up to which nothing is. */
  #bound: string | undefined;
  #since = 0;
  #told = false;

  constructor(clock: SteadyClock, late: () => void) {
    this.#clock = clock;
    this.#late = late;
  }

  /** Asks until nothing that counts is held back, or that takes too long. `bound`: undefined, nothing is. */
  async ask<T>(
    once: (last: boolean) => Promise<{ readonly bound: string | undefined; readonly answer: T }>,
  ): Promise<T> {
    const begun = this.#clock.monotonic();
    for (let pause = FIRST; ; pause = Math.min(pause * 2, PAUSE)) {
      const left = begun + LONGEST - this.#clock.monotonic();
      const { bound, answer } = await once(left <= 0);
      if (!this.#isHeld(bound) || left <= 0) return answer;
      await new Promise<void>((resolve) => void this.#clock.setTimeout(resolve, pause));
    }
  }

  /** Whether waiting may help. */
  #isHeld(bound: string | undefined): boolean {
    const now = this.#clock.monotonic();
    if (bound !== this.#bound) {
      this.#bound = bound;
      this.#since = now;
      this.#told = false;
    }
    if (bound === undefined) return false;
    const held = now - this.#since;
    if (held >= LATE && !this.#told) {
      this.#told = true;
      this.#late();
    }
    return held < LONGEST;
  }
}
