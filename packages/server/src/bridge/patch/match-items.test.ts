import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Budget } from "./budget.ts";
import { commonItems } from "./common-items.ts";
import { idOfItem } from "./identity.ts";
import { listSteps } from "./list-steps.ts";
import { longestIncreasing } from "./longest-increasing.ts";
import { matchItems } from "./match-items.ts";

const free = (): Budget => new Budget(Infinity);
const list = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 25 });

/** How many items two lists have in common, in order: by the table of all their heads. */
function mostInCommon(before: readonly unknown[], after: readonly unknown[]): number {
  let row = Array.from({ length: after.length + 1 }, () => 0);
  for (const item of before) {
    const next = [0];
    after.forEach((other, j) => next.push(item === other ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!)));
    row = next;
  }
  return row.at(-1)!;
}

/** What the steps make of a list, one by one. */
function stepped(before: readonly unknown[], after: readonly unknown[]): unknown[] {
  const made = [...before];
  for (const step of listSteps(matchItems(before, after, idOfItem, free()))) {
    if (step.op === "remove") made.splice(step.at, 1);
    else if (step.op === "add") made.splice(step.at, 0, after[step.item]);
    else made.splice(step.at, 0, ...made.splice(step.from, 1));
  }
  return made;
}

describe("which items of a list were which", () => {
  it("[BR3] as many stay as two lists have in common, if they differ little", () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        const found = commonItems(before.length, after.length, (i, j) => before[i] === after[j], free())!;
        expect(found).toHaveLength(mostInCommon(before, after));
        found.forEach(([i, j], at) => {
          expect(before[i]).toBe(after[j]);
          const [k, l] = found[at - 1] ?? [-1, -1];
          expect(i > k && j > l).toBe(true);
        });
      }),
      { numRuns: 400 },
    );
  });

  it("[BR3] otherwise a longest run in order stays", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1, max: 30 }), { maxLength: 30 }), (numbers) => {
        const chosen = longestIncreasing(Int32Array.from(numbers));
        const run = numbers.filter((_, at) => chosen[at] === 1);
        expect(run.every((number, at) => number >= 0 && (at === 0 || run[at - 1]! < number))).toBe(true);
        const rising = [...new Set(numbers.filter((number) => number >= 0))].toSorted((a, b) => a - b);
        expect(run).toHaveLength(mostInCommon(rising, numbers));
      }),
      { numRuns: 400 },
    );
  });

  it("[BR3] the steps put every item where it is to stand, whatever waits to be moved", () => {
    const names = fc.uniqueArray(fc.integer({ min: 0, max: 40 }).map(String), { maxLength: 30 });
    fc.assert(
      fc.property(names, names, (before, after) => {
        expect(stepped(before, after).length).toBe(after.length);
        // What was changed where it stood is changed afterwards.
        const made = stepped(before, after);
        after.forEach((item, at) => {
          if (before.includes(item)) expect(made[at]).toBe(item);
        });
      }),
      { numRuns: 400 },
    );
  });

  it("[BR3] gives up on what two long lists have in common when they differ much, and moves all the same", () => {
    const numbers = Array.from({ length: 3_000 }, (_, n) => n);
    const turned = numbers.toReversed();
    expect(commonItems(3_000, 3_000, (i, j) => numbers[i] === turned[j], free())).toBe(undefined);
    expect(commonItems(3_000, 0, () => false, free())).toBe(undefined);
    expect(stepped(numbers, turned)).toEqual(turned);
    const steps = [...listSteps(matchItems(numbers, turned, idOfItem, free()))];
    expect(steps).toHaveLength(2_999);
  });

  it("[BR4] says which matched items may differ inside, in the order after", () => {
    const item = (id: number, n = 0): object => ({ id, n });
    const [a, b, c] = [item(1), item(2), item(3)];
    const { edits } = matchItems([a, b, c], [item(1, 5), c, item(2, 5), item(4)], idOfItem, free());
    expect(edits).toEqual([
      [0, 0],
      [1, 2],
    ]);
    expect(matchItems([a, b, c], [a, b, c], idOfItem, free()).edits).toEqual([]);
  });
});
