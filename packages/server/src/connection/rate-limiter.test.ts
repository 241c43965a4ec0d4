import { describe, expect, test } from "vitest";
import { cursors, hello, list, other, say, subscribe, types, wire } from "../../test/wired.ts";
import { TokenBucket } from "../base/token-bucket.ts";

const added = (mid: number) => say("list:1", mid, { type: "added", item: `${mid}` });

function limited(limits: object = {}) {
  const it = wire({ limits: { topicMessageRate: 2, topicMessageBurst: 4, ...limits } });
  for (const slice of [list, other, cursors]) it.server.handle(slice as typeof list, { public: true });
  return it;
}

describe("a rate", () => {
  test("[LM2] gives its burst at once, then one for each part of a second, and its burst again after a rest", () => {
    const rate = new TokenBucket(10, 3);
    let paid = 0;
    const take = (now: number): boolean => {
      const next = rate.take(paid, now);
      if (next !== undefined) paid = next;
      return next !== undefined;
    };
    const start = 1_000_000;
    expect([0, 0, 0, 0].map(() => take(start))).toEqual([true, true, true, false]);
    expect(rate.wait(paid, start)).toBe(100);
    expect([take(start + 99), take(start + 100), take(start + 100)]).toEqual([false, true, false]);
    expect([0, 0, 0, 0].map(() => take(start + 9_999))).toEqual([true, true, true, false]);
  });

  test("[LM2] what costs more than a burst is taken by a full one only", () => {
    const rate = new TokenBucket(10, 3);
    const paid = rate.take(0, 1_000, 50)!;
    expect(rate.take(paid, 1_000)).toBeUndefined();
    expect(rate.take(paid, 1_100, 50)).toBeUndefined();
    expect(rate.take(paid, 1_300, 50)).toBeDefined();
  });

  test("[LM3] without end holds nobody back", () => {
    for (const rate of [
      new TokenBucket(Infinity, 1),
      new TokenBucket(1, Infinity),
      new TokenBucket(Infinity, Infinity),
    ])
      expect(rate.take(0, 1_000, 1e9)).toBeDefined();
  });
});

describe("a limited client", () => {
  test("[LM4] S33 hears once from which mid on and when to send again; what it sent behind is neither lost nor reordered", async () => {
    const it = limited();
    const one = await it.client();
    one.say(...[1, 2, 3, 4, 5, 6, 7].map(added));
    const said = await one.heard();
    expect(types(said)).toEqual(["Paused", "Acknowledge", "Acknowledge", "Acknowledge", "Acknowledge"]);
    expect(said[0]).toEqual({ type: "Paused", target: "list:1", from: 5, code: "rate", retryAfter: 500 });
    // k + 1 is sent at once, also when there would be room again: not before k.
    await it.advance(499);
    one.say(added(6));
    expect(await one.heard()).toEqual([]);
    await it.advance(101);
    one.say(added(6));
    expect(await one.heard()).toMatchObject([{ type: "Paused", from: 5, code: "gap" }]);
    await it.advance(500);
    one.say(added(5), added(6));
    expect(types(await one.heard())).toEqual(["Paused", "Acknowledge"]);
    await it.advance(2_000);
    one.say(added(6), added(7));
    await one.heard();
    const { model } = await it.done(it.server.topic(list, "1").read());
    expect(model.items).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    expect(it.refused.map(({ code }) => code)).toEqual(["rate", "rate"]);
  });

  test("[LM4] is limited in one topic and not in another; several messages of a dispatch count as many", async () => {
    const it = limited();
    const one = await it.client();
    one.say(
      say(
        "list:1",
        1,
        [1, 2, 3].map((i) => ({ type: "added", item: `${i}` })),
      ),
    );
    one.say(
      say(
        "list:1",
        2,
        [1, 2, 3].map((i) => ({ type: "added", item: `${i}` })),
      ),
    );
    one.say(say("other:1", 1, { type: "bumped" }));
    expect((await one.heard()).map((frame) => [frame.type, "target" in frame && frame.target])).toEqual([
      ["Paused", "list:1"],
      ["Acknowledge", "list:1"],
      ["Acknowledge", "other:1"],
    ]);
  });

  test("[LM4] [LM8] hears once that its ephemeral messages are dropped", async () => {
    const it = limited();
    const one = await it.client();
    one.say(subscribe("cursors:1"));
    await one.heard();
    for (let x = 0; x < 20; x++) one.say(say("cursors:1", 0, { type: "moved", x }));
    expect(types(await one.heard())).toEqual(["Paused", "Push"]);
  });

  test("[LM4] [LM9] that goes on and on is closed, retryable", async () => {
    const it = limited({ messageRate: 1, messageBurst: 10 });
    const one = await it.client();
    for (let mid = 1; mid <= 103; mid++) one.say(added(mid));
    expect(one.closed).toEqual([]);
    for (let mid = 104; mid <= 130; mid++) one.say(added(mid));
    expect(one.closed).toEqual([{ code: 4001, reason: "rate" }]);
    expect((await one.heard()).at(-1)).toMatchObject({ type: "Closing", code: "rate", retryable: true });
  });

  test("[LM4] [LM9] a flood of pings or of made-up topics is a flood too", async () => {
    const it = limited({ messageRate: 1, messageBurst: 10, maxTopicsPerConnection: 20 });
    const eve = await it.client();
    for (let i = 0; i <= 100; i++) eve.say({ type: "Ping", cursors: [] });
    expect(eve.closed).toEqual([{ code: 4001, reason: "rate" }]);
    const mallory = await it.client();
    for (let i = 0; i <= 40; i++) mallory.say(say(`list:${"x".repeat(i)}`, 1, { type: "stamped" }));
    await mallory.heard();
    expect(mallory.closed).toEqual([{ code: 4001, reason: "rate" }]);
    const trudy = await it.client();
    for (let i = 0; i <= 20; i++) trudy.say(say("x".repeat(200 + i), 1, {}));
    expect(trudy.closed).toEqual([{ code: 4001, reason: "rate" }]);
  });

  test("[LM4] pauses that are over are no flood, on however many topics a client was paused", async () => {
    const it = limited({ messageRate: 1, messageBurst: 1, topicMessageBurst: 1, maxTopicsPerConnection: 5 });
    const one = await it.client();
    for (let i = 0; i < 20; i++) {
      // Each time one is taken, and the other one's topic is paused and never heard of again.
      for (const topic of ["taken", `paused-${i}`])
        one.say(say(`list:${topic}-${i}`, 1, { type: "stamped" }));
      expect(types(await one.heard())).toContain("Paused");
      await it.advance(2_000);
    }
    expect(one.closed).toEqual([]);
  });

  test("[LM4] a void mid that comes in place of the paused one ends the pause", async () => {
    const it = limited();
    const one = await it.client();
    one.say(...[1, 2, 3, 4, 5].map(added));
    await one.heard();
    await it.advance(1_000);
    one.say(say("list:1", 5, null, { settled: 4 }), added(6));
    expect(await one.heard()).toMatchObject([
      { type: "Rejected", mid: 5, code: "cancelled" },
      { type: "Acknowledge", mid: 6 },
    ]);
  });

  test("[LM2] a request to subscribe over its rate hears when to retry, and is taken then", async () => {
    const it = limited({ joinRate: 2, joinBurst: 2 });
    const one = it.socket();
    one.say(hello({ targets: [1, 2, 3].map((ref) => subscribe(`list:${ref}`, ref)) }));
    const refused = (await one.heard()).find(({ type }) => type === "Unsubscribed");
    expect(refused).toEqual({
      type: "Unsubscribed",
      target: "list:3",
      ref: 3,
      code: "rate",
      retryable: true,
      retryAfter: 500,
    });
    await it.advance(500);
    one.say(subscribe("list:3", 4));
    expect(types(await one.heard())).toEqual(["Settled", "Snapshot"]);
  });

  test("[LM2] an older request that comes late and over the rate ends nothing of the newer one", async () => {
    const it = limited({ joinRate: 2, joinBurst: 2 });
    const one = it.socket();
    one.say(hello({ targets: [subscribe("list:1", 5), subscribe("list:2", 6)] }));
    await one.heard();
    one.say(subscribe("list:1", 4));
    expect(await one.heard()).toEqual([]);
    one.say(added(1));
    expect(types(await one.heard())).toEqual(["TopicUpdate"]);
    // A newer one is told when to come again.
    one.say(subscribe("list:1", 7));
    expect(await one.heard()).toMatchObject([{ type: "Unsubscribed", ref: 7, code: "rate" }]);
  });
});

describe("a rate outlives the connection", () => {
  const messages = (count: number, topic = "list:1") =>
    Array.from({ length: count }, (_, i) => say(topic, i + 1, { type: "added", item: `${i}` }));

  test("[LM20] [LM12] a client that comes back without an identity has no fresh burst", async () => {
    const it = limited({ messageRate: 1, messageBurst: 4 });
    const on = { remoteAddress: "192.0.2.1" };
    const taken: number[] = [];
    for (let round = 0; round < 5; round++) {
      const one = await it.client(undefined, undefined, on);
      one.say(...messages(4));
      taken.push((await one.heard()).filter(({ type }) => type === "Acknowledge").length);
      one.drop();
    }
    expect(taken).toEqual([4, 0, 0, 0, 0]);
  });

  test("[LM20] a user has one, over all connections, packets and addresses; their pauses are apart", async () => {
    const it = wire({
      limits: { messageRate: 1, messageBurst: 4, topicMessageRate: 100 },
      authenticate: ({ token }) => ({ id: String(token) }),
    });
    it.server.handle(list, { public: true });
    const one = await it.client(undefined, "anna", { remoteAddress: "192.0.2.1" });
    const two = await it.client(undefined, "anna", { remoteAddress: "192.0.2.2" });
    one.say(...messages(5));
    expect(types(await one.heard())).toEqual([
      "Paused",
      "Acknowledge",
      "Acknowledge",
      "Acknowledge",
      "Acknowledge",
    ]);
    two.say(...messages(2, "list:2"));
    // It is told for itself, and only once; the other's pause holds nothing of its.
    expect(await two.heard()).toMatchObject([{ type: "Paused", target: "list:2", from: 1 }]);
    await it.advance(1_000);
    two.say(...messages(1, "list:1"));
    expect(await two.heard()).toMatchObject([{ type: "Acknowledge", target: "list:1", mid: 1 }]);
    const other = await it.client(undefined, "bert", { remoteAddress: "192.0.2.1" });
    other.say(...messages(4, "list:3"));
    expect(types(await other.heard())).toEqual(Array.from({ length: 4 }, () => "Acknowledge"));
  });

  test("[LM20] packets that speak for themselves draw on it too, and are paused as a connection is", async () => {
    const it = limited({ messageRate: 1, messageBurst: 4 });
    const one = await it.client();
    one.drop();
    const post = async (...frames: ReturnType<typeof messages>) => {
      const answer = it.post(hello({ identity: one.identity }), ...frames);
      await it.settle();
      return types(answer.heard);
    };
    expect(await post(...messages(3))).toEqual(["Acknowledge", "Acknowledge", "Acknowledge"]);
    expect(await post(...messages(6).slice(3))).toEqual(["Paused", "Acknowledge"]);
    // What the client had sent behind the paused one is ignored in its next packet too.
    expect(await post(...messages(7).slice(6))).toEqual([]);
    const again = await it.client(one.identity);
    again.say(...messages(5).slice(4));
    expect(types(await again.heard())).toEqual(["Paused"]);
  });

  test("[LM20] 500 visitors of one address work on, each with a rate of its own", async () => {
    const it = limited({ topicMessageRate: 2, topicMessageBurst: 4, messageRate: 2, messageBurst: 4 });
    const on = { remoteAddress: "192.0.2.1" };
    const pupils = await Promise.all(Array.from({ length: 500 }, () => it.client(undefined, undefined, on)));
    for (const [i, pupil] of pupils.entries()) pupil.say(...messages(4, `list:${i % 20}`));
    for (const pupil of pupils)
      expect(types(await pupil.heard())).toEqual(Array.from({ length: 4 }, () => "Acknowledge"));
    // And once more after a rest, also those who come again.
    await it.advance(4_000);
    for (const pupil of pupils.slice(0, 250)) pupil.drop();
    const back = await Promise.all(
      pupils.slice(0, 250).map(({ identity }) => it.client(identity, undefined, on)),
    );
    for (const pupil of back) pupil.say(...messages(8, "list:back").slice(0, 4));
    for (const pupil of back) expect(types(await pupil.heard())).not.toContain("Paused");
  });

  test("[LM20] 500 visitors of one address without a stream here work on too", async () => {
    const it = limited({ messageRate: 5, messageBurst: 10, topicMessageRate: 5, topicMessageBurst: 10 });
    const identities = (await Promise.all(Array.from({ length: 500 }, () => it.client()))).map((one) => {
      one.drop();
      return one.identity;
    });
    for (let mid = 1; mid <= 10; mid++) {
      const answers = identities.map((identity, i) =>
        it.post(hello({ identity }), say(`list:${i}`, mid, { type: "added", item: `${mid}` })),
      );
      await it.settle();
      for (const { heard } of answers) expect(types(heard)).toEqual(["Acknowledge"]);
    }
  });
});
