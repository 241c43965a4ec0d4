import { describe, expect, test } from "vitest";
import { appendOf, at, ORIGIN, recordsAfter, snapshot } from "../../testing/log-contract/kit.ts";
import { logContract } from "../../testing/log-contract/index.ts";
import { memoryLog } from "./memory-log.ts";

describe("memoryLog", () => {
  for (const { name, run } of logContract) test(name, () => run({ create: () => memoryLog() }));
});

describe("memoryLog without retention", () => {
  for (const { name, run } of logContract)
    test(name, () => run({ create: () => memoryLog({ retention: 0 }) }));
});

test("[LG24] the memory log keeps values by reference", async () => {
  const log = memoryLog();
  const append = appendOf("t", 0, 1);
  await log.append([append]);
  const read = await log.read("t", ORIGIN, 1);
  expect(read.status === "records" && read.records[0]).toBe(append.records[0]);
  const saved = snapshot(1);
  await log.saveSnapshot("t", saved);
  expect((await log.open("t"))?.snapshot).toBe(saved);
});

test("[LG25] the memory log forgets only records that a snapshot covers, and keeps at least the last `retention` of them", async () => {
  const log = memoryLog({ retention: 3 });
  await log.append([appendOf("t", 0, 20)]);
  expect(await log.read("t", ORIGIN, 100)).toMatchObject({ status: "records", records: { length: 20 } });
  await log.saveSnapshot("t", snapshot(7));
  await log.saveSnapshot("t", snapshot(9));
  expect(await log.read("t", ORIGIN, 100)).toMatchObject({ status: "records", records: { length: 20 } });
  await log.saveSnapshot("t", snapshot(10));
  expect(await log.read("t", at(7), 100)).toEqual({ status: "records", records: recordsAfter(7, 13) });
  expect(await log.read("t", at(6), 100)).toEqual({ status: "compacted" });
  expect(await log.read("t", ORIGIN, 100)).toEqual({ status: "compacted" });
  // Of a record that is gone nobody knows the mark any more; the base's own is remembered.
  expect(await log.read("t", { sequence: 7, mark: 1 }, 100)).toEqual({ status: "other-history" });
  expect(await log.read("t", { sequence: 0, mark: 1 }, 100)).toEqual({ status: "other-history" });
  expect(await log.snapshotAt("t", 9)).toEqual(snapshot(7));
  await log.saveSnapshot("t", snapshot(20));
  expect(await log.read("t", at(10), 100)).toEqual({ status: "records", records: recordsAfter(10, 10) });
  expect(await log.read("t", at(9), 100)).toEqual({ status: "compacted" });
});

test("[LG25] what the memory log keeps of a target that goes on for ever is bounded by twice its retention", async () => {
  const log = memoryLog({ retention: 100 });
  let most = 0;
  for (let sequence = 10; sequence <= 5_000; sequence += 10) {
    await log.append([appendOf("t", sequence - 10, 10)]);
    await log.saveSnapshot("t", snapshot(sequence));
    most = Math.max(most, (await log.history("t", sequence, 1_000)).records.length);
  }
  expect(most).toBeLessThanOrEqual(220);
});

test("[LG40] the memory log's order forgets what nobody needs any more", async () => {
  const log = memoryLog({ retention: 0 });
  const claim = { owner: "o", now: 0, until: 1, from: "beginning" } as const;
  await log.claimConsumer("r", claim);
  for (let i = 0; i < 30; i++) {
    await log.append([appendOf("t", i * 100, 100)]);
    await log.saveSnapshot("t", snapshot((i + 1) * 100));
  }
  const all = await log.changes("", 10_000);
  expect(all.changes).toHaveLength(3_000);
  await log.advanceConsumer("r", { owner: "o", position: all.position, until: 1 });
  expect((await log.changes("", 10_000)).changes).toHaveLength(0);
  await log.append([appendOf("t", 3_000, 1)]);
  expect((await log.changes("", 10_000)).changes).toHaveLength(1);
  await expect(log.changes("what?", 1)).rejects.toThrow(RangeError);
});

test("[LG26] a malformed append is the caller's mistake and is thrown", async () => {
  const log = memoryLog();
  await expect(
    log.append([{ ...appendOf("t", 0, 1), records: recordsAfter(0, 2).slice(1) }]),
  ).rejects.toThrow(RangeError);
  await expect(log.append([{ ...appendOf("t", 0, 1), records: recordsAfter(1, 1) }])).rejects.toThrow(
    RangeError,
  );
  expect(await log.open("t")).toBeUndefined();
});

test("[LG22] each memory log has its own secret", async () => {
  expect(await memoryLog().secret()).not.toEqual(await memoryLog().secret());
});
