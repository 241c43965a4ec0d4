import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ClockRange } from "./clock-set.ts";
import { ClockSet, sizeOf, within, without } from "./clock-set.ts";

const range = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(6))
  .map(([from, more]): ClockRange => [from, from + more]);
const all = Array.from({ length: 50 }, (_, i) => i + 1);
const setOf = (ranges: readonly ClockRange[]): ReadonlySet<number> =>
  new Set(ranges.flatMap(([from, to]) => all.filter((clock) => clock >= from && clock <= to)));

test("[PN5] ranges added in any order are what their clocks are, compact, with the context in front", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
      const set = new ClockSet();
      const naive = new Set<number>();
      for (const [from, to] of ranges) {
        set.add(from, to);
        for (const clock of setOf([[from, to]])) naive.add(clock);
        expect(setOf(set.ranges)).toEqual(naive);
        for (const [i, [low, high]] of set.ranges.entries()) {
          expect(low).toBeLessThanOrEqual(high);
          if (i > 0) expect(low).toBeGreaterThan(set.ranges[i - 1]![1] + 1);
        }
      }
      for (const clock of all) {
        expect(set.has(clock)).toBe(naive.has(clock));
        expect(within(set.ranges, clock)).toBe(naive.has(clock));
      }
      expect(sizeOf(set.ranges)).toBe(naive.size);
      let context = 0;
      while (naive.has(context + 1)) context++;
      expect(set.context).toBe(context);
    }),
  );
});

test("[PN5] clocks taken out of ranges leave the others", () => {
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 8 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { maxLength: 30 }),
      (ranges, out) => {
        const set = new ClockSet();
        for (const [from, to] of ranges) set.add(from, to);
        const left = without(
          set.ranges,
          out.toSorted((a, b) => a - b),
        );
        expect(setOf(left)).toEqual(new Set([...setOf(set.ranges)].filter((clock) => !out.includes(clock))));
      },
    ),
  );
});
