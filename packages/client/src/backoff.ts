// How long to wait before the next attempt. Not here: when (sync.ts), and waking up early (client.ts).
import { fraction } from "@calla/shared";
import type { Random } from "@calla/shared";
import type { ReconnectOptions } from "./transports/transport.ts";

/** Exponential delays with jitter. */
export interface Backoff {
  next(): number;
  reset(): void;
}

export function backoff(options: ReconnectOptions, random: Random): Backoff {
  const { baseMilliseconds, maxMilliseconds, multiplier, jitterRatio } = options;
  let delay = baseMilliseconds;
  return {
    next() {
      const jitter = 1 + jitterRatio * (2 * fraction(random) - 1);
      const now = Math.round(delay * jitter);
      delay = Math.min(delay * multiplier, maxMilliseconds);
      return now;
    },
    reset() {
      delay = baseMilliseconds;
    },
  };
}
