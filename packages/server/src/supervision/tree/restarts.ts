// How many restarts there were of late, and whether there may be one more.
import type { SteadyClock } from "@calla/shared";

export class Restarts {
  readonly #clock: SteadyClock;
  readonly #intensity: number;
  readonly #window: number;
  #times: number[] = [];

  constructor(clock: SteadyClock, intensity: number, window: number) {
    this.#clock = clock;
    this.#intensity = intensity;
    this.#window = window;
  }

  /** Within the window until now. */
  get count(): number {
    const since = this.#clock.monotonic() - this.#window;
    this.#times = this.#times.filter((time) => time > since);
    return this.#times.length;
  }

  /** One more; false: that would be too many. */
  take(): boolean {
    if (this.count >= this.#intensity) return false;
    this.#times.push(this.#clock.monotonic());
    return true;
  }

  forget(): void {
    this.#times = [];
  }
}
