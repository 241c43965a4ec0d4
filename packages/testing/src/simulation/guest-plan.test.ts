// Who the guests of runs are, and what they do when.
import { expect, test } from "vitest";
import { ADD, setup } from "../../test/small-run.ts";
import { drawPlan } from "./plan.ts";
import type { Plan } from "./plan.ts";
import type { SimulationSetup } from "./setup.ts";

const { slice } = setup.actions[ADD]!;
const guests = { at: [{ slice, params: ["1"] }], open: () => undefined } as never;
const plans = (more: Partial<SimulationSetup>): Plan[] =>
  Array.from({ length: 60 }, (_, seed) => drawPlan(seed, { ...setup, ...more } as never, 2));
const isOthers = ({ do: what }: { readonly do: string }): boolean => !what.startsWith("guest-");

test("some runs have one or two guests, and move nobody else's luck", () => {
  const [with_, without] = [plans({ guests }), plans({})];
  const counts = with_.map(({ config }) => config.guests!.length);
  expect([...new Set(counts)].toSorted()).toEqual([0, 1, 2]);
  for (const [i, { steps, config }] of with_.entries()) {
    const others = without[i]!;
    const isClock = ({ do: what }: { readonly do: string }) => /^(set|engine)-/.test(what);
    const plain = (all: Plan["steps"]) => all.filter((step) => isOthers(step) && !isClock(step));
    expect(plain(steps)).toEqual(plain(others.steps));
    expect({ ...config, guests: [] }).toEqual(others.config);
  }
});

test("guests are at places and nodes that there are, and do what clients do there", () => {
  const met = new Set<string>();
  for (const { config, steps } of plans({ guests })) {
    for (const { place, node } of config.guests!) {
      expect(place).toBe(0);
      expect(node).toBeLessThan(config.nodes);
    }
    for (const step of steps) {
      if (isOthers(step)) continue;
      met.add(step.do);
      expect("guest" in step && step.guest < config.guests!.length).toBe(true);
      if (step.do === "guest-moves") expect(step.node).toBeLessThan(config.nodes);
      if (step.do === "guest-acts") {
        const { by, params } = setup.actions[step.action]!;
        expect([by, params]).toEqual(["client", ["1"]]);
      }
    }
  }
  expect(met.size).toBe(6);
});

test("runs of two versions have none, and visitors' runs have nameless ones", () => {
  const older = { wiring: setup.wiring, server: () => undefined, actions: setup.actions };
  const configs = plans({ guests, older }).map(({ config }) => config);
  expect(configs.filter(({ rolling }) => rolling).flatMap((config) => config.guests)).toEqual([]);
  const visitors = configs.filter((config) => config.visitors).flatMap((config) => config.guests!);
  expect(new Set(visitors.map(({ user }) => user))).toEqual(new Set([null]));
});
