// The two ways to the executor: in this thread, and in a worker.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { appendOf } from "../../testing/log-contract/kit.ts";
import type { ExecutorOptions } from "./executor.ts";
import { appendGroup, secretGroup } from "./jobs.ts";
import { executorOptions } from "./sqlite-with.ts";
import { plainText } from "../text.ts";
import { given, laneHere, laneInWorker } from "./writer.ts";
import type { Lane } from "./writer.ts";

const folder = mkdtempSync(join(tmpdir(), "calla-writer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = (): string => join(folder, `${++files}.db`);
const optionsOf = (file: string): ExecutorOptions =>
  executorOptions(file, { durability: "process-crash", check: "off", busyTimeout: 0 }, []);

const lanes: Lane[] = [];
afterEach(async () => {
  await Promise.all(lanes.splice(0).map((lane) => lane.close()));
});
const kept = (lane: Lane): Lane => {
  lanes.push(lane);
  return lane;
};
const text = plainText();
const job = (target: string, sequence = 0, more = {}) => [
  appendGroup(appendOf(target, sequence, 1, more), text),
];
/** Not of this column's type. */
const poison = (target: string) => job(target, 0, { mid: "no number" });
const refused = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => expect.fail("it was not refused"),
    (failure: unknown) => failure,
  );
const LANES = {
  "in this thread": laneHere,
  "in a worker": (options: ExecutorOptions) => laneInWorker(options),
};

describe.each(Object.entries(LANES))("%s", (name, laneOf) => {
  test("a job gives what its guards gave, and each is refused by itself", async () => {
    const lane = kept(laneOf(optionsOf(fresh())));
    await lane.opened;
    expect(lane.executor === undefined).toBe(name === "in a worker");
    const results = await Promise.allSettled([
      lane.run([...job("a"), ...job("b")], true),
      lane.run(poison("c"), true),
      lane.run([...job("a"), ...job("a", 1)], false),
      lane.run([], false),
    ]);
    expect(results).toEqual([
      { status: "fulfilled", value: [1, 2] },
      {
        status: "rejected",
        reason: { code: "SQLITE_CONSTRAINT_DATATYPE", message: expect.any(String) as string },
      },
      { status: "fulfilled", value: [null, 1] },
      { status: "fulfilled", value: [] },
    ]);
  });

  test("[SQ5] a file that cannot be opened is reported as plain data, so that it crosses threads", async () => {
    const lane = kept(laneOf(optionsOf(join(folder, "none", "a.db"))));
    expect(await refused(lane.opened)).toEqual({
      code: "SQLITE_CANTOPEN",
      message: expect.any(String) as string,
    });
  });

  test("[SQ6] closing is after all that was asked", async () => {
    const file = fresh();
    const lane = laneOf(optionsOf(file));
    const results = ["a", "b", "c"].map((target) => lane.run(job(target), false));
    await lane.close();
    expect(await Promise.all(results)).toEqual([[1], [2], [3]]);
    const db = new Database(file, { readonly: true });
    expect(db.prepare("SELECT count(*) FROM targets").pluck().get()).toBe(3);
    db.close();
  });
});

test("in this thread: what could not be opened refuses every job as it refused to open", async () => {
  const lane = laneHere(optionsOf(join(folder, "none", "a.db")));
  const why = await refused(lane.opened);
  expect(lane.executor).toBeUndefined();
  for (let times = 0; times < 2; times++) expect(await refused(lane.run(job("a"), true))).toEqual(why);
  await lane.close();
});

test("in this thread a job is done within the call", async () => {
  const lane = kept(laneHere(optionsOf(fresh())));
  void lane.run(job("a"), true);
  expect(lane.executor!.db.prepare("SELECT name FROM targets").pluck().all()).toEqual(["a"]);
});

describe("in a worker", () => {
  /** Fills a transaction, so that what comes behind it is another one. */
  const full = Array.from({ length: 2_000 }, (_, i) => secretGroup(`${i}`));
  /** A lane whose worker waits until `go`, however busy the machine is. */
  const held = async (committed?: (took: number) => void) => {
    const file = fresh();
    const lane = laneInWorker({ ...optionsOf(file), busyTimeout: 60_000 }, committed);
    await lane.opened;
    const other = new Database(file);
    other.exec("BEGIN IMMEDIATE");
    return { lane, go: () => void other.exec("ROLLBACK").close() };
  };

  test("[SQ3] what waits together is one transaction, as long as it is not too much", async () => {
    const took: number[] = [];
    const few = await held((milliseconds) => took.push(milliseconds));
    const jobs = [
      few.lane.run(full, false),
      ...Array.from({ length: 50 }, (_, i) => few.lane.run(job(`t${i}`), true)),
    ];
    few.go();
    await Promise.all(jobs);
    expect(took).toHaveLength(2);
    expect(took[0]).toBeGreaterThan(0);
    took.length = 0;
    // 1,500 are not 2,000: so there are two, and then the one that is left.
    const many = await held((milliseconds) => took.push(milliseconds));
    const large = [full, full.slice(500), full.slice(500), full.slice(500)].map((one) =>
      many.lane.run(one, false),
    );
    many.go();
    await Promise.all(large);
    expect(took).toHaveLength(3);
    await Promise.all([kept(few.lane), kept(many.lane)]);
  });

  test("the process may end while nothing is asked, and not before what was asked is answered", async () => {
    const calls: string[] = [];
    for (const name of ["ref", "unref"] as const)
      vi.spyOn(Worker.prototype, name).mockImplementation(() => void calls.push(name));
    const lane = kept(laneInWorker(optionsOf(fresh())));
    await lane.opened;
    expect(calls).toEqual(["unref"]);
    const [first, second] = [lane.run(job("a"), true), lane.run(job("b"), true)];
    expect(calls).toEqual(["unref", "ref", "ref"]);
    await Promise.all([first, second]);
    expect(calls).toEqual(["unref", "ref", "ref", "unref"]);
    vi.restoreAllMocks();
  });

  test("[SQ10] when it ends, all that waits is refused, and so is what comes later", async () => {
    const post = vi.spyOn(Worker.prototype, "postMessage");
    const { lane, go } = await held();
    const waiting = [lane.run(job("a"), false), lane.run(job("b"), true)];
    const worker = post.mock.contexts.at(-1) as Worker;
    post.mockRestore();
    void worker.terminate();
    go();
    const ended = { code: "CALLA_WORKER", message: "exit code 1" };
    expect(await Promise.allSettled(waiting)).toEqual(
      waiting.map(() => ({ status: "rejected", reason: ended })),
    );
    expect(await refused(lane.run(job("c"), true))).toEqual(ended);
    await lane.close();
  });

  test("[SQ10] why it broke is in the error, also for who waits for it to open, too", async () => {
    const lane = laneInWorker({ ...optionsOf(fresh()), statements: null as never });
    const failure = await refused(lane.run(job("a"), true));
    expect(failure).toMatchObject({ code: "CALLA_BUG", message: expect.stringMatching(/null/) as string });
    await lane.close();
    const broken = laneInWorker(optionsOf(join(folder, "none", "a.db")));
    const opened = refused(broken.opened);
    expect(await refused(broken.run(job("a"), true))).toMatchObject({
      code: "CALLA_WORKER",
      message: expect.stringMatching(/^TypeError: /) as string,
    });
    expect(await opened).toMatchObject({ code: "SQLITE_CANTOPEN" });
    await broken.close();
  });
});

test("a result is its guards' values, or refused", async () => {
  expect(await given({ given: [1, null] })).toEqual([1, null]);
  const failed = { code: "SQLITE_FULL", message: "full" };
  expect(await refused(given({ failed }))).toBe(failed);
});
