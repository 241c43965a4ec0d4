// The conformance kit against the fixture app over Calla, in both modes. Under `strictPhoenix` everything that a real Phoenix was
// recorded to say is said, and what Calla differs in all the same is listed with its reason; in Calla's own mode all checks pass.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checks,
  differences,
  differsIn,
  readRaces,
  readRecordings,
  replay,
  runChecks,
  type Check,
  type Difference,
  type OwnServer,
  type Report,
  type Result,
  type RunOptions,
} from "../../../conformance/src/index.ts";
import { fixtureApp, type FixtureApp } from "./fixture-app.ts";
import { PassingTime } from "./passing-time.ts";

/** They end the whole server, so each has one of its own. */
const ENDING = /^(server-stop|drain-one|terminate-drain|drain-during-join)$/;
/** They are about time, which passes for each of them apart. */
const TIMED = /^(idle|lp|client)-|^(join-timeout|join-gone|leave-during-join)$/;
/** Conversations under way at once: most of their time they wait. */
const AT_ONCE = 16;
/** How long to wait for what must come: a machine may have much else to do. */
const PATIENCE = 20_000;

/** The mistakes that conversations provoke, as the app's `onError` is told of them. */
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
  /returned reply\(\) where no message of a client is handled/,
  /at most 255 bytes/,
  /auth token to the mount at \/socket, which reads none/,
];

const page = readFileSync(new URL("../../../../docs/phoenix-differences.md", import.meta.url), "utf8");
const recorded = readRecordings().flatMap((suite) => suite.scenarios);
/** A conversation's second turn over LongPoll is under the name of the first. */
const differenceIn = (name: string): Difference | undefined =>
  differences[name.replace(/ over LongPoll$/, "")];
const isAlways = (name: string): boolean => Boolean(differenceIn(name)?.always);
/** What is never answered as it was recorded. */
const isNever = (name: string): boolean => isAlways(name) && differenceIn(name)?.alsoAsRecorded === undefined;
/** The checks with some of their conversations only, and with their code or not. */
const withOnly = (keep: (name: string) => boolean, { code }: { readonly code: boolean }): Check[] =>
  checks.map(({ scenarios = [], written = [], overLongPoll = [], run, ...check }) => ({
    ...check,
    scenarios: scenarios.filter(keep),
    written: written.filter(({ scenario }) => keep(scenario)),
    overLongPoll: overLongPoll.filter(keep),
    ...(code && run !== undefined ? { run } : {}),
  }));
const runs: Readonly<Record<string, Partial<RunOptions>>> = {
  strict: { mode: "strict", checks: withOnly((name) => !isAlways(name), { code: true }) },
  /** What Calla never says is not waited for so long. What it says instead is asked for below. */
  always: { mode: "strict", checks: withOnly(isNever, { code: false }), patience: 1500 },
  calla: { mode: "calla" },
};
const reports = new Map<string, Report>();
const reported: string[] = [];

const urlOf = ({ host, port }: FixtureApp): string => `ws://${host}:${port}/socket`;
const closed = async (app: FixtureApp): Promise<void> => {
  await app.close();
  reported.push(...app.errors.map(String));
};
async function own(name: string, strictPhoenix: boolean): Promise<OwnServer | undefined> {
  if (!ENDING.test(name) && !TIMED.test(name)) return undefined;
  const clock = new PassingTime();
  const app = await fixtureApp({ clock, strictPhoenix });
  return { url: urlOf(app), time: clock.of(app), close: () => closed(app) };
}

async function run(options: Partial<RunOptions>): Promise<Report> {
  const strictPhoenix = options.mode === "strict";
  const shared = await fixtureApp({ strictPhoenix });
  try {
    return await runChecks({
      url: urlOf(shared),
      atOnce: AT_ONCE,
      patience: PATIENCE,
      ...options,
      ownServer: (name) => own(name, strictPhoenix),
    });
  } finally {
    await closed(shared);
  }
}

beforeAll(async () => {
  await Promise.all(
    Object.entries(runs).map(async ([name, options]) => void reports.set(name, await run(options))),
  );
}, 120_000);

const resultOf = (run: string, id: string): Result | undefined =>
  reports.get(run)?.results.find((result) => result.id === id);
const asked = checks.filter(({ notRun }) => notRun === undefined);

describe("under strictPhoenix", () => {
  it.each(asked.map(({ id, says }) => [id, says] as const))("[RC1] [RC3] %s: %s", (id) => {
    const { failures, outcome } = resultOf("strict", id) ?? {};
    expect(failures).toEqual([]);
    const { played, failures: differing } = resultOf("always", id) ?? {};
    const failed = differing?.map(({ conversation }) => conversation);
    expect(new Set(failed)).toEqual(new Set(played));
    const { only } = checks.find((check) => check.id === id) ?? {};
    const { scenarios = [], written = [], run } = checks.find((check) => check.id === id)!;
    const differsInAll =
      run === undefined && [...scenarios, ...written.map(({ scenario }) => scenario)].every(isAlways);
    expect(outcome).toBe(only === "calla" || differsInAll ? "not run" : "passed");
  });

  const always = Object.entries(differences).filter(([, { always }]) => Boolean(always));
  it.each(always.map(([name, { why }]) => [name, why] as const))("[RC3] %s: %s", async (name) => {
    const { steps, always } = differences[name] ?? {};
    const scenario = recorded.find((one) => one.scenario === name);
    const edit = typeof always === "function" ? always : steps;
    if (scenario === undefined || edit === undefined) throw new Error(`${name} is no recorded conversation.`);
    const clock = TIMED.test(name) || ENDING.test(name) ? new PassingTime() : undefined;
    const app = await fixtureApp(clock && { clock });
    const { host, port } = app;
    const options = { host, port, patience: PATIENCE, ...(clock && { time: clock.of(app) }) };
    try {
      const differing = await replay({ ...scenario, steps: edit(scenario.steps) }, options);
      if (differing.length > 0 && differences[name]?.alsoAsRecorded === true)
        expect(await replay(scenario, options)).toEqual([]);
      else expect(differing).toEqual([]);
    } finally {
      await closed(app);
    }
  });

  it("[RC3] differs in what docs/phoenix-differences.md says, and in nothing else", () => {
    const [, off = "", stays = ""] = page.split(/^## .*$/m);
    const names = [...stays.matchAll(/`([a-z][\w-]*[*\w])`(?=[^|]*\|[^|]*\|[^|]*\|[^|]*\|$)/gm)].map(
      ([, name = ""]) => name,
    );
    const isOf = (row: string, name: string): boolean =>
      row.endsWith("*") ? name.startsWith(row.slice(0, -1)) : name === row;
    expect(always.map(([name]) => name).filter((name) => !names.some((row) => isOf(row, name)))).toEqual([]);
    expect(names.filter((row) => !always.some(([name]) => isOf(row, name)))).toEqual(["dup-join-trap"]);
    const ids = [...off.matchAll(/\| ([A-Z]{2}\d+(?:, [A-Z]{2}\d+)*) \|$/gm)].flatMap(([, all = ""]) =>
      all.split(", "),
    );
    expect(ids.length).toBeGreaterThan(10);
    expect(
      ids.filter((id) => !checks.some((check) => check.id === id && differsIn(check, differences))),
    ).toEqual([]);
  });

  it("[RC2] tries the other order where Phoenix races, and only there", async () => {
    const [name = "", race] = [...readRaces()][0] ?? [];
    const app = await fixtureApp();
    const { host, port } = app;
    const differencesTo = async (scenario: typeof race): Promise<number> =>
      scenario === undefined ? 1 : (await replay(scenario, { host, port, patience: 500 })).length;
    // Calla has one order always: one of the two is as it answers, and the other is not.
    expect(await differencesTo(race)).toBe(0);
    expect(await differencesTo(recorded.find(({ scenario }) => scenario === name))).toBeGreaterThan(0);
    expect(resultOf("strict", "LV7")?.played).toContain(name);
    await closed(app);
  });
});

describe("in Calla's own mode", () => {
  it.each(asked.map(({ id, says }) => [id, says] as const))("[RC4] %s: %s", (id) => {
    const { failures, outcome, why } = resultOf("calla", id) ?? {};
    expect(failures).toEqual([]);
    expect([outcome, why]).toEqual(["passed", undefined]);
  });
});

describe("the app", () => {
  afterAll(() => reported.splice(0));
  it("[RC1] is told of each mistake that conversations provoke, and of nothing else", () => {
    expect(reported.filter((error) => !PROVOKED.some((mistake) => mistake.test(error)))).toEqual([]);
    expect(PROVOKED.filter((mistake) => !reported.some((error) => mistake.test(error)))).toEqual([]);
  });
});
