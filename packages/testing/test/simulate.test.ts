// What a user builds on, with the campaign's own wiring: the same seed is the same run.
import { expect, test } from "vitest";
import { runPlan, simulate } from "../src/index.ts";
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
