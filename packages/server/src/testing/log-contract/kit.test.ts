// What the contract is checked with must be able to fail, and what it makes must be what a log takes.
import { expect, test } from "vitest";
import { memoryLog } from "../../log/memory/memory-log.ts";
import {
  appendOf,
  at,
  check,
  equal,
  fill,
  gone,
  headOf,
  markOf,
  ORIGIN,
  placeOf,
  reads,
  record,
  recordsAfter,
  refuses,
  REMOVED_AT,
  revival,
  row,
  snapshot,
  status,
  statuses,
  timeOf,
  tombstone,
} from "./kit.ts";

test("what is not the same is said, shortened, and what is the same is not", () => {
  expect(() => equal({ a: [1, Number.NaN] }, { a: [1, Number.NaN] }, "it")).not.toThrow();
  expect(() => equal([1], [2], "the head")).toThrow("the head: expected [ 2 ], got [ 1 ]");
  expect(() => equal(0, -0, "zero")).toThrow(/zero/);
  expect(() => equal({ a: undefined }, {}, "a field")).toThrow(/a field/);
  const long = { text: "x".repeat(10_000), list: Array.from({ length: 1_000 }, () => 1) };
  expect(() => equal(long, {}, "much")).toThrow(
    expect.objectContaining({ message: expect.stringMatching(/^.{1,1000}$/s) }),
  );
});

test("marks are whole numbers of 32 bits, another one at each place and in each history; the origin's is 0", () => {
  const marks = Array.from({ length: 2_000 }, (_, i) => [markOf(i + 1), markOf(i + 1, 1)]).flat();
  expect(new Set(marks).size).toBe(marks.length);
  expect(marks.every((mark) => Number.isInteger(mark) && mark > 0 && mark < 2 ** 32)).toBe(true);
  expect(marks.some((mark) => mark > 2 ** 31)).toBe(true);
  expect([at(0), at(0, 1), at(3)]).toEqual([ORIGIN, ORIGIN, { sequence: 3, mark: markOf(3) }]);
  expect(REMOVED_AT).toBeGreaterThan(timeOf(1_000_000));
});

test("records follow each other, and an append goes on from where they end", () => {
  expect(recordsAfter(3, 2, { version: 2 })).toEqual([record(4, { version: 2 }), record(5, { version: 2 })]);
  expect(appendOf("t", 3, 2)).toEqual({
    target: "t",
    expected: at(3),
    records: recordsAfter(3, 2),
    rows: [],
    at: timeOf(5),
  });
  const rows = [row("ann", 2), row("bob", 1)];
  expect(appendOf("t", 0, 1, { rows, was: 1, at: 9, expected: at(7) })).toMatchObject({
    expected: at(7),
    at: 9,
    rows: rows.map((one) => ({ ...one, was: 1 })),
    records: [{ at: 9 }],
  });
  expect([row("ann", 0).settled, row("ann", 1).settled, row("ann", 2).settled]).toEqual([0, 0, 1]);
});

test("what it fills, brings back and looks at is what a log has", async () => {
  const log = memoryLog();
  await fill(log, "t", 0, 3);
  expect(await log.open("t")).toEqual(headOf(3));
  expect([placeOf(await log.open("t")), placeOf(undefined)]).toEqual([at(3), undefined]);
  await log.saveSnapshot("t", snapshot(3));
  expect((await log.open("t"))?.snapshot).toEqual(snapshot(3));
  await log.remove("t", REMOVED_AT);
  expect(await log.open("t")).toEqual(headOf(3, gone(3)));
  expect(tombstone(3)).not.toEqual(at(3));
  expect(await statuses(log, [appendOf("t", 3, 1), appendOf("u", 0, 1)])).toEqual([
    { status: "conflict" },
    { status: "appended" },
  ]);
  expect(await status(log, revival("t", 3, 2))).toBe("appended");
  expect((await log.open("t"))?.sequence).toBe(6);
});

test("what a log does wrong is found: a conflict, other records, another answer", async () => {
  const log = memoryLog();
  await fill(log, "t", 0, 3);
  await expect(fill(log, "t", 0, 1)).rejects.toThrow(/^append: expected .*appended.*, got .*conflict/s);
  await reads(log, "t", at(1), [2, 3]);
  await reads(log, "t", ORIGIN, [1, 2], 2);
  await expect(reads(log, "t", at(1), [2])).rejects.toThrow(
    "read after 1, at most 1000: expected [ 2 ], got [ 2, 3 ]",
  );
  await expect(reads(log, "t", at(4), [])).rejects.toThrow(/got 'other-history'/);
  await refuses(log, "t", at(4), "other-history");
  await expect(refuses(log, "t", at(3), "compacted")).rejects.toThrow(
    /^read after 3 with mark \d+: expected 'compacted', got 'records'/,
  );
});

test("a check is its name and what it runs", async () => {
  const asked: unknown[] = [];
  const one = check("[LG1] nothing", async (logs) => void asked.push(logs));
  const maker = { create: () => memoryLog() };
  await one.run(maker);
  expect([one.name, asked]).toEqual(["[LG1] nothing", [maker]]);
});
