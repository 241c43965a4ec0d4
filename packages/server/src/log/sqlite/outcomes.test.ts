// Clients that settle late over a SQLite log: what is written, and what is left in the file.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, expect, test } from "vitest";
import { ORIGIN } from "../../testing/log-contract/kit.ts";
import type { Append, Outcome, RowWrite } from "../log.ts";
import { appendGroup } from "./jobs.ts";
import { sqliteWith } from "./sqlite-with.ts";
import { sqlite } from "./sqlite.ts";
import { plainText } from "../text.ts";

const folder = mkdtempSync(join(tmpdir(), "calla-outcomes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = (): string => join(folder, `${++files}.db`);

const refusal = (mid: number, size: number): Outcome => ({
  mid,
  id: `id-${mid}`,
  from: "app",
  code: "no",
  details: { text: "x".repeat(size) },
});
/** What an append writes that decides `count` of a client's messages. */
const decided = (was: number, count: number, lag: number, size: number): RowWrite => ({
  clientId: "0123456789abcdef0123456789abcdef",
  was,
  last: was + count,
  settled: Math.max(0, was - lag),
  outcomes: Array.from({ length: count }, (_, i) => refusal(was + i + 1, size)),
});
const alone = (row: RowWrite): Append => ({
  target: "board:42",
  expected: ORIGIN,
  records: [],
  rows: [row],
  at: 5,
});

/** Bytes in the write-ahead log, and as the log counts them, of so many refusals of a client that settles 250 late. */
async function written(refusals: number, each: number, size: number) {
  const file = fresh();
  // Nothing goes into the main file meanwhile, so the write-ahead log holds all that was written.
  const log = sqliteWith(file, { thread: "main", durability: "process-crash" }, ["wal_autocheckpoint = 0"]);
  const wal = (): number => statSync(`${file}-wal`).size;
  for (let was = 0; was < 250; was += each) await log.append([alone(decided(was, each, 250, size))]);
  const before = wal();
  const own = JSON.stringify(refusal(500, size)).length * refusals;
  let counted = 0;
  for (let was = 250; was < 250 + refusals; was += each) {
    const [result] = await log.append([alone(decided(was, each, 250, size))]);
    counted += (result as { bytes: number }).bytes;
  }
  const grown = wal() - before;
  const row = await log.client("board:42", decided(0, 0, 0, 0).clientId);
  expect(row?.outcomes).toHaveLength(250 + each);
  await log.close();
  return { counted: counted / own, wal: grown / own, pages: grown / 4_120 / (refusals / each) };
}

test.each([1, 10, 50])(
  "[LG48] [SQ1] 1,000 refusals, %i an append, count as little more than their own bytes",
  async (each) => {
    expect((await written(1_000, each, 250)).counted).toBeLessThan(1.6);
    expect((await written(1_000, each, 2_600)).counted).toBeLessThan(1.1);
  },
);

test("[LG48] of a client that settles late an append of refusals writes at most twice their own bytes to the disk", async () => {
  expect((await written(1_000, 10, 2_600)).wal).toBeLessThan(2);
  expect((await written(1_000, 50, 2_600)).wal).toBeLessThan(1.3);
});

test("[LG48] a refusal alone writes two pages and little more, however late its client settles", async () => {
  expect((await written(500, 1, 200)).pages).toBeLessThan(2.6);
});

test("[LG48] what is settled leaves the file, some at a time", async () => {
  const file = fresh();
  const log = sqlite(file, { thread: "main" });
  const rows = (): number => {
    const db = new Database(file, { readonly: true });
    const count = db.prepare<[], number>(`SELECT count(*) FROM clients`).pluck().get()!;
    db.close();
    return count;
  };
  for (let was = 0; was < 300; was++) {
    await log.append([alone(decided(was, 1, 40, 600))]);
    if (was % 50 === 0) expect(rows()).toBeLessThanOrEqual(1 + 41 + 32);
  }
  await log.append([alone({ ...decided(300, 1, 0, 10) })]);
  expect(rows()).toBe(1);
  await log.close();
});

test("[LG48] of a client that has settled what was decided an append writes one row, in one statement", async () => {
  const file = fresh();
  const log = sqlite(file, { thread: "main" });
  for (let was = 0; was < 20; was++) {
    const append = alone(decided(was, 1, 0, 20));
    expect(appendGroup(append, plainText()).steps).toHaveLength(1);
    await log.append([append]);
  }
  await log.close();
  const db = new Database(file, { readonly: true });
  expect(db.prepare(`SELECT last, settled, more FROM clients`).all()).toEqual([
    { last: 20, settled: 19, more: 0 },
  ]);
  db.close();
});
