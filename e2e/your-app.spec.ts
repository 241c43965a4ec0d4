// docs/testing-your-app.md: its files are put into a folder as they are printed, and its tests run there, as a user's do. Then
// the same app with a mistake in it, whose tests must fail and say why.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test as base } from "@playwright/test";

const require = createRequire(import.meta.url);
const guide = readFileSync(new URL("../docs/testing-your-app.md", import.meta.url), "utf8");
const files = new Map(
  [...guide.matchAll(/^```js (\S+)\n([^]*?)^```$/gm)].map(([, name = "", text = ""]) => [name, text]),
);

interface Run {
  readonly ok: boolean;
  readonly output: string;
}
interface Fixtures {
  /** A folder with the app. */
  folder: string;
  run(...args: string[]): Promise<Run>;
}

const test = base.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- reason: Playwright reads the fixtures to prepare off the pattern
  folder: async ({}, use) => {
    // Inside of this repository, where the packages are found.
    const folder = mkdtempSync(fileURLToPath(new URL("your-app-", import.meta.url)));
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    await use(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  },
  run: async ({ folder, launchOptions }, use) => {
    // What this machine's browser needs is nothing for a guide.
    const use_ = JSON.stringify({ launchOptions });
    writeFileSync(
      join(folder, "machine.config.js"),
      `import config from "./playwright.config.js";
export default { ...config, use: ${use_}, workers: 1, reporter: "line", timeout: 60_000, expect: { timeout: 15_000 } };\n`,
    );
    const cli = join(require.resolve("@playwright/test/package.json"), "../cli.js");
    // Not as a part of this run.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^(TEST_|PLAYWRIGHT_|PW_|NODE_OPTIONS|FORCE_COLOR)/.test(name),
      ),
    );
    await use(
      (...args) =>
        new Promise((resolve) => {
          execFile(
            process.execPath,
            [cli, "test", "--config", "machine.config.js", ...args],
            { cwd: folder, env },
            (error, stdout, stderr) => resolve({ ok: error === null, output: stdout + stderr }),
          );
        }),
    );
  },
});
test.use({ trace: "off" });
test.setTimeout(180_000); // a browser and four servers of its own

test("[PW6] [PW9] the guide's tests pass as they are printed", async ({ run }) => {
  expect([...files.keys()].toSorted()).toEqual([
    "list.js",
    "list.spec.js",
    "page.js",
    "playwright.config.js",
    "server.js",
    "test.js",
  ]);
  const { ok, output } = await run();
  expect(output).toContain("4 passed");
  expect(ok).toBe(true);
});

/** Who knows that it fails need not wait so long for it. */
const SOONER = ["list.spec.js", "await settled();", "await settled(undefined, { timeout: 6_000 });"] as const;

const mistakes: readonly {
  readonly rule: string;
  readonly what: string;
  readonly changes: readonly (readonly [file: string, from: string, to: string])[];
  readonly says: readonly string[];
}[] = [
  {
    rule: "[PW9]",
    what: "an update that is not pure is found by settled",
    changes: [
      // Strict mode cannot see it: in each place it gives the same result twice.
      [
        "list.js",
        "[...names, name]",
        '[...names, typeof document === "undefined" ? name : name.toUpperCase()]',
      ],
      SOONER,
    ],
    says: [
      "Not every tab shows the server's model",
      "so an update is not pure",
      "Ann's tab at http://localhost:",
    ],
  },
  {
    rule: "[PW8]",
    what: "errors of the console, of the page and on the server's stderr fail a test that saw everything else right",
    changes: [
      [
        "page.js",
        "const topic =",
        'console.error("as asked"); setTimeout(() => { throw new Error("uncaught, as asked"); });\nconst topic =',
      ],
      ["server.js", "process.once", 'console.error("so so");\nprocess.once'],
    ],
    says: [
      "Something went wrong that the test did not allow",
      "Ann: as asked",
      "Ann: Error: uncaught, as asked",
      "The server: so so",
    ],
  },
  {
    rule: "[PW9] [PW10]",
    what: "a page for production shows no client, and settled says so",
    changes: [["server.js", "bundle: true,", 'bundle: true, conditions: ["production"],'], SOONER],
    says: ["shows no client of Calla. Pages show theirs where they are built for development"],
  },
];
for (const { rule, what, changes, says } of mistakes)
  test(`${rule} ${what}`, async ({ folder, run }) => {
    for (const [file, from, to] of changes) {
      const text = files.get(file) ?? "";
      expect(text).toContain(from);
      writeFileSync(join(folder, file), text.replaceAll(from, to));
    }
    const { ok, output } = await run("--grep", "two people");
    for (const sentence of says) expect(output).toContain(sentence);
    expect(ok).toBe(false);
  });
