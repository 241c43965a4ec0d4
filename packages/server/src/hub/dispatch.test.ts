// A message's way to its target, by frames: what refuses it before it is offered, and what the server dispatches itself.
import { describe, expect, test } from "vitest";
import { cursors, hello, inHand, list, say, subscribe, types, wire } from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const added = (mid: number, more: object = {}) => say("list:1", mid, { type: "added", item: `${mid}` }, more);
const moved = (x: number, target = "cursors:1") => say(target, 0, { type: "moved", x });

function served(options: Parameters<typeof wire>[0] = {}, handlers: object = { public: true }) {
  const it = wire(options);
  it.server.handle(list, handlers);
  it.server.handle(cursors, { public: true });
  return { ...it, topic: it.server.topic(list, "1") };
}

describe("a message", () => {
  test("[CV3] has an id of 1 to 64 printable characters; any other ends its connection, and no other one", async () => {
    const { client, refused } = served();
    const bystander = await client();
    const good = await client();
    good.say(added(1, { id: "!" }), added(2, { id: "~".repeat(64) }));
    expect(types(await good.heard())).toEqual(["Acknowledge", "Acknowledge"]);
    for (const id of ["", "x".repeat(65), "a b", "é", "a\n"]) {
      const one = await client();
      one.say(added(1, { id }));
      expect(await one.heard(), id).toMatchObject([{ type: "Closing", code: "protocol", retryable: false }]);
    }
    expect(refused.map(({ code, target }) => [code, target])).toEqual(
      Array.from({ length: 5 }, () => ["protocol", "list:1"]),
    );
    bystander.say(added(1));
    expect(types(await bystander.heard())).toEqual(["Acknowledge"]);
  });

  test("[TE5] behind a mid-conflict nothing is taken for that target; others go on, until there are too many conflicts", async () => {
    const { client } = served({ limits: { maxTopicsPerConnection: 2 } });
    const one = await client();
    const conflict = async (target: string): Promise<void> => {
      const item = { type: "added", item: "a" };
      one.say(say(target, 1, item), say(target, 1, item, { id: "another" }));
      expect(types(await one.heard())).toEqual(["Acknowledge", "Rejected"]);
    };
    await conflict("list:1");
    one.say(added(2), added(3));
    expect(await one.heard()).toEqual([]);
    await conflict("list:2");
    one.say(added(2));
    expect(await one.heard()).toEqual([]);
    one.say(say("list:3", 1, { type: "added", item: "a" }));
    expect(await one.heard()).toMatchObject([{ type: "Closing", code: "mid-conflict", retryable: true }]);
  });

  test("[CV4] to what is no topic, or has no handlers, is refused by its mid; an ephemeral one without a word", async () => {
    const it = wire();
    const one = await it.client();
    one.say(say("nothing:1", 1, {}), say("list:1", 1, {}), say("nothing:1", 0, {}));
    expect(await one.heard()).toMatchObject([
      { type: "Rejected", target: "nothing:1", mid: 1, from: "calla", code: "topic" },
      { type: "Rejected", target: "list:1", mid: 1, from: "calla", code: "unhandled" },
    ]);
    expect(it.refused.map(({ code }) => code)).toEqual(["topic", "unhandled", "topic"]);
  });

  test("[TE26] of a stranger opens nothing; one that was let in before has its outcome repeated, and a new mid refused", async () => {
    let open = true;
    const { client, server, settle } = served({}, { canSubscribe: () => open, canDispatch: () => true });
    const known = await client();
    known.say(added(1));
    expect(types(await known.heard())).toEqual(["Acknowledge"]);
    open = false;
    await server.reauthorise();
    const stranger = await client();
    stranger.say(say("list:9", 1, { type: "added", item: "x" }));
    expect(await stranger.heard()).toMatchObject([{ type: "Rejected", code: "forbidden" }]);
    const before = server.inspect().targets.open;
    stranger.say(say("list:9", 2, { type: "added", item: "x" }));
    await settle();
    expect(server.inspect().targets.open).toBe(before);
    known.say(added(1), added(2));
    expect(await known.heard()).toMatchObject([
      { type: "Acknowledge", mid: 1, sequence: 1 },
      { type: "Rejected", mid: 2, code: "forbidden" },
    ]);
  });

  test("[TE26] strangers that wait for the log are bounded; when it cannot be read they may retry", async () => {
    const answer = inHand<never>();
    const log = memoryLog();
    log.client = () => answer.promise;
    const { client, errors } = served({ log, limits: { maxQueued: 2 } }, { canSubscribe: () => false });
    const one = await client();
    one.say(...[1, 2, 3].map((i) => say(`list:${i}`, 1, { type: "added", item: "x" })));
    expect(await one.heard()).toMatchObject([{ type: "Paused", target: "list:3", code: "busy" }]);
    answer.break(new Error("disk"));
    expect(await one.heard()).toMatchObject([
      { type: "Paused", target: "list:1", code: "storage" },
      { type: "Paused", target: "list:2", code: "storage" },
    ]);
    expect(errors).toHaveLength(2);
    // Their places are free again.
    log.client = () => Promise.resolve(undefined);
    one.say(say("list:3", 1, { type: "added", item: "x" }));
    expect(await one.heard()).toMatchObject([{ type: "Rejected", target: "list:3", code: "forbidden" }]);
  });
});

describe("a message to an ephemeral topic", () => {
  test("[EP3] is for subscribers, of a subscriber: of another one it is refused and recorded", async () => {
    const { client, refused } = served();
    const [one, other] = [await client(), await client()];
    other.say(subscribe("cursors:1"));
    await other.heard();
    one.say(moved(1));
    expect([await one.heard(), await other.heard()]).toEqual([[], []]);
    expect(refused).toMatchObject([{ code: "not-subscribed", target: "cursors:1" }]);
    one.say(subscribe("cursors:1"));
    await one.heard();
    one.say(moved(2), say("cursors:1", 0, { type: "unknown" }), moved(3));
    expect(types(await other.heard())).toEqual(["Push"]);
    expect(refused.map(({ code }) => code)).toEqual(["not-subscribed", "unknown-message"]);
  });

  test("[HT4] in a packet goes by the app's answer, with or without a stream", async () => {
    const { client, post, settle } = served();
    const other = await client();
    other.say(subscribe("cursors:1"));
    await other.heard();
    const one = await client();
    for (let time = 0; time < 2; time++) {
      const packet = post(hello({ identity: one.identity }), moved(time), moved(time, "nothing:1"));
      await settle();
      expect(packet.closed).toEqual([{ code: 1000, reason: "" }]);
      expect(await other.heard()).toMatchObject([
        { type: "Push", pushes: [[expect.any(Number), null, [{ x: time }]]] },
      ]);
      one.drop();
    }
  });
});

describe("what the server dispatches", () => {
  test("[TE18] with a key is applied once, however often; without one each time", async () => {
    const { topic, done } = served();
    const item = { type: "added", item: "a" } as const;
    const sequences: number[] = [];
    for (const key of ["k", "k", undefined, undefined, "k"]) {
      const { sequence } = await done(topic.dispatch(item, ...(key === undefined ? [] : [{ key }])));
      sequences.push(sequence);
    }
    expect(sequences).toEqual([1, 1, 2, 3, 1]);
  });

  test("[HA7] what a hook returns does not bring a removed topic back, the second time neither", async () => {
    const hooks = { public: true, onUnsubscribe: () => ({ type: "cleared" }) };
    const { topic, done, client, settle, errors } = served({}, hooks);
    for (let time = 0; time < 2; time++) {
      await done(topic.dispatch({ type: "added", item: "a" }));
      const one = await client();
      one.say(subscribe("list:1"));
      await one.heard();
      await done(topic.remove());
      await settle();
      one.drop();
      await settle();
      expect((await done(topic.read())).model).toEqual({ items: [] });
    }
    expect(errors).toEqual([]);
  });

  test("[EP4] a push is for all subscribers; in a client's name for all but that one; and must be a message", async () => {
    const { server, client } = served();
    const [one, other] = [await client(), await client()];
    for (const each of [one, other]) each.say(subscribe("cursors:1"));
    await Promise.all([one.heard(), other.heard()]);
    const topic = server.topic(cursors, "1");
    topic.push({ type: "moved", x: 1 });
    expect([types(await one.heard()), types(await other.heard())]).toEqual([["Push"], ["Push"]]);
    topic.pushFrom(one.identity.clientId, { type: "moved", x: 2 });
    expect([types(await one.heard()), types(await other.heard())]).toEqual([[], ["Push"]]);
    expect(() => topic.push({ type: "moved", x: "far" } as never)).toThrow(/no message of slice "cursors:/);
  });
});
