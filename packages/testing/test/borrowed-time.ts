// Other people's code in the time and chance of a run: the globals are the run's only while a step of that code runs, so that
// nobody else meets them.
import type { Clock } from "@calla/shared";
import type { SeededRandom } from "../src/index.ts";

type InTime = <T>(step: () => T) => T;

/** Runs steps of code that sets timers and draws chance by the globals. Its timers' steps are run the same way. */
export function borrowed({
  clock,
  random,
}: {
  readonly clock: Clock;
  readonly random: SeededRandom;
}): InTime {
  const own = {
    setTimeout: (run: () => void, milliseconds = 0) => clock.setTimeout(() => inTime(run), milliseconds),
    clearTimeout: (cancel: (() => void) | undefined | null) => cancel?.(),
    crypto: {
      getRandomValues(into: Uint32Array) {
        return into.map((_, i) => (into[i] = random.uint32()));
      },
    },
  };
  const inTime: InTime = (step) => {
    const before = Object.keys(own).map(
      (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)!] as const,
    );
    for (const [name, value] of Object.entries(own))
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    try {
      return step();
    } finally {
      for (const [name, descriptor] of before) Object.defineProperty(globalThis, name, descriptor);
    }
  };
  return inTime;
}
