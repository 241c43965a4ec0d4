// Several processes append to one file at once: each append is taken once, histories are dense and chained, and a killed
// process disturbs nobody.
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sqlite } from "../../src/log/sqlite/sqlite.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const load = here("../../node_modules/.cache/two-processes/load.mjs");
const home = mkdtempSync(join(tmpdir(), "calla-two-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const COUNT = 120;

beforeAll(async () => {
  mkdirSync(here("../../node_modules/.cache/two-processes/"), { recursive: true });
  await build({
    entryPoints: [here("load.ts")],
    outfile: load,
    bundle: true,
    // As somebody bundles a server: what the worker runs must survive it.
    minify: true,
    keepNames: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["calla-source"],
    external: ["better-sqlite3"],
    logLevel: "error",
  });
}, 60_000);

const start = (file: string, name: number, count = COUNT) =>
  promisify(execFile)(process.execPath, [load, file, String(name), String(count)], { timeout: 25_000 }).then(
    ({ stdout }) => JSON.parse(stdout) as { conflicts: number; secret: string },
  );

async function check(file: string, names: readonly number[]): Promise<void> {
  const log = sqlite(file, { thread: "main", check: "full" });
  const ids = new Map<string, number>();
  for (const target of ["t0", "t1", "t2"]) {
    const read = await log.read(target, { sequence: 0, mark: 0 }, 10_000);
    if (read.status !== "records") throw new Error(read.status);
    for (const [i, { sequence, id }] of read.records.entries()) {
      expect(sequence).toBe(i + 1);
      ids.set(id, (ids.get(id) ?? 0) + 1);
    }
    for (const name of names) {
      const own = read.records.filter(({ author }) => author?.clientId === String(name));
      const row = await log.client(target, String(name));
      expect(row?.last).toBe(Math.max(...own.map(({ mid }) => mid)));
      expect(row?.outcomes).toEqual(
        own.filter(({ mid }) => mid > row!.settled).map(({ mid, id, sequence }) => ({ mid, id, sequence })),
      );
    }
  }
  for (const name of names)
    for (let i = 0; i < COUNT; i++) expect(ids.get(`${name}-${i}`), `${name}-${i}`).toBe(1);
  await log.close();
}

test("[SQ9] [LG6] three processes on one file: every append is taken exactly once, in one chain", async () => {
  const file = join(home, "three.db");
  const told = await Promise.all([1, 2, 3].map((name) => start(file, name)));
  expect(told.reduce((sum, { conflicts }) => sum + conflicts, 0)).toBeGreaterThan(0);
  expect(new Set(told.map(({ secret }) => secret)).size).toBe(1);
  await check(file, [1, 2, 3]);
});

test("[SQ9] a process that is killed at any moment disturbs nobody (S7)", async () => {
  const file = join(home, "killed.db");
  const staying = [1, 2].map((name) => start(file, name));
  const over = { yes: false };
  const killing = (async () => {
    for (let name = 10; !over.yes; name++) {
      const child = spawn(process.execPath, [load, file, String(name), "100000"], { stdio: "ignore" });
      const gone = new Promise((resolve) => child.once("exit", resolve));
      await new Promise((resolve) => setTimeout(resolve, 150 + ((name * 37) % 100)));
      child.kill("SIGKILL");
      await gone;
    }
  })();
  await Promise.all(staying);
  over.yes = true;
  await killing;
  await check(file, [1, 2]);
});
