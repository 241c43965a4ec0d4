import { expect, test } from "vitest";
import type { Places } from "../control.ts";
import { firstItems, moved } from "../fixtures.ts";
import { agree, astray, mistake } from "./agreement.ts";
import type { RealClient } from "./real-client.ts";

const first: Places = firstItems().map(({ x, y }) => [x, y]);
const showing = (places: Places): RealClient => ({
  change: () => undefined,
  item: (at) => {
    const [x, y] = places[at] ?? [];
    return x === undefined || y === undefined ? undefined : { id: `item-${at}`, text: "", x, y };
  },
  close: () => undefined,
});
const withOne = (places: Places, at: number, x: number, y: number): Places => places.with(at, [x, y]);
/** What is there after these changes, the last of them on top. */
const after = (changes: readonly (readonly [from: number, n: number])[]): Places =>
  changes.reduce((places, [from, n]) => withOne(places, moved(from, n).item, from, n), first);
const all = (clients: number, each: number) =>
  Array.from({ length: clients * each }, (_, i) => [i % clients, 1 + Math.floor(i / clients)] as const);

test("clients agree only if the very last item is alike, and nobody shows less", () => {
  const other = showing(withOne(first, 999, 7, 7));
  expect(agree([showing(first), showing(first), showing(first)])).toBe(true);
  expect(agree([showing(first), showing(first), other])).toBe(false);
  expect(agree([showing(first), showing(first.slice(0, 999))])).toBe(false);
  expect(agree([showing([]), showing([])])).toBe(false);
});

test("whoever shows something else than the server, in x or in y, is astray", () => {
  const [x, y] = first[500]!;
  const others = [withOne(first, 500, x + 1, y), withOne(first, 500, x, y + 1), first.slice(0, 10)];
  expect(astray([first, ...others, first].map(showing), first)).toBe(3);
});

test("places that come of the changes in any order are right", () => {
  expect(mistake(first, 0, 0)).toBeUndefined();
  expect(mistake(after(all(20, 500)), 20, 500)).toBeUndefined();
  expect(mistake(after(all(20, 500).toReversed()), 20, 500)).toBeUndefined();
});

test("a lost change, one of nobody's, a stranger's and a missing item are mistakes", () => {
  const places = after(all(2, 5));
  const { item } = moved(1, 5);
  expect(mistake(after(all(2, 5).slice(0, -1)), 2, 5)).toBe(
    `item ${item} is at ${first[item]}, where nobody put it`,
  );
  expect(mistake(withOne(places, item, 1, 4), 2, 5)).toContain("where nobody put it");
  const untouched = first.findIndex((_, at) => String(places[at]) === String(first[at]));
  expect(mistake(withOne(places, untouched, 0, 1), 2, 5)).toContain("nobody changed it");
  expect(mistake(places.slice(1), 2, 5)).toBe("there are 999 items");
});
