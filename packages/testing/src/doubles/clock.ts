// Time that moves when told. Servers and clients share one, so a run is the same run however fast the machine is.
// What is due happens one by one, and everything that it led to (deferred work, promises) before the next.
import type { Cancel, SteadyClock } from "@calla/shared";

/** A process's hold on the time: all it has set can be dropped at once, as by a crash. */
export interface ProcessClock extends SteadyClock {
  /** Sets this process's wall time (`now`) forward or back. No time passes: timers and `monotonic` do not hear of it. */
  step(milliseconds: number): void;
  /** Nothing set through this clock happens any more. */
  kill(): void;
  readonly killed: boolean;
}

/** A clock that a test advances. */
export interface VirtualClock extends SteadyClock {
  /** Sets the wall time (`now`) of all forward or back. No time passes: timers and `monotonic` do not hear of it. */
  step(milliseconds: number): void;
  /** Lets everything happen that is due now, and all that it leads to, without time passing. */
  settle(): Promise<void>;
  /** Lets so many milliseconds pass, with everything that falls due on the way. */
  advance(milliseconds: number): Promise<void>;
  /** Passes from timer to timer until none is left, or `within` milliseconds are over (default: a minute). */
  runUntilIdle(within?: number): Promise<void>;
  /** The same time for one process that may be killed. Its wall clock can be set beside the others'. */
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
  /** Milliseconds that have passed. */
  let elapsed = 0;
  /** What the wall clock is ahead of that. */
  let ahead = start;
  /** By time, and in the order they were set. */
  const timers: Timer[] = [];
  let deferred: (() => void)[] = [];

  function setTimeout(run: () => void, milliseconds: number): Cancel {
    // Whole milliseconds, as a machine's clock tells them.
    const timer: Timer = { at: elapsed + Math.max(0, Math.ceil(milliseconds)), run, cancelled: false };
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
      elapsed = Math.max(elapsed, timer.at);
      timer.run();
      await settle();
    }
  }

  return {
    now: () => elapsed + ahead,
    monotonic: () => elapsed,
    step: (milliseconds) => void (ahead += milliseconds),
    setTimeout,
    defer,
    settle,
    async advance(milliseconds) {
      const end = elapsed + milliseconds;
      await passTo(end);
      elapsed = end;
    },
    async runUntilIdle(within = 60_000) {
      await passTo(elapsed + within);
    },
    process() {
      let alive = true;
      let stepped = 0;
      const begun = elapsed;
      const guarded = (run: () => void) => () => {
        if (alive) run();
      };
      return {
        now: () => elapsed + ahead + stepped,
        // As a process's own: it begins with the process, and nothing said by an earlier one may be held against it.
        monotonic: () => elapsed - begun,
        step: (milliseconds) => void (stepped += milliseconds),
        setTimeout: (run, milliseconds) => setTimeout(guarded(run), milliseconds),
        defer: (run) => defer(guarded(run)),
        kill: () => void (alive = false),
        get killed() {
          return !alive;
        },
      };
    },
  };
}

/** Promises call back before the event loop goes on, however long their chain; so one turn of it is enough. */
const promisesKept = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
