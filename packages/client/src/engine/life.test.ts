import { defineTopic, defineWiring } from "@calla/shared";
import { expect, test } from "vitest";
import * as z from "zod";
import { subscribed, testCore } from "../../test/core.ts";
import { connectedAs, items, messagesIn, settledFrame, turn, updateFrame, wiring } from "../../test/kit.ts";
import { dispatch } from "./dispatch.ts";
import { connected } from "./greeting.ts";
import { receive } from "./incoming.ts";
import { end, ended } from "./life.ts";
import { stateOf } from "./state.ts";
import { retain } from "./subscriptions.ts";
import { targetOf } from "./targets.ts";

const added = (text: string) => ({ type: "added", text });

test("[CL9] whatever a turn changes is told once, at its end, and a change that comes to nothing is not", async () => {
  const { core, sent } = testCore();
  const one = subscribed(core, "list:1", items());
  await turn();
  const told: unknown[] = [];
  one.changes.add(({ model, pending }) => told.push([model, pending.length]));
  dispatch(core, "list:1", added("a"));
  dispatch(core, "list:1", added("b"));
  expect(told).toEqual([]);
  await turn();
  expect(told).toEqual([[items("a", "b"), 2]]);
  expect(messagesIn(sent).map(({ mid }) => mid)).toEqual([1, 2]);
  dispatch(core, "list:1", added("c")).cancel();
  await turn();
  expect(told).toHaveLength(1);
});

test("[CL61] what a turn dispatched has left before its listeners are told; what a listener dispatches leaves next", async () => {
  const { core, sent } = testCore();
  const one = subscribed(core, "list:1", items());
  await turn();
  const mids = (): unknown => messagesIn(sent).map(({ mid }) => mid);
  const told: unknown[] = [];
  one.changes.add(({ pending }) => {
    told.push(mids());
    if (pending.length === 1) dispatch(core, "list:1", added("b"));
  });
  dispatch(core, "list:1", added("a"));
  await turn();
  expect(told).toEqual([[1], [1, 2]]);
});

test("[CL9] [RB6] models that cannot be compared, a cycle or one too deep, are shown; what the turn dispatched leaves, and the connection stays", async () => {
  const knot = defineTopic("knot:*", {
    model: z.any(),
    initial: () => ({}),
    messages: { tied: z.object({}), deepened: z.object({}) },
    update: {
      tied: () => {
        const model: { self?: unknown } = {};
        model.self = model;
        return model;
      },
      deepened: () => {
        let model: object = {};
        for (let i = 0; i < 5_000; i++) model = { model };
        return model;
      },
    },
  });
  for (const type of ["tied", "deepened"]) {
    const { core, sent } = testCore({
      strict: false,
      wiring: defineWiring({ topics: [...wiring.topics, knot] as never }),
    });
    const one = subscribed(core, "knot:1", {});
    const other = subscribed(core, "list:1", items());
    await turn();
    sent.length = 0;
    const told: unknown[] = [];
    one.changes.add(({ model }) => told.push(model));
    other.changes.add(({ model }) => told.push(model));
    // Each makes a model like the one before, which is another object.
    const first = dispatch(core, "knot:1", { type });
    await turn();
    dispatch(core, "knot:1", { type });
    dispatch(core, "list:1", added("a"));
    await turn();
    expect(told.at(-1)).toEqual(items("a"));
    expect(messagesIn(sent).map(({ target, mid }) => [target, mid])).toEqual([
      ["knot:1", 1],
      ["knot:1", 2],
      ["list:1", 1],
    ]);
    receive(core, updateFrame("knot:1", 0, [["c1", 1, first.id, { type }]]));
    await turn();
    expect([stateOf(core, one).status, stateOf(core, one).pending.length, first.state]).toEqual([
      "live",
      1,
      "applied",
    ]);
  }
});

test("[CL10] what has no answer in time is asked and sent again, each only once it is due", async () => {
  const { core, clock, sent } = testCore({ answerTimeout: 1_000 });
  connected(core, connectedAs("c1"));
  retain(core, targetOf(core, "list:1"));
  dispatch(core, "list:1", added("a"));
  await turn();
  const first = targetOf(core, "list:1").subscription.ref;
  sent.length = 0;
  await clock.advance(999);
  expect(sent).toEqual([]);
  await clock.advance(1);
  expect(sent).toMatchObject([
    { type: "Subscribe", target: "list:1" },
    { type: "TopicMessage", mid: 1, messages: [added("a")] },
  ]);
  expect(targetOf(core, "list:1").subscription.ref).toBeGreaterThan(first);
  // Without a connection nothing is, and nothing wakes the page.
  sent.length = 0;
  core.open = false;
  await clock.advance(60_000);
  expect([sent, clock.waiting]).toEqual([[], 0]);
});

test("[CL10] once everything has its answer no timer is left", async () => {
  const { core, clock } = testCore({ answerTimeout: 1_000 });
  subscribed(core, "list:1", items());
  await clock.advance(3_000);
  expect(clock.waiting).toBe(0);
});

test("[CL15] the end: callers hear it, nothing is subscribed, and no timer is left", async () => {
  const { core, clock, sent } = testCore();
  const one = subscribed(core, "list:1", items());
  const write = dispatch(core, "list:1", added("a"));
  await turn();
  receive(core, { type: "Paused", target: "list:1", from: 1, code: "rate", retryAfter: 60_000 });
  sent.length = 0;
  end(core);
  await expect(write.applied).rejects.toMatchObject({ code: "closed" });
  expect(() => dispatch(core, "list:1", added("b"))).toThrow(expect.objectContaining({ code: "closed" }));
  await clock.advance(120_000);
  expect([sent, clock.waiting, one.subscription.phase]).toEqual([[], 0, "off"]);
});

test("[CL30] a client that is refused for good says so of each topic, and takes it back when it is let in", async () => {
  const { core } = testCore();
  const one = subscribed(core, "list:1", items("a"));
  const never = targetOf(core, "list:2");
  retain(core, never);
  core.open = false;
  ended(core, "forbidden");
  expect([stateOf(core, one), stateOf(core, never)]).toMatchObject([
    { status: "stale", code: "forbidden", model: items("a") },
    { status: "refused", code: "forbidden", model: undefined },
  ]);
  ended(core, "");
  core.open = true;
  receive(core, settledFrame("list:2", never.subscription.ref, { resync: "snapshot" }));
  expect([stateOf(core, one), stateOf(core, never)]).toMatchObject([
    { status: "live", code: "" },
    { status: "loading", code: "" },
  ]);
});
