import { describe, expect, test } from "vitest";
import { cursors, list, say, session, subscribe, types, unsubscribe, wire } from "../../test/wired.ts";

const topics = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `list:${from + i}`);

/** A server with room for so many topics. */
function narrow(maxOpenTargets: number) {
  const it = wire({ limits: { maxOpenTargets } });
  for (const slice of [list, cursors, session]) it.server.handle(slice as typeof list, { public: true });
  let ref = 0;
  const on = (last: number) => ({ remoteAddress: `192.0.2.${last}` });
  type Client = Awaited<ReturnType<typeof it.client>>;
  /** Subscribes, and gives those that it may. */
  const join = async (one: Client, ...targets: string[]): Promise<string[]> => {
    for (const target of targets) one.say(subscribe(target, ++ref));
    return (await one.heard()).flatMap((said) => (said.type === "Settled" ? [said.target] : []));
  };
  return { ...it, join, on };
}
const busy = { type: "Unsubscribed", code: "busy", retryable: true, retryAfter: 5_000 };

describe("room for topics", () => {
  test("[LM24] whoever holds most gives way, for one who holds less, and is told when to retry", async () => {
    const it = narrow(10);
    const greedy = await it.client(undefined, undefined, it.on(1));
    const ada = await it.client(undefined, undefined, it.on(2));
    expect(await it.join(greedy, ...topics(12))).toHaveLength(10);
    expect(await it.join(ada, "list:mine")).toEqual(["list:mine"]);
    expect((await greedy.heard()).filter(({ type }) => type === "Unsubscribed")).toMatchObject([busy]);
    // Its messages go where it likes, too, and so does its session.
    ada.say(say("list:other", 1, { type: "stamped" }));
    ada.say({
      type: "TopicMessage",
      target: "@",
      mid: 1,
      id: "a",
      settled: 0,
      messages: [{ type: "named", name: "Ada" }],
    });
    expect(types(await ada.heard())).not.toContain("Paused");
  });

  test("[LM24] [LM15] two who want all end with a half each, and neither takes one from the other again", async () => {
    const it = narrow(10);
    const one = await it.client(undefined, undefined, it.on(1));
    const two = await it.client(undefined, undefined, it.on(2));
    await it.join(one, ...topics(10));
    expect(await it.join(two, ...topics(10, 100))).toHaveLength(5);
    await one.heard();
    for (let round = 0; round < 3; round++) {
      await it.advance(5_000);
      expect(await it.join(one, ...topics(5, 200 + round))).toEqual([]);
      expect(await it.join(two, ...topics(5, 300 + round))).toEqual([]);
      expect(types(await one.heard()).concat(types(await two.heard()))).toEqual([]);
    }
    expect(it.server.inspect().targets.subscribed).toBe(10);
  });

  test("[LM24] many connections of one address are one; their last topic nobody loses", async () => {
    const it = narrow(6);
    const crowd = await Promise.all([1, 1, 1].map((last) => it.client(undefined, undefined, it.on(last))));
    for (const [i, one] of crowd.entries()) await it.join(one, ...topics(2, 10 * i));
    for (const last of [2, 3, 4, 5, 6]) {
      const other = await it.client(undefined, undefined, it.on(last));
      expect(await it.join(other, `list:of-${last}`)).toHaveLength(1);
    }
    const late = await it.client(undefined, undefined, it.on(7));
    late.say(subscribe("list:late", 1));
    expect(await late.heard()).toMatchObject([busy]);
  });

  test("[LM24] [LM15] what others hold too stays, and what has no subscriber goes first", async () => {
    const it = narrow(4);
    const greedy = await it.client(undefined, undefined, it.on(1));
    const ada = await it.client(undefined, undefined, it.on(2));
    await it.join(ada, "list:0");
    await it.join(greedy, ...topics(4));
    greedy.say(unsubscribe("list:3", 99));
    await greedy.heard();
    expect(await it.join(ada, "list:free")).toEqual(["list:free"]);
    expect(types(await greedy.heard())).toEqual([]);
    const bert = await it.client(undefined, undefined, it.on(3));
    expect(await it.join(bert, "list:b")).toEqual(["list:b"]);
    const [gone] = (await greedy.heard()).filter(({ type }) => type === "Unsubscribed");
    expect(["list:1", "list:2"]).toContain((gone as { target: string }).target);
    expect(types(await ada.heard())).toEqual([]);
  });

  test("[LM24] [LM16] ephemeral topics are held likewise", async () => {
    const it = narrow(3);
    const greedy = await it.client(undefined, undefined, it.on(1));
    const ada = await it.client(undefined, undefined, it.on(2));
    expect(await it.join(greedy, "cursors:1", "cursors:2", "cursors:3", "cursors:4")).toHaveLength(3);
    expect(await it.join(ada, "cursors:mine")).toEqual(["cursors:mine"]);
    expect(await greedy.heard()).toMatchObject([busy]);
  });

  test("[LM25] sessions of whoever is connected take no topic's room, however many they are", async () => {
    const it = narrow(2);
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => it.client(undefined, undefined, it.on(i))),
    );
    for (const [i, one] of all.entries()) {
      one.say(subscribe("@", 1));
      one.say({
        type: "TopicMessage",
        target: "@",
        mid: 1,
        id: "a",
        settled: 0,
        messages: [{ type: "named", name: `${i}` }],
      });
      expect(types(await one.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
    }
    expect(it.server.inspect().targets.open).toBe(20);
    expect(await it.join(all[0]!, ...topics(2))).toHaveLength(2);
    // Nor does a topic take one's: there is room for a session where there is none for a topic more.
    const late = await it.client(undefined, undefined, it.on(99));
    expect(await it.join(late, "@")).toEqual(["@"]);
    expect(types(await all[0]!.heard())).toEqual([]);
    late.drop();
    // Those who have gone leave theirs: it goes before anybody's topic does.
    for (const one of all.slice(1)) one.drop();
    expect(await it.join(all[0]!, "list:0", "list:1")).toHaveLength(2);
    await it.advance(120_000);
    expect(it.server.inspect().targets.open).toBe(3);
  });
});
