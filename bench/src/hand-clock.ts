// Time that moves when told, for what is measured in one process: what passes costs what falls due, and not what waits.
interface Timer {
  readonly at: number;
  /** Of two at one time the first that was set comes first. */
  readonly order: number;
  /** undefined: cancelled. */
  run: (() => void) | undefined;
}

const isLater = (a: Timer, b: Timer): boolean => a.at > b.at || (a.at === b.at && a.order > b.order);

/** Timers by time, a heap: many wait, and what they cost is not to be measured. */
class Timers {
  readonly #heap: Timer[] = [];

  get next(): number {
    return this.#heap[0]?.at ?? Infinity;
  }
  add(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isLater(heap[above]!, timer)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = timer;
  }
  take(): Timer {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isLater(heap[below]!, heap[below + 1]!)) below++;
      if (!isLater(last, heap[below]!)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

export function handClock() {
  let now = 0;
  let deferred: (() => void)[] = [];
  const timers = new Timers();
  let set = 0;
  /** A turn, and what it leads to. */
  const settle = (): void => {
    while (deferred.length > 0) {
      const due = deferred;
      deferred = [];
      for (const run of due) run();
    }
  };
  return {
    clock: {
      now: () => 1_700_000_000_000 + now,
      monotonic: () => now,
      setTimeout(run: () => void, milliseconds: number) {
        const timer: Timer = { at: now + milliseconds, order: set++, run };
        timers.add(timer);
        return () => void (timer.run = undefined);
      },
      defer: (run: () => void) => void deferred.push(run),
    },
    settle,
    /** `turned` is called behind each timer that was due. */
    pass(milliseconds: number, turned: () => void = settle): void {
      now += milliseconds;
      while (timers.next <= now) {
        const { run } = timers.take();
        if (run === undefined) continue;
        run();
        turned();
      }
    },
  };
}
