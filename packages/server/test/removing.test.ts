// A topic that is removed stays so: whatever its hooks dispatch, and whatever else its node is short of meanwhile.
import { expect, test } from "vitest";
import { countingRandom, handClock, handPubSub, list, say, subscribe, wire } from "./wired.ts";
import { faultyLog } from "../src/testing/faulty-log.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";

const add = (item: string) => ({ type: "added", item }) as const;

test("[HA7] [TE17] what onUnsubscribe returns does not bring back the topic whose removal it hears of", async () => {
  const log = memoryLog();
  const { server, client, done, settle, errors } = wire({ log });
  server.handle(list, { public: true, onUnsubscribe: () => add("left") });
  const ada = await client();
  ada.say(subscribe("list:1"), say("list:1", 1, add("x")));
  await ada.heard();
  await done(server.topic(list, "1").remove());
  await settle();
  expect(await ada.heard()).toMatchObject([{ type: "Unsubscribed", code: "removed" }]);
  expect(await log.open("list:1")).toMatchObject({ removed: true, sequence: 1 });
  await done(server.topic(list, "1").dispatch(add("again")));
  expect(await log.open("list:1")).toMatchObject({ removed: false, sequence: 3 });
  expect(errors).toEqual([]);
});

test("[HA7] [TE17] nor does it on another node, nor what onSubscribe returns late", async () => {
  const hand = handClock();
  const rings = handPubSub();
  const log = memoryLog({ shared: true });
  const [near, far] = [3, 4].map((seed) =>
    wire({ log, pubsub: rings.pubsub, random: countingRandom(seed) }, hand),
  ) as [ReturnType<typeof wire>, ReturnType<typeof wire>];
  let joined = (): void => {};
  far.server.handle(list, {
    public: true,
    onSubscribe: () => new Promise((go) => (joined = () => go(add("came")))),
    onUnsubscribe: () => add("left"),
  });
  await near.done(near.server.topic(list, "1").dispatch(add("x")));
  const ada = await far.client();
  ada.say(subscribe("list:1"));
  await ada.heard();
  await near.done(near.server.topic(list, "1").remove());
  rings.deliver();
  await hand.settle();
  expect(await ada.heard()).toMatchObject([{ type: "Unsubscribed", code: "removed" }]);
  joined();
  await hand.settle();
  expect(await log.open("list:1")).toMatchObject({ removed: true, sequence: 1 });
  expect([...near.errors, ...far.errors]).toEqual([]);
});

test("[TE17] a topic that is being removed does not leave memory before, however many want its place", async () => {
  const hand = handClock();
  const log = faultyLog(memoryLog(), { clock: hand.clock });
  const { server, client, done, advance } = wire({ log, limits: { maxOpenTargets: 1 } }, hand);
  server.handle(list, { public: true });
  await done(server.topic(list, "1").dispatch(add("x")));
  log.plan(({ method }) => (method === "remove" ? { delay: 100 } : undefined));
  const removing = server.topic(list, "1").remove();
  await advance(10);
  for (const other of ["2", "1"]) await done(Promise.allSettled([server.topic(list, other).read()]));
  await advance(200);
  await done(removing);
  const ada = await client();
  ada.say(subscribe("list:1"));
  expect(await ada.heard()).toMatchObject([{ type: "Unsubscribed", code: "removed" }]);
});
