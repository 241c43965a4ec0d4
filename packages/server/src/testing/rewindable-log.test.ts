import { describe, expect, test } from "vitest";
import { memoryLog } from "../log/memory/memory-log.ts";
import { logContract } from "./log-contract/index.ts";
import { appendOf, at, fill, record, REMOVED_AT, row, snapshot } from "./log-contract/kit.ts";
import { rewindableLog } from "./rewindable-log.ts";

describe("the contract of logs", () => {
  for (const { name, run } of logContract)
    test(name, () => run({ create: () => rewindableLog(memoryLog()) }));
});

describe("a rewind", () => {
  test("puts a target back to where it was, and leaves the others", async () => {
    const log = rewindableLog(memoryLog());
    await fill(log, "a", 0, 2);
    await fill(log, "b", 0, 2);
    await fill(log, "a", 2, 2);
    expect(await log.rewind("a", 2)).toBe(2);
    expect(await log.open("a")).toMatchObject(at(2));
    expect(await log.open("b")).toMatchObject(at(2));
  });

  test("has an append whole or not at all", async () => {
    const log = rewindableLog(memoryLog());
    await fill(log, "a", 0, 1);
    await fill(log, "a", 1, 3);
    expect(await log.rewind("a", 3)).toBe(1);
    expect(await log.rewind("a", 0)).toBe(0);
    expect(await log.open("a")).toBeUndefined();
  });

  test("takes rows and snapshots of what went with it, and keeps those of what stays", async () => {
    const log = rewindableLog(memoryLog());
    await log.append([appendOf("a", 0, 1, { rows: [row("ann", 1)] })]);
    await log.saveSnapshot("a", snapshot(1));
    await log.append([appendOf("a", 1, 1, { rows: [row("ann", 2), row("bo", 1)], was: 0 })]);
    await log.rewind("a", 1);
    expect((await log.client("a", "ann"))?.last).toBe(1);
    expect(await log.client("a", "bo")).toBeUndefined();
    expect((await log.open("a"))?.snapshot).toEqual(snapshot(1));
  });

  test("undoes a removal that came after", async () => {
    const log = rewindableLog(memoryLog());
    await fill(log, "a", 0, 2);
    await fill(log, "a", 2, 1);
    await log.remove("a", REMOVED_AT);
    expect((await log.open("a"))?.removed).toBe(true);
    await log.rewind("a", 2);
    expect(await log.open("a")).toMatchObject({ ...at(2), removed: false });
  });

  test("may be followed by another history, and the lost one is in no order of changes any more", async () => {
    const log = rewindableLog(memoryLog());
    await fill(log, "a", 0, 2);
    await fill(log, "a", 2, 1);
    await log.rewind("a", 2);
    const other = record(3, { mark: 99 });
    await log.append([{ ...appendOf("a", 2, 1), records: [other] }]);
    expect(await log.read("a", at(2), 10)).toEqual({ status: "records", records: [other] });
    expect((await log.read("a", at(3), 10)).status).toBe("other-history");
    const { changes } = await log.changes("", 100);
    expect(changes.map((change) => ("record" in change ? change.record.mark : change.gone))).toEqual([
      at(1).mark,
      at(2).mark,
      99,
    ]);
    expect((await log.list("", undefined, 10)).targets.map(({ target }) => target)).toEqual(["a"]);
  });
});
