// `npm test`: sets up what is missing, then runs every check and test. Ends with `N passed, M failed`.
// `npm test -- --only check` (or sim, build, e2e; several with commas) runs some of the stages.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  e2eReport,
  forgetReports,
  readEngines,
  readFailures,
  readReport,
  readSkipped,
  reports,
  simReport,
} from "./reports.mjs";
import { root, seconds, show } from "./run.mjs";
import { ensureChromium, ensureCompiler, ensureInstalled } from "./setup.mjs";
import { whereTimeWent } from "./where-time-went.mjs";

const stages = ["check", "sim", "build", "e2e"];
const only = process.argv.indexOf("--only");
const wanted = only < 0 ? stages : (process.argv[only + 1] ?? "").split(",");
const unknown = wanted.filter((stage) => !stages.includes(stage));
if (unknown.length > 0) {
  console.log(`No such stage: ${unknown.join(", ") || "(none named)"}. There are: ${stages.join(", ")}.`);
  process.exit(1);
}

const began = Date.now();
let passed = 0;
let failed = 0;
/** @type {string[]} */
const broken = [];
/** @type {string[]} what failed, said at the end */
const messages = [];

/**
 * Counts a runner's tests. A stage that fails without a failed test (a lint finding, a crash, nothing run) counts as one.
 * @param {string} stage
 * @param {boolean} ok
 * @param {"unit" | "sim" | "e2e"} [runner]
 */
const count = (stage, ok, runner) => {
  const report = runner ? readReport(runner) : { passed: 1, failed: 0 };
  const ran = report !== undefined && report.passed + report.failed > 0;
  if (!ran) console.log(`${stage}: no test ran`);
  if (runner) for (const line of readSkipped(runner)) console.log(line);
  const failures = report?.failed || (ok && ran ? 0 : 1);
  passed += runner ? (report?.passed ?? 0) : 0;
  failed += failures;
  if (runner) messages.push(...readFailures(runner));
  if (failures > 0) broken.push(stage);
};

/** @type {Record<string, () => Promise<void>>} */
const run = {
  check: async () => {
    const ok = await show("check", "node scripts/check.mjs");
    for (const line of readEngines()) console.log(line);
    count("check", ok, "unit");
  },
  sim: async () => {
    if (!(await ensureCompiler())) count("compiler", false); // and the tests that need it fail
    const ok = await show("properties and simulations", `npm run --silent test:sim -- ${simReport}`);
    count("sim", ok, "sim");
  },
  build: async () => {
    count("build", await show("build the packages", "npm run --silent build"));
    for (const example of ["bridge", "react-page", "chat"])
      count("build", await show(`build the ${example}`, `npm run --silent build:${example}`));
  },
  e2e: async () => {
    const chromium = await ensureChromium();
    if (!chromium) return count("e2e", false);
    console.log(`\nChromium: ${chromium}`);
    const env = { ...e2eReport, CALLA_CHROMIUM: chromium };
    count(
      "e2e",
      await show("browser tests", "npm run --silent test:e2e -- --reporter=list,json", env),
      "e2e",
    );
  },
};

if (!(await ensureInstalled())) {
  console.log("0 passed, 1 failed");
  process.exit(1);
}
forgetReports();
mkdirSync(join(root, reports), { recursive: true });
const took = [];
for (const stage of wanted) {
  const since = Date.now();
  await run[stage]?.();
  took.push({ name: stage, seconds: (Date.now() - since) / 1000 });
}

console.log(`\n${whereTimeWent(took)}`);
if (messages.length > 0) console.log(`\n${messages.join("\n")}`);
console.log(
  `\n${wanted.join(", ")}: ${seconds(began)}${broken.length > 0 ? `; FAILED: ${broken.join(", ")}` : ""}`,
);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
