// What a channel says of its presence, what the app reads and tracks by itself, and what is refused.
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { reply as replied, talk } from "../../../test/phoenix-talk.ts";
import { counted, diff, metas, nodes, room, say, state, TOPIC, track } from "../../../test/presence-talk.ts";
import { inHand } from "../../../test/wired.ts";
import { localPubSub } from "../../cluster/pubsub.ts";
import { createTracker } from "../../presence/create-tracker.ts";
import { createChannels, defineChannel, joined } from "../index.ts";
import type { JsonObject, PresenceFields, TopicPresenceDiff } from "../index.ts";

const any = expect.any(String) as unknown as string;
const keyed = defineChannel("room:*")
  .join(({ socket }) => joined({ me: socket.id.slice(0, 4) }))
  .presence({ key: ({ assigns }) => assigns.me, initial: () => ({ here: true }) });

describe("what a channel declares", () => {
  it("[CP19] whoever joins hears the answer, then who is here, then of itself as all do", async () => {
    const { settle, connect, join } = nodes({ channel: keyed });
    const bob = await join();
    const ada = connect();
    const [answer, told, ...rest] = ada.take();
    expect(answer).toEqual(replied("1", "1", TOPIC, "ok"));
    const [[, [bobs]]] = Object.entries(
      (told as [0, 0, 0, 0, Record<string, { metas: JsonObject[] }>])[4],
    ).map(([key, one]) => [key, one.metas] as const) as [[string, [JsonObject]]];
    expect(bobs).toEqual({ here: true, phx_ref: any });
    expect(rest).toEqual([]);
    await settle();
    const own = ada.take();
    expect(own).toEqual([diff({ [keyOf(own)]: metas({ here: true, phx_ref: any }) })]);
    expect(bob.take()).toEqual(own);
  });
  it("[CP19] before the handler that runs then, and with no more than it declares", async () => {
    const order: unknown[] = [];
    const channel = defineChannel("room:*")
      .presence({ key: () => "ada" })
      .joined(({ presence }) => void order.push([...presence.list().keys()], presence.track({ late: true })));
    const { settle, connect, errors } = nodes({ channel });
    const ada = connect();
    expect(ada.take().slice(1)).toEqual([state({})]);
    await settle();
    expect(ada.take()).toEqual([diff({ ada: metas({ late: true, phx_ref: any }) })]);
    expect([order, errors]).toEqual([[[], any], []]);
  });
  it("[CP19] what its functions throw crashes the channel of that client, and no other", async () => {
    const channel = defineChannel("room:*").presence({
      key: () => "ada",
      initial: () => {
        throw new Error("boom");
      },
    });
    const { connect, channels, errors } = nodes({ channel });
    expect(
      connect()
        .take()
        .map((frame) => (frame as string[])[3]),
    ).toEqual(["phx_reply", "presence_state", "phx_error"]);
    expect(errors.map(String)).toEqual(["Error: boom"]);
    expect(channels.presence.count(TOPIC)).toBe(0);
  });
  it("[CP20] what comes and goes within a turn is not told, and what changes twice is told once", async () => {
    const { settle, join } = nodes();
    const [ada, bob] = [await join(), await join()];
    track(bob, "bob", { v: 0 });
    await settle();
    const [told] = bob.take() as [[0, 0, 0, 0, { joins: { bob: { metas: [{ phx_ref: string }] } } }]];
    const first = told[4].joins.bob.metas[0].phx_ref;
    ada.take();
    track(ada, "ada");
    say(ada, "untrack", { key: "ada" });
    say(bob, "update", { key: "bob", meta: { v: 1 } });
    const last = track(bob, "bob", { v: 2 }, "update");
    bob.take();
    await settle();
    expect(bob.take()).toEqual([
      diff(
        { bob: metas({ v: 2, phx_ref: last, phx_ref_prev: any }) },
        { bob: metas({ v: 0, phx_ref: first }) },
      ),
    ]);
  });
  it("[CP20] a state stands behind what it lists, so that whoever goes in the same turn is told to have gone", async () => {
    const { settle, join } = nodes();
    const [ada, bob] = [await join(), await join()];
    const ref = track(ada, "ada");
    expect(say(bob, "list")).toEqual([
      diff({ ada: metas({ phx_ref: ref }) }),
      state({ ada: metas({ phx_ref: ref }) }),
    ]);
    say(ada, "untrack", { key: "ada" });
    await settle();
    expect(bob.take()).toEqual([diff({}, { ada: metas({ phx_ref: ref }) })]);
  });
  it("[CP21] a diff is written once for each version of the wire, and a state until the list changes", async () => {
    const { settle, all, channels } = nodes();
    const json = JSON.stringify.bind(JSON);
    const clients = [...Array.from({ length: 5 }, () => talk(channels)), talk(channels, { vsn: "1.0.0" })];
    void all;
    for (const one of clients.slice(0, 5)) one.join(TOPIC);
    clients[5]!.say({ topic: TOPIC, event: "phx_join", payload: {}, ref: "1" });
    await settle();
    let written = 0;
    const counting = (value: unknown): string => {
      // A diff, or a key of a state.
      if (value === "ada" || "joins" in Object(value)) written++;
      return json(value);
    };
    JSON.stringify = counting as typeof JSON.stringify;
    try {
      channels.presence.track(TOPIC, "app", "ada", { v: 1 });
      await settle();
      // The payload's JSON, for both versions.
      expect(written).toBe(1);
      for (const one of clients.slice(0, 5)) one.say(`["1","9","${TOPIC}","list",{}]`);
      expect(written).toBe(2);
      channels.presence.update(TOPIC, "app", "ada", { v: 2 });
      await settle();
      for (const one of clients.slice(0, 5)) one.say(`["1","9","${TOPIC}","list",{}]`);
      expect(written).toBe(4);
    } finally {
      JSON.stringify = json as typeof JSON.stringify;
    }
    expect(clients[0]!.take()).toEqual([]);
  });
  it("[CP21] a list that is read is the same object until it changes", () => {
    const { channels } = nodes();
    channels.presence.track(TOPIC, "app", "ada", {});
    const list = channels.presence.list(TOPIC);
    expect(channels.presence.list(TOPIC)).toBe(list);
    channels.presence.track(TOPIC, "app", "bob", {});
    expect(channels.presence.list(TOPIC)).not.toBe(list);
    expect([...channels.presence.list(TOPIC).keys()]).toEqual(["ada", "bob"]);
  });
});

describe("fields beside metas", () => {
  const fetched: unknown[] = [];
  const withFetch = (fetch: (keys: string[]) => PresenceFields | Promise<PresenceFields>) => {
    fetched.length = 0;
    const channel = room as unknown as ReturnType<typeof defineChannel<"room:*">>;
    void channel;
    return defineChannel("room:*")
      .presence({
        state: false,
        fetch: (topic, presences) => {
          fetched.push([topic, ...presences.keys()]);
          return fetch([...presences.keys()]);
        },
      })
      .handleIn("track", (said, { presence }) => {
        const { key, meta } = said as { key: string; meta: JsonObject };
        return { type: "reply", status: "ok", response: { ref: presence.track(key, meta) } };
      })
      .handleIn("untrack", (said, { presence }) => presence.untrack((said as { key: string }).key))
      .handleIn("list", (_, { presence }) => presence.pushState());
  };
  const names = (keys: string[]): PresenceFields =>
    new Map(keys.map((key) => [key, { user: { name: `name-${key}` } }]));

  it("[CP7] [CP22] stand in states and diffs, and are asked for once in each, for its keys", async () => {
    const { settle, join } = nodes({ channel: withFetch(names) });
    const [ada, bob] = [await join(), await join()];
    const [first, second] = [track(ada, "ada"), track(bob, "bob")];
    await settle();
    const [adas, bobs] = [
      { ...metas({ phx_ref: first }), user: { name: "name-ada" } },
      { ...metas({ phx_ref: second }), user: { name: "name-bob" } },
    ];
    expect(ada.take()).toEqual([diff({ ada: adas, bob: bobs })]);
    expect(say(ada, "list")).toEqual([state({ ada: adas, bob: bobs })]);
    say(ada, "untrack", { key: "ada" });
    await settle();
    expect(ada.take()).toEqual([diff({}, { ada: adas })]);
    expect(fetched).toEqual([
      [TOPIC, "ada", "bob"],
      [TOPIC, "ada", "bob"],
      [TOPIC, "ada"],
    ]);
  });
  it("[CP22] while they are fetched the topic's presence waits, changes become one, and the order stays", async () => {
    const asked: ReturnType<typeof inHand<PresenceFields>>[] = [];
    const channel = withFetch(() => {
      const one = inHand<PresenceFields>();
      asked.push(one);
      return one.promise;
    });
    const { settle, join } = nodes({ channel });
    const ada = await join();
    const first = track(ada, "ada");
    await settle();
    const second = track(ada, "bob");
    say(ada, "list");
    track(ada, "eve");
    say(ada, "untrack", { key: "eve" });
    await settle();
    expect([asked.length, ada.take()]).toEqual([1, []]);
    asked[0]!.keep(new Map([["ada", { n: 1 }]]));
    await settle();
    expect(ada.take()).toEqual([diff({ ada: { ...metas({ phx_ref: first }), n: 1 } })]);
    asked[1]!.keep(new Map());
    await settle();
    expect(ada.take()).toEqual([diff({ bob: metas({ phx_ref: second }) })]);
    asked[2]!.keep(new Map([["metas", {}]]));
    await settle();
    expect(ada.take()).toEqual([state({ ada: metas({ phx_ref: first }), bob: metas({ phx_ref: second }) })]);
    expect(asked.length).toBe(3);
  });
  it.each<[string, () => unknown, RegExp]>([
    [
      "throws",
      () => {
        throw new Error("boom");
      },
      /boom/,
    ],
    ["rejects", () => Promise.reject(new Error("boom")), /boom/],
    ["rejects with nothing", () => Promise.reject(undefined as unknown as Error), /rejected/],
    ["gives none", () => ({}), /Map/],
    ["gives none later", () => Promise.resolve([]), /Map/],
    ["gives what JSON cannot write", () => new Map([["ada", { n: 1n }]]), /BigInt/],
    ["takes too long", () => new Promise(() => undefined), /5000 ms/],
  ])("[CP22] where fetch %s, that is reported and metas go without", async (_, fetch, says) => {
    const { advance, settle, join, errors } = nodes({ channel: withFetch(fetch as never) });
    const ada = await join();
    const ref = track(ada, "ada");
    await settle();
    await advance(4_999);
    await advance(1);
    await settle();
    expect(ada.take()).toEqual([diff({ ada: metas({ phx_ref: ref }) })]);
    expect(errors.map(String)).toEqual([expect.stringMatching(says)]);
    expect(String(errors[0])).toContain(TOPIC);
  });
  it("[CP22] what arrives when its time is over, or everybody has left, is nothing", async () => {
    const asked: ReturnType<typeof inHand<PresenceFields>>[] = [];
    const channel = withFetch(() => {
      const one = inHand<PresenceFields>();
      asked.push(one);
      return one.promise;
    });
    const { advance, settle, join, errors } = nodes({ channel });
    const ada = await join();
    track(ada, "ada");
    await settle();
    await advance(5_000);
    expect(ada.take()).toHaveLength(1);
    asked[0]!.break(new Error("late"));
    track(ada, "bob");
    await settle();
    ada.gone();
    asked[1]!.keep(new Map());
    await settle();
    await advance(60_000);
    expect([ada.take(), errors.length]).toEqual([[], 1]);
  });
  it("[CP7] a field that is called metas takes no meta's place", async () => {
    const { settle, join } = nodes({ channel: withFetch(() => new Map([["ada", { metas: [] }]])) });
    const ada = await join();
    const ref = track(ada, "ada");
    await settle();
    expect(ada.take()).toEqual([diff({ ada: metas({ phx_ref: ref }) })]);
  });
});

describe("what is refused", () => {
  const refusal = (call: () => unknown): unknown => {
    try {
      return call();
    } catch (error) {
      return (error as { code?: string }).code ?? error;
    }
  };
  const inside = async (
    channel: object,
    run: (presence: { track(...given: unknown[]): string; untrack(key?: string): void }) => unknown,
    options: object = {},
  ): Promise<unknown> => {
    let heard: unknown;
    const { join } = nodes({
      ...options,
      channel: (channel as typeof room).joined(
        ({ presence }) => void (heard = refusal(() => run(presence as never))),
      ),
    });
    await join();
    return heard;
  };
  const plain = defineChannel("room:*").presence();

  it("[CP23] presence that the channel does not declare, or twice, or wrongly", async () => {
    const undeclared = nodes({ channel: defineChannel("room:*").joined((socket) => void socket.presence) });
    await undeclared.join();
    expect(undeclared.errors).toEqual([expect.objectContaining({ code: "wiring" })]);
    const declare = (options: object) => refusal(() => defineChannel("room:*").presence(options as never));
    expect(declare({ key: "me" })).toBe("wiring");
    expect(declare({ initial: () => ({}) })).toBe("wiring");
    expect(declare({ meta: {} })).toBe("wiring");
    expect(refusal(() => plain.presence())).toBe("wiring");
  });
  it("[CP23] a call without a key where none is declared, and a key that is no text", async () => {
    expect(await inside(plain, (presence) => presence.track({}))).toBe("wiring");
    expect(await inside(plain, (presence) => presence.untrack())).toBe("wiring");
    const numbered = defineChannel("room:*").presence({ key: () => 42 as never });
    expect(await inside(numbered, (presence) => presence.track({}))).toBe("wiring");
    expect(await inside(plain, (presence) => presence.track(42, {}))).toBe("wiring");
  });
  it.each<[string, unknown]>([
    ["null", null],
    ["a list", [1]],
    ["a text", "text"],
    ["a number", 7],
    ["nothing", undefined],
    ["bytes", new Uint8Array(1)],
    ["what JSON cannot write", { n: 1n }],
  ])("[CP23] %s as a meta", async (_, meta) => {
    expect(await inside(plain, (presence) => presence.track("ada", meta))).toBe("invalid");
  });
  it("[CP23] a meta that does not fit, and a schema that takes its time", async () => {
    const typed = defineChannel("room:*").presence({ meta: z.object({ n: z.number() }) });
    expect(await inside(typed, (presence) => presence.track("ada", { n: "1" }))).toBe("invalid");
    expect(await inside(typed, (presence) => typeof presence.track("ada", { n: 1 }))).toBe("string");
    const slow = defineChannel("room:*").presence({ meta: z.object({}).refine(async () => false) });
    expect(await inside(slow, (presence) => presence.track("ada", {}))).toBe("wiring");
  });
  it("[CP23] a meta, a key, and more keys than the limits let through; nothing is tracked then", async () => {
    const limits = { maxPresenceBytes: 10, maxPresenceKeys: 2 };
    const tried = (...metas: [string, object][]) =>
      inside(
        plain,
        (presence) => metas.map(([key, meta]) => refusal(() => typeof presence.track(key, meta))),
        {
          limits,
        },
      );
    expect(await tried(["a", { ab: "ää" }], ["b", { n: 123456 }])).toEqual(["too-large", "too-large"]);
    expect(await tried(["a", { n: 1234 }], ["x".repeat(5_000), {}])).toEqual(["string", "too-large"]);
    expect(await tried(["a", {}], ["b", {}], ["c", {}])).toEqual(["string", "string", "too-large"]);
  });
  it("[CP29] nothing is tracked where the channel has ended, or the node has", async () => {
    const refs: string[] = [];
    const channel = defineChannel("room:*")
      .presence()
      .terminate(
        (_, { presence }) => void refs.push(presence.track("late", {}), presence.update("late", {})),
      );
    const { channels, join } = nodes({ channel });
    const ada = await join();
    ada.gone();
    expect(refs).toEqual(["", ""]);
    await channels.stop();
    expect(channels.presence.track(TOPIC, "app", "bot", {})).toBe("");
    expect(channels.presence.count(TOPIC)).toBe(0);
  });
  it("[CP29] a meta is what it was when it was given", async () => {
    const { channels } = nodes();
    const meta = { deep: { n: 1 } };
    channels.presence.track(TOPIC, "app", "bot", meta);
    meta.deep.n = 2;
    expect(channels.presence.getByKey(TOPIC, "bot")).toEqual([{ deep: { n: 1 }, phx_ref: any }]);
  });
});

describe("the app", () => {
  it("[CP24] reads who is on a topic, by its text or its channel", async () => {
    const { join, channels } = nodes();
    const ada = await join();
    const ref = track(ada, "ada", { v: 1 });
    const one = { v: 1, phx_ref: ref };
    expect([...channels.presence.list(TOPIC)]).toEqual([["ada", [one]]]);
    expect([...channels.presence.list(room, ["1"])]).toEqual([["ada", [one]]]);
    expect(channels.presence.getByKey(TOPIC, "ada")).toEqual([one]);
    expect(channels.presence.getByKey(room, ["1"], "nobody")).toEqual([]);
    expect([channels.presence.count(room, ["1"]), channels.presence.count("room:2")]).toEqual([1, 0]);
  });
  it("[CP24] tracks holders of its own, apart from connections, until it says otherwise", async () => {
    const { settle, join, channels } = nodes();
    const ada = await join();
    const { presence } = channels;
    const ref = presence.track(room, ["1"], "bot", "bot", { n: 1 });
    presence.track("room:2", "bot", "bot", {});
    presence.update(TOPIC, "bot", "bot", (before) => ({ n: Number(before["n"]) + 1 }));
    expect(() => presence.track(TOPIC, "bot", "bot", {})).toThrow(/already/);
    expect(() => presence.update(TOPIC, "nobody", "bot", {})).toThrow(/track\(key, meta\)/);
    await settle();
    expect(ada.take()).toEqual([diff({ bot: metas({ n: 2, phx_ref: any, phx_ref_prev: ref }) })]);
    presence.untrack(TOPIC, "bot", "nobody");
    presence.untrack(TOPIC, "nobody", "bot");
    presence.untrack(TOPIC, "bot", "bot");
    expect([presence.count(TOPIC), presence.count("room:2")]).toEqual([0, 1]);
    presence.track(TOPIC, "bot", "bot", {});
    presence.untrackAll("bot");
    presence.untrackAll("bot");
    expect([presence.count(TOPIC), presence.count("room:2")]).toEqual([0, 0]);
  });
  it("[CP24] hears who comes and goes on whatever topic of a channel, until it has heard enough", async () => {
    const { join, channels, errors } = nodes();
    const heard: TopicPresenceDiff[] = [];
    channels.presence.onDiff(() => {
      throw new Error("boom");
    });
    const enough = channels.presence.onDiff((one) => void heard.push(one));
    const ada = await join();
    const ref = track(ada, "ada", { v: 1 });
    ada.gone();
    enough();
    channels.presence.track(TOPIC, "app", "bot", {});
    const here = new Map([["ada", [{ v: 1, phx_ref: ref }]]]);
    expect(heard).toEqual([
      { topic: TOPIC, joins: here, leaves: new Map() },
      { topic: TOPIC, joins: new Map(), leaves: here },
    ]);
    expect(errors.map(String)).toEqual(["Error: boom", "Error: boom", "Error: boom"]);
  });
  it("[CP25] tells this node's clients the diffs of a tracker of its own, without those who have no key", async () => {
    const channels = createChannels().register(defineChannel("room:*"));
    const ada = talk(channels);
    ada.join(TOPIC);
    ada.take();
    const tracker = createTracker();
    tracker.onDiff((one) => channels.broadcastPresenceDiff(one.topic, one));
    tracker.track(TOPIC, "a", "ada", { v: 1 });
    expect(ada.take()).toEqual([diff({ ada: metas({ v: 1, phx_ref: any }) })]);
    const [entry] = tracker.getByKey(TOPIC, "ada");
    channels.broadcastPresenceDiff(TOPIC, { joins: [{ ...entry!, key: "" }], leaves: [] });
    expect(ada.take()).toEqual([]);
    tracker.stop();
  });
  it("[CP27] without presence in a channel nothing is said of it between nodes", async () => {
    const pubsub = localPubSub();
    const said: unknown[] = [];
    pubsub.subscribe("presence:house", (one) => said.push(one));
    const { advance, join } = nodes({ pubsub, channel: defineChannel("room:*") });
    await join();
    await advance(60_000);
    expect(said).toEqual([]);
  });
  it("[CP28] handleOut changes and drops what is told, for one client", async () => {
    const channel = room
      .join(({ socket }) => joined({ me: socket.id }))
      .handleOut("presence_diff", (payload, socket) =>
        channels.presence.count(TOPIC) > 1
          ? undefined
          : { ...(payload as JsonObject), me: socket.assigns.me },
      );
    const { settle, join, channels } = nodes({ channel });
    const ada = await join();
    const ref = track(ada, "ada");
    await settle();
    expect(ada.take()).toEqual([
      ["1", null, TOPIC, "presence_diff", { joins: { ada: metas({ phx_ref: ref }) }, leaves: {}, me: any }],
    ]);
    track(ada, "bob");
    await settle();
    expect(ada.take()).toEqual([]);
  });
});

describe("above the limit", () => {
  const few = { limits: { maxPresenceList: 10 } };

  it("[CP18] clients hear how many there are, at most once a second, and lists again below four fifths", async () => {
    const { advance, settle, join, channels } = nodes(few);
    const { presence } = channels;
    const ada = await join();
    for (let n = 0; n < 10; n++) presence.track(TOPIC, "app", `k${n}`, {});
    await settle();
    expect((ada.take() as string[][]).map(([, , , event]) => event)).toEqual(["presence_diff"]);
    presence.track(TOPIC, "app", "one more", {});
    await settle();
    expect(ada.take()).toEqual([counted(11)]);
    // A client that comes, or asks, hears the same.
    expect(say(ada, "list")).toEqual([counted(11, "1")]);
    for (let n = 0; n < 3; n++) {
      presence.track(TOPIC, "app", `more${n}`, {});
      await settle();
    }
    expect(ada.take()).toEqual([]);
    await advance(999);
    expect(ada.take()).toEqual([]);
    await advance(1);
    expect(ada.take()).toEqual([counted(14)]);
    await advance(60_000);
    expect(ada.take()).toEqual([]);
    for (let n = 0; n < 3; n++) presence.untrack(TOPIC, "app", `more${n}`);
    for (let n = 0; n < 3; n++) presence.untrack(TOPIC, "app", `k${n}`);
    await settle();
    expect(ada.take()).toEqual([counted(8)]);
    presence.untrack(TOPIC, "app", "one more");
    await settle();
    const [[joinRef, ref, , event, payload], ...rest] = ada.take() as [[0, 0, 0, string, object]];
    expect([joinRef, ref, event, Object.keys(payload), rest]).toEqual([
      null,
      null,
      "presence_state",
      ["k3", "k4", "k5", "k6", "k7", "k8", "k9"],
      [],
    ]);
    presence.untrack(TOPIC, "app", "k3");
    await settle();
    expect(ada.take()).toEqual([diff({}, { k3: metas({ phx_ref: any }) })]);
  });
  it("[CP18] the kind changes once in ten seconds, and then by itself", async () => {
    const { advance, settle, join, channels } = nodes(few);
    const { presence } = channels;
    const ada = await join();
    for (let n = 0; n < 11; n++) presence.track(TOPIC, "app", `k${n}`, {});
    await settle();
    expect(ada.take()).toEqual([counted(11)]);
    for (let n = 0; n < 11; n++) presence.untrack(TOPIC, "app", `k${n}`);
    await settle();
    await advance(9_998);
    expect(ada.take()).toEqual([counted(0)]);
    await advance(2);
    await settle();
    expect(ada.take()).toEqual([state({}, null)]);
    for (let n = 0; n < 11; n++) presence.track(TOPIC, "app", `k${n}`, {});
    await settle();
    expect(ada.take()).toHaveLength(1);
    await advance(10_000);
    await settle();
    expect(ada.take()).toEqual([counted(11)]);
  });
  it("[CP18] those without a key take no room in it", async () => {
    const { settle, join, channels } = nodes(few);
    const ada = await join();
    for (let n = 0; n < 20; n++) channels.presence.track(TOPIC, `app ${n}`, "", {});
    channels.presence.track(TOPIC, "app", "ada", {});
    await settle();
    expect(ada.take()).toEqual([diff({ ada: metas({ phx_ref: any }) })]);
  });
  it("[CP18] nothing is left behind when the last has gone", async () => {
    const { advance, settle, join, channels } = nodes(few);
    const ada = await join();
    for (let n = 0; n < 11; n++) channels.presence.track(TOPIC, "app", `k${n}`, {});
    await settle();
    ada.gone();
    channels.presence.untrackAll("app");
    await advance(60_000);
    const bob = await join();
    expect(say(bob, "list")).toEqual([state({})]);
  });
});

/** The only key of a diff's joins. */
const keyOf = (frames: readonly unknown[]): string =>
  Object.keys((frames[0] as [0, 0, 0, 0, { joins: object }])[4].joins)[0]!;
