// A file as the move reads it: in pages, and only if it is a log's.
import Database from "better-sqlite3";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { appendOf, fill, record } from "../../testing/log-contract/kit.ts";
import { sqlite } from "../../log/sqlite/sqlite.ts";
import { openSource } from "./source.ts";
import type { Row } from "./source.ts";
import { RECORDS, TARGETS } from "./tables.ts";

const folder = mkdtempSync(join(tmpdir(), "calla-source-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const freshFile = (): string => join(folder, `${files++}.db`);
async function filled(records: number, size = 1): Promise<string> {
  const file = freshFile();
  const log = sqlite(file, { thread: "main", durability: "process-crash" });
  const messages = [{ type: "said", text: "x".repeat(size) }];
  await log.append([{ ...appendOf("a", 0, 1), records: [record(1, { messages })] }]);
  if (records > 1) await fill(log, "a", 1, records - 1);
  await fill(log, "b", 0, 2);
  await log.close();
  return file;
}
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { details: { code: string } }).details.code;
  }
  return "fine";
};

test("[MV1] pages have a bounded number of rows, follow each other without a gap, and say which is the last", async () => {
  const source = openSource(await filled(2_100));
  const sizes: number[] = [];
  const positions: unknown[] = [];
  for (let after: Row = [], last = false; !last;) {
    const page = source.page(RECORDS, after);
    sizes.push(page.rows.length);
    positions.push(...page.rows.map(([position]) => position));
    after = [page.rows.at(-1)?.[0] ?? 0];
    last = page.last;
  }
  expect(sizes).toEqual([1_000, 1_000, 102]);
  expect(new Set(positions).size).toBe(2_102);
  expect(positions).toEqual(positions.toSorted((a, b) => Number(a) - Number(b)));
  expect([source.count(RECORDS), source.count(TARGETS)]).toEqual([2_102, 2]);
  expect(source.records(1, 2_000).rows).toHaveLength(100);
  source.close();
});

test("[MV1] a page ends behind what is large, however few rows that are", async () => {
  const source = openSource(await filled(3, 2_000_000));
  const first = source.page(RECORDS, []);
  expect([first.rows.length, first.last]).toEqual([1, false]);
  expect(source.page(RECORDS, [first.rows[0]![0]!])).toMatchObject({ rows: { length: 4 }, last: true });
  source.close();
});

test("[MV2] a target's records in short differ where one is missing, or is another one", async () => {
  const file = await filled(3);
  const before = openSource(file).tallies(0);
  expect(before.map(({ first, last, count }) => [first, last, count])).toEqual([
    [1, 3, 3],
    [1, 2, 2],
  ]);
  const db = new Database(file);
  db.exec("UPDATE records SET mark = mark + 1 WHERE target = 1 AND sequence = 2");
  db.exec("DELETE FROM records WHERE target = 2 AND sequence = 1");
  db.close();
  const [one, other] = openSource(file).tallies(0);
  expect(one).toEqual({ ...before[0], marks: String(Number(before[0]!.marks) + 1) });
  expect(other).toMatchObject({ first: 2, count: 1 });
  expect(openSource(file).tallies(1)).toEqual([other]);
});

test("[MV4] what is no log is not moved, and is left as it was", () => {
  const foreign = freshFile();
  const db = new Database(foreign);
  db.exec("CREATE TABLE mine (x)");
  db.close();
  expect(codeOf(() => openSource(foreign))).toBe("source");
  expect(codeOf(() => openSource(join(folder, "none.db")))).toBe("source");
  expect(codeOf(() => openSource(join(folder, "none.db")))).toBe("source");
});

test("[MV3] [MV7] its fence is a note, which is there for the next who looks, until it is taken away", async () => {
  const file = await filled(1);
  const source = openSource(file);
  expect(source.fence()).toBeUndefined();
  source.setFence({ move: "m", to: "there" });
  const again = openSource(file);
  expect(again.fence()).toEqual({ move: "m", to: "there" });
  again.unfence();
  expect(source.fence()).toBeUndefined();
  expect(source.identity).not.toBe("");
});
