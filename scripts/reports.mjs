// Where the test runners leave their JSON reports, and how to read how many tests passed and failed.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { root } from "./run.mjs";

/** The folder of the reports, kept out of the repository. */
export const reports = "node_modules/.cache/calla/";

const vitestReport = (/** @type {string} */ file) =>
  `--reporter=default --reporter=json --outputFile.json=${reports}${file}`;
export const unitReport = vitestReport("unit.json");
export const simReport = vitestReport("sim.json");
/** What tests ran on, a line each; scripts/postgres/global-setup.mjs writes it. */
const engines = join(root, reports, "engines.txt");

/** @param {string} line */
export const noteEngine = (line) => {
  console.log(line);
  mkdirSync(join(root, reports), { recursive: true });
  appendFileSync(engines, `${line}\n`);
};

/** @returns {string[]} */
export const readEngines = () =>
  existsSync(engines) ? [...new Set(readFileSync(engines, "utf8").trim().split("\n"))] : [];

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

/** Lines of a failure's message that are shown: the assertion and where it stands. */
const MESSAGE_LINES = 6;

/**
 * The failed tests by file, full name and first lines of the message. They are said again at the very end, since what
 * is kept of a long log is often its end only.
 * @param {"unit" | "sim" | "e2e"} runner
 * @returns {string[]}
 */
export const readFailures = (runner) => {
  try {
    const report = JSON.parse(readFileSync(join(root, reports, `${runner}.json`), "utf8"));
    const failures = runner === "e2e" ? failedSpecs(report.suites) : failedTests(report.testResults);
    return failures.map(({ file, title, message }) => {
      const lines = stripVTControlCharacters(message).split("\n").slice(0, MESSAGE_LINES);
      return [`FAILED ${relative(root, file)}: ${title}`, ...lines.map((line) => `  ${line}`)].join("\n");
    });
  } catch {
    return [];
  }
};

/**
 * @typedef {{ file: string, title: string, message: string }} Failure
 * @typedef {{ status: string, fullName: string, failureMessages: string[] }} Assertion
 * @param {readonly { name: string, status: string, message: string, assertionResults: Assertion[] }[]} files
 * @returns {Failure[]}
 */
const failedTests = (files) =>
  files.flatMap((file) => {
    const failed = file.assertionResults.filter(({ status }) => status === "failed");
    if (failed.length === 0 && file.status === "failed")
      return [{ file: file.name, title: "the file did not load", message: file.message }];
    return failed.map(({ fullName, failureMessages }) => ({
      file: file.name,
      title: fullName,
      message: failureMessages.join("\n"),
    }));
  });

/**
 * @typedef {{ ok: boolean, file: string, title: string, tests: { results: { error?: { message?: string } }[] }[] }} Spec
 * @typedef {{ suites?: Suite[], specs?: Spec[] }} Suite
 * @param {readonly Suite[]} suites
 * @returns {Failure[]}
 */
const failedSpecs = (suites) =>
  suites.flatMap(({ suites: inner = [], specs = [] }) => [
    ...failedSpecs(inner),
    ...specs
      .filter(({ ok, tests }) => !ok || tests.some(({ results }) => results.some(({ error }) => error)))
      .map(({ file, title, tests }) => ({
        file: join(root, "e2e", file),
        title,
        message: tests.flatMap(({ results }) => results.map(({ error }) => error?.message ?? "")).join("\n"),
      })),
  ]);
