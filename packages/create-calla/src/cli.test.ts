// The command, over templates that are made of the examples as they are now.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "./cli.ts";
import { TEMPLATE_NAMES } from "./templates.ts";

const folder = mkdtempSync(join(tmpdir(), "create-calla-"));
beforeAll(
  () => void execFileSync(process.execPath, [fileURLToPath(new URL("../assemble.mjs", import.meta.url))]),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs it; `answers` undefined: nobody is there to answer. */
async function run(args: readonly string[], answers?: string[]) {
  let said = "";
  const code = await main(args, {
    print: (text) => void (said += text),
    ask: answers && (async (question) => ((said += question), answers.shift()!)),
  });
  return { code, said };
}
const manifest = (app: string): Record<string, Record<string, string>> =>
  JSON.parse(readFileSync(join(app, "package.json"), "utf8")) as Record<string, Record<string, string>>;

test.each(TEMPLATE_NAMES)("makes %s without a question, of ranges that npm can take", async (template) => {
  const app = join(folder, `My ${template}!`);
  const { code, said } = await run([app, "--template", template]);
  expect(code).toBe(0);
  expect(said).toContain("npm install\n  npm run dev");
  expect(existsSync(join(app, ".gitignore"))).toBe(true);
  const { name, dependencies, devDependencies } = manifest(app);
  expect(name).toBe(`my-${template}`);
  const calla = Object.entries({ ...dependencies, ...devDependencies }).filter(([one]) =>
    one.startsWith("@calla/"),
  );
  expect(calla.length).toBeGreaterThan(2);
  for (const [, range] of calla) expect(range).toMatch(/^\^\d/);
});

test("asks for what is not said, and again for what there is not", async () => {
  const app = join(folder, "asked");
  const { code, said } = await run([], [app, "vue", "chat"]);
  expect(code).toBe(0);
  expect(said).toContain('There is no template "vue"');
  expect(Object.keys(manifest(app)["dependencies"]!)).toContain("phoenix");
});

test("takes the first template where nobody can be asked, and says what it needs", async () => {
  const app = join(folder, "quiet");
  expect((await run([app])).code).toBe(0);
  expect(Object.keys(manifest(app)["dependencies"]!)).toContain("@calla/react");
  expect(await run([])).toMatchObject({
    code: 1,
    said: expect.stringContaining("Name the folder") as string,
  });
});

test("touches no folder in which something is, but for what git makes", async () => {
  const app = join(folder, "full");
  mkdirSync(join(app, ".git"), { recursive: true });
  writeFileSync(join(app, "mine.txt"), "mine");
  const refused = await run([app]);
  expect(refused.code).toBe(1);
  expect(refused.said).toContain("There are files in");
  expect(readdirSync(app)).toEqual([".git", "mine.txt"]);
  rmSync(join(app, "mine.txt"));
  expect((await run([app])).code).toBe(0);
});

test("says what is wrong with what it was asked", async () => {
  expect(await run(["--help"])).toMatchObject({ code: 0 });
  for (const args of [
    ["a", "b"],
    ["a", "--template", "vue"],
    ["a", "--colour", "red"],
  ]) {
    const { code, said } = await run(args);
    expect(code).toBe(1);
    expect(said).toMatch(/One folder|There is no template|Unknown option/);
  }
});
