// One run, its verdict and its shrinking. That the same seed is the same run of a large wiring: test/simulate.test.ts.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { ADD, dispatch, planOf, setup } from "../../test/small-run.ts";
import { runSeeds } from "./campaign.ts";
import { action } from "./setup.ts";
import type { SimulationSetup } from "./setup.ts";
import { describePlan, runPlan, shrink, simulate } from "./simulate.ts";

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
    clients: [2, 2],
    nodes: [1, 1],
    steps: [8, 12],
    roughness: 0.1,
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

describe("a run's report", () => {
  test("has the plan, what happened how often, and no violation of a right run", async () => {
    const plan = planOf([dispatch(), dispatch(0, ADD, { count: 2, seed: 2 })]);
    const report = await runPlan(plan, setup);
    expect(report.plan).toBe(plan);
    expect(report.violations).toEqual([]);
    expect(report.fired.get("dispatch")).toBe(2);
    expect(report.history!.archive.get("list:1")!.paths[0]!.places).toHaveLength(4);
    expect((await simulate(3, setup)).plan.seed).toBe(3);
  });

  test("of a run that threw says so, with what happened until then", async () => {
    const throwing = action(setup.actions[0]!.slice as never, ["1"] as never, () => {
      throw new RangeError("in the action");
    });
    const report = await runPlan(planOf([dispatch()]), { ...setup, actions: [throwing] });
    expect(report.history).toBeUndefined();
    expect(report.violations).toMatchObject([
      { rule: "HC15", what: expect.stringMatching(/^the run threw: RangeError: in the action/) as string },
    ]);
    expect(report.fired.get("set-clock")).toBe(1);
  });

  test("blames what nobody caught on the run, and leaves no listener behind", async () => {
    const before = process.listenerCount("unhandledRejection");
    const stray = action(setup.actions[0]!.slice as never, ["1"] as never, () => {
      void Promise.reject(new Error("nobody's"));
      return { type: "added", item: "a" } as never;
    });
    const report = await runPlan(planOf([dispatch()]), { ...setup, actions: [stray] });
    expect(report.violations).toMatchObject([
      { rule: "HC15", what: expect.stringMatching(/^unhandled rejection: Error: nobody's/) as string },
    ]);
    expect(process.listenerCount("unhandledRejection")).toBe(before);
  });
});

describe("shrinking", () => {
  /** Breaks a rule where a client dispatches twice. */
  const fragile = (): SimulationSetup => {
    const twice = action(setup.actions[0]!.slice as never, ["1"] as never, () => {
      calls++;
      if (calls % 2 === 0) throw new Error("the second one");
      return { type: "added", item: "a" } as never;
    });
    let calls = 0;
    return {
      ...setup,
      server: (server) => {
        calls = 0;
        setup.server(server as never);
      },
      actions: [twice],
    } as SimulationSetup;
  };
  const wait = (after: number) => ({ do: "set-clock", after, node: 0, by: 0 }) as const;

  test("leaves out every step that is not needed, and lets its time pass before the next", async () => {
    const plan = planOf([wait(5), dispatch(0), wait(7), wait(11), dispatch(0), wait(13), dispatch(0)]);
    const failed = await runPlan(plan, fragile());
    const small = await shrink(failed, fragile());
    expect(small.plan.steps.map((step) => step.do)).toEqual(["dispatch", "dispatch"]);
    expect(small.violations[0]!.rule).toBe("HC15");
    // 100 before all steps, 20 before each dispatch.
    expect(small.plan.steps[0]!.after).toBeGreaterThanOrEqual(100 + 5 + 20);
    expect(small.plan.config).toBe(plan.config);
  });

  test("stops after so many attempts, with the best so far; of a rule that is not broken it keeps everything", async () => {
    const plan = planOf([dispatch(0), wait(7), wait(11), dispatch(0)]);
    const failed = await runPlan(plan, fragile());
    expect(await shrink(failed, fragile(), { attempts: 0 })).toBe(failed);
    expect((await shrink(failed, fragile(), { attempts: 1 })).plan.steps.length).toBeGreaterThan(2);
    expect(await shrink(failed, fragile(), { rule: "HC7", attempts: 8 })).toBe(failed);
  });
});

test("a plan as text has its seed, its config and a line for each step", () => {
  const plan = planOf([dispatch(1)]);
  expect(describePlan(plan).split("\n")).toEqual([
    "seed 1",
    `config ${JSON.stringify(plan.config)}`,
    "3 steps:",
    '  +100 {"do":"set-clock","node":0,"by":0}',
    '  +20 {"do":"dispatch","client":1,"action":0,"seed":1,"count":1,"cancel":false}',
    '  +500 {"do":"set-clock","node":0,"by":0}',
  ]);
});
