// Time that moves when told, for what is measured in one process: what passes costs what falls due, and not what waits.
interface Timer {
  readonly at: number;
  /** undefined: cancelled. */
  run: (() => void) | undefined;
}

export function handClock() {
  let now = 0;
  let deferred: (() => void)[] = [];
  /** By time. */
  const timers: Timer[] = [];
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
        const timer: Timer = { at: now + milliseconds, run };
        let [from, to] = [0, timers.length];
        while (from < to) {
          const middle = (from + to) >> 1;
          if (timers[middle]!.at <= timer.at) from = middle + 1;
          else to = middle;
        }
        timers.splice(from, 0, timer);
        return () => void (timer.run = undefined);
      },
      defer: (run: () => void) => void deferred.push(run),
    },
    settle,
    /** `turned` is called behind each timer that was due. */
    pass(milliseconds: number, turned: () => void = settle): void {
      now += milliseconds;
      while (timers.length > 0 && timers[0]!.at <= now) {
        const { run } = timers.shift()!;
        if (run === undefined) continue;
        run();
        turned();
      }
    },
  };
}
