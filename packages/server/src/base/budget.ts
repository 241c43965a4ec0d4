// What one step of the event loop may cost, so that sockets are read between the steps: a time and a count. Pure: the
// caller passes in a clock's reading, and engines are passed `spend`.

export class Budget {
  readonly #elapsed: () => number;
  readonly #milliseconds: number;
  readonly #count: number;
  #began = 0;
  #left = 0;

  constructor(elapsed: () => number, milliseconds: number, count: number) {
    this.#elapsed = elapsed;
    this.#milliseconds = milliseconds;
    this.#count = Math.max(count, 1);
  }

  begin(): void {
    this.#began = this.#elapsed();
    this.#left = this.#count;
  }

  /** One more thing was done, which counts as `weight`. True: that is enough for now. */
  spend(weight = 1): boolean {
    this.#left -= weight;
    return this.spent;
  }
  get spent(): boolean {
    return this.#left <= 0 || this.#elapsed() >= this.#began + this.#milliseconds;
  }
  /** So many times as much was done as is enough. */
  overspent(times: number): boolean {
    return (
      this.#left <= (1 - times) * this.#count || this.#elapsed() >= this.#began + times * this.#milliseconds
    );
  }
}
