import type { Clock, Random } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  appendOf,
  at,
  headOf,
  markOf,
  ORIGIN,
  recordsAfter,
  record,
  REMOVED_AT,
  revival,
  row,
  snapshot,
  status,
  tombstone,
} from "./log-contract/kit.ts";
import { logContract } from "./log-contract/index.ts";
import { faultyLog, LogFaultError, scriptedFaults, seededFaults } from "./faulty-log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { rewindableLog } from "./rewindable-log.ts";

describe("faultyLog without faults", () => {
  for (const { name, run } of logContract) test(name, () => run({ create: () => faultyLog(memoryLog()) }));
});

/** Time that moves when told to. */
function handClock(): Clock & { pass(milliseconds: number): Promise<void> } {
  let now = 0;
  let timers: { readonly due: number; readonly run: () => void }[] = [];
  return {
    now: () => now,
    setTimeout(run, milliseconds) {
      const timer = { due: now + milliseconds, run };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
    defer: (run) => void setImmediate(run),
    async pass(milliseconds) {
      now += milliseconds;
      const due = timers.filter((timer) => timer.due <= now);
      timers = timers.filter((timer) => timer.due > now);
      for (const timer of due) timer.run();
      await new Promise((done) => setImmediate(done));
    },
  };
}
const seeded = (seed: number): Random => ({
  uint32: () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0),
});

test("[LG27] fail rejects and does nothing; lose does it and rejects (S36)", async () => {
  const log = faultyLog(memoryLog(), { plan: scriptedFaults({ append: ["fail", "lose"] }) });
  await expect(log.append([appendOf("t", 0, 1)])).rejects.toThrow(LogFaultError);
  expect(await log.open("t")).toBeUndefined();
  await expect(log.append([appendOf("t", 0, 1)])).rejects.toThrow(LogFaultError);
  expect(await log.open("t")).toMatchObject(at(1));
  expect(await status(log, appendOf("t", 1, 1))).toBe("appended");
  expect(log.fired).toMatchObject({ fail: 1, lose: 1, delay: 0 });
});

test("[LG27] delay does it late; answerAfter does it now and answers late", async () => {
  const clock = handClock();
  const inner = memoryLog();
  const log = faultyLog(inner, {
    plan: scriptedFaults({ append: [{ delay: 5 }, { answerAfter: 5 }] }),
    clock,
  });
  const late = log.append([appendOf("t", 0, 1)]);
  await clock.pass(4);
  expect(await log.open("t")).toBeUndefined();
  await clock.pass(1);
  expect(await late).toEqual([{ status: "appended" }]);
  let answered = false;
  const unheard = log.append([appendOf("t", 1, 1)]).then(() => (answered = true));
  await clock.pass(4);
  expect(await log.open("t")).toMatchObject(at(2));
  expect(answered).toBe(false);
  await clock.pass(1);
  await unheard;
  expect(log.fired).toMatchObject({ delay: 1, answerAfter: 1 });
});

test("[LG27] a plan that delays without a clock says what is missing", async () => {
  const log = faultyLog(memoryLog(), { plan: () => ({ delay: 1 }) });
  await expect(log.open("t")).rejects.toThrow("pass { clock }");
});

test("[LG28] a frozen log hangs until it thaws, then goes on in order", async () => {
  const log = faultyLog(memoryLog());
  log.freeze();
  const order: string[] = [];
  const first = log.append([appendOf("t", 0, 1)]).then(() => order.push("append"));
  const second = log.open("t").then((head) => order.push(`open ${head?.sequence}`));
  await new Promise((done) => setImmediate(done));
  expect(order).toEqual([]);
  log.thaw();
  await Promise.all([first, second]);
  expect(order.toSorted()).toEqual(["append", "open 1"]);
  expect(log.fired.frozen).toBe(2);
});

test("[LG29] one seed, one run of faults, each counted", async () => {
  const run = async (seed: number): Promise<string> => {
    const log = faultyLog(memoryLog(), { plan: seededFaults(seeded(seed), { fail: 0.1, lose: 0.1 }) });
    let story = "";
    for (let i = 0; i < 200; i++) {
      const head = (await log.open("t").catch(() => undefined))?.sequence ?? 0;
      story += await log.append([appendOf("t", head, 1)]).then(
        ([one]) => one?.status.at(0) ?? "",
        () => "!",
      );
    }
    expect(log.fired.fail).toBeGreaterThan(10);
    expect(log.fired.lose).toBeGreaterThan(10);
    return story;
  };
  expect(await run(1)).toBe(await run(1));
  expect(await run(1)).not.toBe(await run(2));
});

test("[LG30] a rewind restores records, rows, snapshot and tombstone of an earlier moment (S13, S37)", async () => {
  const log = faultyLog(memoryLog());
  await log.append([appendOf("t", 0, 2, { rows: [row("ann", 2)] })]);
  await log.saveSnapshot("t", snapshot(2));
  await log.append([appendOf("t", 2, 2, { rows: [row("ann", 4)], was: 2 })]);
  await log.saveSnapshot("t", snapshot(4));
  await log.append([appendOf("other", 0, 1)]);
  expect(await log.rewind("t", 3)).toBe(2);
  expect(await log.open("t")).toEqual(headOf(2, { snapshot: snapshot(2) }));
  expect(await log.client("t", "ann")).toEqual(row("ann", 2));
  expect(await log.open("other")).toMatchObject(at(1));
  expect(await log.read("t", at(4), 10)).toEqual({ status: "other-history" });

  const records = [3, 4, 5].map((sequence) => record(sequence, { mark: sequence }));
  await log.append([{ target: "t", expected: at(2), records, rows: [], at: 9 }]);
  // The head has passed the old cursor: only the mark tells.
  expect(await log.read("t", at(4), 10)).toEqual({ status: "other-history" });
  expect(await log.read("t", at(2), 10)).toEqual({ status: "records", records });
  await log.remove("t", REMOVED_AT);
  expect(await log.rewind("t", 4)).toBe(2);
  expect(await log.open("t")).toMatchObject({ ...at(2), removed: false });
  expect(await log.rewind("t", 0)).toBe(0);
  expect(await log.open("t")).toBeUndefined();
  expect(log.fired.rewind).toBe(3);
});

test("[LG30] a rewind to after a removal, or after the return from it, leads there again", async () => {
  const log = rewindableLog(memoryLog());
  await log.append([appendOf("t", 0, 2)]);
  await log.remove("t", REMOVED_AT);
  await log.append([revival("t", 2)]);
  const back = await log.open("t");
  await log.append([appendOf("t", 3, 2, { expected: { sequence: 3, mark: markOf(3, 1) } })]);
  expect(await log.rewind("t", 4)).toBe(3);
  expect(await log.open("t")).toEqual(back);
  expect(await log.rewind("t", 2)).toBe(2);
  expect(await log.open("t")).toMatchObject({ ...tombstone(2), removed: true });
});

test("[LG30] an append under way during a rewind lands before it or conflicts after it", async () => {
  const clock = handClock();
  const log = faultyLog(memoryLog(), { clock });
  await log.append([appendOf("t", 0, 2)]);
  log.plan(scriptedFaults({ append: [undefined, { delay: 1 }] }));
  const late = log.append([appendOf("t", 2, 1)]);
  expect(await log.rewind("t", 1)).toBe(0);
  await clock.pass(1);
  expect(await late).toMatchObject([{ status: "conflict" }]);
});

test("[LG30] servers with faults of their own share one rewindable log", async () => {
  const shared = rewindableLog(memoryLog({ shared: true }));
  const one = faultyLog(shared, { plan: scriptedFaults({ append: ["fail"] }) });
  const two = faultyLog(shared);
  await expect(one.append([appendOf("t", 0, 1)])).rejects.toThrow(LogFaultError);
  await two.append([appendOf("t", 0, 2)]);
  expect(await status(one, appendOf("t", 0, 1))).toBe("conflict");
  await two.rewind("t", 0);
  expect(await one.read("t", ORIGIN, 1)).toEqual({ status: "records", records: [] });
  expect(await status(one, appendOf("t", 0, 1))).toBe("appended");
  expect(await two.read("t", ORIGIN, 9)).toEqual({ status: "records", records: recordsAfter(0, 1) });
});

test("[LG30] a rewound log has the records behind a row that expired and was begun anew", async () => {
  const log = faultyLog(memoryLog());
  const append = (after: number, was: number, last: number) =>
    log.append([appendOf("t", after, 1, { rows: [row("ann", last)], was, at: after + 1 })]);
  await append(0, 0, 5);
  await log.expire({ at: 9, sessions: 0, rows: 9, tombstones: 0, consumers: 0, limit: 10 });
  expect(await append(1, 0, 6)).toEqual([{ status: "appended" }]);
  expect(await append(2, 6, 7)).toEqual([{ status: "appended" }]);
  expect(await log.rewind("t", 2)).toBe(2);
  expect(await log.open("t")).toMatchObject(at(2));
});
