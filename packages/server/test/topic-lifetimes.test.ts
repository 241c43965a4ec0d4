// Topics that nobody uses for their slice's lifetime: they go like removed ones, and never while there is a subscriber.
import { defineTopic, defineWiring } from "@calla/shared";
import * as z from "zod";
import { describe, expect, test } from "vitest";
import { countingRandom, handClock, handPubSub, hello, say, subscribe, types, wire } from "./wired.ts";
import type { TestWiring } from "./wired.ts";
import type { ServerEvent } from "../src/app/events.ts";
import { faultyLog } from "../src/testing/faulty-log.ts";
import type { FaultyLog } from "../src/testing/faulty-log.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";
import type { PubSub } from "../src/cluster/pubsub.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
const definition = {
  model: z.object({ items: z.array(z.string()) }),
  initial: (): { items: string[] } => ({ items: [] }),
  messages: { added: z.object({ item: z.string() }) },
  update: {
    added: ({ items }: { items: string[] }, { item }: { item: string }) => ({ items: [...items, item] }),
  },
};
/** Gone after two hours, and the hour for clocks that differ. */
const draft = defineTopic("draft:*", { ...definition, lifetime: 2 * HOUR });
const kept = defineTopic("kept:*", definition);
const wiring = defineWiring({ topics: [draft, kept] });
const add = (item: string) => ({ type: "added", item }) as const;
const hi = hello({ slices: wiring.versions() });

function begin(
  log: FaultyLog = faultyLog(memoryLog()),
  hand = handClock(),
  { seed = 1, pubsub }: { seed?: number; pubsub?: PubSub } = {},
) {
  const events: ServerEvent[] = [];
  const wired = wire(
    {
      wiring: wiring as unknown as TestWiring,
      log,
      limits: { identityLifetime: 20 * HOUR, maxStaleness: HOUR },
      random: countingRandom(seed),
      observe: (event) => void events.push(event),
      ...(pubsub && { pubsub }),
    },
    hand,
  );
  const server = wired.server as unknown as {
    handle: (slice: unknown, handlers: object) => void;
    topic: (slice: unknown, id: string) => ReturnType<typeof wired.server.topic>;
    removeTopics: typeof wired.server.removeTopics;
  };
  server.handle(draft, { public: true });
  server.handle(kept, { public: true });
  const client = async () => {
    const its = wired.socket();
    its.say(hi);
    await its.heard();
    return its;
  };
  return { ...wired, client, topic: server.topic.bind(wired.server), log, events };
}

describe("a topic's lifetime", () => {
  test("[LT6] a topic that nobody subscribes to or writes to goes like a removed one; one without a lifetime stays", async () => {
    const { topic, done, advance, log, client, events, errors } = begin();
    await done(topic(draft, "1").dispatch(add("a") as never));
    await done(topic(kept, "1").dispatch(add("a") as never));
    await advance(3 * HOUR - MINUTE);
    expect(await log.open("draft:1")).toMatchObject({ removed: false });
    await advance(HOUR);
    expect(await log.open("draft:1")).toMatchObject({ sequence: 1, removed: true });
    expect(await log.open("kept:1")).toMatchObject({ removed: false });
    expect(events.filter(({ type }) => type === "expired")).toEqual([
      { type: "expired", sessions: 0, topics: 1, tombstones: 0, rows: 0 },
    ]);
    const late = await client();
    late.say(subscribe("draft:1"), say("draft:1", 1, add("offline")));
    expect(await late.heard()).toMatchObject([
      { type: "Unsubscribed", code: "removed", retryable: false },
      { type: "Rejected", code: "removed" },
    ]);
    expect(errors).toEqual([]);
  });

  test("[LT6] [LT3] its tombstone goes too, and then the topic begins anew", async () => {
    const { topic, done, advance, log } = begin();
    await done(topic(draft, "1").dispatch(add("a") as never));
    await advance(4 * HOUR);
    expect(await log.open("draft:1")).toMatchObject({ removed: true });
    await advance(29 * HOUR);
    expect(await log.open("draft:1")).toBeUndefined();
    await done(topic(draft, "1").dispatch(add("b") as never));
    expect(await done(topic(draft, "1").read())).toEqual({ model: { items: ["b"] }, sequence: 1 });
  });

  test("[LT6] it stays while it has a subscriber, however long nothing is written, and a lifetime after that", async () => {
    const { topic, done, advance, log, client } = begin();
    await done(topic(draft, "1").dispatch(add("a") as never));
    const ada = await client();
    ada.say(subscribe("draft:1"));
    await ada.heard();
    await advance(24 * HOUR);
    expect(types(await ada.heard())).toEqual([]);
    ada.drop();
    await advance(2 * HOUR);
    expect(await log.open("draft:1")).toMatchObject({ removed: false });
    await advance(3 * HOUR);
    expect(await log.open("draft:1")).toMatchObject({ removed: true });
  });

  test("[LT6] [LT8] it stays while any node has a subscriber, though that node's doorbell is never heard", async () => {
    const hand = handClock();
    const log = memoryLog({ shared: true });
    const { pubsub, lose } = handPubSub();
    const near = begin(faultyLog(log), hand, { pubsub });
    const far = begin(faultyLog(log), hand, { seed: 2, pubsub });
    await near.done(near.topic(draft, "1").dispatch(add("a") as never));
    await hand.advance(100 * MINUTE);
    const ada = await far.client();
    ada.say(subscribe("draft:1"));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
    for (let i = 0; i < 24; i++) {
      await hand.advance(HOUR);
      lose();
    }
    expect(await log.open("draft:1")).toMatchObject({ removed: false });
    expect(types(await ada.heard())).toEqual([]);
  });

  test("[LT6] who subscribes to one that is about to go either keeps it, or hears that it has gone", async () => {
    for (const goesFirst of [false, true]) {
      const hand = handClock();
      const log = memoryLog({ shared: true });
      const { pubsub } = handPubSub();
      const near = begin(faultyLog(log), hand, { pubsub });
      const far = faultyLog(log, { clock: hand.clock });
      const other = begin(far, hand, { seed: 2, pubsub });
      await near.done(near.topic(draft, "1").dispatch(add("a") as never));
      // In the other node's memory, where no look is needed to welcome somebody but for the lifetime.
      await other.done(other.topic(draft, "1").read());
      await hand.advance(170 * MINUTE);
      far.plan(({ method }) => (goesFirst && method === "touch" ? { delay: HOUR } : undefined));
      const ada = await other.client();
      ada.say(subscribe("draft:1"));
      if (!goesFirst) expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
      await hand.advance(90 * MINUTE);
      expect((await log.open("draft:1"))?.removed).toBe(goesFirst);
      const heard = await ada.heard();
      if (goesFirst) expect(heard).toMatchObject([{ type: "Unsubscribed", code: "removed" }]);
      else expect(heard).toEqual([]);
    }
  });

  test("[LT6] what was written to since the list was read stays", async () => {
    const log = faultyLog(memoryLog());
    const { topic, done, advance, clock } = begin(log);
    await done(topic(draft, "1").dispatch(add("a") as never));
    const { list } = log;
    let late = 0;
    Object.assign(log, {
      async list(...given: Parameters<typeof list>) {
        const page = await list(...given);
        // Listed as too old, and written to before it goes.
        if (clock.now() > 1_000 + 3 * HOUR && late++ === 0)
          await topic(draft, "1").dispatch(add("b") as never);
        return page;
      },
    });
    await advance(4 * HOUR);
    expect(late).toBeGreaterThan(1);
    expect(await log.open("draft:1")).toMatchObject({ sequence: 2, removed: false });
  });

  test("[LT6] [LT8] nobody is subscribed while the log cannot be told that it is in use, and it is told again", async () => {
    const { topic, done, advance, log, client, errors } = begin();
    await done(topic(draft, "1").dispatch(add("a") as never));
    await advance(HOUR);
    log.plan(({ method }) => (method === "touch" ? "fail" : undefined));
    const ada = await client();
    ada.say(subscribe("draft:1"));
    expect(await ada.heard()).toMatchObject([{ type: "Unsubscribed", code: "storage", retryable: true }]);
    expect(errors).toMatchObject([{ code: "storage", details: { method: "touch" } }]);
    log.plan();
    ada.say(subscribe("draft:1", 2));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
    await advance(4 * HOUR);
    expect(await log.open("draft:1")).toMatchObject({ removed: false });
  });

  test("[LT6] [LT5] thousands go, step by step, and only those", async () => {
    const { advance, log, events } = begin();
    const record = { sequence: 1, mark: 1, version: 1, author: null, mid: 0, id: "x", messages: [add("a")] };
    const appends = (name: string, count: number, at: number) =>
      log.append(
        Array.from({ length: count }, (_, i) => ({
          target: `${name}${i}`,
          expected: { sequence: 0, mark: 0 },
          records: [{ ...record, at }],
          rows: [],
          at,
        })),
      );
    await appends("draft:old", 2_300, 5);
    await appends("draft:new", 900, 3 * HOUR);
    await appends("kept:", 10, 5);
    await advance(4 * HOUR);
    const gone = events.reduce((sum, event) => sum + (event.type === "expired" ? event.topics : 0), 0);
    expect(gone).toBe(2_300);
    let left = 0;
    for (let next: string | undefined, first = true; first || next !== undefined; first = false) {
      const page = await log.list("", next, 500);
      left += page.targets.filter(({ removed }) => !removed).length;
      ({ next } = page);
    }
    expect(left).toBe(910);
  });
});

describe("many topics", () => {
  const names = async (topics: AsyncIterable<{ topic: string }>): Promise<string[]> => {
    const all: string[] = [];
    for await (const { topic } of topics) all.push(topic);
    return all.toSorted();
  };

  test("[SV10] topics are listed by pattern: without removed ones, sessions and others", async () => {
    const { server, topic, done } = begin();
    for (const id of ["1", "2", "t:1"]) await done(topic(draft, id).dispatch(add("a") as never));
    await done(topic(kept, "1").dispatch(add("a") as never));
    await done(topic(draft, "2").remove());
    expect(await names(server.topics("draft:*"))).toEqual(["draft:1", "draft:t:1"]);
    expect(await names(server.topics("draft:t:*"))).toEqual(["draft:t:1"]);
    expect(await names(server.topics("*"))).toEqual(["draft:1", "draft:t:1", "kept:1"]);
    expect(await names(server.topics("draft:1"))).toEqual(["draft:1"]);
    expect(await names(server.topics("none:*"))).toEqual([]);
    await expect(names(server.topics("dra*"))).rejects.toMatchObject({ code: "wiring" });
  });

  test("[SV10] [SV5] topics are removed by pattern, subscribers are told, and the others stay", async () => {
    const { server, topic, done, client, log } = begin();
    for (const id of ["t:1", "t:2", "u:1"]) await done(topic(draft, id).dispatch(add("a") as never));
    const ada = await client();
    ada.say(subscribe("draft:t:1"), subscribe("draft:u:1"));
    await ada.heard();
    expect(await done(server.removeTopics("draft:t:*"))).toBe(2);
    expect(await ada.heard()).toMatchObject([
      { type: "Unsubscribed", target: "draft:t:1", code: "removed", retryable: false },
    ]);
    expect(await log.open("draft:u:1")).toMatchObject({ removed: false });
    expect(await done(server.removeTopics("draft:t:*"))).toBe(0);
  });

  test("[SV10] only what nobody has used for long is removed where that is asked", async () => {
    const { server, topic, done, client, advance, log } = begin();
    for (const id of ["old", "joined"]) await done(topic(kept, id).dispatch(add("a") as never));
    const ada = await client();
    ada.say(subscribe("kept:joined"));
    await advance(10 * HOUR);
    await done(topic(kept, "new").dispatch(add("a") as never));
    expect(await done(server.removeTopics("kept:*", { unusedFor: HOUR }))).toBe(1);
    expect(await log.open("kept:old")).toMatchObject({ removed: true });
    expect(await names(server.topics("kept:*"))).toEqual(["kept:joined", "kept:new"]);
  });

  test("[SV10] a topic whose slice has left the wiring is listed and removed, too", async () => {
    const log = faultyLog(memoryLog());
    const before = wire({ log });
    const { list } = await import("./wired.ts");
    before.server.handle(list, { public: true });
    await before.done(before.server.topic(list, "1").dispatch({ type: "added", item: "x" }));
    await before.done(before.server.stop());
    const { server, done } = begin(log);
    expect(await names(server.topics("list:*"))).toEqual(["list:1"]);
    expect(await done(server.removeTopics("list:*"))).toBe(1);
    expect(await log.open("list:1")).toMatchObject({ removed: true });
  });
});
