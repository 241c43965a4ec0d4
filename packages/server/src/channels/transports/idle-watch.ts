// Who has said nothing for too long. One timer ticks for all; a connection is looked at when it would be over if it had
// said nothing since, and put off to its next such tick if it has. So a frame costs one assignment. Time is counted in
// ticks: a process that stood still hears what came meanwhile before it counts on.
import { CallaError } from "@calla/shared";
import type { Cancel, Clock } from "@calla/shared";

export interface Watched {
  /** The watch's tick when it last said something. */
  heardAt: number;
  /** Which share of the watch it is in. */
  share: number;
  /** It has said nothing for the timeout, and is watched no more. */
  idle(): void;
}

/** Ticks in a timeout: an idle one is found at most one tick late. */
const TICKS = 32;
const SHARES = TICKS + 2;

export class IdleWatch {
  readonly #clock: Clock;
  readonly #tick: number;
  readonly #shares: readonly Set<Watched>[] = Array.from({ length: SHARES }, () => new Set());
  #ticks = 0;
  #size = 0;
  #cancel: Cancel | undefined;

  /**
   * `timeout` in milliseconds; with Infinity nobody is ever idle.
   *
   * @throws CallaError `transport`: no such timeout.
   */
  constructor(clock: Clock, timeout: number) {
    if (typeof timeout !== "number" || !(timeout > 0))
      throw new CallaError("transport", { timeout }, "A timeout needs milliseconds above 0 (or Infinity).");
    this.#clock = clock;
    this.#tick = timeout / TICKS;
  }

  get size(): number {
    return this.#size;
  }

  /** Now, for `heardAt`. */
  get ticks(): number {
    return this.#ticks;
  }

  /** From now on: it has been heard just now. */
  add(one: Watched): void {
    one.heardAt = this.#ticks;
    this.#put(one);
    this.#size++;
    this.#wait();
  }

  delete(one: Watched): void {
    if (this.#shares[one.share]?.delete(one) !== true || --this.#size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The tick that has begun when it was heard is not a whole one. */
  #put(one: Watched): void {
    one.share = (one.heardAt + TICKS + 1) % SHARES;
    this.#shares[one.share]?.add(one);
  }

  #wait(): void {
    if (this.#cancel !== undefined || this.#size === 0 || this.#tick === Infinity) return;
    this.#cancel = this.#clock.setTimeout(() => {
      this.#cancel = undefined;
      this.#look();
      this.#wait();
    }, this.#tick);
  }

  #look(): void {
    this.#ticks++;
    const share = this.#shares[this.#ticks % SHARES] ?? new Set();
    // The end of one may be another's, which is not visited then; and who is put off goes to another share.
    for (const one of share) {
      share.delete(one);
      if (one.heardAt + TICKS + 1 > this.#ticks) this.#put(one);
      else {
        this.#size--;
        one.idle();
      }
    }
  }
}
