// Fan-out between nodes that is as bad as it may be: rings that are lost, late or double. Between the nodes of one test.
import type { Clock } from "@calla/shared";
import type { PubSub } from "@calla/server";
import type { SeededRandom } from "./random.ts";

/** How often each thing goes wrong with a ring. */
export interface DoorbellRates {
  /** Probabilities; together at most 1. */
  readonly drop?: number;
  /** It comes late. Default 0. */
  readonly delay?: number;
  /** It comes at once and once more. Default 0. */
  readonly double?: number;
  /** The longest delay in milliseconds; 200 by default. */
  readonly longest?: number;
}

/** A pubsub for several servers of one test, whose failures can be turned up and counted. */
export interface LossyPubSub extends PubSub {
  /** From now on. */
  rates(rates: DoorbellRates): void;
  readonly fired: { drop: number; delay: number; double: number };
}

/**
 * An in-process pubsub that drops, delays and doubles.
 *
 * @example
 * const pubsub = lossyPubSub({ clock, random: seededRandom(1), rates: { drop: 0.2, delay: 0.2 } });
 */
export function lossyPubSub({
  clock,
  random,
  rates: given = {},
}: {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly rates?: DoorbellRates;
}): LossyPubSub {
  const listeners = new Map<string, Set<(payload: unknown) => void>>();
  const fired = { drop: 0, delay: 0, double: 0 };
  let rates = given;
  return {
    fired,
    rates: (next) => void (rates = next),
    publish(channel, payload) {
      for (const listener of listeners.get(channel) ?? []) {
        const ring = (): void => {
          if (listeners.get(channel)?.has(listener) === true) listener(payload);
        };
        const { drop = 0, delay = 0, double = 0, longest = 200 } = rates;
        // Two numbers for each ring, whatever comes of them, so that other rings keep their luck.
        const luck = random.fraction();
        const later = random.int(1, longest);
        if (luck < drop) fired.drop++;
        else if (luck < drop + delay) {
          fired.delay++;
          clock.setTimeout(ring, later);
        } else {
          clock.defer(ring);
          if (luck >= drop + delay + double) continue;
          fired.double++;
          clock.setTimeout(ring, later);
        }
      }
    },
    subscribe(channel, listener) {
      const set = listeners.get(channel) ?? new Set();
      listeners.set(channel, set.add(listener));
      return () => void set.delete(listener);
    },
  };
}
