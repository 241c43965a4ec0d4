import { expect, test } from "vitest";
import { subscribed, testCore } from "../../test/core.ts";
import { items, turn, updateFrame } from "../../test/kit.ts";
import { dispatch } from "./dispatch.ts";
import { receive } from "./incoming.ts";
import { hasCaughtUp, isLive, stateOf } from "./state.ts";

const added = (text: string) => ({ type: "added", text });

test("[CL9] a state is the same object until something in it changes, and lists what was pending when it was made", () => {
  const { core } = testCore();
  const one = subscribed(core, "list:1", items("a"));
  const before = stateOf(core, one);
  expect(stateOf(core, one)).toBe(before);
  dispatch(core, "list:1", added("b"));
  const after = stateOf(core, one);
  expect(after).toMatchObject({ status: "live", model: { items: ["a", "b"] }, pending: [{}] });
  expect([before.pending, after.pending === after.pending]).toEqual([[], true]);
});

test("[RB6] [CL9] an equal model is the same object, and what is predicted next is built on it", () => {
  const { core } = testCore();
  const one = subscribed(core, "list:1", items("a"));
  const { model } = stateOf(core, one);
  receive(
    core,
    updateFrame("list:1", 0, [
      ["c2", 1, "x", added("b")],
      ["c2", 2, "y", { type: "removed", text: "b" }],
    ]),
  );
  const { confirmed } = one.replica;
  expect(confirmed?.model).not.toBe(model);
  expect(stateOf(core, one).model).toBe(model);
  expect(one.replica.confirmed?.model).toBe(model);
});

test("[RB2] frames are replayed when somebody looks: once, also for the listeners", async () => {
  const { core } = testCore();
  const one = subscribed(core, "list:1", items());
  const told: unknown[] = [];
  one.changes.add(({ model }) => told.push((model as { items: readonly string[] }).items));
  dispatch(core, "list:1", added("mine"));
  await turn();
  receive(core, updateFrame("list:1", 0, [["c2", 1, "x", added("x")]]));
  receive(core, updateFrame("list:1", 1, [["c2", 2, "y", added("y")]]));
  expect(one.replica.behind).toBe(true);
  await turn();
  expect([one.replica.behind, told]).toEqual([false, [["mine"], ["x", "y", "mine"]]]);
});

test("[CL44] live is what the server is known to have; caught up is that and all of one's own", () => {
  const { core } = testCore();
  const one = subscribed(core, "list:1", items(), 4);
  expect([isLive(one), hasCaughtUp(one)]).toEqual([true, true]);
  one.owed = 5;
  expect([isLive(one), hasCaughtUp(one)]).toEqual([true, false]);
  one.head = 5;
  expect(isLive(one)).toBe(false);
  core.open = false;
  one.head = one.owed = 4;
  expect(stateOf(core, one).status).toBe("stale");
});
