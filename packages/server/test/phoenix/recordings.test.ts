// Every scenario that was recorded of a real Phoenix, against the same app over Calla under `strictPhoenix`. A scenario passes
// as it was recorded, in the other order where Phoenix itself races, or as `differences.ts` says and gives the reason for.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRaces, readRecordings, replay, type Scenario } from "../../../conformance/src/index.ts";
import { differences } from "./differences.ts";
import { PassingTime } from "./passing-time.ts";
import { fixtureApp, type FixtureApp } from "./fixture-app.ts";

/** They end the whole server, so each has one of its own. */
const ENDING = /^(server-stop|drain-one|terminate-drain)$/;
/** They are about time, which passes for each of them apart. */
const TIMED = /^(idle|lp|client)-/;
/** Scenarios under way at once. */
const AT_ONCE = 8;
/** How long to wait for what must come: a machine may have much else to do. */
const PATIENCE = 20_000;

const suites = readRecordings();
const scenarios = suites.flatMap((suite) => suite.scenarios);
const races = readRaces();

/** The mistakes that scenarios provoke, as the app's `onError` is told of them. */
const PROVOKED = [
  /^Error: (boom|shutdown|connect raises)$/,
  /^thrown$/,
  /has no handler for/,
  /must be an object or bytes/,
  /cannot carry bytes/,
  /carries (no )?bytes/,
  /A join returns/,
  /takes a text as the status/,
  /returned something else/,
  /auth token to the mount at \/socket, which reads none/,
];

/** What is wrong with each, by its name. */
const outcomes = new Map<string, readonly string[]>();
const reported: string[] = [];
let shared: FixtureApp;

beforeAll(async () => {
  shared = await fixtureApp();
  const left = [...scenarios];
  const next = async (): Promise<void> => {
    for (let scenario = left.shift(); scenario !== undefined; scenario = left.shift()) {
      outcomes.set(scenario.scenario, await outcomeOf(scenario));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}, 120_000);

afterAll(async () => {
  await shared.close();
});

/** The differences to what is expected; of a race, to the order that comes nearer. */
async function outcomeOf(scenario: Scenario): Promise<readonly string[]> {
  const name = scenario.scenario;
  const time = ENDING.test(name) || TIMED.test(name) ? new PassingTime() : undefined;
  const app = time === undefined ? shared : await fixtureApp({ clock: time });
  const { host, port } = app;
  const options = { host, port, patience: PATIENCE, ...(time && { time: time.of(app) }) };
  try {
    const { steps } = differences[name] ?? {};
    const expected = steps === undefined ? scenario : { ...scenario, steps: steps(scenario.steps) };
    const wrong = await replay(expected, options);
    const race = races.get(name);
    return wrong.length > 0 && race !== undefined ? await replay(race, options) : wrong;
  } finally {
    if (app !== shared) await app.close();
    reported.push(...app.errors.splice(0).map(String));
  }
}

for (const { suite, scenarios } of suites) {
  describe(suite, () => {
    it.each(scenarios.map(({ scenario, about }) => [scenario, about] as const))(
      "[RC1] %s: %s",
      (scenario) => {
        expect(outcomes.get(scenario)).toEqual([]);
      },
    );
  });
}

it("[RC3] knows each difference by a scenario, which it changes, with a reason", () => {
  for (const [name, { why, steps }] of Object.entries(differences)) {
    const recorded = scenarios.find(({ scenario }) => scenario === name);
    expect(recorded, name).toBeDefined();
    expect(steps(recorded?.steps ?? []), name).not.toEqual(recorded?.steps);
    expect(why, name).toMatch(/^[A-Z].{20,}[.]$/s);
  }
});

it("[RC2] tries the other order where Phoenix races, and only there", async () => {
  const [name = "", race] = [...races][0] ?? [];
  const { host, port } = shared;
  const recorded = scenarios.find(({ scenario }) => scenario === name);
  const of = async (scenario: Scenario | undefined): Promise<number> =>
    scenario === undefined ? 1 : (await replay(scenario, { host, port, patience: 500 })).length;
  // Calla has one order always: one of the two is as it answers, and the other is not.
  expect(await of(race)).toBe(0);
  expect(await of(recorded)).toBeGreaterThan(0);
  expect(outcomes.get(name)).toEqual([]);
});

it("[RC1] tells the app of each mistake that scenarios provoke, and of nothing else", () => {
  expect(reported.filter((error) => !PROVOKED.some((mistake) => mistake.test(error)))).toEqual([]);
  expect(PROVOKED.filter((mistake) => !reported.some((error) => mistake.test(error)))).toEqual([]);
});
