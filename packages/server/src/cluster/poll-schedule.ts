// Which subscribed targets a node reads when: each once in `maxStaleness`, a share of them at a time, so that a log
// that many nodes share is read evenly (SV6). Pure; the timer is in server.ts.

/** A target's turns come `TURNS` ticks apart; a period has one tick more, for one that was opened between two. */
const TURNS = 16;

/** Milliseconds between two ticks. */
export const tickOf = (maxStaleness: number): number => maxStaleness / (TURNS + 1);

export class PollSchedule<T extends object> {
  readonly #turns = new WeakMap<T, number>();
  /** Turns are dealt out in order, so however many targets there are, they are spread evenly. */
  #next: number;
  #tick = 0;

  /** `seed`: another one for each node. */
  constructor(seed: number) {
    this.#next = seed % TURNS;
  }

  /** One tick: those whose turn it is. */
  due(subscribed: Iterable<T>): readonly T[] {
    this.#tick = (this.#tick + 1) % TURNS;
    const due: T[] = [];
    for (const target of subscribed) {
      let turn = this.#turns.get(target);
      if (turn === undefined) {
        turn = this.#next;
        this.#next = (turn + 1) % TURNS;
        this.#turns.set(target, turn);
      }
      if (turn === this.#tick) due.push(target);
    }
    return due;
  }
}
