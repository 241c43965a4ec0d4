import { json, plain } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { setup } from "../../test/small-run.ts";
import { drawPlan, serialiserOf } from "./plan.ts";
import type { Plan, Step } from "./plan.ts";
import type { SimulationSetup } from "./setup.ts";

const draw = (seed: number, more: Partial<SimulationSetup> = {}, topics = 2): Plan =>
  drawPlan(seed, { ...setup, ...more } as never, topics);
const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);
const plans = (more: Partial<SimulationSetup> = {}): Plan[] => SEEDS.map((seed) => draw(seed, more));
const isClock = (step: Step): boolean => step.do === "set-clock" || step.do === "set-page-clock";
const isEngine = (step: Step): boolean => step.do.startsWith("engine-");
/** Those that are drawn one by one, not put among them afterwards. */
const stepsOf = ({ steps }: Plan): Step[] => steps.filter((step) => !isClock(step) && !isEngine(step));
const kinds = (more: Partial<SimulationSetup>): Set<string> =>
  new Set(
    plans(more)
      .flatMap(stepsOf)
      .map((step) => step.do),
  );
const older = { wiring: setup.wiring, server: () => undefined, actions: setup.actions };

describe("a plan", () => {
  test("is the same for the same seed, another for another, and plain data", () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(8)).not.toEqual(draw(7));
    expect(draw(7).seed).toBe(7);
    for (const plan of plans()) expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  test("of more steps begins with those of fewer: what is left out moves no other's luck", () => {
    for (const seed of SEEDS.slice(0, 20)) {
      const few = stepsOf(draw(seed, { steps: [10, 10] }));
      const many = stepsOf(draw(seed, { steps: [25, 25] }));
      expect([few.length, many.length]).toEqual([10, 25]);
      expect(many.slice(0, 10)).toEqual(few);
    }
  });

  test("has as many steps, clients and nodes as was asked for, by default 30 to 90, 2 to 5 and 1 to 3", () => {
    for (const plan of plans()) {
      expect(stepsOf(plan).length).toBeGreaterThanOrEqual(30);
      expect(stepsOf(plan).length).toBeLessThanOrEqual(90);
    }
    const sizes = (of: (plan: Plan) => number, more: Partial<SimulationSetup> = {}) =>
      [...new Set(plans(more).map(of))].toSorted((a, b) => a - b);
    expect(sizes(({ config }) => config.clients.length)).toEqual([2, 3, 4, 5]);
    expect(sizes(({ config }) => config.nodes)).toEqual([1, 2, 3]);
    expect(sizes(({ config }) => config.clients.length, { clients: [1, 1] })).toEqual([1]);
    expect(sizes(({ config }) => config.nodes, { nodes: [2, 4] })).toEqual([2, 3, 4]);
  });

  test("names only clients, nodes, topics and actions that there are", () => {
    for (const { config, steps } of plans({ older })) {
      for (const step of steps) {
        if ("client" in step) expect(config.clients[step.client]).toBeDefined();
        if ("node" in step) expect(step.node).toBeLessThan(config.nodes);
        if ("topic" in step) expect(step.topic).toBeLessThan(2);
        if (step.do === "dispatch") expect(setup.actions[step.action]!.by).toBe("client");
        if (step.do === "serve") expect(setup.actions[step.action]!.by).toBe("server");
        expect(step.after).toBeGreaterThanOrEqual(0);
      }
      for (const { node, format, subscriptions } of config.clients) {
        expect(node).toBeLessThan(config.nodes);
        expect(serialiserOf(setup, config).formats[format]).toBeDefined();
        expect(subscriptions.every((topic) => topic < 2)).toBe(true);
      }
    }
  });
});

test("draws one of all serialisers for each run, and one of its formats for each client", () => {
  const otherSerialisers = [plain(json())];
  const drawn = plans({ otherSerialisers }).map(({ config }) => ({
    name: serialiserOf({ ...setup, otherSerialisers }, config).formats[0]!.name,
    formats: new Set(config.clients.map(({ format }) => format)),
  }));
  expect(new Set(drawn.map(({ name }) => name))).toEqual(new Set(["json", "plain-json"]));
  for (const { formats } of drawn) expect(formats).toEqual(new Set([0]));
  expect(plans().every(({ config }) => config.serialiser === 0)).toBe(true);
});

describe("who is here", () => {
  const trackings = [{ slice: setup.actions[0]!.slice as never, params: ["1"], meta: () => ({}) }];
  const isTrack = (step: Step): boolean => step.do === "track" || step.do === "untrack";

  test("is said now and then by every client where slices have presence, and the other steps stay as they were", () => {
    for (const plan of plans({ trackings })) {
      const tracks = plan.steps.filter(isTrack);
      expect(tracks.length).toBe(Math.ceil((stepsOf(plan).length - tracks.length) / 6));
      expect(stepsOf(plan).filter((step) => !isTrack(step))).toEqual(stepsOf(draw(plan.seed)));
      for (const step of tracks) if ("tracking" in step) expect(step.tracking).toBe(0);
    }
    const all = kinds({ trackings });
    expect([all.has("track"), all.has("untrack")]).toEqual([true, true]);
  });

  test("is said by nobody where they have not", () => {
    expect(plans().flatMap(({ steps }) => steps.filter(isTrack))).toEqual([]);
  });
});

describe("what goes wrong", () => {
  test("is nothing where nothing shall, and everything where everything shall", () => {
    const calm = kinds({ roughness: 0 });
    expect([...calm].toSorted()).toEqual(["dispatch", "leave", "serve", "subscribe", "unsubscribe"]);
    for (const step of calm) expect(kinds({ roughness: 1 }).has(step)).toBe(false);
  });

  test("is never what is switched off, and by default every kind", () => {
    const all = kinds({ older });
    for (const fault of ["cut", "drop", "greedy", "log-goes", "move", "upgrade"])
      expect(all.has(fault)).toBe(true);
    const some = kinds({ older, faults: { cut: 0, greedy: 0 }, roughness: 1 });
    expect([some.has("cut"), some.has("greedy"), some.has("cut-at")]).toEqual([false, false, true]);
  });

  test("moves nobody to another node where there is one, and upgrades none where there is no deploy", () => {
    for (const { config, steps } of plans({ older, roughness: 1 })) {
      if (config.nodes === 1) expect(steps.some((step) => step.do === "move")).toBe(false);
      if (!config.rolling) expect(steps.some((step) => step.do === "upgrade")).toBe(false);
    }
    const rolling = plans({ older }).filter(({ config }) => config.rolling).length;
    expect(rolling).toBeGreaterThan(SEEDS.length / 4);
    expect(rolling).toBeLessThan((SEEDS.length * 3) / 5);
    expect(plans().some(({ config }) => config.rolling)).toBe(false);
  });

  test("sets the clocks of one node and one page, twice each, in half of the runs", () => {
    const set = plans().map(({ steps }) => steps.filter(isClock));
    expect(set.filter((steps) => steps.length === 0).length).toBeGreaterThan(15);
    for (const steps of set.filter((steps) => steps.length > 0)) {
      expect(steps.map((step) => step.do).toSorted()).toEqual([
        "set-clock",
        "set-clock",
        "set-page-clock",
        "set-page-clock",
      ]);
      const places = steps.map((step) =>
        "node" in step ? step.node : "client" in step ? step.client + 100 : -1,
      );
      expect(new Set(places).size).toBe(2);
      expect(steps.every(({ after }) => after === 0)).toBe(true);
    }
  });
});

describe("a run's config", () => {
  test("has the setup's own limits in place of those that are drawn, some of which are very low", () => {
    const drawn = plans().map(({ config }) => config.limits);
    expect(new Set(drawn.map(({ maxQueued }) => maxQueued))).toEqual(new Set([2, 4, 10_000]));
    const own = plans({ limits: { maxQueued: 77 } }).map(({ config }) => config.limits);
    expect(own.every(({ maxQueued }) => maxQueued === 77)).toBe(true);
    expect(own.map(({ maxInFlight }) => maxInFlight)).toEqual(drawn.map(({ maxInFlight }) => maxInFlight));
  });

  test("signs nobody in in some runs, and says which way each client goes", () => {
    const configs = plans({ via: [["http"], ["socket", "poll"]] }).map(({ config }) => config);
    const visitors = configs.filter((config) => config.visitors);
    expect(visitors.length).toBeGreaterThan(5);
    for (const { visitors, clients } of configs)
      for (const { user } of clients) expect(user === null).toBe(visitors);
    const ways = new Set(configs.flatMap(({ clients }) => clients.map(({ via }) => via.join())));
    expect(ways).toEqual(new Set(["http", "socket,poll"]));
    expect(
      plans()
        .flatMap(({ config }) => config.clients)
        .every(({ via }) => via.join() === "socket"),
    ).toBe(true);
  });
});
