// The real clock and the real chance. Everything above takes them as parameters.
import type { Clock, Random } from "@calla/shared";

/** Timers hold 32 bits (25 days); what is longer would be over at once. */
const LONGEST = 2 ** 31 - 1;

/** The machine's time. `defer` is a microtask: after the running code, before the page paints. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout(run, milliseconds) {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST));
    return () => clearTimeout(timer);
  },
  defer: (run) => queueMicrotask(run),
};

/** Cryptographic chance: message ids must not collide, whoever makes them. */
export const systemRandom: Random = {
  uint32: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
};
