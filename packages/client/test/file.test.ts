// The file of a Node process: what a crash, a torn line, a full disk or another process does to it.
import { fork } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fileStore } from "../src/tabs/stores/file-store.ts";
import { file as open } from "../src/tabs/stores/file.ts";
import { inside } from "../src/storage/storage.ts";
import type { StorageChange } from "../src/storage/storage.ts";
import { place } from "./place.ts";

const file = (path: string) => inside(open(path));
const owner = { server: "", user: "ann" };
const entry = (mid: number): StorageChange => ({
  type: "entry",
  entry: {
    target: "list:1",
    mid,
    id: `m${mid}`,
    messages: [{ type: "added", text: "é" }],
    at: 1,
    version: 1,
  },
});
const mids = async (path: string): Promise<readonly number[]> => {
  const storage = file(path);
  const stored = await storage.load(owner);
  await storage.close();
  return (stored?.entries ?? []).map(({ mid }) => mid).toSorted((a, b) => a - b);
};

test("[TB11] S20 what was committed is in the file when the commit resolves, without a goodbye", async () => {
  const path = place();
  const storage = file(path);
  await storage.load(owner);
  await storage.commit([entry(1), entry(2)]);
  await storage.commit([{ type: "outcome", target: "list:1", mid: 1, sequence: 0 }]);
  // As after a crash of the process: another place, with what is on the disk now.
  const copy = place();
  writeFileSync(copy, readFileSync(path));
  expect(await mids(copy)).toEqual([2]);
  await storage.close();
});

test("[TB11] a line that a crash has torn is as if it had never been, wherever it was cut", async () => {
  const path = place();
  const storage = file(path);
  await storage.load(owner);
  await storage.commit([entry(1)]);
  const before = readFileSync(path).length;
  await storage.commit([entry(2), entry(3)]);
  const whole = readFileSync(path);
  await storage.close();
  for (let length = before; length <= whole.length; length++) {
    const cut = place();
    writeFileSync(cut, whole.subarray(0, length));
    expect(await mids(cut), `cut at ${length}`).toEqual(length < whole.length ? [1] : [1, 2, 3]);
  }
});

test("[TB11] a line that cannot be read refuses the file, which stays as it is", async () => {
  for (const bad of ["{\n", '{"form":1}\n', '{"form":2}\n{}\n', "not ours\n"]) {
    const path = place();
    const good = file(path);
    await good.load(owner);
    await good.commit([entry(1)]);
    await good.close();
    if (bad.startsWith('{"form":2') || bad === "not ours\n") writeFileSync(path, bad);
    else appendFileSync(path, `${bad}more\n`);
    const content = readFileSync(path, "utf8");
    await expect(file(path).load(owner)).rejects.toMatchObject({
      code: "storage",
      details: { reason: "corrupt" },
    });
    expect(readFileSync(path, "utf8")).toBe(content);
    expect(existsSync(`${path}.lock`)).toBe(false);
  }
});

test("[TB11] [TB19] clients of one process share the file, each with an identity of its own; another process is told who has it", async () => {
  const path = place();
  const [first, second] = [file(path), file(path)];
  await first.load(owner);
  await first.commit([entry(1)]);
  expect(await second.load(owner)).toBeUndefined();
  await second.commit([entry(7)]);
  await first.close();
  expect((await file(path).load(owner))?.entries.map(({ mid }) => mid)).toEqual([1]);
  await second.close();
});

test("[TB11] [TB19] a file of another process is refused, until that process is gone", async () => {
  const path = place();
  const inUse = { code: "storage", details: { reason: "in-use" } };
  // A process that lives, and one that has gone without releasing it.
  const other = fork("--eval", ["setInterval(() => {}, 1000)"], { execArgv: [], stdio: "ignore" });
  writeFileSync(`${path}.lock`, String(other.pid));
  await expect(file(path).load(owner)).rejects.toMatchObject(inUse);
  const gone = new Promise((resolve) => other.once("exit", resolve));
  other.kill("SIGKILL");
  await gone;
  expect(await mids(path)).toEqual([]);
});

test("[TB11] [TB19] a folder that is not there is reported as such", async () => {
  await expect(file("/nowhere/at/all").load(owner)).rejects.toMatchObject({
    code: "storage",
    details: { reason: "unavailable" },
  });
});

test("[TB11] a file that has grown is written anew, and holds the same", async () => {
  const path = place();
  const store = await fileStore(path);
  const text = "x".repeat(100_000);
  const nothing = { expect: new Map(), clear: [] };
  for (let i = 1; i <= 30; i++)
    expect(await store.commit({ ...nothing, values: new Map([["model", { text, i }]]) })).toBe(true);
  expect(readFileSync(path).length).toBeLessThan(1_500_000);
  await store.close();
  const again = await fileStore(path);
  expect((await again.read("")).get("model")).toMatchObject({ i: 30 });
  await again.close();
});
