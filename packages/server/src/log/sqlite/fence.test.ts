import Database from "better-sqlite3";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { appendOf, fill } from "../../testing/log-contract/kit.ts";
import { fence, fenceOf, unfence } from "./fence.ts";
import { sqlite } from "./sqlite.ts";

const NOTE = { move: "m", to: "elsewhere" };
async function madeFile(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "calla-fence-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "calla.db");
  const log = sqlite(file);
  await fill(log, "t", 0, 2);
  await log.close();
  return file;
}
const another = (file: string) => {
  const db = new Database(file);
  onTestFinished(() => void db.close());
  return db;
};

test.each(["main", "worker", "auto"] as const)(
  "[MV3] who writes in the way of %s is refused from the next transaction on, and may again once the fence is gone",
  async (thread) => {
    const file = await madeFile();
    const log = sqlite(file, { thread });
    await log.opened();
    const db = another(file);
    fence(db, NOTE);
    expect(fenceOf(db)).toEqual(NOTE);
    const moved = { code: "storage", details: { code: "moved" } };
    await expect(log.append([appendOf("t", 2, 1)])).rejects.toMatchObject(moved);
    await expect(log.touch(["t"], 1e15)).rejects.toMatchObject(moved);
    expect((await log.open("t"))?.sequence).toBe(2);
    await expect(sqlite(file, { thread }).opened()).rejects.toMatchObject(moved);
    unfence(db);
    expect(fenceOf(db)).toBeUndefined();
    expect(await log.append([appendOf("t", 2, 1)])).toMatchObject([{ status: "appended" }]);
    await log.close();
  },
);

test("[MV3] what is no log of this version is not fenced, and giving back what is not moved does nothing", async () => {
  const db = another(await madeFile());
  const version = db.pragma("user_version", { simple: true }) as number;
  unfence(db);
  db.pragma(`user_version = ${version + 1}`);
  expect(() => fence(db, NOTE)).toThrow("It has become newer meanwhile.");
  unfence(db);
  expect(db.pragma("user_version", { simple: true })).toBe(version + 1);
});
