// What `npm test` prints at its end: where its time went, by stage, by step of the check and by test file.
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { reports } from "./reports.mjs";
import { root } from "./run.mjs";

/** @typedef {{ readonly name: string, readonly seconds: number }} Part */

const stepsFile = join(root, reports, "steps.json");
/** The files of a runner that are named; the others are one line. */
const NAMED = 8;

/** @param {readonly Part[]} steps those of `npm run check`, kept for whoever runs it */
export const keepSteps = (steps) => writeFileSync(stepsFile, JSON.stringify(steps));

/** @param {string} path */
const read = (path) => {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined; // it did not run, or died
  }
};

/**
 * @param {"unit" | "sim"} runner
 * @returns {Part[]} one for every file and project: a file may run in several
 */
const vitestFiles = (runner) =>
  (read(join(root, reports, `${runner}.json`))?.testResults ?? []).map(
    (/** @type {{ name: string, startTime: number, endTime: number }} */ file) => ({
      name: relative(root, file.name),
      seconds: Math.max(0, file.endTime - file.startTime || 0) / 1000,
    }),
  );

/** @returns {Part[]} */
const playwrightFiles = () =>
  (read(join(root, reports, "e2e.json"))?.suites ?? []).map((/** @type {Suite} */ suite) => ({
    name: `e2e/${suite.title}`,
    seconds: durationOf(suite) / 1000,
  }));

/**
 * @typedef {{ title: string, suites?: Suite[], specs?: { tests: { results: { duration: number }[] }[] }[] }} Suite
 * @param {Suite} suite
 * @returns {number} milliseconds
 */
const durationOf = ({ suites = [], specs = [] }) =>
  [
    ...suites.map(durationOf),
    ...specs.flatMap(({ tests }) => tests.flatMap(({ results }) => results.map(({ duration }) => duration))),
  ].reduce((sum, duration) => sum + duration, 0);

/** @param {readonly Part[]} parts @returns {Part[]} the slowest, and one for the rest */
const slowest = (parts) => {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const { name, seconds } of parts) sums.set(name, (sums.get(name) ?? 0) + seconds);
  const sorted = [...sums]
    .map(([name, seconds]) => ({ name, seconds }))
    .toSorted((a, b) => b.seconds - a.seconds);
  const rest = sorted.slice(NAMED);
  if (rest.length === 0) return sorted;
  const seconds = rest.reduce((sum, part) => sum + part.seconds, 0);
  return [...sorted.slice(0, NAMED), { name: `${rest.length} more files`, seconds }];
};

/** @param {readonly Part[]} stages @returns {string} a table in Markdown, for CONTRIBUTING.md too */
export function whereTimeWent(stages) {
  /** @type {Record<string, () => Part[]>} */
  const inside = {
    check: () => [
      ...(read(stepsFile) ?? []).toSorted(
        (/** @type {Part} */ a, /** @type {Part} */ b) => b.seconds - a.seconds,
      ),
      ...slowest(vitestFiles("unit")),
    ],
    sim: () => slowest(vitestFiles("sim")),
    e2e: () => slowest(playwrightFiles()),
  };
  const rows = stages.flatMap(({ name, seconds }) => [
    `| **${name}** | | ${seconds.toFixed(0)} |`,
    ...(inside[name]?.() ?? []).map((part) => `| | ${part.name} | ${part.seconds.toFixed(1)} |`),
  ]);
  return ["| stage | of it, side by side | seconds |", "|---|---|--:|", ...rows].join("\n");
}
