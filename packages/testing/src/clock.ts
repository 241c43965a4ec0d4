// Time that moves when told. Servers and clients share one, so a run is the same run however fast the machine is.
// What is due happens one by one, and everything that it led to (deferred work, promises) before the next.
import type { Cancel, Clock } from "@calla/shared";

/** A process's hold on the time: all it has set can be let go at once, as by a crash. */
export interface ProcessClock extends Clock {
  /** Nothing set through this clock happens any more. */
  kill(): void;
}

/** A clock that a test advances. */
export interface VirtualClock extends Clock {
  /** Lets everything happen that is due now, and all that it leads to, without time passing. */
  settle(): Promise<void>;
  /** Lets so many milliseconds pass, with everything that falls due on the way. */
  advance(milliseconds: number): Promise<void>;
  /** Passes from timer to timer until none is left, or `within` milliseconds are over (default: a minute). */
  runUntilIdle(within?: number): Promise<void>;
  /** The same time for one process that may be killed. */
  process(): ProcessClock;
}

interface Timer {
  readonly at: number;
  readonly run: () => void;
  cancelled: boolean;
}

/**
 * Time for tests, beginning at `start`.
 *
 * @example
 * const clock = virtualClock();
 * clock.setTimeout(() => retry(), 500);
 * await clock.advance(500); // retry has run, and whatever it led to
 */
export function virtualClock(start = 1_000_000): VirtualClock {
  let now = start;
  /** By time, and in the order they were set. */
  const timers: Timer[] = [];
  let deferred: (() => void)[] = [];

  function setTimeout(run: () => void, milliseconds: number): Cancel {
    // Whole milliseconds, as a machine's clock tells them.
    const timer: Timer = { at: now + Math.max(0, Math.ceil(milliseconds)), run, cancelled: false };
    let low = 0;
    for (let high = timers.length; low < high;) {
      const middle = (low + high) >> 1;
      if (timers[middle]!.at <= timer.at) low = middle + 1;
      else high = middle;
    }
    timers.splice(low, 0, timer);
    return () => void (timer.cancelled = true);
  }
  const defer = (run: () => void): void => void deferred.push(run);

  async function settle(): Promise<void> {
    for (;;) {
      await promisesKept();
      if (deferred.length === 0) return;
      const due = deferred;
      deferred = [];
      for (const run of due) run();
    }
  }

  async function passTo(end: number): Promise<void> {
    await settle();
    for (let timer = timers[0]; timer !== undefined && timer.at <= end; timer = timers[0]) {
      timers.shift();
      if (timer.cancelled) continue;
      now = Math.max(now, timer.at);
      timer.run();
      await settle();
    }
  }

  return {
    now: () => now,
    setTimeout,
    defer,
    settle,
    async advance(milliseconds) {
      const end = now + milliseconds;
      await passTo(end);
      now = end;
    },
    async runUntilIdle(within = 60_000) {
      await passTo(now + within);
    },
    process() {
      let alive = true;
      const guarded = (run: () => void) => () => {
        if (alive) run();
      };
      return {
        now: () => now,
        setTimeout: (run, milliseconds) => setTimeout(guarded(run), milliseconds),
        defer: (run) => defer(guarded(run)),
        kill: () => void (alive = false),
      };
    },
  };
}

/** Promises call back before the event loop goes on, however long their chain; so one turn of it is enough. */
const promisesKept = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
