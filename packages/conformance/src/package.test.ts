// The package as it would be published: what is in it, and its command under plain Node.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";

const here = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "conformance-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
/** As a person runs it, without the variables of the tests. */
const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: folder, npm_config_update_notifier: "false" },
  });

it("[KT13] runs its command under plain Node, with no package beside it", () => {
  const tsc = join(here, "../../node_modules/typescript/bin/tsc");
  const plain = [
    "--composite",
    "false",
    "--incremental",
    "false",
    "--declaration",
    "false",
    "--declarationMap",
    "false",
  ];
  run(process.execPath, [tsc, "-p", here, "--outDir", join(folder, "dist"), ...plain], here);
  for (const file of ["package.json", "recordings"])
    cpSync(join(here, file), join(folder, file), { recursive: true });
  const list = run(process.execPath, ["dist/bin.js", "list"], folder);
  expect(list).toMatch(/^JN1 /m);
  const script = `
    import { readRecordings, runChecks, startStub } from "./dist/index.js";
    const stub = await startStub();
    const { results } = await runChecks({ url: stub.url, only: ["JN1"], recorded: true });
    await stub.close();
    console.log(readRecordings().length, results.map(({ id, outcome }) => id + " " + outcome).join());
  `;
  expect(run(process.execPath, ["--input-type=module", "-e", script], folder)).toBe("7 JN1 passed\n");
}, 60_000);

it("[KT13] packs its recordings and its README, and no tests", () => {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const packed = JSON.parse(run(npm, ["pack", "--dry-run", "--json", "--ignore-scripts"], here)) as [
    { files: { path: string }[] },
  ];
  const files = packed[0].files.map(({ path }) => path);
  expect(files).toEqual(
    expect.arrayContaining(["README.md", "package.json", "recordings/ws-v2.jsonl", "recordings/races.jsonl"]),
  );
  expect(files.filter((path) => /[.]test[.]|^test\/|tsbuildinfo/.test(path))).toEqual([]);
  expect(files).toContain("src/bin.ts");
}, 30_000);
