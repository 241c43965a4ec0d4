// Where the test runners leave their JSON reports, and how to read how many tests passed and failed.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

/** The folder of the reports, kept out of the repository. */
export const reports = "node_modules/.cache/calla/";

const vitestReport = (/** @type {string} */ file) =>
  `--reporter=default --reporter=json --outputFile.json=${reports}${file}`;
export const unitReport = vitestReport("unit.json");
export const simReport = vitestReport("sim.json");
/** The environment that makes Playwright write its report. */
export const e2eReport = { PLAYWRIGHT_JSON_OUTPUT_NAME: join(root, reports, "e2e.json") };

/** Yesterday's report must not stand for a run that died. */
export const forgetReports = () => rmSync(join(root, reports), { recursive: true, force: true });

/**
 * @param {"unit" | "sim" | "e2e"} runner
 * @returns {{ passed: number, failed: number } | undefined} undefined where the runner left no report
 */
export const readReport = (runner) => {
  try {
    const report = JSON.parse(readFileSync(join(root, reports, `${runner}.json`), "utf8"));
    if (runner !== "e2e") {
      // A file that does not even load has no failed test, only a failed suite.
      const unloaded = report.testResults.filter(
        (/** @type {{ status: string, assertionResults: unknown[] }} */ file) =>
          file.status === "failed" && file.assertionResults.length === 0,
      ).length;
      return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded };
    }
    const { expected, flaky, unexpected } = report.stats;
    return { passed: expected, failed: unexpected + flaky + report.errors.length };
  } catch {
    return undefined;
  }
};

/**
 * @param {"unit" | "sim" | "e2e"} runner
 * @returns {string[]} what was skipped, by suite: its name says why
 */
export const readSkipped = (runner) => {
  if (runner === "e2e") return []; // its own list has named them
  try {
    const report = JSON.parse(readFileSync(join(root, reports, `${runner}.json`), "utf8"));
    /** @type {Map<string, number>} */
    const skipped = new Map();
    for (const { assertionResults } of report.testResults)
      for (const { status, ancestorTitles, title } of assertionResults) {
        if (status === "passed" || status === "failed") continue;
        const name = ancestorTitles.join(" > ") || title;
        skipped.set(name, (skipped.get(name) ?? 0) + 1);
      }
    return [...skipped].map(([name, count]) => `${count} skipped: ${name}`);
  } catch {
    return [];
  }
};
