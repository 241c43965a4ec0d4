// A connection's subscriptions, by frames: what the second of anything comes to, and what is held while a connection is slow.
import { describe, expect, test } from "vitest";
import {
  heldLog,
  hello,
  inHand,
  list,
  other,
  say,
  subscribe,
  types,
  unsubscribe,
  wire,
} from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const added = (item: string) => ({ type: "added", item });
const ping = (...cursors: [string, number, number][]) => ({ type: "Ping", cursors }) as const;

function served(options: Parameters<typeof wire>[0] = {}, handlers: object = { public: true }) {
  const it = wire(options);
  it.server.handle(list, handlers);
  it.server.handle(other, { public: true });
  return { ...it, topic: it.server.topic(list, "1") };
}

describe("a request to subscribe", () => {
  test("[CV10] a newer one goes by the app's answer to the older: one question, one answer, by the newest ref", async () => {
    const asked: unknown[] = [];
    const answer = inHand<boolean>();
    const { client } = served(
      {},
      { canSubscribe: ({ topic }: { topic: string }) => (asked.push(topic), answer.promise) },
    );
    const one = await client();
    one.say(subscribe("list:1", 1), subscribe("list:1", 2), subscribe("list:1", 3), subscribe("list:1", 2));
    expect(await one.heard()).toEqual([]);
    answer.keep(true);
    expect(await one.heard()).toMatchObject([
      { type: "Settled", target: "list:1", ref: 3 },
      { type: "Snapshot" },
    ]);
    expect(asked).toEqual(["list:1"]);
  });

  test("[CV8] of a topic that is live is sent no update before its answer, and the next one after it", async () => {
    const { client, topic, done } = served();
    const one = await client();
    one.say(subscribe("list:1", 1));
    await one.heard();
    one.say(subscribe("list:1", 2), say("list:1", 1, added("a")));
    const said = await one.heard();
    expect(types(said)).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
    expect(said[0]).toMatchObject({ ref: 2, sequence: 0 });
    await done(topic.dispatch({ type: "added", item: "b" }));
    expect(types(await one.heard())).toEqual(["TopicUpdate"]);
  });

  test("[HA7] onSubscribe and onUnsubscribe run once for each time that a client comes and goes", async () => {
    const hooks: string[] = [];
    const { client, settle } = served(
      {},
      {
        public: true,
        onSubscribe: () => void hooks.push("on"),
        onUnsubscribe: () => void hooks.push("off"),
      },
    );
    const one = await client();
    one.say(subscribe("list:1", 1), unsubscribe("list:1", 1));
    await settle();
    expect(hooks).toEqual([]); // it left before it had joined
    one.say(subscribe("list:1", 2), subscribe("list:1", 3));
    await settle();
    one.say(unsubscribe("list:1", 3), unsubscribe("list:1", 3));
    await settle();
    expect(hooks).toEqual(["on", "off"]);
    one.say(subscribe("list:1", 4));
    await settle();
    one.drop();
    one.drop();
    await settle();
    expect(hooks).toEqual(["on", "off", "on", "off"]);
  });

  test("[CV11] a ping by which nothing is missing brings nothing; one that is behind brings it, each time", async () => {
    const { client, topic, done } = served();
    const one = await client();
    one.say(subscribe("list:1", 1));
    await one.heard();
    await done(topic.dispatch({ type: "added", item: "a" }));
    const [update] = await one.heard();
    if (update?.type !== "TopicUpdate") throw new Error("no update");
    one.say(ping(["list:1", 1, update.mark], ["list:2", 1, 1]));
    expect(types(await one.heard())).toEqual(["Pong"]);
    for (let time = 0; time < 2; time++) {
      one.say(ping(["list:1", 0, 0]));
      expect(types(await one.heard())).toEqual([
        "Pong",
        "Settled",
        expect.stringMatching(/Snapshot|TopicUpdate/),
      ]);
    }
  });
});

describe("the server's own say", () => {
  test("[HA9] a client that is subscribed by the server is answered once, also if that is said twice", async () => {
    const { server, client, done, topic } = served({}, { canSubscribe: () => false });
    const one = await client();
    for (let time = 0; time < 2; time++) server.subscribe(one.identity.clientId, list, "1");
    expect(await one.heard()).toMatchObject([{ type: "Settled", ref: 0 }, { type: "Snapshot" }]);
    server.subscribe(one.identity.clientId, list, "1");
    expect(await one.heard()).toEqual([]);
    await done(topic.dispatch({ type: "added", item: "a" }));
    expect(types(await one.heard())).toEqual(["TopicUpdate"]);
  });

  test("[HA9] a subscription is revoked once; where there is none nothing is said", async () => {
    const { server, client, done, topic } = served();
    const one = await client();
    const revoke = () => server.unsubscribe(one.identity.clientId, list, "1");
    revoke();
    expect(await one.heard()).toEqual([]);
    one.say(subscribe("list:1", 5));
    await one.heard();
    revoke();
    revoke();
    expect(await one.heard()).toMatchObject([
      { type: "Unsubscribed", ref: 5, code: "unsubscribed", retryable: false },
    ]);
    await done(topic.dispatch({ type: "added", item: "a" }));
    expect(await one.heard()).toEqual([]);
  });
});

describe("what is held while a connection is slow", () => {
  const limits = { collapseBytes: 1_000 };

  test("[HT6] [SC3] a poll that has drained has the answers that are still to come before it ends", async () => {
    const answer = inHand<boolean>();
    const it = wire({ limits });
    it.server.handle(list, { public: true });
    it.server.handle(other, { canSubscribe: () => answer.promise });
    let ends = 0;
    const poll = it.socket({ finish: () => void ends++ });
    poll.stuff(1_001);
    poll.say(hello({ poll: true, targets: [subscribe("list:1", 1), subscribe("other:1", 2)] }));
    expect(types(await poll.heard())).toEqual(["Connected"]);
    poll.drain();
    expect(await poll.heard()).toMatchObject([{ type: "Settled", target: "list:1" }, { type: "Snapshot" }]);
    expect(ends).toBe(0);
    answer.keep(true);
    expect(await poll.heard()).toMatchObject([{ type: "Settled", target: "other:1" }, { type: "Snapshot" }]);
    expect(ends).toBe(1);
    expect(it.server.inspect().connections).toMatchObject({ all: 0, slow: 0 });
  });

  test("[HT6] [SC3] a poll of which everything is held ends once it has drained, however often it was slow until then", async () => {
    const it = wire({ limits });
    it.server.handle(list, { public: true });
    let ends = 0;
    const poll = it.socket({ finish: () => void ends++ });
    poll.stuff(1_001);
    poll.say(hello({ poll: true, targets: [subscribe("list:1", 1), subscribe("list:2", 2)] }));
    expect(types(await poll.heard())).toEqual(["Connected"]);
    poll.drain();
    poll.stuff(1_001);
    poll.say(ping());
    expect(types(await poll.heard())).toContain("Pong");
    expect(ends).toBe(0);
    poll.drain();
    await poll.heard();
    expect(ends).toBe(1);
    expect(it.server.inspect().connections.all).toBe(0);
  });

  test("[SC3] a connection that is slow once more while it is brought up to date goes on one target after the other", async () => {
    const held = heldLog(memoryLog(), "client");
    const { client } = served({ limits, log: held.log });
    const one = await client();
    one.stuff(1_001);
    one.say(ping());
    await one.heard();
    one.say(subscribe("list:1", 1), subscribe("list:2", 2), subscribe("list:3", 3));
    one.drain();
    expect(await one.heard()).toEqual([]);
    expect(held.waiting()).toBe(1);
    one.stuff(1_001);
    one.say(ping());
    one.drain();
    expect(types(await one.heard())).toEqual(["Pong"]);
    expect(held.waiting()).toBe(1);
    held.release();
    const settled = (await one.heard()).filter(({ type }) => type === "Settled");
    expect(settled).toMatchObject([{ target: "list:1" }, { target: "list:2" }, { target: "list:3" }]);
  });

  test("[SC6] what a client has unsubscribed while it was slow is not brought up to date, and is nobody's any more", async () => {
    const { client, server, done, topic } = served({ limits });
    const one = await client();
    one.say(subscribe("list:1", 1));
    await one.heard();
    one.stuff(1_001);
    one.say(ping());
    await one.heard();
    await done(topic.dispatch({ type: "added", item: "a" }));
    one.say(unsubscribe("list:1", 1), subscribe("list:1", 2), unsubscribe("list:1", 2));
    one.drain();
    expect(await one.heard()).toEqual([]);
    expect(server.inspect().targets.subscribed).toBe(0);
  });
});

test("[SC3] a connection that drains between being found slow and being held for is answered all the same", async () => {
  // However many microtasks after the log has answered: one of them is between the two.
  for (let later = 0; later < 20; later++) {
    const held = heldLog(memoryLog(), "open");
    held.release();
    const { client, settle, advance } = served({ log: held.log, limits: { collapseBytes: 1_000 } });
    const one = await client();
    one.say(subscribe("other:1", 9));
    await one.heard();
    held.hold();
    one.say(subscribe("list:1"));
    await settle();
    one.stuff(5_000);
    one.say(ping());
    await settle();
    held.release();
    for (let i = 0; i < later; i++) await Promise.resolve();
    one.drain();
    await settle();
    await advance(1_000);
    expect(types(await one.heard()).filter((type) => type === "Settled")).toHaveLength(1);
  }
});
