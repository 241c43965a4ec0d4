// What a test says whose server never comes: Playwright is run, without a browser.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "calla-create-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const index = fileURLToPath(new URL("index.ts", import.meta.url));

test("[PW6] where a server never comes, its words are told, though the test's own time is over before", () => {
  writeFileSync(
    join(folder, "never.spec.ts"),
    `import { createTest } from ${JSON.stringify(index)};
const silent = "console.error('waits for a database'); setInterval(() => {}, 1000)";
const test = createTest({ server: { command: ["node", "-e", silent], startTimeout: 1_500 } });
test("it runs", ({ server }) => void server.url);
`,
  );
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(
    join(folder, "playwright.config.ts"),
    'export default { timeout: 500, testDir: ".", reporter: "line" };',
  );
  const cli = createRequire(import.meta.url).resolve("@playwright/test/cli");
  const { stdout } = spawnSync(process.execPath, [cli, "test", "--config", folder], { encoding: "utf8" });
  expect(stdout).toContain("is not ready after 1.5 s: it has printed no URL with a port.");
  expect(stdout).toContain("waits for a database");
}, 120_000);
