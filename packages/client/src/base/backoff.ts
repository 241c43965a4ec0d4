// How long to wait before the next attempt. Not here: when (connection.ts), and waking up early (client.ts).
import { fraction } from "@calla/shared";
import type { Random } from "@calla/shared";

/** How attempts follow each other: base × multiplier^n up to max, each ± jitter. */
export interface ReconnectOptions {
  readonly baseMilliseconds: number;
  readonly maxMilliseconds: number;
  readonly multiplier: number;
  readonly jitterRatio: number;
}

/** Exponential delays with jitter. The first is spread from nothing on, so that who came together does not come back so. */
export interface Backoff {
  /** Nothing was waited for since the beginning, or since `reset`. */
  readonly fresh: boolean;
  /** `spread`: milliseconds over which all who lost the same connection are to come back. */
  next(spread?: number): number;
  reset(): void;
}

export function backoff(options: ReconnectOptions, random: Random): Backoff {
  const { baseMilliseconds, maxMilliseconds, multiplier, jitterRatio } = options;
  let delay = 0;
  return {
    get fresh() {
      return delay === 0;
    },
    next(spread = 0) {
      const jitter = 1 + jitterRatio * (2 * fraction(random) - 1);
      const wide = delay === 0 ? Math.max(baseMilliseconds, spread) : spread;
      const now = Math.round(delay * jitter + wide * fraction(random));
      delay = delay === 0 ? baseMilliseconds : Math.min(delay * multiplier, maxMilliseconds);
      return now;
    },
    reset() {
      delay = 0;
    },
  };
}
