// Packets that speak for themselves: what HTTP POSTs come to, without HTTP.
import { describe, expect, test, vi } from "vitest";
import {
  countingRandom,
  cursors,
  handClock,
  handPubSub,
  heldLog,
  hello,
  inHand,
  list,
  say,
  saySession,
  session,
  subscribe,
  types,
  wire,
} from "../../test/wired.ts";
import { faultyLog, scriptedFaults } from "../testing/faulty-log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const closing = (code: string, retryable: boolean) => ({ type: "Closing", code, retryable, within: 0 });
const added = (item: string) => ({ type: "added", item });

/** A server with a public list, and a client of it whose stream is open. */
async function open(options: Parameters<typeof wire>[0] = {}) {
  const wired = wire(options);
  wired.server.handle(list, { public: true });
  wired.server.handle(session, { public: true });
  wired.server.handle(cursors, { public: true });
  const stream = await wired.client();
  return { ...wired, stream, asked: hello({ identity: stream.identity }) };
}

describe("messages", () => {
  test("[HT4] [HT21] outcomes are the answer, in order, and the packet is over when each has one", async () => {
    const { post, settle, asked, server } = await open();
    const said = post(
      asked,
      say("list:1", 1, added("a")),
      say("list:1", 2, { type: "removed", item: "none" }),
      say("list:1", 3, added("b")),
      saySession(1, { type: "named", name: "Ada" }),
    );
    await settle();
    expect(said.heard).toMatchObject([
      { type: "Acknowledge", target: "list:1", mid: 1, sequence: 1 },
      { type: "Rejected", target: "list:1", mid: 2, code: "missing" },
      { type: "Acknowledge", target: "list:1", mid: 3, sequence: 2 },
      { type: "Acknowledge", target: "@", mid: 1, sequence: 1 },
    ]);
    expect(said.closed).toEqual([{ code: 1000, reason: "" }]);
    expect((await server.topic(list, "1").read()).model.items).toEqual(["a", "b"]);
  });

  test("[HT4] [HT21] the stream gets the records of what a packet brought, and no outcome", async () => {
    const { post, settle, asked, stream } = await open();
    stream.say(subscribe("list:1"));
    await stream.heard();
    const said = post(asked, say("list:1", 1, added("a")));
    await settle();
    expect(types(said.heard)).toEqual(["Acknowledge"]);
    expect(types(await stream.heard())).toEqual(["TopicUpdate"]);
    expect(stream.closed).toEqual([]);
  });

  test("[HT4] S26 a packet sent twice has the same outcomes twice, and is applied once", async () => {
    const { post, settle, asked, server } = await open();
    const frames = [asked, say("list:1", 1, added("a")), say("list:1", 2, added("b"))] as const;
    const first = post(...frames);
    first.leave(); // the response is lost
    await settle();
    expect(first.heard).toEqual([]);
    const second = post(...frames);
    const third = post(...frames);
    await settle();
    expect(second.heard).toMatchObject([
      { type: "Acknowledge", mid: 1, sequence: 1 },
      { type: "Acknowledge", mid: 2, sequence: 2 },
    ]);
    expect(third.heard).toEqual(second.heard);
    expect((await server.topic(list, "1").read()).sequence).toBe(2);
  });

  test("[HT4] [LM4] S33 a packet over a rate is answered at once; the rate is its client's, whatever it comes by", async () => {
    const limits = { topicMessageBurst: 3, topicMessageRate: 1 };
    for (const streaming of [true, false]) {
      const { post, settle, asked, stream } = await open({ limits });
      if (!streaming) stream.drop();
      const first = post(asked, ...[1, 2, 3, 4, 5].map((mid) => say("list:1", mid, added(`${mid}`))));
      await settle();
      expect(first.heard.map((frame) => [frame.type, "mid" in frame && frame.mid])).toEqual([
        ["Paused", false],
        ["Acknowledge", 1],
        ["Acknowledge", 2],
        ["Acknowledge", 3],
      ]);
      expect(first.closed).toEqual([{ code: 1000, reason: "" }]);
      const second = post(asked, ...[4, 5].map((mid) => say("list:1", mid, added(`${mid}`))));
      await settle();
      expect(second.heard).toMatchObject([{ type: "Paused", from: 4, code: "rate" }]);
      expect(second.closed).toEqual([{ code: 1000, reason: "" }]);
    }
  });

  test("[HT4] S26 packets that come out of order: a later mid waits for the earlier one", async () => {
    const { post, settle, asked } = await open();
    const later = post(asked, say("list:1", 2, added("b")));
    await settle();
    expect(later.heard).toMatchObject([{ type: "Paused", target: "list:1", from: 1, code: "gap" }]);
    expect(later.closed).toHaveLength(1);
    const both = post(asked, say("list:1", 1, added("a")), say("list:1", 2, added("b")));
    await settle();
    expect(both.heard).toMatchObject([
      { type: "Acknowledge", mid: 1 },
      { type: "Acknowledge", mid: 2 },
    ]);
  });

  test("[HT4] [TE5] a conflict is answered, and what follows it is not waited for", async () => {
    const { post, settle, asked } = await open();
    post(asked, say("list:1", 1, added("a")));
    await settle();
    const said = post(asked, say("list:1", 1, added("x"), { id: "other" }), say("list:1", 2, added("b")));
    await settle();
    expect(said.heard).toMatchObject([{ type: "Rejected", mid: 1, id: "other", code: "mid-conflict" }]);
    expect(said.closed).toHaveLength(1);
  });

  test("[HT4] a log that does not answer in time: the answer says what is known, the rest comes when asked again", async () => {
    const held = heldLog(memoryLog(), "append");
    held.release();
    const { post, settle, advance, asked } = await open({ log: held.log });
    const refused = say("list:2", 1, { type: "removed", item: "none" });
    post(asked, refused);
    await settle();
    held.hold();
    const said = post(asked, refused, say("list:1", 1, added("a")));
    await advance(7_999);
    expect([types(said.heard), said.closed]).toEqual([["Rejected"], []]);
    await advance(1);
    await settle();
    expect(said.closed).toEqual([{ code: 1000, reason: "" }]);
    held.release();
    await settle();
    expect(said.heard).toHaveLength(1);
    const again = post(asked, say("list:1", 1, added("a")));
    await settle();
    expect(again.heard).toMatchObject([{ type: "Acknowledge", mid: 1, sequence: 1 }]);
  });

  test("[HT4] [TE12] S36 an append that threw is looked up before it is answered", async () => {
    const log = faultyLog(memoryLog(), {
      clock: handClock().clock,
      plan: scriptedFaults({ append: ["lose"] }),
    });
    const { post, settle, advance, asked } = await open({ log });
    const said = post(asked, say("list:1", 1, added("a")));
    await settle();
    await advance(100);
    expect(said.heard).toMatchObject([{ type: "Acknowledge", mid: 1, sequence: 1 }]);
  });
});

describe("who may", () => {
  test("[HT4] S17 a packet needs Hello first and once, with an identity; anything else is refused and recorded", async () => {
    const { post, settle, asked, refused, stream } = await open();
    const message = say("list:1", 1, added("a"));
    const wrong = [[message], [hello(), message], [asked, asked, message], [asked, message, asked], []];
    for (const frames of wrong) {
      const said = post(...frames);
      await settle();
      expect(said.heard).toEqual([closing("protocol", false)]);
      expect(said.closed).toEqual([{ code: 4002, reason: "protocol" }]);
    }
    expect(refused.map(({ code }) => code)).toEqual(wrong.map(() => "protocol"));
    expect(stream.closed).toEqual([]);
  });

  test("[HT4] [CV16] S17 nothing is taken under an identity that is not the client's: its next Hello will hear of it", async () => {
    const { post, settle, server, stream, advance } = await open({ limits: { identityLifetime: 1_000 } });
    const message = say("list:1", 1, added("a"));
    const forged = post(hello({ identity: { ...stream.identity, clientId: "0".repeat(32) } }), message);
    await settle();
    expect(forged.heard).toEqual([closing("identity", true)]);
    await advance(1_000);
    const expired = post(hello({ identity: stream.identity }), message);
    await settle();
    expect(expired.heard).toEqual([closing("identity", true)]);
    expect((await server.topic(list, "1").read()).sequence).toBe(0);
  });

  test("[HT4] [CV15] [HT17] every packet is authenticated; a token that ran out costs a Hello with a fresh one", async () => {
    const authenticate = vi.fn(({ token }: { token: unknown }) => (token === "old" ? null : { id: "ada" }));
    const wired = wire({ authenticate });
    wired.server.handle(list, { public: true });
    const { identity } = await wired.client(undefined, "good");
    const message = say("list:1", 1, added("a"));
    const late = wired.post(hello({ identity, token: "old" }), message);
    const good = wired.post(hello({ identity, token: "good" }), message);
    await wired.settle();
    expect(late.heard).toEqual([closing("unauthenticated", true)]);
    expect(types(good.heard)).toEqual(["Acknowledge"]);
    authenticate.mockImplementation(() => {
      throw new Error("down");
    });
    const down = wired.post(hello({ identity, token: "good" }), message);
    await wired.settle();
    expect(down.heard).toEqual([closing("authentication-failed", true)]);
    expect(wired.errors).toEqual([new Error("down")]);
  });

  test("[HT4] [CV13] a packet of another version gets Version", async () => {
    const { post, settle, stream } = await open();
    const said = post(
      hello({ identity: stream.identity, slices: { "list:*": 0 } }),
      say("list:1", 1, added("a")),
    );
    await settle();
    expect(said.heard).toMatchObject([{ type: "Version", terminal: true }, closing("version", false)]);
  });

  test("[HT4] [CV4] an unreadable message refuses itself, by its mid, and those behind it are taken", async () => {
    const { post, settle, asked } = await open();
    const said = post(asked, say("list:1", 1, { $calla: 1 }), say("list:1", 2, added("b")));
    await settle();
    expect(said.heard).toMatchObject([
      { type: "Rejected", mid: 1 },
      { type: "Acknowledge", mid: 2 },
    ]);
  });

  test("[HT4] [HA3] [HT16] without a stream each packet is asked about; with one, what that may reach it may, no longer than that", async () => {
    const wired = wire();
    const canSubscribe = vi.fn(() => true);
    wired.server.handle(list, { canSubscribe, canDispatch: () => true });
    const stream = await wired.client();
    const asked = hello({ identity: stream.identity });
    stream.say(subscribe("list:1"));
    await stream.heard();
    expect(canSubscribe).toHaveBeenCalledTimes(1);
    wired.post(asked, say("list:1", 1, added("a")));
    await wired.settle();
    expect(canSubscribe).toHaveBeenCalledTimes(1);
    canSubscribe.mockReturnValue(false);
    wired.server.unsubscribe(stream.identity.clientId, list, "1");
    const revoked = wired.post(asked, say("list:1", 2, added("b")));
    await wired.settle();
    expect(revoked.heard).toMatchObject([{ type: "Rejected", mid: 2, code: "forbidden" }]);
    expect(canSubscribe).toHaveBeenLastCalledWith(expect.objectContaining({ purpose: "dispatch" }));
  });

  test("[HT4] [CV17] a flusher's packets are taken while its page is gone, and not while it is here", async () => {
    const { post, settle, stream } = await open();
    const flush = hello({ identity: stream.identity, flushOnly: true });
    const inUse = post(flush, say("list:1", 1, added("a")));
    await settle();
    expect(inUse.heard).toEqual([closing("in-use", true)]);
    stream.drop();
    const taken = post(flush, say("list:1", 1, added("a")));
    await settle();
    expect(types(taken.heard)).toEqual(["Acknowledge"]);
  });

  test("[HT4] whoever has gone before it was known who it is leaves nothing behind", async () => {
    const known = inHand<{ id: string }>();
    const authenticate = vi.fn(() => Promise.resolve({ id: "ada" }));
    const wired = wire({ authenticate });
    wired.server.handle(list, { public: true });
    const { identity } = await wired.client();
    authenticate.mockReturnValueOnce(known.promise);
    const said = wired.post(hello({ identity }), say("list:1", 1, added("a")));
    said.leave();
    known.keep({ id: "ada" });
    await wired.settle();
    expect(said.heard).toEqual([]);
    expect((await wired.server.topic(list, "1").read()).sequence).toBe(0);
  });
});

describe("what needs the stream", () => {
  test("[HT5] it is done by the stream, if that is here", async () => {
    const { post, settle, asked, stream } = await open();
    const said = post(asked, subscribe("list:1"), { type: "Ping", cursors: [] });
    await settle();
    expect([said.heard, said.closed]).toEqual([[], [{ code: 1000, reason: "" }]]);
    expect(types(await stream.heard())).toEqual(["Pong", "Settled", "Snapshot"]);
  });

  test("[HT5] where the stream is not here: not-here, behind the outcomes of its messages", async () => {
    const { post, settle, asked, stream } = await open();
    stream.drop();
    const said = post(asked, subscribe("list:1"), say("list:1", 1, added("a")));
    await settle();
    expect(said.heard).toMatchObject([{ type: "Acknowledge", mid: 1 }, closing("not-here", true)]);
  });

  test("[HT5] [HT18] whether a server is there, any node says; about topics only the stream does", async () => {
    const { post, settle, asked, stream } = await open();
    stream.drop();
    const bare = post(asked, { type: "Ping", cursors: [] }, { type: "Ping", cursors: [] });
    const about = post(asked, { type: "Ping", cursors: [["list:1", 0, 0]] });
    await settle();
    expect([bare.heard, bare.closed]).toEqual([
      [{ type: "Pong" }, { type: "Pong" }],
      [{ code: 1000, reason: "" }],
    ]);
    expect(about.heard).toMatchObject([closing("not-here", true)]);
  });

  test("[HT5] messages go to any node: another one's subscribers get the records", async () => {
    const log = memoryLog({ shared: true });
    const bells = handPubSub();
    const options = { log, pubsub: bells.pubsub, secret: "the same on every node" };
    const [here, there] = [await open(options), wire({ ...options, random: countingRandom(2) })];
    there.server.handle(list, { public: true });
    there.server.handle(cursors, { public: true });
    here.stream.say(subscribe("list:1"), subscribe("cursors:1", 2));
    await here.stream.heard();
    const said = there.post(
      here.asked,
      say("list:1", 1, added("a")),
      say("cursors:1", 0, { type: "moved", x: 1 }),
    );
    await there.settle();
    expect(types(said.heard)).toEqual(["Acknowledge"]);
    bells.deliver();
    expect(types(await here.stream.heard())).toEqual(["TopicUpdate", "Push"]);
    expect([here.errors, there.errors]).toEqual([[], []]);
  });

  test("[HT5] [EP3] an ephemeral message from afar is asked about like any dispatch", async () => {
    const wired = wire();
    wired.server.handle(cursors, {
      canSubscribe: ({ purpose }) => purpose === "subscribe",
      canDispatch: () => true,
    });
    const ada = await wired.client();
    const bob = await wired.client();
    bob.say(subscribe("cursors:1"));
    await bob.heard();
    wired.post(hello({ identity: ada.identity }), say("cursors:1", 0, { type: "moved", x: 1 }));
    expect(await bob.heard()).toEqual([]);
    expect(wired.refused).toMatchObject([{ code: "forbidden", target: "cursors:1" }]);
  });
});

describe("polls", () => {
  const asked = (more: object = {}) => ({ target: "list:1", ref: 1, settled: 0, sent: 0, ...more });

  test("[HT6] a poll is answered with what is missing and ends without a word", async () => {
    const wired = wire();
    wired.server.handle(list, { public: true });
    const finish = vi.fn();
    const poll = wired.socket({ finish });
    poll.say(hello({ poll: true, targets: [asked()] }));
    expect(types(await poll.heard())).toEqual(["Connected", "Settled", "Snapshot"]);
    expect(finish).toHaveBeenCalledOnce();
    expect(poll.closed).toEqual([]);
  });

  test("[HT6] it ends too where a topic is refused, and where nothing is asked for", async () => {
    const wired = wire();
    for (const targets of [[asked()], []]) {
      const finish = vi.fn();
      const poll = wired.socket({ finish });
      poll.say(hello({ poll: true, targets }));
      await poll.heard();
      expect(finish).toHaveBeenCalledOnce();
    }
  });

  test("[HT6] hooks hear a client's first coming, and nothing of each question", async () => {
    const [onConnect, onDisconnect, onSubscribe, onUnsubscribe] = [vi.fn(), vi.fn(), vi.fn(), vi.fn()];
    const wired = wire({ onConnect, onDisconnect });
    wired.server.handle(list, { public: true, onSubscribe, onUnsubscribe });
    let identity = {};
    for (let i = 0; i < 3; i++) {
      const poll = wired.socket({ finish: () => undefined });
      poll.say(hello({ poll: true, targets: [asked()], ...identity }));
      const [connected] = await poll.heard();
      if (connected?.type === "Connected") identity = { identity: { ...connected } };
    }
    expect(onConnect).toHaveBeenCalledOnce();
    for (const hook of [onDisconnect, onSubscribe, onUnsubscribe]) expect(hook).not.toHaveBeenCalled();
  });

  test("[HT6] a connection that cannot be a poll ignores that", async () => {
    const { socket } = await open();
    const ada = socket();
    ada.say(hello({ poll: true, targets: [asked()] }));
    expect(types(await ada.heard())).toEqual(["Connected", "Settled", "Snapshot"]);
    expect(ada.closed).toEqual([]);
  });
});

test("[CV6] S22 an older Hello of the same page that comes late takes nothing over; another page's does", async () => {
  const wired = wire();
  const first = await wired.client();
  const { identity } = first;
  const [newer, older, reloaded] = [wired.socket(), wired.socket(), wired.socket()];
  newer.say(hello({ identity, attempt: [7, 3] }));
  await newer.heard();
  older.say(hello({ identity, attempt: [7, 2] }));
  expect(await older.heard()).toEqual([closing("superseded", false)]);
  expect(newer.closed).toEqual([]);
  reloaded.say(hello({ identity, attempt: [8, 1] }));
  expect(types(await reloaded.heard())).toEqual(["Connected"]);
  expect(newer.closed).toHaveLength(1);
});
