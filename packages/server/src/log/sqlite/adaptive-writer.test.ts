import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { appendOf, fill, record } from "../../testing/log-contract/kit.ts";
import { logContract } from "../../testing/log-contract/index.ts";
import type { LogStorage } from "../log.ts";
import { laneByPace } from "./adaptive-writer.ts";
import { sqliteWith } from "./sqlite-with.ts";
import type { SqliteLog } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "calla-lane-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = (): string => join(folder, `${++files}.db`);

const logs = new Map<LogStorage, string>();
afterEach(async () => {
  await Promise.all([...logs.keys()].map((log) => log.close()));
  logs.clear();
});
/** A log that writes in this thread wherever it may, and who made its transactions. */
function open(file: string): { log: SqliteLog; by: ("here" | "worker")[] } {
  const by: ("here" | "worker")[] = [];
  const pace = {
    next: () => true,
    heard: (_: number, here: boolean) => void by.push(here ? "here" : "worker"),
  };
  const log = sqliteWith(file, { busyTimeout: 60_000 }, [], (options) => laneByPace(options, pace));
  logs.set(log, file);
  return { log, by };
}

/** The same once it is open, and a worker has swept up. */
async function opened(file: string): Promise<ReturnType<typeof open>> {
  const made = open(file);
  await made.log.opened();
  await vi.waitFor(() => expect(made.by).toEqual(["worker"]));
  made.by.length = 0;
  return made;
}

describe("[SQ1] a log that always finds this thread quick keeps the contract of logs", () => {
  for (const check of logContract)
    test(check.name, () =>
      check.run({ create: () => open(fresh()).log, reopen: (log) => open(logs.get(log)!).log }),
    );
});

describe("[SQ11] which thread writes", () => {
  test("this one what is small, a worker what is large and what is no append", async () => {
    const { log, by } = await opened(fresh());
    await fill(log, "t", 0, 3);
    expect(by).toEqual(["here"]);
    const large = record(4, { messages: [{ type: "t", text: "x".repeat(300_000) }] });
    await log.append([{ ...appendOf("t", 3, 1), records: [large] }]);
    await log.remove("t", 9_000);
    await log.expire({ at: 9, sessions: 9, rows: 0, tombstones: 0, consumers: 0, limit: 9 });
    expect(by.filter((who) => who === "here")).toHaveLength(1);
    expect(by.filter((who) => who === "worker").length).toBeGreaterThanOrEqual(2);
  });

  test("a worker as long as it has work, so that order is kept", async () => {
    const { log, by } = await opened(fresh());
    const large = record(1, { messages: [{ type: "t", text: "x".repeat(300_000) }] });
    const results = await Promise.all([
      log.append([{ ...appendOf("t", 0, 1), records: [large] }]),
      log.append([appendOf("t", 1, 1)]),
      log.append([appendOf("t", 2, 1)]),
    ]);
    expect(results.flat()).toMatchObject([
      { status: "appended" },
      { status: "appended" },
      { status: "appended" },
    ]);
    expect(by).not.toContain("here");
    await fill(log, "t", 3, 1);
    expect(by.at(-1)).toBe("here");
  });

  test("a worker while another process writes, so that this thread does not wait", async () => {
    const { log, by } = await opened(fresh());
    await fill(log, "t", 0, 1);
    const other = new Database([...logs.values()].at(-1)!);
    other.exec("BEGIN IMMEDIATE");
    const waiting = log.append([appendOf("t", 1, 1)]);
    // The event loop turns: this thread is not the one that waits.
    await new Promise((resolve) => setImmediate(resolve));
    other.exec("COMMIT");
    other.close();
    expect(await waiting).toMatchObject([{ status: "appended" }]);
    expect(by).toEqual(["here", "worker"]);
  });

  test("a worker where the file has gone meanwhile: this thread makes no other in its place", async () => {
    const file = fresh();
    const { log, by } = await opened(file);
    rmSync(file);
    await expect(log.append([appendOf("t", 0, 1)])).rejects.toMatchObject({ details: { code: "gone" } });
    expect(by).toEqual(["worker"]);
    expect(existsSync(file)).toBe(false);
  });

  test("what this thread wrote is in the main file once the log is closed", async () => {
    const file = fresh();
    const { log, by } = await opened(file);
    for (let sequence = 0; sequence < 20; sequence++) await fill(log, "t", sequence, 1);
    expect(by).toEqual(Array.from({ length: 20 }, () => "here"));
    await log.close();
    const db = new Database(file, { readonly: true });
    expect(db.prepare("SELECT count(*) FROM records").pluck().get()).toBe(20);
    db.close();
  });
});
