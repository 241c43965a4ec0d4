import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { difference, ListIndex } from "./list-index.ts";

const objects = (count: number): object[] => Array.from({ length: count }, (_, id) => ({ id }));

describe("ListIndex", () => {
  test("has an object as often as it is there, and no other that is equal", () => {
    const [a, b] = [{ id: 1 }, { id: 2 }];
    const index = new ListIndex([a, b, a, 7, null]);
    index.begin();
    expect([index.has(a), index.has(a), index.has(a)]).toEqual([true, true, false]);
    expect(index.has({ id: 1 })).toBe(false);
    expect(index.missing()).toEqual([b]);
    expect(index.plain).toBe(2);
  });

  test("forgets with `begin` what was asked for", () => {
    const [a, b] = [{}, {}];
    const index = new ListIndex([a, b, b]);
    index.begin();
    expect([index.has(a), index.has(b)]).toEqual([true, true]);
    expect(index.missing()).toEqual([b]);
    index.begin();
    expect(index.missing()).toEqual([a, b, b]);
    expect(index.has(a)).toBe(true);
  });

  test("keeps up with what is added and taken, scalars too", () => {
    const a = {};
    const index = new ListIndex([a, 1]);
    index.add(a);
    index.add("x");
    index.take(a);
    index.take(1);
    index.take({}); // was never there
    index.begin();
    expect([index.has(a), index.has(a), index.plain]).toEqual([true, false, 1]);
    index.take(a);
    expect(index.has(a)).toBe(false);
  });
});

/** The multiset of the newer list, made of the older one by a difference. */
function applied(before: readonly unknown[], after: readonly unknown[]): unknown[] | undefined {
  const found = difference(before, after);
  if (found === undefined) return undefined;
  const rest = [...before];
  for (const item of found.left) rest.splice(rest.indexOf(item), 1);
  return [...rest, ...found.added.map((at) => after[at])];
}
const counted = (items: readonly unknown[]): Map<unknown, number> => {
  const counts = new Map<unknown, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
};

describe("difference", () => {
  const items = objects(40);
  const list = fc.array(fc.constantFrom<unknown>(...items, 1, 2, "x"), { maxLength: 40 });

  test("of any two lists leads from one to the other, as often as each item is there", () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        const made = applied(before, after);
        if (made !== undefined) expect(counted(made)).toEqual(counted(after));
      }),
    );
  });

  test("of a list and an edit of it names the edit alone", () => {
    const other = {};
    expect(difference(items, items)).toEqual({ left: [], added: [] });
    expect(difference(items, items.with(5, other))).toEqual({ left: [items[5]], added: [5] });
    expect(difference(items, items.toSpliced(3, 2))).toEqual({ left: [items[3], items[4]], added: [] });
    expect(difference(items, items.toSpliced(3, 0, other, other))).toEqual({ left: [], added: [3, 4] });
    expect(difference(items, [])).toEqual({ left: items, added: [] });
    expect(difference([], items)).toEqual({ left: [], added: items.map((_, at) => at) });
  });

  test("of many items that only moved is nothing, as none was added or taken", () => {
    const moves = (_: unknown, at: number) => at % 10 < 4 && at < 30;
    const moved = [...items.filter((item, at) => !moves(item, at)), ...items.filter(moves)];
    expect(difference(items, moved)).toEqual({ left: [], added: [] });
    // What stands there twice is told apart by nobody: it went and came.
    const twice = [...items.slice(0, 4), ...items];
    const found = difference(twice, [...twice.slice(4), ...items.slice(0, 4)]);
    expect(found?.left).toHaveLength(found?.added.length ?? Number.NaN);
  });

  test("is not looked for where a list seems to be the same in another order", () => {
    expect(difference(items, items.toReversed())).toBeUndefined();
    expect(difference(items, objects(40))).toMatchObject({ left: items });
  });
});
