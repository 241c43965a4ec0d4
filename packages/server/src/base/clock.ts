// Real time and real chance. Engines never import this: the server passes it in, a simulation passes its own.
import { randomFillSync } from "node:crypto";
import type { Cancel, Clock, Random, SteadyClock } from "@calla/shared";

/** Node fires a longer timer at once; a client's identity alone lives longer than this. */
const LONGEST_TIMER = 2_147_483_647;
/** Waits from here on are housekeeping (idle targets, staleness, deadlines) and must not keep a process alive. */
const HOUSEKEEPING = 1_000;

/**
 * The clock of the machine. Waits of a second and more do not keep the process alive.
 *
 * @example
 * const cancel = systemClock.setTimeout(() => retry(), 50);
 */
export const systemClock: SteadyClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(run, milliseconds): Cancel {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      timer = setTimeout(
        () => (left > LONGEST_TIMER ? wait(left - LONGEST_TIMER) : run()),
        Math.min(left, LONGEST_TIMER),
      );
      if (milliseconds >= HOUSEKEEPING) timer.unref();
    };
    wait(milliseconds);
    return () => clearTimeout(timer);
  },
  defer(run) {
    setImmediate(run);
  },
};

/** A clock that was passed in, with a monotonic reading: the machine's where it has none of its own. */
export const steady = (clock: Clock): SteadyClock =>
  isSteady(clock)
    ? clock
    : {
        now: () => clock.now(),
        monotonic: () => performance.now(),
        setTimeout: (run, milliseconds) => clock.setTimeout(run, milliseconds),
        defer: (run) => clock.defer(run),
      };
const isSteady = (clock: Clock): clock is SteadyClock => clock.monotonic !== undefined;

const pool = new Uint32Array(1_024);
let used = pool.length;

/**
 * Cryptographic chance, drawn from the operating system 4 KB at a time.
 *
 * @example
 * const coin = systemRandom.uint32() % 2;
 */
export const systemRandom: Random = {
  uint32() {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const value = pool[used] ?? 0;
    pool[used++] = 0; // A number given out must not be found in memory later: some of them are secrets.
    return value;
  },
};
