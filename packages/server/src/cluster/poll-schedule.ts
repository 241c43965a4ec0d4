// Which subscribed targets a node reads when: each once in `maxStaleness`, a share of them at a time, so that a log
// that many nodes share is asked evenly (SV6). Pure; the timer is in server.ts.

import type { Cancel, SteadyClock } from "@calla/shared";

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

/** Milliseconds within which all are read behind a gap of the pubsub. */
export const GAP_WITHIN = 1_000;

/** Behind a gap: as many ticks as give each target its turn, one after the other. A gap meanwhile begins them anew. */
export class GapRound {
  readonly #clock: SteadyClock;
  readonly #every: number;
  readonly #tick: () => void;
  #left = 0;
  #cancel: Cancel | undefined;

  constructor(clock: SteadyClock, within: number, tick: () => void) {
    this.#clock = clock;
    this.#every = within / TURNS;
    this.#tick = tick;
  }

  begin(): void {
    this.#left = TURNS;
    if (this.#cancel === undefined) this.#next();
  }

  stop(): void {
    this.#left = 0;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #next(): void {
    this.#cancel = this.#clock.setTimeout(() => {
      this.#cancel = undefined;
      this.#left--;
      this.#tick();
      if (this.#left > 0) this.#next();
    }, this.#every);
  }
}
