// How much time the checks of development may take. They compare, hash and parse whole models for one message, in
// proportion to the model: with 10,000 records 60 ms a message, too slow for development. So an expensive check is made
// the first time, and then as often as it fits into a share of the time.

/** Milliseconds: what takes less is always checked. */
const CHEAP = 0.5;
/** Of the time that passes. */
const SHARE = 0.05;
/** Milliseconds that may be saved up. */
const SAVED = 50;

/** Whose checks: a slice, and a kind of check or message of it. */
export interface Budget {
  /** Runs the check, or not: the first of its kind always. `own`: what the app's work in it took, which is no check. */
  within<T>(slice: object, kind: string, check: (own: <R>(work: () => R) => R) => T): T | undefined;
}

/** `now`: milliseconds. */
export function createBudget(now: () => number): Budget {
  const costs = new WeakMap<object, Map<string, number>>();
  let saved = SAVED;
  let since = now();
  return {
    within(slice, kind, check) {
      const began = now();
      saved = Math.min(SAVED, saved + SHARE * (began - since));
      since = began;
      const known = costs.get(slice) ?? new Map<string, number>();
      costs.set(slice, known);
      const cost = known.get(kind);
      if (cost !== undefined && cost >= CHEAP && saved < 0) return undefined;
      let own = 0;
      try {
        return check((work) => {
          const started = now();
          try {
            return work();
          } finally {
            own += now() - started;
          }
        });
      } finally {
        const took = now() - began - own;
        // A machine that was busy meanwhile makes nothing dear at once.
        known.set(kind, cost === undefined ? took : Math.min(took, 2 * cost + CHEAP / 4));
        if (took >= CHEAP) saved -= took;
      }
    },
  };
}

declare const performance: { now(): number } | undefined;

/** Of all checks of a process together. */
export const checking: Budget = createBudget(() =>
  // oxlint-disable-next-line no-restricted-properties -- reason: how long development's checks took decides nothing but whether more are made
  typeof performance === "undefined" ? Date.now() : performance.now(),
);
