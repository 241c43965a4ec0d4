// S27, S40: what was acknowledged survives the loss of power at any moment. A process under load is watched (record-
// writes.c); then its disk is rebuilt as it may look when the power goes at many moments, and the log is opened on it.
// The same with `synchronous = OFF` must lose something: it proves that this can see a loss.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sqlite } from "../../src/log/sqlite/sqlite.ts";
import { fold, recordsAfter, sumTo } from "./story.ts";
import type { Told } from "./story.ts";
import { Disk, Luck, readTrace } from "./trace.ts";
import type { Deed } from "./trace.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const cache = here("../../node_modules/.cache/power-loss/");
const recorder = join(cache, "record-writes.so");
const load = join(cache, "load.mjs");
/** In memory, where there is such a place: what matters is the order of writes, not the disk below. */
const home = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "calla-power-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const SEED = Number(process.env["CALLA_SEED"] ?? 1);
const CUTS = Number(process.env["CALLA_CUTS"] ?? 120);

function compile(): void {
  const compiler = ["cc", "gcc", "clang"].find((name) => {
    try {
      execFileSync(name, ["--version"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
  if (compiler === undefined)
    throw new Error(
      "There is no C compiler (npm test installs one; or: sudo apt-get install gcc libc6-dev).",
    );
  execFileSync(compiler, [
    "-shared",
    "-fPIC",
    "-O1",
    "-o",
    recorder,
    here("record-writes.c"),
    "-ldl",
    "-lpthread",
  ]);
}

/** All that the process did, what it was told among it. */
async function watch(durability: string): Promise<Deed[]> {
  const folder = join(home, durability);
  mkdirSync(folder);
  const trace = `${folder}.trace`;
  await promisify(execFile)(
    process.execPath,
    [load, join(folder, "calla.db"), join(folder, "diary"), durability, "1200"],
    { env: { ...process.env, LD_PRELOAD: recorder, CALLA_FOLDER: folder, CALLA_TRACE: trace } },
  );
  return readTrace(readFileSync(trace));
}

/** Everything that is wrong with what is left on a disk, given what had been told by then. */
async function examine(files: ReadonlyMap<string, Buffer>, told: readonly Told[]): Promise<string[]> {
  const folder = mkdtempSync(join(home, "cut-"));
  for (const [name, bytes] of files) if (name !== "calla.db-shm") writeFileSync(join(folder, name), bytes);
  const log = sqlite(join(folder, "calla.db"), { thread: "main", check: "full", retention: 20 });
  const wrong: string[] = [];
  try {
    await log.opened();
    const due = new Map<string, { appended: number; saved: number; removed: number }>();
    for (const { told: what, target, sequence } of told) {
      const one = due.get(target) ?? { appended: 0, saved: 0, removed: 0 };
      one[what] = sequence;
      due.set(target, one);
    }
    for (const [target, { appended, saved, removed }] of due) {
      const head = await log.open(target);
      const lost = (what: string, sequence: number): void =>
        void wrong.push(`lost: ${target} was ${what} at ${sequence}, and is at ${head?.sequence}`);
      if (head === undefined || head.sequence < appended) {
        lost("appended", appended);
        continue;
      }
      if (removed > 0 && head.sequence === removed && !head.removed) lost("removed", removed);
      if (saved > 0 && (head.snapshot?.sequence ?? 0) < saved) lost("saved", saved);
      if (head.removed) continue;
      const { records, from } = await log.history(target, Number.MAX_SAFE_INTEGER, 100_000);
      const begins = from === 0 || removed > 0 ? undefined : await log.snapshotAt(target, from);
      const start = begins === undefined ? 0 : (begins.model as { sum: number }).sum;
      if (
        target.startsWith("t") &&
        JSON.stringify(records) !== JSON.stringify(recordsAfter(from, head.sequence - from))
      )
        wrong.push(`broken: the records of ${target} after ${from}`);
      const sum = records.reduce(fold, start);
      if (target.startsWith("t") && sum !== sumTo(head.sequence))
        wrong.push(`broken: ${target} folds to ${sum}`);
      const after = await log.read(target, head.snapshot ?? { sequence: 0, mark: 0 }, 100_000);
      if (after.status !== "records") wrong.push(`broken: ${target}'s snapshot and records do not meet`);
      const row = await log.client(target, "ann");
      if (target.startsWith("t") && row?.last !== head.sequence)
        wrong.push(`broken: ${target} is at ${head.sequence} and its client's row at ${row?.last}`);
      const known = row === undefined ? [] : row.outcomes.map(({ mid }) => mid - row.settled);
      if (target.startsWith("t") && known.join() !== known.map((_, i) => i + 1).join())
        wrong.push(`broken: outcomes of ${target}'s client are missing: ${JSON.stringify(row)}`);
      if (target.startsWith("t") && row !== undefined && known.length !== row.last - row.settled)
        wrong.push(
          `broken: ${known.length} outcomes of ${target}'s client, settled ${row.settled} of ${row.last}`,
        );
    }
  } catch (error) {
    wrong.push(`broken: ${String(error)}`);
  } finally {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return wrong;
}

/** Cuts the power at moments all over a run, and tells what was wrong after each. */
async function cutAll(deeds: readonly Deed[]): Promise<string[]> {
  const luck = new Luck(SEED);
  const cuts = new Set<number>();
  while (cuts.size < Math.min(CUTS, deeds.length)) cuts.add(Math.floor(luck.fraction() * deeds.length));
  const disk = new Disk();
  const told: Told[] = [];
  const wrong: string[] = [];
  let diary: number | undefined;
  for (const [i, deed] of deeds.entries()) {
    if (deed.kind === "open" && deed.bytes.toString() === "diary") diary = deed.id;
    else if (deed.id === diary && deed.kind === "write") told.push(JSON.parse(deed.bytes.toString()) as Told);
    else disk.do(deed);
    if (!cuts.has(i)) continue;
    const files = disk.afterPowerLoss(luck);
    for (const what of await examine(files, told)) wrong.push(`after ${i} of ${deeds.length} deeds, ${what}`);
  }
  expect(told.length).toBeGreaterThan(100);
  return wrong;
}

// Only Linux can preload a library into a process so.
describe.runIf(process.platform === "linux")("power loss (Linux)", () => {
  beforeAll(async () => {
    mkdirSync(cache, { recursive: true });
    compile();
    await build({
      entryPoints: [here("load.ts")],
      outfile: load,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      conditions: ["calla-source"],
      external: ["better-sqlite3"],
      logLevel: "error",
    });
  }, 60_000);

  test(
    "[SQ2] (S27, S40) by default nothing acknowledged is lost, nothing is broken",
    { timeout: 600_000 },
    async () => {
      expect(await cutAll(await watch("default"))).toEqual([]);
    },
  );

  test(
    "[SQ2] (S27) durability process-crash: something may be lost, nothing is broken",
    { timeout: 600_000 },
    async () => {
      const wrong = await cutAll(await watch("process-crash"));
      expect(wrong.filter((what) => what.includes("broken:"))).toEqual([]);
      expect(wrong.filter((what) => what.includes("lost:"))).not.toEqual([]);
    },
  );

  test("[SQ2] without flushing something is lost: the test can see it", { timeout: 600_000 }, async () => {
    expect(await cutAll(await watch("off"))).not.toEqual([]);
  });
});
