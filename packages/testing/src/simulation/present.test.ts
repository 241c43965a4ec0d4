// Who ought to be listed, beside nodes and pages that say what the test wants.
import { automatic, defineTopic, definePresence, defineWiring, json } from "@calla/shared";
import * as z from "zod";
import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";
import { action, tracking } from "./setup.ts";
import type { SimulationSetup } from "./setup.ts";
import { astray } from "./present.ts";

const room = defineTopic("room:*", {
  model: z.number(),
  initial: () => 0,
  messages: { added: z.object({}) },
  update: { added: (n) => n + 1 },
  presence: definePresence(z.object({ at: z.number() })),
});
const wiring = defineWiring({ topics: [room] });
const setup: SimulationSetup<typeof wiring> = {
  wiring,
  serialiser: automatic(json()),
  server: (server) => server.handle(room, { public: true }),
  actions: [action(room, ["1"], () => ({ type: "added" }))],
  trackings: [tracking(room, ["1"], (random) => ({ at: random.int(0, 9) }))],
};
const place = { slice: room, params: ["1"], key: "room:1" };

/** A page that says it tracks this, and lists that. */
const page = (tracks: unknown, lists: readonly unknown[], more: object = {}) => {
  const state = { status: "live" };
  const list = new Map([["ada", lists.map((meta) => ({ meta, from: 1 }))]]);
  return {
    userId: "ada",
    tracked: new Map(tracks === undefined ? [] : [["room:1", tracks]]),
    subscribed: ["room:1"],
    topic: () => ({ state, presence: { status: "live", list, ...more } }),
    state,
  };
};
const node = (...metas: readonly unknown[]) => ({
  server: { wiring, topic: () => ({ presence: { list: () => new Map([["ada", metas]]) } }) },
});
const judged = (nodes: readonly unknown[], ...pages: readonly unknown[]) =>
  astray({ nodes: { all: nodes }, pages, places: [place] } as never);

test("[HC19] nodes and pages list exactly those who are there, in whatever order, each by its newest meta", () => {
  const [one, two] = [{ at: 1 }, { at: 2 }];
  expect(
    judged([node(one, two), node(two, one)], page(one, [one, two]), page(two, [two, one])),
  ).toBeUndefined();
  expect(judged([node(one), node()], page(one, [one]))).toBe(
    'node 1 lists [] on room:1, where [["ada",{"at":1}]] are',
  );
  expect(judged([node(two)], page(one, [one]))).toMatch(/^node 0 lists .*2/);
  expect(judged([node(one, one)], page(one, [one]))).toMatch(/^node 0/);
  expect(judged([node(one)], page(undefined, [one]))).toMatch(/^node 0/);
  expect(judged([node(one)], page(one, []))).toMatch(/^client 0 lists \[\]/);
  expect(judged([node(one)], page(one, [one], { status: "loading" }))).toMatch(/^client 0 lists \[loading\]/);
});

test("[HC19] who may not be there is not waited for, and asked nothing", () => {
  const refused = page({ at: 1 }, []);
  refused.state.status = "refused";
  expect(judged([node()], refused)).toBeUndefined();
});

test("[HC19] runs with presence and every fault end with the same members everywhere", async () => {
  for (const seed of [1, 2, 3]) {
    const { violations, history, fired } = await simulate(seed, setup);
    expect(violations).toEqual([]);
    expect(history?.quiet?.present?.length).toBeGreaterThan(0);
    expect(fired.get("track")).toBeGreaterThan(0);
  }
});
