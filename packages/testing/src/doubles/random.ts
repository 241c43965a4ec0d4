// Chance that can be repeated. Every part of a run draws from a source of its own (`fork`), so that leaving one part
// out moves no other part's luck: that is what makes a failing run shrink.
import type { Random } from "@calla/shared";

/** A seeded source of chance. */
export interface SeededRandom extends Random {
  /** At least 0, below 1. */
  fraction(): number;
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of the list, each as likely. The list is not empty. */
  pick<T>(from: readonly T[]): T;
  /** By weight: `weighted({ cut: 1, nothing: 9 })`. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K;
  /** A shuffled copy. */
  shuffle<T>(list: readonly T[]): T[];
  /** Another source, always the same for the same seed and name. Drawing from either moves the other not. */
  fork(name: string | number): SeededRandom;
}

/**
 * Chance from a seed: the same seed, the same numbers.
 *
 * @example
 * const random = seededRandom(42);
 * const colour = random.pick(["red", "blue"]);
 */
export function seededRandom(seed: number): SeededRandom {
  // splitmix32: full period, passes what a simulation can notice.
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  const fraction = (): number => uint32() / 4_294_967_296;
  const int = (low: number, high: number): number => low + Math.floor(fraction() * (high - low + 1));
  return {
    uint32,
    fraction,
    int,
    chance: (probability) => fraction() < probability,
    pick: (from) => {
      if (from.length === 0) throw new RangeError("pick: the list is empty.");
      return from[int(0, from.length - 1)]!;
    },
    weighted(weights) {
      const entries = Object.entries<number>(weights);
      let left = fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) return name as keyof typeof weights;
      }
      return entries.at(-1)![0] as keyof typeof weights;
    },
    shuffle(list) {
      const copy = [...list];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = int(0, i);
        [copy[i], copy[j]] = [copy[j]!, copy[i]!];
      }
      return copy;
    },
    fork: (name) => seededRandom(mixed(seed, name)),
  };
}

function mixed(seed: number, name: string | number): number {
  let hash = seed ^ 0x811c9dc5;
  for (const letter of String(name)) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  return (hash ^ (hash >>> 13)) >>> 0;
}
