// What a user builds on, with the campaign's own wiring: the same seed is the same run.
import { expect, test } from "vitest";
import { runPlan, simulate } from "../src/index.ts";
import { guests } from "./guests.ts";
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

test("so are runs with clients of another kind, whose code sets its timers and draws its ids by the globals", async () => {
  const visited = { ...setup, guests };
  const machine = [globalThis.setTimeout, globalThis.clearTimeout, globalThis.crypto];
  let seed = 1;
  let first = await simulate(seed, visited);
  while (!first.plan.steps.some((step) => step.do === "guest-acts")) first = await simulate(++seed, visited);
  expect(first.violations).toEqual([]);
  expect(first.history!.events.filter(({ type }) => type === "seen").length).toBeGreaterThan(2);
  expect(story(await simulate(seed, visited))).toBe(story(first));
  expect([globalThis.setTimeout, globalThis.clearTimeout, globalThis.crypto]).toEqual(machine);
});
