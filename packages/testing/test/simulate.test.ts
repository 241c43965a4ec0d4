// What a user builds on: the same seed is the same run, a broken wiring is found, and a failing run shrinks.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";
import { expect, test } from "vitest";
import { action, describePlan, runPlan, runSeeds, shrink, simulate } from "../src/index.ts";
import type { SimulationSetup } from "../src/index.ts";
import { setup } from "./wiring.ts";

const story = (report: Awaited<ReturnType<typeof simulate>>): string =>
  JSON.stringify(report.history?.events, (key, value: unknown) => (key === "error" ? String(value) : value));

test("the same seed is the same run, event by event; another one is another", async () => {
  const [first, again, other] = [
    await simulate(7, setup),
    await simulate(7, setup),
    await simulate(8, setup),
  ];
  expect(story(again)).toBe(story(first));
  expect(story(other)).not.toBe(story(first));
});

test("a plan is plain data: kept as JSON and read again it is the same run", async () => {
  const first = await simulate(9, setup);
  const kept = JSON.parse(JSON.stringify(first.plan)) as typeof first.plan;
  expect(story(await runPlan(kept, setup))).toBe(story(first));
});

/** An update that depends on something outside: each side counts by itself. */
function impure(): SimulationSetup {
  let calls = 0;
  const tally = defineTopic("tally:*", {
    model: z.object({ value: z.number() }),
    initial: () => ({ value: 0 }),
    messages: { counted: z.object({}) },
    update: { counted: ({ value }) => ({ value: value + (calls++ % 3) }) },
  });
  const wiring = defineWiring({ topics: [tally] });
  return {
    wiring,
    serialiser: automatic(json()),
    server: (server) => server.handle(tally, { public: true }),
    actions: [action(tally, ["1"], () => ({ type: "counted" }))],
    faults: { rewind: 0 },
  } as SimulationSetup;
}

test("a wiring that is not pure is found, printed with its seed and steps, and made small", async () => {
  const printed: string[] = [];
  const { failures } = await runSeeds({ from: 1, count: 20, print: (text) => printed.push(text) }, impure());
  expect(failures).toHaveLength(1);
  expect(printed.join()).toContain(`seed ${failures[0]!.plan.seed} FAILED`);
  expect(failures[0]!.plan.steps.length).toBeLessThan(5);
});

test("shrinking keeps the named rule, and time", async () => {
  const broken = impure();
  const whole = await simulate(1, broken);
  const { rule } = whole.violations[0]!;
  const small = await shrink(whole, broken, { rule });
  expect(small.violations.map((violation) => violation.rule)).toContain(rule);
  expect(small.plan.steps.length).toBeLessThanOrEqual(whole.plan.steps.length);
  expect(describePlan(small.plan).split("\n")).toHaveLength(3 + small.plan.steps.length);
});
