// Deadlines that all lie equally far ahead, so they come in the order in which they were set: one timer does for all.
import type { Cancel, SteadyClock } from "@calla/shared";

export class Deadlines<Item extends object> {
  readonly #clock: SteadyClock;
  readonly #after: number;
  readonly #due: (item: Item) => void;
  /** When each is due, the next one first. */
  readonly #times = new Map<Item, number>();
  #cancel: Cancel | undefined;

  /** `due` is called for an item `after` milliseconds from when it was set, unless it was dropped meanwhile. */
  constructor(clock: SteadyClock, after: number, due: (item: Item) => void) {
    this.#clock = clock;
    this.#after = after;
    this.#due = due;
  }

  get size(): number {
    return this.#times.size;
  }

  /** Setting one anew puts it off. */
  set(item: Item): void {
    this.#times.delete(item);
    this.#times.set(item, this.#clock.monotonic() + this.#after);
    // A timer that is set rings for the first; what has gone since, it finds out then.
    this.#cancel ??= this.#clock.setTimeout(this.#ring, this.#after);
  }

  drop(item: Item): void {
    this.#times.delete(item);
  }

  stop(): void {
    this.#times.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #ring = (): void => {
    this.#cancel = undefined;
    const now = this.#clock.monotonic();
    for (const [item, time] of this.#times) {
      if (time > now) {
        this.#cancel ??= this.#clock.setTimeout(this.#ring, time - now);
        return;
      }
      this.#times.delete(item);
      this.#due(item);
    }
  };
}
