import { expect, it } from "vitest";
import type { Scenario, Step } from "./recording.ts";
import { readRaces, readRecordings } from "./read-recordings.ts";

const suites = readRecordings();
const scenarios = suites.flatMap((suite) => suite.scenarios);

it("reads every suite, and every scenario once", () => {
  expect(suites.map(({ suite, scenarios }) => [suite, scenarios.length])).toEqual([
    ["clients", 12],
    ["connect", 113],
    ["drain", 1],
    ["longpoll", 48],
    ["presence", 16],
    ["ws-v1", 29],
    ["ws-v2", 139],
  ]);
  expect(new Set(scenarios.map(({ scenario }) => scenario)).size).toBe(358);
});

it("has in each scenario something done before anything is heard, and something heard on every line", () => {
  for (const { scenario, steps } of scenarios) {
    const done = new Set<string>();
    const heard = new Set<string>();
    for (const step of steps) {
      const who = step.who ?? "main";
      if ("hear" in step) {
        expect(done, scenario).toContain(who);
        heard.add(who);
      } else if (step.do !== "pause") done.add(who);
    }
    expect(
      [...done].filter((who) => !heard.has(who)),
      scenario,
    ).toEqual([]);
  }
});

it("has in each race the deeds of a scenario that is recorded, and another order", () => {
  const deedsOf = ({ steps }: Scenario): Step[] => steps.filter((step) => "do" in step);
  for (const [name, race] of readRaces()) {
    const recorded = scenarios.find(({ scenario }) => scenario === name);
    expect(recorded && deedsOf(recorded), name).toEqual(deedsOf(race));
    expect(recorded?.steps, name).not.toEqual(race.steps);
  }
});

it("has what may be missing only behind all deeds, and only where it floats", () => {
  for (const { scenario, steps } of scenarios) {
    const last = steps.findLastIndex((step) => "do" in step);
    for (const [i, step] of steps.entries()) {
      if ("hear" in step && step.maybe === true) {
        expect([step.floats, i > last], scenario).toEqual([true, true]);
      }
    }
  }
});
