// Deadlines that all lie equally far ahead, so they come in the order in which they were set: one timer does for all.
import type { Cancel, SteadyClock } from "@calla/shared";
import { contain } from "../../../base/contain.ts";
import type { Report } from "../../../base/contain.ts";

export class Deadlines<Item extends object> {
  readonly #clock: SteadyClock;
  readonly #after: number;
  readonly #due: (item: Item) => void;
  readonly #report: Report;
  /** When each is due, the next one first. */
  readonly #times = new Map<Item, number>();
  #cancel: Cancel | undefined;

  /**
   * `due` is called for an item `after` milliseconds from when it was set, unless it was dropped meanwhile. What it throws
   * is reported, and holds up no other (LP51).
   */
  constructor(clock: SteadyClock, after: number, due: (item: Item) => void, report: Report) {
    this.#clock = clock;
    this.#after = after;
    this.#due = due;
    this.#report = report;
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

  /** What is left is due now. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const item of Array.from(this.#times.keys())) this.#come(item);
  }

  readonly #ring = (): void => {
    this.#cancel = undefined;
    const now = this.#clock.monotonic();
    for (const [item, time] of this.#times) {
      if (time > now) {
        this.#cancel ??= this.#clock.setTimeout(this.#ring, time - now);
        return;
      }
      this.#come(item);
    }
  };

  #come(item: Item): void {
    this.#times.delete(item);
    contain(this.#report, () => this.#due(item));
  }
}
