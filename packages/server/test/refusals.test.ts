// What a server writes of refusals, and for whom.
import { expect, test } from "vitest";
import { handClock, handPubSub, hello, list, say, subscribe, wire } from "./wired.ts";
import type { Limits, Message } from "@calla/shared";
import { memoryLog } from "../src/log/memory/memory-log.ts";
import type { PubSub } from "../src/cluster/pubsub.ts";

const none = { type: "removed", item: "none" };

test("[TE19] [TE26] nothing is kept of strangers, also where the target is open", async () => {
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

/** A server without rates, and what its log is given to write. */
function counted(amend?: (message: Message) => Message, limits: Partial<Limits> = {}) {
  const log = memoryLog();
  let written = 0;
  const it = wire({
    log: {
      ...log,
      append(batch) {
        written += Buffer.byteLength(JSON.stringify(batch));
        return log.append(batch);
      },
    },
    limits: { messageRate: Infinity, topicMessageRate: Infinity, ...limits },
  });
  it.server.handle(list, { public: true, ...(amend && { amend: amend as never }) });
  return { ...it, written: () => written };
}

test.each([
  [1, 100],
  [10, 1_000],
])(
  "[LG48] 1,000 refusals, %i a turn, details of %i, of a client that settles 200 late write at most twice their own bytes",
  async (each, size) => {
    const it = counted();
    const mallory = await it.client();
    let own = 0;
    for (let mid = 1; mid <= 1_000; mid += each) {
      const settled = Math.max(0, mid - 200);
      const item = "m".repeat(size);
      const said = Array.from({ length: each }, (_, i) =>
        say("list:1", mid + i, { type: "removed", item }, { settled }),
      );
      mallory.say(...said);
      const heard = await mallory.heard();
      expect(heard).toHaveLength(each);
      for (const frame of heard) {
        expect(frame).toMatchObject({ type: "Rejected", code: "missing", details: { item } });
        own += Buffer.byteLength(JSON.stringify(frame));
      }
    }
    expect(it.written() / own).toBeLessThan(2);
  },
);

test("[TE24] what is refused as invalid makes the log write less than its client sent, however late it settles", async () => {
  const it = counted();
  const mallory = await it.client();
  const item = { ["k".repeat(2_600)]: 1 } as unknown as string;
  for (let mid = 1; mid <= 300; mid++) {
    mallory.say(say("list:1", mid, { type: "removed", item }, { settled: Math.max(0, mid - 250) }));
    expect(await mallory.heard()).toMatchObject([{ type: "Rejected", code: "invalid" }]);
  }
  expect(it.written() / (300 * 2_600)).toBeLessThan(0.25);
});

test("[TE9] amended messages count too: no more is remembered of them than maxOutcomeBytes and one", async () => {
  const amend = (message: Message) => ({ ...message, item: "0123456789abcdefghij" }) as Message;
  const it = counted(amend, { maxOutcomeBytes: 2 * 50 });
  const mallory = await it.client();
  for (let mid = 1; mid <= 4; mid++) mallory.say(say("list:1", mid, { type: "added", item: "x" }));
  expect(await mallory.heard()).toMatchObject([
    ...[1, 2, 3].map((mid) => ({ type: "Acknowledge", mid, messages: [{ item: "0123456789abcdefghij" }] })),
    { type: "Paused", from: 4, code: "in-flight" },
  ]);
});

test("[LG47] rows alone are no growth: no node is rung and no consumer of the log woken", async () => {
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
