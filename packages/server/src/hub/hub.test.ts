import { DEFAULT_LIMITS, OWN_SESSION } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  cursors,
  heldLog,
  hello,
  inHand,
  list,
  other,
  say,
  saySession,
  session,
  subscribe,
  types,
  unsubscribe,
  wire,
} from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const add = (item: string) => ({ type: "added", item }) as const;
const closing = (code: string, retryable: boolean) => ({ type: "Closing", code, retryable, within: 0 });

describe("one message's trip through the server", () => {
  test("[CV1] a subscriber gets Settled, then a snapshot; its own message comes back as everybody's record", async () => {
    const { server, client, errors } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    const bob = await client();
    ada.say(subscribe("list:1"));
    bob.say(subscribe("list:1"));
    expect(await ada.heard()).toEqual([
      {
        type: "Settled",
        target: "list:1",
        ref: 1,
        sequence: 0,
        next: 1,
        outcomes: [],
        resync: "snapshot",
        reason: "first",
      },
      { type: "Snapshot", target: "list:1", sequence: 0, mark: 0, version: 1, model: { items: [] } },
    ]);
    await bob.heard();
    ada.say(say("list:1", 1, add("x")));
    const [update] = await ada.heard();
    expect(update).toMatchObject({
      type: "TopicUpdate",
      target: "list:1",
      after: 0,
      from: 0,
      records: [[0, 0, 1, "id-1", [add("x")]]],
    });
    expect(await bob.heard()).toEqual([update]);
    expect(errors).toEqual([]);
    expect(await server.topic(list, "1").read()).toEqual({ model: { items: ["x"] }, sequence: 1 });
  });

  test("[CV1] a client without a subscription gets Acknowledge, and so does a repeated mid of a subscriber", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")));
    const acknowledge = { type: "Acknowledge", target: "list:1", mid: 1, id: "id-1", sequence: 1 };
    expect(await ada.heard()).toEqual([acknowledge]);
    ada.say(subscribe("list:1"));
    await ada.heard();
    ada.say(say("list:1", 1, add("x")));
    expect(await ada.heard()).toEqual([acknowledge]);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["x"] });
  });

  test('[CV1] a session\'s author is its subscriber: its records return as TopicUpdate, named "@"', async () => {
    const { server, client } = wire();
    server.handle(session, { public: true });
    const ada = await client();
    ada.say(saySession(1, { type: "named", name: "A" }));
    expect(await ada.heard()).toEqual([
      { type: "Acknowledge", target: "@", mid: 1, id: "id-1", sequence: 1 },
    ]);
    ada.say(subscribe("@"));
    expect(await ada.heard()).toMatchObject([
      { type: "Settled", target: "@" },
      { type: "Snapshot", target: "@", model: { name: "A" } },
    ]);
    ada.say(saySession(2, { type: "named", name: "B" }));
    expect(await ada.heard()).toMatchObject([
      { type: "TopicUpdate", target: "@", after: 1, records: [[0, 0, 2, "id-2", [{}]]] },
    ]);
  });

  test("[CV1] what many say in one turn is one append and one frame", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    const bob = await client();
    for (const one of [ada, bob]) one.say(subscribe("list:1"));
    await ada.heard();
    await bob.heard();
    ada.say(say("list:1", 1, add("a")), say("list:1", 2, add("b")));
    bob.say(say("list:1", 1, add("c")));
    const heard = await ada.heard();
    expect(types(heard)).toEqual(["TopicUpdate"]);
    expect(heard[0]).toMatchObject({ records: [{ 1: 0 }, { 1: 0 }, { 1: 1 }] });
  });
});

describe("hostile peers", () => {
  test("[CV3] S29 bytes that are no client frame close the connection for good, recorded; nobody else is disturbed", async () => {
    const { server, client, refused, errors } = wire();
    server.handle(list, { public: true });
    const bob = await client();
    bob.say(subscribe("list:1"));
    await bob.heard();
    const deep = "[".repeat(5_000) + "]".repeat(5_000);
    const cases: [string | Uint8Array, string][] = [
      ["", "undecodable"],
      ["{", "undecodable"],
      ["nonsense\u2028", "undecodable"],
      [new Uint8Array([0x93, 0xff]), "undecodable"],
      ["null", "protocol"],
      ["7", "protocol"],
      ['"Hello"', "protocol"],
      ["{}", "protocol"],
      ["[null]", "protocol"],
      ["[[]]", "protocol"],
      ['{"type":"constructor"}', "protocol"],
      ['{"type":"Subscribe","target":"list:1"}', "protocol"],
      ['{"type":"Subscribe","target":7,"ref":1,"settled":0,"sent":0}', "protocol"],
      ['{"type":"Subscribe","target":"list:1","ref":-1,"settled":0,"sent":0}', "protocol"],
      ['{"type":"Subscribe","target":"list:1","ref":1.5,"settled":0,"sent":0}', "protocol"],
      [JSON.stringify(say("list:1", 2 ** 53, add("x"))), "protocol"],
      [JSON.stringify(say("list:1", -1, add("x"))), "protocol"],
      [JSON.stringify({ type: "Settled", target: "list:1" }), "protocol"],
      ['{"type":"Ping","cursors":[["list:1",0]]}', "protocol"],
      ['{"__proto__":{"type":"Ping","cursors":[]}}', "hostile-key"],
      [deep, "too-deep"],
      [" ".repeat(DEFAULT_LIMITS.maxFrameBytes + 1), "too-large"],
      [JSON.stringify(Array.from({ length: DEFAULT_LIMITS.maxEntries + 1 }, () => 0)), "too-large"],
    ];
    for (const [bytes, code] of cases) {
      const eve = await client();
      refused.length = 0;
      eve.sayRaw(bytes);
      expect([bytes.slice(0, 60), await eve.heard()]).toEqual([bytes.slice(0, 60), [closing(code, false)]]);
      expect(eve.closed).toEqual([{ code: 4002, reason: code }]);
      expect(refused).toMatchObject([{ code, clientId: eve.identity.clientId }]);
    }
    expect(await bob.heard()).toEqual([]);
    bob.say(say("list:1", 1, add("x")));
    expect(types(await bob.heard())).toEqual(["TopicUpdate"]);
    expect(errors).toEqual([]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("[CV3] a thousand hostile connections leave nothing behind", async () => {
    const { server, client, socket, errors, settle } = wire();
    server.handle(list, { public: true });
    server.handle(cursors, { public: true });
    const bob = await client();
    for (let i = 0; i < 1_000; i++) {
      const eve = socket();
      eve.sayRaw(JSON.stringify(hello()));
      if (i % 3 === 0) await settle();
      eve.sayRaw(i % 2 === 0 ? "\u0000" : JSON.stringify([subscribe(`cursors:${i}`), { type: "?" }]));
      eve.drop();
    }
    await settle();
    bob.say(subscribe("list:1"), say("list:1", 1, add("x")));
    expect(types(await bob.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
    expect(errors).toEqual([]);
  });

  test("[CV4] S29 a payload that cannot be decoded or has hostile keys refuses its own message, by its mid", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    const bad = [
      '{"type":"added","item":"x","constructor":1}',
      '{"type":"added","item":{"prototype":1}}',
      '{"type":"added","item":"x"},{"type":"added","item":"x","constructor":1}',
      '{"type":"added","item":' + "[".repeat(100) + "]".repeat(100) + "}",
      "[]",
      "7",
      "null",
      "[null]",
      '"added"',
      '{"type":"added","item":7}',
      '{"type":["added"]}',
    ];
    bad.forEach((messages, i) =>
      ada.sayRaw(
        `{"type":"TopicMessage","target":"list:1","mid":${i + 1},"id":"id-${i + 1}","settled":0,"messages":[${messages}]}`,
      ),
    );
    ada.say(say("list:1", bad.length + 1, add("x")));
    const heard = await ada.heard();
    expect(heard.slice(0, -1)).toMatchObject(
      bad.map((_, i) => ({ type: "Rejected", mid: i + 1, code: "invalid" })),
    );
    expect(heard.at(-1)).toMatchObject({ type: "Acknowledge", mid: bad.length + 1 });
    expect(ada.closed).toEqual([]);
  });

  test("[CV4] a message may name anything: unknown types, inherited names, whole prototypes", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    const names = ["toString", "__defineGetter__", "hasOwnProperty", "", "x".repeat(10_000)];
    names.forEach((type, i) => ada.say(say("list:1", i + 1, { type })));
    expect(await ada.heard()).toMatchObject(
      names.map((type) => ({
        type: "Rejected",
        code: "unknown-message",
        details: { type: type.slice(0, 100) },
      })),
    );
  });

  test("[CV4] more messages in one dispatch than maxBatch are refused", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(
      say(
        "list:1",
        1,
        Array.from({ length: 101 }, () => add("x")),
      ),
    );
    expect(await ada.heard()).toMatchObject([
      { type: "Rejected", code: "too-large", details: { maxBatch: 100 } },
    ]);
  });

  test("[CV3] S45 a message id that formats carry differently, or that is long, closes the connection", async () => {
    for (const id of ["", "\ud800", "é", "a b", "x".repeat(65)]) {
      const { server, client } = wire();
      server.handle(list, { public: true });
      const ada = await client();
      ada.say(say("list:1", 1, add("x"), { id }));
      expect(await ada.heard()).toEqual([closing("protocol", false)]);
    }
  });

  test("[CV4] topic ids that are none are refused one by one, and the longest there is goes through", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    const none = ["", "list", "list:", "nowhere:1", "list:\ud800", "list:\u0000", "__proto__"];
    for (const target of none) {
      ada.say(subscribe(target), say(target, 1, add("x")));
      expect(await ada.heard()).toMatchObject([
        { type: "Unsubscribed", target, ref: 1, code: "topic", retryable: false },
        { type: "Rejected", target, mid: 1, code: "topic" },
      ]);
    }
    const longest = `list:${"x".repeat(251)}`;
    ada.say(subscribe(longest), say(longest, 1, add("x")));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
    expect(ada.closed).toEqual([]);
  });

  test("[CV4] mids at the edges: 0 to a target with a history is a conflict, the largest is early, settled is capped", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    server.handle(other, { public: true });
    const ada = await client();
    ada.say(say("list:1", 0, add("x")));
    expect(await ada.heard()).toMatchObject([{ type: "Rejected", mid: 0, code: "mid-conflict" }]);
    ada.say(say("list:1", 1, add("x"))); // nothing more is taken there before a new Hello
    expect(await ada.heard()).toEqual([]);
    ada.say(say("list:2", 2 ** 53 - 1, add("x")));
    expect(await ada.heard()).toMatchObject([{ type: "Paused", target: "list:2", from: 1, code: "gap" }]);
    ada.say(say("list:2", 1, add("x"), { settled: 2 ** 53 - 1 }));
    ada.say(say("list:2", 2, add("y"), { settled: 2 }));
    expect(types(await ada.heard())).toEqual(["Acknowledge", "Acknowledge"]);
  });

  test("[TE5] a mid-conflict is remembered of each target: a second one elsewhere does not end the first", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    const targets = ["list:1", "list:2"];
    ada.say(...targets.map((target) => say(target, 1, add("x"))));
    expect(types(await ada.heard())).toEqual(["Acknowledge", "Acknowledge"]);
    ada.say(...targets.map((target) => say(target, 0, add("another"))));
    expect(await ada.heard()).toMatchObject(
      targets.map((target) => ({ type: "Rejected", target, code: "mid-conflict" })),
    );
    ada.say(...targets.map((target) => say(target, 2, add("y"))));
    expect(await ada.heard()).toEqual([]);
  });

  test("[CV7] nothing is sent on a conversation after its close, and nothing it says is heard", async () => {
    const { server, client, settle } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    const bob = await client();
    ada.say(subscribe("list:1"), subscribe("list:2"), say("list:1", 1, add("x")));
    ada.sayRaw("{");
    const heard = await ada.heard();
    expect(types(heard).filter((type) => type === "Closing")).toHaveLength(1);
    expect(heard.at(-1)).toEqual(closing("undecodable", false));
    bob.say(say("list:1", 1, add("y")));
    ada.say(subscribe("list:3"), say("list:1", 2, add("z")));
    ada.sayRaw("{");
    ada.drop();
    await settle();
    expect(await ada.heard()).toEqual([]);
    expect(ada.closed).toHaveLength(1);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["x", "y"] });
  });

  test("[CV7] a close at every await of subscribing leaves no subscriber behind", async () => {
    for (const method of ["open", "read", "client"] as const) {
      const log = memoryLog({ shared: true, retention: 0 });
      // Of what never was nothing is read.
      const before = wire({ log });
      if (method === "read") await before.done(before.server.topic(list, "1").dispatch(add("x")));
      const held = heldLog(log, method);
      const seen: string[] = [];
      const { server, client, advance } = wire({ log: held.log });
      server.handle(list, {
        public: true,
        onSubscribe: () => void seen.push("in"),
        onUnsubscribe: () => void seen.push("out"),
      });
      const ada = await client();
      ada.say(subscribe("list:1", 1, { sent: 1 }));
      for (let step = 0; held.waiting() === 0 && step < 5; step++) await advance(1);
      expect(held.waiting()).toBe(1);
      ada.drop();
      held.release();
      await advance(1);
      expect(await ada.heard()).toEqual([]);
      expect(seen).toEqual([]);
      await advance(120_001); // it is idle, so it leaves
      const again = await client();
      again.say(subscribe("list:1"));
      expect(types(await again.heard())).toEqual(["Settled", "Snapshot"]);
    }
  });

  test("[CV12] S24 a connection with too much unwritten is closed, retryable, also one that only listens; others go on", async () => {
    const { server, client } = wire({ limits: { maxBufferedBytes: 1_000 } });
    server.handle(list, { public: true });
    const slow = await client();
    const bob = await client();
    for (const one of [slow, bob]) one.say(subscribe("list:1"));
    await slow.heard();
    await bob.heard();
    slow.stuff(1_000);
    bob.say(say("list:1", 1, add("x")));
    expect(types(await slow.heard())).toEqual(["TopicUpdate"]);
    slow.stuff(1_001);
    bob.say(say("list:1", 2, add("y")));
    expect((await slow.heard()).at(-1)).toEqual(closing("slow", true));
    expect(slow.closed).toEqual([{ code: 4001, reason: "slow" }]);
    expect(types(await bob.heard())).toEqual(["TopicUpdate", "TopicUpdate"]);
  });

  test("[CV12] a peer that asks for the same snapshot without end is stopped by what it does not read", async () => {
    const { server, client } = wire({ limits: { maxBufferedBytes: 1_000 } });
    server.handle(list, { public: true });
    const eve = await client();
    const before = eve.raw.length;
    eve.stuff(1_001);
    eve.say(...Array.from({ length: 1_000 }, (_, i) => subscribe("list:1", i + 1)));
    await eve.heard();
    expect(eve.closed).toEqual([{ code: 4001, reason: "slow" }]);
    expect(eve.raw.length - before).toBeLessThan(10);
  });

  test("[CV12] a socket that throws is gone; other subscribers of the topic get the frame", async () => {
    const { server, client, errors } = wire();
    server.handle(list, { public: true });
    const broken = await client(undefined, undefined, {
      send(said) {
        if (said.type === "TopicUpdate" || said.type === "Closing") throw new Error("EPIPE");
      },
    });
    const bob = await client();
    for (const one of [broken, bob]) one.say(subscribe("list:1"));
    await bob.heard();
    bob.say(say("list:1", 1, add("x")));
    expect(types(await bob.heard())).toEqual(["TopicUpdate"]);
    expect(errors).toEqual([new Error("EPIPE"), new Error("EPIPE")]);
    expect(broken.closed).toEqual([{ code: 4001, reason: "transport" }]);
    expect(server.subscribe(broken.identity.clientId, list, "2")).toBe(false);
  });

  test.each(["first", "last"])(
    "[CV14] a client's session is none of the topics it may subscribe to: asked for %s",
    async (when) => {
      const { server, client } = wire({ limits: { maxTopicsPerConnection: 3 } });
      server.handle(list, { public: true });
      server.handle(session, { public: true });
      const ada = await client();
      const topics = ["list:1", "list:2", "list:3"].map((topic) => subscribe(topic, 1));
      const own = subscribe(OWN_SESSION, 1);
      ada.say(...(when === "first" ? [own, ...topics] : [...topics, own]));
      expect(types(await ada.heard()).filter((type) => type !== "Snapshot")).toEqual(
        Array.from({ length: 4 }, () => "Settled"),
      );
      ada.say(subscribe("list:4", 2));
      expect(await ada.heard()).toMatchObject([{ type: "Unsubscribed", code: "too-many-topics" }]);
    },
  );

  test("[CV14] more than maxTopicsPerConnection are refused, also in one Hello or Resync", async () => {
    const { server, client } = wire({ limits: { maxTopicsPerConnection: 3 } });
    server.handle(list, { public: true });
    const ada = await client();
    const targets = Array.from({ length: 50 }, (_, i) => ({
      target: `list:${i}`,
      ref: 1,
      settled: 0,
      sent: 0,
    }));
    ada.say({ type: "Resync", targets });
    const heard = await ada.heard();
    expect(heard.filter(({ type }) => type === "Settled")).toHaveLength(3);
    const refusals = heard.filter((frame) => frame.type === "Unsubscribed");
    expect(refusals.map(({ code }) => code)).toEqual(Array.from({ length: 47 }, () => "too-many-topics"));
    ada.say(unsubscribe("list:0", 1), subscribe("list:9", 2));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
  });

  test("[CV14] a target named a thousand times in one Resync is answered once", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    const targets = Array.from({ length: 1_000 }, (_, i) => ({
      target: "list:1",
      ref: i,
      settled: 0,
      sent: 0,
    }));
    ada.say({ type: "Resync", targets });
    expect(await ada.heard()).toMatchObject([{ type: "Settled", ref: 999 }, { type: "Snapshot" }]);
  });

  test("[CV14] a stranger opens nothing: neither by subscribing nor by dispatching", async () => {
    const opened: string[] = [];
    const log = memoryLog();
    const { server, client } = wire({
      log: { ...log, open: (target) => (opened.push(target), log.open(target)) },
      limits: { maxOpenTargets: 2 },
    });
    server.handle(list, { canSubscribe: async () => false });
    server.handle(cursors, { canSubscribe: () => false });
    server.handle(other, { public: true });
    const eve = await client();
    for (let i = 0; i < 100; i++) {
      eve.say(subscribe(`list:${i}`), say(`list:${i}`, 1, add("x")));
      eve.say(subscribe(`cursors:${i}`), say(`cursors:${i}`, 0, { type: "moved", x: 1 }));
    }
    const heard = await eve.heard();
    expect(heard).toHaveLength(300);
    expect(heard.every((frame) => "code" in frame && frame.code === "forbidden")).toBe(true);
    expect(opened).toEqual([]);
    const bob = await client();
    bob.say(subscribe("other:1"));
    expect(types(await bob.heard())).toEqual(["Settled", "Snapshot"]);
  });

  test("[CV14] what waits for an asynchronous check is bounded: the rest is paused, in order", async () => {
    const check = inHand<boolean>();
    const { server, client } = wire({ limits: { maxInFlight: 3 } });
    server.handle(list, { canSubscribe: () => check.promise, canDispatch: () => true });
    const eve = await client();
    for (let mid = 1; mid <= 10; mid++) eve.say(say("list:1", mid, add("x")));
    const paused = await eve.heard();
    expect(paused.map((frame) => frame.type === "Paused" && frame.from)).toEqual([4, 5, 6, 7, 8, 9, 10]);
    check.keep(true);
    expect(types(await eve.heard())).toEqual(["Acknowledge", "Acknowledge", "Acknowledge"]);
  });

  test("[CV14] what is remembered of answers is bounded: the oldest topic is asked about again", async () => {
    const asked: string[] = [];
    const { server, client } = wire({ limits: { maxTopicsPerConnection: 2 } });
    server.handle(list, {
      canSubscribe: async ({ topic }) => asked.push(topic) > 0,
      canDispatch: () => true,
    });
    const ada = await client();
    for (const [topic, mid] of [
      [1, 1],
      [2, 1],
      [1, 2],
      [3, 1],
      [1, 3],
    ] as const) {
      ada.say(say(`list:${topic}`, mid, add("x")));
      expect(types(await ada.heard())).toEqual(["Acknowledge"]);
    }
    expect(asked).toEqual(["list:1", "list:2", "list:3", "list:1"]);
  });
});

describe("subscribing", () => {
  test("[CV8] from Subscribe until Settled no update is shown, and none is missing after it", async () => {
    const held = heldLog(memoryLog(), "client");
    const { server, client } = wire({ log: held.log });
    server.handle(list, { public: true });
    held.release();
    const ada = await client();
    const bob = await client();
    ada.say(subscribe("list:1", 1));
    await ada.heard();
    bob.say(say("list:1", 1, add("a")));
    const [{ mark } = { mark: 0 }] = (await ada.heard()) as { mark: number }[];
    held.hold();
    ada.say(subscribe("list:1", 2, { cursor: { sequence: 1, mark }, sent: 1 }));
    bob.say(say("list:1", 2, add("b")));
    expect(await ada.heard()).toEqual([]);
    held.release();
    expect(await ada.heard()).toMatchObject([
      { type: "Settled", ref: 2, sequence: 2, resync: "records" },
      { type: "TopicUpdate", after: 1, from: mark, records: [{ 4: [add("b")] }] },
    ]);
    bob.say(say("list:1", 3, add("c")));
    expect(await ada.heard()).toMatchObject([{ type: "TopicUpdate", after: 2 }]);
  });

  test("[CV10] an unsubscribe with an older ref than the newest subscribe is ignored", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1", 5), unsubscribe("list:1", 4), subscribe("list:1", 3));
    expect(await ada.heard()).toMatchObject([{ type: "Settled", ref: 5 }, { type: "Snapshot" }]);
    await ada.heard();
    ada.say(say("list:1", 1, add("x")));
    expect(types(await ada.heard())).toEqual(["TopicUpdate"]);
    ada.say(unsubscribe("list:1", 5), unsubscribe("list:1", 5), unsubscribe("list:2", 9));
    ada.say(say("list:1", 2, add("x")));
    expect(types(await ada.heard())).toEqual(["Acknowledge"]);
  });

  // Every order in which two checks and the words around them can come. `+n`: subscribe with ref n, `-n`: unsubscribe,
  // `!`: the server cuts the client off, `yes n`/`no n`: the n-th check answers.
  const orders = [
    ["+1", "-1", "+2"],
    ["+1", "+2"],
    ["+1", "!", "+2"],
    ["+1", "-1", "+2", "!"],
    ["+1", "+2", "-1"],
    ["+1", "-1"],
    ["+1", "!"],
    ["+2", "-1"],
  ];
  const interleaved = (words: readonly string[], answers: readonly string[]): string[][] => {
    const [word, ...words_] = words;
    const [answer, ...answers_] = answers;
    if (word === undefined || answer === undefined) return [[...words, ...answers]];
    return [
      ...interleaved(words_, answers).map((rest) => [word, ...rest]),
      ...interleaved(words, answers_).map((rest) => [answer, ...rest]),
    ];
  };
  const outcomes = [
    ["yes 1", "yes 2"],
    ["yes 2", "yes 1"],
    ["no 1", "yes 2"],
    ["yes 2", "no 1"],
    ["yes 1", "no 2"],
    ["no 2", "yes 1"],
  ];
  test.each(orders.map((words) => [words.join(" "), words] as const))(
    "[CV9] S43 only the last of several subscribes counts: %s",
    async (_, words) => {
      for (const answers of outcomes) {
        for (const story of interleaved(words, answers)) {
          const checks = [inHand<boolean>(), inHand<boolean>(), inHand<boolean>()];
          const given = new Map<number, boolean>();
          let asked = 0;
          const seen: string[] = [];
          const { server, client, settle } = wire();
          server.handle(list, {
            canSubscribe: () => checks[asked++]!.promise,
            onSubscribe: () => void seen.push("in"),
            onUnsubscribe: () => void seen.push("out"),
          });
          const ada = await client();
          let standing: number | undefined; // the newest ref that stands, by the client's own account
          let check: number | undefined; // which check decides about it
          let newest = 0;
          for (const step of story) {
            const n = Number(step.slice(-1));
            if (step.startsWith("+")) {
              const begun = asked;
              ada.say(subscribe("list:1", n));
              if (asked > begun) check = begun;
              // Admitted already; otherwise it is being asked, and the answer is its own, too.
              else if (standing === undefined || check === undefined || given.has(check)) check = undefined;
              standing = newest = n;
            } else if (step.startsWith("-")) {
              ada.say(unsubscribe("list:1", n));
              if (n >= newest) standing = undefined;
            } else if (step === "!") {
              server.unsubscribe(ada.identity.clientId, list, "1");
              standing = undefined;
            } else {
              given.set(n - 1, step.startsWith("yes"));
              checks[n - 1]!.keep(step.startsWith("yes"));
            }
            await settle();
          }
          const subscribed = standing !== undefined && (check === undefined || given.get(check) === true);
          const heard = await ada.heard();
          const settled = heard.filter((frame) => frame.type === "Settled").at(-1);
          const turned = heard.filter((frame) => frame.type === "Unsubscribed");
          const tell = [story.join(" "), JSON.stringify(heard)];
          await server.topic(list, "1").read();
          const update = server.topic(list, "1").dispatch(add("x"));
          expect([...tell, types(await ada.heard())]).toEqual([...tell, subscribed ? ["TopicUpdate"] : []]);
          await update;
          if (subscribed) expect([...tell, settled?.ref]).toEqual([...tell, standing]);
          // A request that was refused or revoked is always answered, with its own ref.
          if (standing !== undefined && !subscribed)
            expect([...tell, turned.at(-1)?.ref]).toEqual([...tell, standing]);
          expect([...tell, seen.filter((word) => word === "in").length]).toEqual([
            ...tell,
            seen.filter((word) => word === "out").length + (subscribed ? 1 : 0),
          ]);
        }
      }
    },
  );

  test("[CV9] S43 a client whose topic was closed while its check was under way subscribes to the one that is there", async () => {
    const checks = new Map<string, ReturnType<typeof inHand<boolean>>>();
    const { server, client } = wire({ limits: { maxOpenTargets: 1 } });
    const held = ({ topic }: { topic: string }) => {
      const check = inHand<boolean>();
      checks.set(topic, check);
      return check.promise;
    };
    server.handle(list, { canSubscribe: held, canDispatch: () => true });
    server.handle(cursors, {
      canSubscribe: ({ clientId }) => clientId === bob.identity.clientId || held({ topic: "c" }),
      canDispatch: () => true,
    });
    const ada = await client();
    const bob = await client();
    await server.topic(list, "1").read(); // in memory …
    ada.say(subscribe("list:1"), say("list:2", 1, add("x")));
    await server.topic(list, "9").read(); // … and closed for another
    checks.get("list:1")!.keep(true);
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
    ada.say(unsubscribe("list:1", 1));
    checks.get("list:2")!.keep(true);
    expect(types(await ada.heard())).toEqual(["Acknowledge"]);
    bob.say(subscribe("cursors:1"));
    ada.say(subscribe("cursors:1"));
    await bob.heard();
    bob.say(unsubscribe("cursors:1", 1));
    await bob.heard();
    checks.get("c")!.keep(true);
    await ada.heard();
    bob.say(subscribe("cursors:1", 2), say("cursors:1", 0, { type: "moved", x: 1 }));
    expect(types(await ada.heard())).toEqual(["Push"]);
  });

  test("[CV11] Ping is answered by Pong, and then comes what its cursors lack", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1", 7), say("list:1", 1, add("x")));
    const update = (await ada.heard()).at(-1) as { mark: number };
    ada.say({
      type: "Ping",
      cursors: [
        ["list:1", 1, update.mark],
        ["list:2", 4, 4],
        ["@", 1, 1],
        ["nowhere", 1, 1],
      ],
    });
    expect(await ada.heard()).toEqual([{ type: "Pong" }]);
    ada.say({
      type: "Ping",
      cursors: [
        ["list:1", 0, 0],
        ["list:1", 0, 0],
      ],
    });
    expect(await ada.heard()).toMatchObject([
      { type: "Pong" },
      {
        type: "Settled",
        ref: 7,
        resync: "records",
        outcomes: [[1, "id-1", 1, [], null, null, null]],
      },
      { type: "TopicUpdate", after: 0, mark: update.mark },
    ]);
    ada.say({ type: "Ping", cursors: [["list:1", 1, update.mark + 1]] });
    expect(await ada.heard()).toMatchObject([
      { type: "Pong" },
      { type: "Settled", ref: 7, resync: "snapshot", reason: "other-history" },
      { type: "Snapshot" },
    ]);
  });
});

describe("outcomes and rights", () => {
  test("[HA3] S4 a message that was taken is acknowledged when repeated, though its author may not come any more", async () => {
    let allowed = true;
    const log = memoryLog();
    const { server, client, advance } = wire({ log });
    server.handle(list, { canSubscribe: () => allowed, canDispatch: () => true });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")));
    ada.drop(); // before the answer
    await advance(1);
    allowed = false;
    for (const wait of [0, 120_001]) {
      await advance(wait); // the second time the topic is not in memory any more
      const again = await client(ada.identity);
      again.say(say("list:1", 1, add("x")), say("list:1", 2, add("y")));
      expect(await again.heard()).toMatchObject([
        { type: "Acknowledge", mid: 1, id: "id-1", sequence: 1 },
        { type: "Rejected", mid: 2, code: "forbidden" },
      ]);
    }
    const stranger = await client();
    stranger.say(say("list:1", 1, add("x")));
    expect(await stranger.heard()).toMatchObject([{ type: "Rejected", mid: 1, code: "forbidden" }]);
  });
});
