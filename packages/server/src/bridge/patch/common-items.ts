// A longest common subsequence of two lists that differ little, by the greedy algorithm of E. W. Myers, "An O(ND) Difference
// Algorithm and Its Variations", Algorithmica 1 (1986) 251–266: its cost is the length times the differences.
import { stepLooks } from "./budget.ts";
import type { Budget } from "./budget.ts";

/** Items that were taken out and put in; more is left to who matches by identity. */
const MOST_EDITS = 400;

/**
 * The places of the items that stay, as pairs (before, after) in rising order; undefined: the lists differ in more than 400
 * items, or it takes more steps than four times their length and 80,000.
 *
 * @throws OverBudget
 */
export function commonItems(
  before: number,
  after: number,
  same: (i: number, j: number) => boolean,
  budget: Budget,
): readonly (readonly [number, number])[] | undefined {
  if (Math.abs(before - after) > MOST_EDITS) return undefined;
  const most = Math.min(MOST_EDITS, before + after);
  const enough = 4 * (before + after) + MOST_EDITS ** 2 / 2;
  // Of each diagonal (i - j, from -most - 1 to most + 1) how far it reaches, in items before.
  const reach = new Int32Array(2 * most + 3);
  const middle = most + 1;
  const past: Int32Array[] = [];
  let [steps, counted] = [0, 0];
  for (let edits = 0; edits <= most; edits++) {
    past.push(reach.slice(middle - edits - 1, middle + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const at = middle + diagonal;
      let i = comesDown(reach, at, diagonal, edits) ? reach[at + 1]! : reach[at - 1]! + 1;
      if (edits === 0) i = 0;
      const began = i;
      while (i < before && i - diagonal < after && same(i, i - diagonal)) i++;
      steps += 1 + i - began;
      reach[at] = i;
      if (diagonal === before - after && i >= before) return pairs(past, before, after);
    }
    budget.look(stepLooks(steps) - counted);
    counted = stepLooks(steps);
    if (steps > enough) return undefined;
  }
  return undefined;
}

/** Whether the best way to a diagonal is by an item that was put in (from the diagonal above), not taken out. */
const comesDown = (reach: Int32Array, at: number, diagonal: number, edits: number): boolean =>
  diagonal === -edits || (diagonal !== edits && reach[at - 1]! < reach[at + 1]!);

/** The way back. */
function pairs(
  past: readonly Int32Array[],
  before: number,
  after: number,
): readonly (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  let [i, j] = [before, after];
  for (let edits = past.length - 1; edits >= 0; edits--) {
    const reach = past[edits]!;
    const diagonal = i - j;
    const at = edits + 1 + diagonal;
    const down = edits > 0 && comesDown(reach, at, diagonal, edits);
    const start = edits === 0 ? 0 : down ? reach[at + 1]! : reach[at - 1]! + 1;
    while (i > start) found.push([--i, --j]);
    if (down) j--;
    else i--;
  }
  return found.toReversed();
}
