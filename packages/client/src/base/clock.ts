// The real clock and the real chance. Everything above takes them as parameters.
import { CallaError, DEV } from "@calla/shared";
import type { Clock, Random, SteadyClock } from "@calla/shared";

/** 24 days: a longer timer would end at once. */
const LONGEST = 2 ** 31 - 1;

/** The machine's time. `defer` is a microtask: after the running code, before the page paints. */
export const systemClock: SteadyClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(run, milliseconds) {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST));
    return () => clearTimeout(timer);
  },
  defer: (run) => queueMicrotask(run),
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

/** Words drawn at once: asking for one at a time took a fifth of a dispatch. */
const pool = new Uint32Array(256);
let left = 0;

/** @throws CallaError `wiring`: there is nothing to draw from. */
function drawn(into: Uint32Array<ArrayBuffer>): Uint32Array {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> };
  if (!crypto?.getRandomValues)
    throw new CallaError(
      "wiring",
      { missing: "crypto.getRandomValues" },
      DEV &&
        "There is no crypto.getRandomValues here, by which ids are made. In React Native install react-native-get-random-values and import it first; or give createClient({ random }).",
    );
  return crypto.getRandomValues(into);
}

/** Cryptographic chance: message ids must not collide, whoever makes them. */
export const systemRandom: Random = {
  uint32() {
    if (left === 0) left = drawn(pool).length;
    return pool[--left] ?? 0;
  },
};
