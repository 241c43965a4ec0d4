// What a topic's clients are told: fields beside metas, counts in place of names.
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { counted, diff, metas, nodes, room, say, state, TOPIC, track } from "../../../test/presence-talk.ts";
import { inHand } from "../../../test/wired.ts";
import { defineChannel } from "../index.ts";
import type { JsonObject, PresenceFields } from "../index.ts";

const any = expect.any(String) as unknown as string;

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
  it("[CP22] [HA25] the Map may be one of another realm", async () => {
    const foreign = runInNewContext('new Map([["ada", { user: 1 }]])') as PresenceFields;
    const { settle, join, errors } = nodes({ channel: withFetch(() => foreign) });
    const ada = await join();
    const ref = track(ada, "ada");
    await settle();
    expect(ada.take()).toEqual([diff({ ada: { ...metas({ phx_ref: ref }), user: 1 } })]);
    expect(errors).toEqual([]);
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
  it("[CP18] who asks in between is told another number than the others; when it is theirs again, all are told", async () => {
    const { advance, settle, join, channels } = nodes(few);
    const { presence } = channels;
    const ada = await join();
    for (let n = 0; n < 11; n++) presence.track(TOPIC, "app", `k${n}`, {});
    await settle();
    expect(ada.take()).toEqual([counted(11)]);
    presence.track(TOPIC, "app", "late", {});
    expect(say(ada, "list")).toEqual([counted(12, "1")]);
    presence.untrack(TOPIC, "app", "late");
    await settle();
    await advance(1_000);
    expect(ada.take()).toEqual([counted(11)]);
    await advance(60_000);
    expect(ada.take()).toEqual([]);
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
