// One direction of a connection that takes its time: what goes in comes out later, in the same order.
import type { Clock } from "@calla/shared";

interface Item {
  readonly deliver: () => void;
  due: boolean;
}

export class Delayed {
  readonly #setTimeout: Clock["setTimeout"];
  /** Oldest first. */
  readonly #under: Item[] = [];

  constructor(setTimeout: Clock["setTimeout"]) {
    this.#setTimeout = setTimeout;
  }

  /** `milliseconds` 0: at once, unless something is under way. */
  pass(milliseconds: number, deliver: () => void): void {
    if (milliseconds <= 0 && this.#under.length === 0) return deliver();
    const item: Item = { deliver, due: false };
    this.#under.push(item);
    this.#setTimeout(() => {
      item.due = true;
      // A shorter delay does not overtake a longer one from before.
      while (this.#under[0]?.due) this.#under.shift()?.deliver();
    }, milliseconds);
  }
}
