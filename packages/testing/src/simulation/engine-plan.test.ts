import { expect, test } from "vitest";
import { seededRandom } from "../doubles/random.ts";
import { drawEngine, withEngine } from "./engine-plan.ts";

const RUNS = Array.from({ length: 200 }, (_, i) => seededRandom(i + 1));
const steps = Array.from({ length: 40 }, (_, i) => ({ do: "dispatch" as const, after: i }));

test("an engine fails in a fifth of the runs, in as many as is said, or in none", () => {
  const share = (of?: number): number =>
    RUNS.filter((random) => drawEngine(random.fork("engine"), of) !== undefined).length / RUNS.length;
  expect(share()).toBeGreaterThan(0.1);
  expect(share()).toBeLessThan(0.3);
  expect([share(0), share(1)]).toEqual([0, 1]);
});

test("the other steps stay, in their order, and of a sound engine nothing is added", () => {
  expect(withEngine(steps, RUNS[0]!, { nodes: 3 })).toBe(steps);
  for (const random of RUNS.slice(0, 20)) {
    const found = withEngine(steps, random.fork("some"), { engine: 8, nodes: 3 });
    expect(found.filter((step) => step.do === "dispatch")).toEqual(steps);
    expect(found).toHaveLength(45);
  }
});

test("every failure is drawn, of nodes that there are", () => {
  const drawn = RUNS.flatMap((random) =>
    withEngine(steps, random.fork("all"), { engine: 8, nodes: 2 }).filter((step) => step.do !== "dispatch"),
  );
  expect([...new Set(drawn.map((step) => step.do))].toSorted()).toEqual([
    "engine-apart",
    "engine-emptied",
    "engine-failover",
    "engine-held-back",
    "engine-pubsub-away",
    "engine-read-only",
  ]);
  const nodes = drawn.flatMap((step) => (step.do === "engine-apart" ? [step.node] : []));
  expect(new Set(nodes)).toEqual(new Set([0, 1]));
  const lacks = drawn.flatMap((step) => (step.do === "engine-failover" ? [step.lacks] : []));
  expect([Math.min(...lacks), Math.max(...lacks)]).toEqual([0, 30]);
});
