import { automatic, defineTopic, defineWiring, json, serverOnly } from "@calla/shared";
import { expect, test } from "vitest";
import * as z from "zod";
import { seededRandom } from "../doubles/random.ts";
import { drawPlan } from "./plan.ts";
import { action, FAULTS, serverAction } from "./setup.ts";
import type { SimulationSetup } from "./setup.ts";

const list = defineTopic("list:*", {
  model: z.array(z.string()),
  initial: () => [],
  messages: { added: z.object({ item: z.string() }), cleared: serverOnly(z.object({})) },
  update: { added: (items, { item }) => [...items, item], cleared: () => [] },
});

test("an action says who does it, where and how often, and makes its message of chance and of what is seen", () => {
  const random = seededRandom(1);
  const seen: unknown[] = [];
  const adds = action(list, ["1"], (chance, model) => {
    seen.push(chance, model);
    return { type: "added", item: String(model?.length ?? "loading") };
  });
  expect(adds).toMatchObject({ by: "client", slice: list, params: ["1"], weight: 1 });
  expect([adds.message(random, ["a"]), adds.message(random, undefined)]).toEqual([
    { type: "added", item: "1" },
    { type: "added", item: "loading" },
  ]);
  expect(seen).toEqual([random, ["a"], random, undefined]);
  expect(action(list, ["1"], () => [{ type: "added", item: "a" }], 4)).toMatchObject({
    by: "client",
    weight: 4,
  });
  expect(serverAction(list, ["2"], () => ({ type: "cleared" }), 0.5)).toMatchObject({
    by: "server",
    params: ["2"],
    weight: 0.5,
  });
});

test("every fault has a name of its own, and can be drawn alone", () => {
  expect(new Set(FAULTS).size).toBe(FAULTS.length);
  const setup = {
    wiring: defineWiring({ topics: [list] }),
    serialiser: automatic(json()),
    server: () => undefined,
    actions: [action(list, ["1"], () => ({ type: "added", item: "a" }))],
    older: { wiring: defineWiring({ topics: [list] }), server: () => undefined, actions: [] },
    nodes: [2, 2],
    steps: [4, 4],
    roughness: 1,
  } as unknown as SimulationSetup<never, never>;
  for (const fault of FAULTS) {
    const faults = Object.fromEntries(FAULTS.map((name) => [name, name === fault ? 1 : 0]));
    for (let seed = 1, drawn: string[] = []; !drawn.includes(fault); seed++) {
      drawn = drawPlan(seed, { ...setup, faults }, 1).steps.map((step) => step.do);
      // What is drawn by no other name: clocks are set besides, and a deploy is only where there is one.
      expect(seed, fault).toBeLessThan(20);
    }
  }
});
