// The log over a writer in the test's hand. What the file makes of it is in the tests of statements, reader and executor;
// that the whole keeps the contract of logs, in sqlite.test.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CallaError } from "@calla/shared";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { appendOf, ORIGIN, record, recordsAfter, row, snapshot } from "../../testing/log-contract/kit.ts";
import type { Claim } from "../log.ts";
import type { ExecutorOptions, Given, Job } from "./executor.ts";
import { claimGroup, sweepGroups } from "./jobs.ts";
import type { SqliteOptions } from "./options.ts";
import { sqliteWith } from "./sqlite-with.ts";
import type { SqliteLog } from "./sqlite.ts";
import { DAY } from "./tables.ts";
import { laneHere } from "./writer.ts";
import type { Lane } from "./writer.ts";

const folder = mkdtempSync(join(tmpdir(), "calla-file-log-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = (): string => join(folder, `${++files}.db`);
const logs: SqliteLog[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(logs.splice(0).map((log) => log.close()));
});

const isSweep = (job: Job): boolean => job === sweepGroups;
const failure = (code: string) => Promise.reject({ code, message: "in the test's hand" } as unknown as Error);

/** A log, the writers that it made, and what each was asked; `meddle` may answer in a writer's place. */
function watched({
  file = fresh(),
  options = {},
  meddle,
  opens,
}: {
  file?: string;
  options?: SqliteOptions;
  meddle?: (job: Job, made: number) => Promise<Given> | undefined;
  opens?: (made: number) => Promise<void> | undefined;
} = {}) {
  const made: {
    readonly options: ExecutorOptions;
    readonly asked: { job: Job; small: boolean }[];
    closed: number;
  }[] = [];
  const log = sqliteWith(file, options, [], (given): Lane => {
    const lane = laneHere(given);
    const one = { options: given, asked: [] as { job: Job; small: boolean }[], closed: 0 };
    const number = made.push(one);
    return {
      ...lane,
      opened: opens?.(number) ?? lane.opened,
      run(job, small) {
        if (!isSweep(job)) one.asked.push({ job, small });
        return meddle?.(job, number) ?? lane.run(job, small);
      },
      async close() {
        if (one.closed++ === 0) await lane.close();
      },
    };
  });
  logs.push(log);
  return { log, made, asked: () => made.flatMap(({ asked }) => asked) };
}
const problem = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "none",
    (error: unknown) => (error as { details: { code: string } }).details.code,
  );

describe("opening", () => {
  test("is done when it is first needed, once for all that ask", async () => {
    const { log, made } = watched();
    expect(made).toHaveLength(0);
    await Promise.all([log.open("t"), log.opened(), log.append([appendOf("t", 0, 1)]), log.consumers()]);
    expect(made).toHaveLength(1);
    expect(made[0]!.options.mustExist).toBeUndefined();
  });

  test("[SQ5] that failed rejects each call that waited, its writer is closed, and the next call tries again", async () => {
    const { log, made } = watched({
      opens: (number) => (number < 3 ? failure("SQLITE_CANTOPEN") : undefined),
    });
    expect(await Promise.all([problem(log.open("t")), problem(log.consumers())])).toEqual([
      "cannot-open",
      "cannot-open",
    ]);
    expect(made.map(({ closed }) => closed)).toEqual([1]);
    expect(await problem(log.append([appendOf("t", 0, 1)]))).toBe("cannot-open");
    expect(await log.append([appendOf("t", 0, 1)])).toMatchObject([{ status: "appended" }]);
    expect(made.map(({ closed }) => closed)).toEqual([1, 1, 0]);
  });

  test("[SQ12] again asks for the file that was there, and makes no other", async () => {
    const { log, made } = watched({
      meddle: (job, number) => (number === 1 && !isSweep(job) ? failure("CALLA_WORKER") : undefined),
    });
    expect(await problem(log.append([appendOf("t", 0, 1)]))).toBe("worker");
    await log.append([appendOf("t", 0, 1)]);
    expect(made.map(({ options }) => options.mustExist)).toEqual([undefined, true]);
    const memory = watched({
      file: ":memory:",
      meddle: (job, number) => (number === 1 && !isSweep(job) ? failure("CALLA_WORKER") : undefined),
    });
    expect(await problem(memory.log.append([appendOf("t", 0, 1)]))).toBe("worker");
    await memory.log.append([appendOf("t", 0, 1)]);
    expect(memory.made.map(({ options }) => options.mustExist)).toEqual([undefined, undefined]);
  });
});

describe("an append", () => {
  test("[SQ3] has its results in the order of the batch, and bytes where something was stored", async () => {
    const { log, asked } = watched();
    await log.append([appendOf("t", 0, 1)]);
    const wrong = appendOf("w", 0, 1, { messages: [{ type: "t", f: () => 1 }] as never });
    const large = {
      ...appendOf("u", 0, 1),
      records: [record(1, { messages: [{ type: "t", text: "x".repeat(5_000) }] })],
    };
    const results = await log.append([wrong, appendOf("t", 0, 1), large, appendOf("v", 0, 2)]);
    expect(results).toMatchObject([
      { status: "unknown", error: { code: "invalid-value" } },
      { status: "conflict" },
      { status: "appended", bytes: expect.any(Number) },
      { status: "appended", bytes: expect.any(Number) },
    ]);
    const bytes = results.map((result) => ("bytes" in result ? result.bytes! : 0));
    expect(bytes[2]).toBeGreaterThan(5_000);
    expect(bytes[3]).toBeLessThan(1_000);
    expect(asked()).toHaveLength(2);
  });

  test("[SQ11] is small up to 256 KB of a batch, all in all; other work never is", async () => {
    const { log, asked } = watched();
    const sized = (target: string, size: number) => ({
      ...appendOf(target, 0, 1),
      records: [record(1, { messages: [{ type: "t", text: "x".repeat(size) }] })],
    });
    await log.append([sized("a", 130_000), sized("b", 130_000)]);
    await log.append([sized("c", 131_072), sized("d", 131_072)]);
    await log.saveSnapshot("a", snapshot(1));
    await log.touch(["a"], 5);
    expect(asked().map(({ small }) => small)).toEqual([true, false, false, false]);
  });

  test("of nothing asks nothing, and a malformed one asks nothing for the whole batch", async () => {
    const { log, asked } = watched();
    expect(await log.append([])).toEqual([]);
    await log.touch([], 5);
    const gap = { ...appendOf("t", 0, 2), records: recordsAfter(1, 2) };
    await expect(log.append([appendOf("u", 0, 1), gap])).rejects.toThrow(RangeError);
    expect(asked()).toEqual([]);
  });
});

describe("[SQ13] a writer that may not write", () => {
  /** Refused as read-only by the first writers, so many. */
  const refusing = (first: number, opens?: (made: number) => Promise<void> | undefined) => {
    let time = 5_000;
    vi.spyOn(performance, "now").mockImplementation(() => time);
    const given = watched({
      meddle: (job, number) =>
        number <= first && !isSweep(job) ? failure("SQLITE_READONLY_DBMOVED") : undefined,
      ...(opens === undefined ? {} : { opens }),
    });
    const append = (sequence: number) => problem(given.log.append([appendOf("t", sequence, 1)]));
    return { ...given, append, pass: (milliseconds: number) => void (time += milliseconds) };
  };

  test("is replaced by another connection at the next call, unchecked, and closed; reads go on all the while", async () => {
    const { log, made, append } = refusing(1);
    expect(await append(0)).toBe("read-only");
    expect(await log.open("t")).toBeUndefined();
    expect(await append(0)).toBe("none");
    expect(made.map(({ options, closed }) => [options.check, options.mustExist, closed])).toEqual([
      ["quick", undefined, 1],
      ["off", true, 0],
    ]);
    expect((await log.open("t"))?.sequence).toBe(1);
    expect(await append(1)).toBe("none");
    expect(made).toHaveLength(2);
  });

  test("is tried again once a second, as often as that is refused", async () => {
    const { made, append, pass } = refusing(3);
    for (const [wait, writers] of [
      [0, 1],
      [0, 2],
      [0, 3],
      [999, 4],
    ] as const) {
      pass(wait);
      await append(0);
      expect(made.length).toBe(writers);
    }
    expect(await append(1)).toBe("none");
  });

  test("stays where no other can be had, which is asked for at most each second", async () => {
    const { made, append, pass } = refusing(1, (number) =>
      number === 2 ? failure("SQLITE_READONLY") : undefined,
    );
    await append(0);
    expect(await append(0)).toBe("read-only");
    expect(made.map(({ closed }) => closed)).toEqual([0, 1]);
    pass(999);
    expect(await append(0)).toBe("read-only");
    expect(made).toHaveLength(2);
    pass(1);
    expect(await append(0)).toBe("none");
    expect(made.map(({ closed }) => closed)).toEqual([1, 1, 0]);
  });
});

describe("a sweep", () => {
  const sweeping = (answer: (sweeps: number) => Promise<Given>) => {
    let sweeps = 0;
    const given = watched({ meddle: (job) => (isSweep(job) ? answer(++sweeps) : undefined) });
    return { ...given, sweeps: () => sweeps };
  };
  const turns = () => new Promise((resolve) => setImmediate(resolve));

  test("[SQ7] goes on until nothing is given, begins when the file is opened and after each removal, and is one at a time", async () => {
    const { log, sweeps } = sweeping(async (number) =>
      number === 1 || number === 5 ? [null, 4] : [null, null],
    );
    await log.append([appendOf("t", 0, 1)]);
    await turns();
    expect(sweeps()).toBe(2);
    await log.append([appendOf("u", 0, 1)]);
    await turns();
    expect(sweeps()).toBe(2);
    expect([await log.remove("t", 90), await log.remove("t", 90), await log.remove("v", 90)]).toEqual([
      true,
      false,
      false,
    ]);
    await turns();
    expect(sweeps()).toBe(3);
    await log.append([appendOf("w", 0, 1)]);
    let go: (given: Given) => void = () => undefined;
    const held = sweeping((number) =>
      number === 2 ? new Promise((resolve) => (go = resolve)) : Promise.resolve([null, null]),
    );
    await held.log.append([appendOf("t", 0, 1), appendOf("u", 0, 1)]);
    await turns();
    await held.log.remove("t", 90);
    await held.log.remove("u", 90);
    expect(held.sweeps()).toBe(2);
    go([null, null]);
  });

  test("[SQ7] that fails is nobody's trouble, and the next one begins anew", async () => {
    const { log, sweeps } = sweeping((number) =>
      number === 1 ? failure("SQLITE_FULL") : Promise.resolve([null, null]),
    );
    await log.append([appendOf("t", 0, 1)]);
    await turns();
    await log.remove("t", 90);
    await turns();
    expect(sweeps()).toBe(2);
  });

  test("[SQ6] ends when the log is closed, however much is left", async () => {
    const { log, sweeps } = sweeping(async () => [1, null]);
    await log.opened();
    await log.close();
    const before = sweeps();
    await turns();
    expect(sweeps()).toBe(before);
  });
});

describe("[SQ6] closing", () => {
  test("waits for what is under way, and is one for all who ask", async () => {
    let go: (given: Given) => void = () => undefined;
    const { log, made } = watched({
      meddle: (job) => (isSweep(job) ? undefined : new Promise((resolve) => (go = resolve))),
    });
    await log.opened();
    const append = log.append([appendOf("t", 0, 1)]);
    await Promise.resolve();
    let closed = 0;
    const closing = [log.close(), log.close()].map((one) => one.then(() => closed++));
    await new Promise((resolve) => setImmediate(resolve));
    expect([closed, made[0]!.closed]).toEqual([0, 0]);
    go([1]);
    expect(await append).toMatchObject([{ status: "appended" }]);
    await Promise.all(closing);
    expect(made[0]!.closed).toBe(1);
  });

  test("of a log that was never used, or never opened, closes nothing; every call after it is refused with the file", async () => {
    const file = fresh();
    const unused = watched({ file });
    await unused.log.close();
    expect(unused.made).toHaveLength(0);
    await expect(unused.log.open("t")).rejects.toMatchObject({ code: "closed", details: { file } });
    const never = watched({ opens: () => failure("SQLITE_CANTOPEN") });
    expect(await problem(never.log.open("t"))).toBe("cannot-open");
    await never.log.close();
    await expect(never.log.append([])).rejects.toBeInstanceOf(CallaError);
  });
});

test("[LG39] what is no position of this log is the caller's mistake; the empty one is the beginning", async () => {
  const { log } = watched();
  await log.append([appendOf("t", 0, 2)]);
  expect((await log.changes("", 9)).changes).toHaveLength(2);
  expect((await log.changes("1", 9)).changes).toHaveLength(1);
  for (const wrong of ["x", "-1", " "]) {
    await expect(log.changes(wrong, 9), wrong).rejects.toThrow(`"${wrong}" is no position of this log.`);
    await expect(log.advanceConsumer("r", { owner: "o", position: wrong, until: 9 })).rejects.toThrow(
      RangeError,
    );
  }
});

test("[LG41] a consumer that is dropped between a claim and the look at who holds it is claimed again", async () => {
  let dropped = 0;
  const claim: Claim = { owner: "o", now: 0, until: 9, from: "beginning" };
  const [guard] = claimGroup("r", claim).guard;
  const { log } = watched({
    meddle: (job) => (job[0]?.guard[0] === guard && dropped++ < 2 ? Promise.resolve([null]) : undefined),
  });
  expect(await log.claimConsumer("r", claim)).toEqual({ status: "held", position: "0" });
  expect(dropped).toBe(3);
  expect(await log.claimConsumer("r", { ...claim, owner: "p" })).toEqual({ status: "taken", until: 9 });
});

test("[LG22] of two processes that make a secret both have the one that is stored", async () => {
  const file = fresh();
  let number = 0;
  const seeded = (first: number): SqliteOptions => ({ random: { uint32: () => first + number++ } });
  const [one, other] = [watched({ file, options: seeded(1) }), watched({ file, options: seeded(1_000) })];
  const secrets = await Promise.all([one.log.secret(), other.log.secret()]);
  expect(secrets[0]).toEqual(secrets[1]);
  expect(secrets[0]).toHaveLength(32);
  expect(await one.log.secret()).toEqual(secrets[0]);
});

test("[LG35] [LG45] rows of an old day that were written since fill no page: those behind them go in the same step", async () => {
  const { log } = watched();
  const rows = (client: string, last: number, at: number) =>
    log.append([
      { target: "t", expected: ORIGIN, records: [], rows: [{ was: last - 1, ...row(client, last) }], at },
    ]);
  for (const client of ["a", "b", "c", "d"]) await rows(client, 1, DAY);
  for (const client of ["a", "b", "c"]) await rows(client, 2, 9 * DAY);
  const limits = { at: 10 * DAY, sessions: 0, rows: 5 * DAY, tombstones: 0, consumers: 0 };
  expect(await log.expire({ ...limits, limit: 2 })).toMatchObject({ rows: 1 });
  expect(
    await Promise.all(["a", "b", "c", "d"].map(async (client) => (await log.client("t", client))?.last)),
  ).toEqual([2, 2, 2, undefined]);
  expect(await log.expire({ ...limits, limit: 2 })).toMatchObject({ rows: 0 });
});

test("[LG45] what was used between the look and the step stays, and is not said to have gone", async () => {
  const { log } = watched({
    meddle: (job) => (job.length === 2 && !isSweep(job) ? Promise.resolve([null, 1]) : undefined),
  });
  await log.append([appendOf("@a", 0, 1, { at: 1 })]);
  await log.append([appendOf("@b", 0, 1, { at: 2 })]);
  const expired = await log.expire({ at: 9, sessions: 9, rows: 0, tombstones: 0, consumers: 0, limit: 9 });
  expect(expired).toEqual({ sessions: ["@b"], tombstones: [], rows: 0, consumers: [] });
});

test("[SQ10] however calls meet the worker's end, no other worker is left behind", async () => {
  let open = 0;
  let made = 0;
  let end = (): void => undefined;
  const log = sqliteWith(fresh(), {}, [], (options) => {
    const lane = laneHere(options);
    const first = ++made === 1;
    const ended = new Promise<never>((_, reject) => {
      end = () => reject({ code: "CALLA_WORKER", message: "exit code 1" } as unknown as Error);
    });
    ended.catch(() => undefined);
    let closed = false;
    open++;
    return {
      ...lane,
      run: (job, small) => (first ? ended : lane.run(job, small)),
      close() {
        if (!closed) open--;
        closed = true;
        return lane.close();
      },
    };
  });
  const lost = log.append([appendOf("t", 0, 1)]);
  await log.opened();
  const late: Promise<unknown>[] = [lost];
  end();
  // One call has the old worker in its hand while another starts a new one.
  for (let turn = 0; turn < 8; turn++) {
    late.push(log.append([appendOf("t", 0, 1)]));
    await Promise.resolve();
  }
  await Promise.allSettled(late);
  expect(made).toBe(2);
  await log.close();
  expect(open).toBe(0);
});
