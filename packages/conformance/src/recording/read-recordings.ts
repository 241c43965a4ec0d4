// Reads recordings: one JSON object a line, a scenario's name before its steps.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Scenario, Step, Suite } from "./recording.ts";

const folder = fileURLToPath(new URL("../../recordings", import.meta.url));

/** A suite from the text of its file. */
export function readSuite(suite: string, text: string): Suite {
  const scenarios: (Scenario & { steps: Step[] })[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const read: { scenario?: string; about?: string } = JSON.parse(line);
    if (typeof read.scenario === "string") {
      scenarios.push({ scenario: read.scenario, about: read.about ?? "", steps: [] });
      continue;
    }
    const last = scenarios.at(-1);
    if (last === undefined) throw new Error(`${suite}, line ${index + 1}: a step before the first scenario.`);
    last.steps.push(read as Step);
  }
  return { suite, scenarios };
}

/** Not a suite of its own: the other legal order of scenarios of the suites. */
const RACES = "races";

const readFile = (suite: string): Suite =>
  readSuite(suite, readFileSync(join(folder, `${suite}.jsonl`), "utf8"));

/**
 * The recordings of Phoenix 1.8.12 that come with this package.
 *
 * @example
 * for (const { suite, scenarios } of readRecordings()) console.log(suite, scenarios.length);
 */
export function readRecordings(): readonly Suite[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => basename(name, ".jsonl"))
    .filter((name) => name !== RACES)
    .toSorted()
    .map(readFile);
}

/**
 * Where Phoenix itself may answer in one order or another, by the scenario's name: the scenario with the other order.
 *
 * @example
 * const other = readRaces().get("leave-then-join");
 */
export function readRaces(): ReadonlyMap<string, Scenario> {
  return new Map(readFile(RACES).scenarios.map((race) => [race.scenario, race]));
}
