import { expect, test } from "vitest";
import { subscribed, testCore } from "../test/core.ts";
import { connectedAs, items, settledFrame, snapshotFrame, turn } from "../test/kit.ts";
import type { list } from "../test/kit.ts";
import { connected } from "./engine/greeting.ts";
import { receive } from "./engine/incoming.ts";
import { end } from "./engine/life.ts";
import { targetOf } from "./engine/targets.ts";
import { createTopic } from "./topic.ts";

function begun() {
  const all = testCore();
  connected(all.core, connectedAs("c1"));
  return { ...all, topic: createTopic<typeof list>(all.core, "list:1") };
}
const added = (text: string) => ({ type: "added", text }) as const;

test("[CL7] to look subscribes nothing; a listener does, and until linger after the last one has gone", async () => {
  const { core, clock, sent, topic } = begun();
  expect(topic.state).toMatchObject({ status: "loading", model: undefined, pending: [] });
  await turn();
  expect(sent).toEqual([]);
  const [first, second] = [topic.onChange(() => {}), topic.onPush(() => {})];
  const third = topic.retain();
  expect(sent).toMatchObject([{ type: "Subscribe", target: "list:1" }]);
  first();
  first();
  second();
  await clock.advance(20_000);
  expect(targetOf(core, "list:1").subscription.holders).toBe(1);
  third();
  await clock.advance(4_999);
  expect(sent.at(-1)).not.toMatchObject({ type: "Unsubscribe" });
  await clock.advance(1);
  expect(sent.at(-1)).toMatchObject({ type: "Unsubscribe", target: "list:1" });
});

test("[BN1] touch subscribes for linger, as often as it is called, and calls nobody back before it returns", async () => {
  const { core, clock, sent, topic } = begun();
  topic.touch();
  topic.touch();
  expect(sent).toMatchObject([{ type: "Subscribe", target: "list:1" }]);
  await clock.advance(4_000);
  topic.touch();
  await clock.advance(4_999);
  expect(sent).toHaveLength(1);
  await clock.advance(1);
  expect(sent.at(-1)).toMatchObject({ type: "Unsubscribe", target: "list:1" });
  const told: unknown[] = [];
  const stop = topic.onChange(() => told.push("told"));
  topic.touch();
  expect([told, targetOf(core, "list:1").subscription.holders]).toEqual([[], 1]);
  stop();
  await clock.advance(5_000);
  expect([core.targets.size, clock.waiting]).toEqual([0, 1]);
});

test("[BN1] touch asks for nothing that is refused, until that is forgotten, and for nothing of a closed client", async () => {
  const { core, clock, sent, topic } = begun();
  topic.touch();
  const refused = { type: "Unsubscribed", target: "list:1", retryable: false, details: {} } as const;
  receive(core, { ...refused, ref: targetOf(core, "list:1").subscription.ref, code: "forbidden" });
  topic.touch();
  await turn();
  expect([sent.length, topic.state]).toMatchObject([1, { status: "refused", code: "forbidden" }]);
  await clock.advance(5_000);
  topic.touch();
  expect([sent.length, topic.state.status]).toEqual([2, "loading"]);
  end(core);
  createTopic(core, "list:2").touch();
  expect(sent).toHaveLength(2);
});

test("[CL31] ready is the first model, the same promise until it settles otherwise, and holds the topic no longer", async () => {
  const { core, topic } = begun();
  const { ready } = topic;
  expect(topic.ready).toBe(ready);
  const one = targetOf(core, "list:1");
  receive(core, settledFrame("list:1", one.subscription.ref));
  receive(core, snapshotFrame("list:1", 0, 0, items("a")));
  await turn();
  await expect(ready).resolves.toEqual(items("a"));
  expect([topic.ready === ready, one.subscription.holders]).toEqual([true, 0]);
});

test("[CL31] ready rejects with the code of a refusal, and is another promise once the topic is asked for anew", async () => {
  const { core, topic } = begun();
  const { ready } = topic;
  const refused = { type: "Unsubscribed", target: "list:1", retryable: false, details: {} } as const;
  receive(core, { ...refused, ref: targetOf(core, "list:1").subscription.ref, code: "forbidden" });
  await turn();
  await expect(ready).rejects.toMatchObject({ code: "forbidden" });
  topic.retain();
  const { ref } = targetOf(core, "list:1").subscription;
  receive(core, settledFrame("list:1", ref));
  expect(topic.ready).not.toBe(ready);
  receive(core, snapshotFrame("list:1", 0, 0, items("b")));
  await turn();
  await expect(topic.ready).resolves.toEqual(items("b"));
});

test("[CL31] [CL15] ready of a closed client rejects, also when it is first asked for then", async () => {
  const { core, topic } = begun();
  const { ready } = topic;
  end(core);
  await expect(ready).rejects.toMatchObject({ code: "closed" });
  await expect(createTopic(core, "list:2").ready).rejects.toMatchObject({ code: "closed" });
});

test("[CL9] a selection is told when what it picks has changed, and stays the same object as long as it says the same", async () => {
  const { core, topic } = begun();
  subscribed(core, "list:1", items("a"));
  const long = topic.select(
    ({ model }) => model?.items.filter((item) => item.length > 1) ?? [],
    (a, b) => a.length === b.length,
  );
  const told: unknown[] = [];
  const stop = long.onChange((value) => told.push(value));
  const empty = long.value;
  topic.dispatch(added("b"));
  await turn();
  expect([told, long.value === empty]).toEqual([[], true]);
  topic.dispatch(added("long"));
  await turn();
  expect(told).toEqual([["long"]]);
  expect(long.value).toBe(told[0]);
  stop();
  topic.dispatch(added("longer"));
  await turn();
  expect([told.length, long.value]).toEqual([1, ["long", "longer"]]);
});

test("[CL9] a selection whose parts cannot be compared with themselves picks no new object of the same state", async () => {
  const { core, topic } = begun();
  subscribed(core, "list:1", items("a"));
  class Shape {
    readonly of: unknown;
    constructor(of: unknown) {
      this.of = of;
    }
  }
  const shape = topic.select(({ model }) => new Shape(model));
  const first = shape.value;
  expect(shape.value).toBe(first);
  topic.dispatch(added("b"));
  expect(shape.value).not.toBe(first);
  expect(shape.value.of).toEqual(items("a", "b"));
});

test("[CO22] [CL9] a selection of what is cyclic is shown and told", async () => {
  const { core, topic } = begun();
  subscribed(core, "list:1", items("a"));
  const knot = topic.select(({ model }) => {
    const picked: { count: unknown; self?: unknown } = { count: model?.items.length };
    picked.self = picked;
    return picked;
  });
  const told: unknown[] = [];
  knot.onChange(({ count }) => told.push(count));
  topic.dispatch(added("b"));
  await turn();
  expect([told, knot.value.count]).toEqual([[2], 2]);
});
