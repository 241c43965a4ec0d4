// What a server writes of refusals, and for whom.
import { expect, test } from "vitest";
import { handClock, handPubSub, hello, list, say, subscribe, wire } from "../test/wired.ts";
import { memoryLog } from "./log-memory.ts";
import type { PubSub } from "./pubsub.ts";

const none = { type: "removed", item: "none" };

test("[TE19] nothing is kept of strangers, also where the target is open", async () => {
  const log = memoryLog();
  const it = wire({ log, authenticate: ({ token }) => ({ id: String(token ?? "anna") }) });
  let allowed = "anna";
  it.server.handle(list, { canSubscribe: ({ user }) => user?.id === allowed, canDispatch: () => true });
  const anna = await it.client(undefined, "anna");
  anna.say(subscribe("list:1"), say("list:1", 1, none));
  await anna.heard();
  const bob = await it.client(undefined, "bob");
  bob.say(say("list:1", 1, none));
  expect(await bob.heard()).toMatchObject([{ type: "Rejected", code: "forbidden" }]);
  expect(await log.client("list:1", bob.identity.clientId)).toBeUndefined();
  // Who was let in before is no stranger: what it was told then stands, and what it is told now.
  allowed = "nobody";
  await it.done(it.server.reauthorise({ userId: "anna" }));
  await anna.heard();
  anna.say(say("list:1", 1, none), say("list:1", 2, none));
  expect(await anna.heard()).toMatchObject([
    { type: "Rejected", mid: 1, code: "missing" },
    { type: "Rejected", mid: 2, code: "forbidden" },
  ]);
  expect((await log.client("list:1", anna.identity.clientId))?.last).toBe(2);
});

test("[TE9] what refused messages make the log write is in proportion to what their client sent", async () => {
  const log = memoryLog();
  let written = 0;
  const it = wire({
    log: {
      ...log,
      append(batch) {
        written += JSON.stringify(batch).length;
        return log.append(batch);
      },
    },
  });
  it.server.handle(list, { public: true });
  const mallory = await it.client();
  const item = "m".repeat(100_000);
  for (let mid = 1; mid <= 100; mid++) {
    mallory.say(say("list:1", mid, { type: "removed", item }));
    await it.settle();
  }
  expect(written / (100 * item.length)).toBeLessThan(4);
});

test("[LG47] rows alone are no growth: no node is rung and no follower of the log woken", async () => {
  const published: string[] = [];
  const { pubsub } = handPubSub();
  const watched: PubSub = {
    ...pubsub,
    publish(channel, payload) {
      published.push(channel);
      return pubsub.publish(channel, payload);
    },
  };
  const it = wire({ log: memoryLog({ shared: true }), pubsub: watched });
  it.server.handle(list, { public: true });
  const anna = await it.client();
  anna.say(say("list:1", 1, none));
  expect(await anna.heard()).toMatchObject([{ type: "Rejected" }]);
  expect(published).toEqual([]);
});

test("[HT4] [TE4] a packet hears each answer once, also where its append meets a conflict", async () => {
  const hand = handClock();
  const log = memoryLog({ shared: true });
  const { pubsub } = handPubSub();
  const secret = "a secret of sixteen bytes";
  const one = wire({ log, pubsub, secret }, hand);
  const two = wire({ log, pubsub, secret }, hand);
  for (const { server } of [one, two]) server.handle(list, { public: true });
  const anna = await one.client();
  await one.done(one.server.topic(list, "1").read());
  await two.done(two.server.topic(list, "1").dispatch({ type: "added", item: "x" }));
  const added = (mid: number) => say("list:1", mid, { type: "added", item: `${mid}` });
  const said = one.post(hello({ identity: anna.identity }), added(1), added(3));
  await hand.settle();
  expect(said.heard.map(({ type }) => type)).toEqual(["Acknowledge", "Paused"]);
});
