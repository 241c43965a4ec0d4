// Files as a Calla of each form wrote them (test/golden). If one here folds to another model, the rule by which logs are
// folded has changed: then files of before must be refused, or folded as they were written.
import Database from "better-sqlite3";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { list, wire } from "../../../test/wired.ts";
import { sqlite } from "./sqlite.ts";

/** A file with what the dump says. */
function golden(form: number): string {
  const folder = mkdtempSync(join(tmpdir(), "calla-golden-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "calla.db");
  const dump = new URL(`../../../test/golden/form-${form}.sql`, import.meta.url);
  new Database(file).exec(readFileSync(dump, "utf8")).close();
  return file;
}

test("[WR16] [SQ5] a log of before ids were made of their author is refused with a sentence, and left as it is", async () => {
  const file = golden(1);
  const before = readFileSync(file);
  const log = sqlite(file, { thread: "main" });
  const refused: unknown = await log.open("list:1").catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "storage", details: { code: "older" } });
  expect(String(refused)).toMatch(/\(older\): its tables have version 1.*run the Calla that wrote it/);
  await log.close();
  expect(readFileSync(file).equals(before)).toBe(true);
});

test("[WR16] the models that a log of the present form folds to are pinned, ids included", async () => {
  const it = wire({ log: sqlite(golden(2), { thread: "main" }) });
  const read = async (id: string, sequence?: number) =>
    (await it.done(it.server.topic(list, id).read(sequence === undefined ? {} : { sequence }))).model.items;
  const items = [
    "5000 ada@example.org AbCdEfGhIjK-1~uada~0040example~002eorg",
    "5001 eve AbCdEfGhIjK-1~ueve",
  ];
  expect(await read("1")).toMatchInlineSnapshot(`
    [
      "5000 ada@example.org AbCdEfGhIjK-1~uada~0040example~002eorg",
      "5001 eve AbCdEfGhIjK-1~ueve",
      "5002 null AbCdEfGhIjK-1~v1dg0gkw-1wn56qk",
      "5003 null AbCdEfGhIjK-1~v1gaa5yj-15exi5a",
      "5004 null AbCdEfGhIjK-1",
      "5005 null ~0023order-1",
      "5006 null m-1~007euada-1~v1dg0gkw-1wn56qk",
      "5007 ada@example.org ~0022~003cb~003e~0027-1~uada~0040example~002eorg",
    ]
  `);
  expect((await read("1")).slice(0, 2)).toEqual(items);
  expect(await read("2")).toMatchInlineSnapshot(`
    [
      "5002 null AbCdEfGhIjK-1~v1dd4uh7-uumcbj",
    ]
  `);
  // The past is folded by the same rule.
  expect(await read("1", 2)).toEqual(items);
  expect(it.errors).toEqual([]);
  await it.done(it.server.stop());
});
