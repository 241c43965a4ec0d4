// `npm run check`: everything that needs no browser and no simulation, side by side on all cores.
// `npm run check -- lint types` runs only the named steps and what they need.
import { mkdirSync } from "node:fs";
import { root, runSteps, seconds } from "./run.mjs";
import { reports, unitReport } from "./reports.mjs";
import { keepSteps } from "./where-time-went.mjs";

/** @type {readonly import("./run.mjs").Step[]} */
const steps = [
  { name: "types", command: "tsc -b" },
  { name: "unit", command: `npm run --silent test:unit -- ${unitReport}` },
  // By the newest compiler, which takes a third of the time; the sources by the other one.
  { name: "types of tests", command: "npm run --silent check:types-of-tests" },
  { name: "format", command: "npm run --silent check:format" },
  { name: "lint", command: "npm run --silent check:lint" },
  { name: "suppressions", command: "node scripts/check-suppressions.mjs" },
  { name: "beside", command: "node scripts/check-beside.mjs" },
  { name: "rules", command: "node scripts/check-rules.mjs" },
  { name: "pointers", command: "node scripts/check-pointers.mjs" },
  { name: "codes", command: "node scripts/codes.mjs" },
  { name: "workflows", command: "npm run --silent check:workflows" },
  { name: "layers", command: "npm run --silent check:layers" },
  { name: "unused", command: "npm run --silent check:unused" },
  { name: "api", command: "npm run --silent check:api", after: ["types"] },
  { name: "exports", command: "npm run --silent check:exports", after: ["types"] },
  { name: "size", command: "npm run --silent check:size" },
  { name: "table", command: "node scripts/size-table.mjs" },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.log(`No such step: ${unknown.join(", ")}. There are: ${steps.map(({ name }) => name).join(", ")}.`);
  process.exit(1);
}
const chosen = steps.filter(
  ({ name }) =>
    wanted.length === 0 ||
    wanted.includes(name) ||
    steps.some((step) => wanted.includes(step.name) && step.after?.includes(name)),
);

mkdirSync(new URL(reports, `file://${root}`), { recursive: true });
const began = Date.now();
const { failed, took } = await runSteps(chosen);
keepSteps(took);
console.log(failed.length === 0 ? `check: ok in ${seconds(began)}` : `check: FAILED: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
