// Moves between files, as a reader makes them who follows a call (instrument.ts).

/** What an instrumented function calls. A reader who is nowhere yet makes no move by arriving. */
export interface Moves {
  /** A function of this file begins. */
  enter(file: string): void;
  leave(): void;
}

export class MoveCounter implements Moves {
  count = 0;
  /** Each move, "from > to", in order. */
  readonly trail: string[] = [];
  readonly #stack: string[] = [];
  #at: string | undefined;

  enter(file: string): void {
    this.#stack.push(file);
    this.#go(file);
  }
  leave(): void {
    this.#stack.pop();
    const back = this.#stack.at(-1);
    if (back !== undefined) this.#go(back);
  }
  #go(to: string): void {
    if (this.#at !== undefined && this.#at !== to) {
      this.count++;
      this.trail.push(`${this.#at} > ${to}`);
    }
    this.#at = to;
  }
}
