import { automatic, json } from "@calla/shared";
import type { Format } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  countingRandom,
  handClock,
  handPubSub,
  heldLog,
  list,
  other,
  say,
  subscribe,
  types,
  wire,
} from "../../test/wired.ts";
import type { Said } from "../../test/wired.ts";
import { faultyLog, scriptedFaults } from "../testing/faulty-log.ts";
import { rewindableLog } from "../testing/rewindable-log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const add = (item: string) => ({ type: "added", item }) as const;
type Its = Awaited<ReturnType<ReturnType<typeof wire>["client"]>>;

/** A topic with so many records, and the mark after each. */
async function filled(wired: ReturnType<typeof wire>, count: number, size = 1) {
  const { server, client } = wired;
  server.handle(list, { public: true });
  const author = await client();
  author.say(subscribe("list:1"));
  await author.heard();
  const marks = [0];
  for (let mid = 1; mid <= count; mid++) {
    author.say(say("list:1", mid, add("x".repeat(size)), { settled: mid - 1 }));
    const [update] = await author.heard();
    marks.push((update as { mark: number }).mark);
  }
  return { author, marks };
}
const from = async (its: Its, cursor: { sequence: number; mark: number } | undefined, more: object = {}) => {
  its.say(subscribe("list:1", 1, { ...(cursor && { cursor }), ...more }));
  return its.heard();
};
const resync = (said: readonly Said[]) =>
  said.map((frame) => (frame.type === "Settled" ? [frame.resync, frame.reason] : frame.type));

describe("catching up", () => {
  test("[FO1] S13 a cursor within the log gets exactly the missed records; at the head nothing", async () => {
    const wired = wire();
    const { marks } = await filled(wired, 5);
    for (let sequence = 0; sequence <= 5; sequence++) {
      const said = await from(await wired.client(), { sequence, mark: marks[sequence]! });
      if (sequence === 5) expect(resync(said)).toEqual([["current", "current"]]);
      else {
        expect(resync(said)).toEqual([["records", "missed"], "TopicUpdate"]);
        expect(said[1]).toMatchObject({ after: sequence, from: marks[sequence], mark: marks[5] });
        expect((said[1] as { records?: unknown }).records).toHaveLength(5 - sequence);
      }
    }
  });

  test.each(["read first", "appended first"])(
    "[FO1] what lands in the very moment in which the missed records were read is shown too (%s)",
    async (order) => {
      const hand = handClock();
      const inner = memoryLog();
      const before = wire({ log: inner }, hand);
      const { marks } = await filled(before, 3);
      await before.done(before.server.topic(list, "1").stop());
      const held = heldLog(inner, "read", "append");
      held.release();
      const wired = wire({ log: held.log, random: countingRandom(5) }, hand);
      wired.server.handle(list, { public: true });
      await wired.done(wired.server.topic(list, "1").read());
      const ada = await wired.client();
      held.hold();
      const append = (): void => void wired.server.topic(list, "1").dispatch(add("late"));
      if (order === "appended first") append();
      await wired.settle();
      ada.say(subscribe("list:1", 1, { cursor: { sequence: 1, mark: marks[1] } }));
      await wired.settle();
      if (order === "read first") append();
      await wired.settle();
      expect(held.waiting()).toBe(2);
      held.step();
      const [settled, ...updates] = await ada.heard();
      expect(settled).toMatchObject({ type: "Settled", resync: "records" });
      const shown = updates.flatMap((update) => (update.type === "TopicUpdate" ? [update] : []));
      expect(shown.reduce((at, { after, records }) => (after === at ? at + records.length : NaN), 1)).toBe(4);
    },
  );

  test("[FO1] S13 records that left memory come from the log", async () => {
    const wired = wire();
    const { author, marks } = await filled(wired, 5);
    author.drop();
    await wired.advance(120_001); // the topic leaves memory
    const said = await from(await wired.client(), { sequence: 2, mark: marks[2]! });
    expect(resync(said)).toEqual([["records", "missed"], "TopicUpdate"]);
    expect(said[1]).toMatchObject({ after: 2, mark: marks[5], records: [{ 2: 3 }, { 2: 4 }, { 2: 5 }] });
  });

  test("[FO2] S13 nothing yet: a snapshot, first; compacted records: a snapshot, and it says so", async () => {
    const wired = wire({ log: memoryLog({ retention: 0 }) });
    const { author, marks } = await filled(wired, 5);
    const newcomer = await wired.client();
    expect(resync(await from(newcomer, undefined))).toEqual([["snapshot", "first"], "Snapshot"]);
    author.drop();
    newcomer.drop();
    await wired.advance(120_001);
    expect(resync(await from(await wired.client(), { sequence: 2, mark: marks[2]! }))).toEqual([
      ["snapshot", "compacted"],
      "Snapshot",
    ]);
  });

  test("[FO2] more than maxCatchUp records get a snapshot, exactly that many get records", async () => {
    for (const cold of [false, true]) {
      const wired = wire({ limits: { maxCatchUp: 4 } });
      const { author, marks } = await filled(wired, 6);
      if (cold) {
        author.drop();
        await wired.advance(120_001);
      }
      expect(resync(await from(await wired.client(), { sequence: 2, mark: marks[2]! }))[0]).toEqual([
        "records",
        "missed",
      ]);
      expect(resync(await from(await wired.client(), { sequence: 1, mark: marks[1]! }))[0]).toEqual([
        "snapshot",
        "cheaper",
      ]);
    }
  });

  test("[FO2] many records that are larger than the whole model get a snapshot", async () => {
    const wired = wire();
    wired.server.handle(other, { public: true });
    const ada = await wired.client();
    for (let mid = 1; mid <= 20; mid++) ada.say(say("other:1", mid, { type: "bumped" }));
    await ada.heard();
    const bob = await wired.client();
    bob.say(subscribe("other:1", 1, { cursor: { sequence: 0, mark: 0 } }));
    expect(resync(await bob.heard())[0]).toEqual(["snapshot", "cheaper"]);
  });

  test("[FO3] S14 S37 another mark, or a cursor ahead of the log, gets a snapshot with its reason", async () => {
    const wired = wire();
    const { marks } = await filled(wired, 3);
    for (const cursor of [
      { sequence: 0, mark: 1 },
      { sequence: 2, mark: marks[1]! },
      { sequence: 3, mark: marks[3]! + 1 },
      { sequence: 4, mark: marks[3]! },
      { sequence: 2 ** 53 - 1, mark: 2 ** 53 - 1 },
    ]) {
      const said = await from(await wired.client(), cursor);
      expect(resync(said)).toEqual([["snapshot", "other-history"], "Snapshot"]);
      expect(said[1]).toMatchObject({ sequence: 3, mark: marks[3], model: { items: ["x", "x", "x"] } });
    }
  });

  test("[FO4] S42 a node that is behind a subscriber's cursor reads the log before it answers", async () => {
    const log = memoryLog({ shared: true });
    const hand = handClock();
    const rings = handPubSub();
    const near = wire({ log, pubsub: rings.pubsub }, hand);
    const far = wire({ log, pubsub: rings.pubsub, random: countingRandom(7) }, hand);
    far.server.handle(list, { public: true });
    const reader = await far.client();
    await from(reader, undefined);
    const { marks } = await filled(near, 3);
    rings.lose(); // the other node has heard nothing
    const said = await from(await far.client(), { sequence: 3, mark: marks[3]! });
    expect(resync(said)).toEqual([["current", "current"]]);
    expect(await reader.heard()).toMatchObject([{ type: "TopicUpdate", after: 0, mark: marks[3] }]);
  });

  test("[FO5] a broadcast is encoded once, a snapshot once per sequence, a replay once per range", async () => {
    let encoded: string[] = [];
    const counting = (format: Format): Format => ({
      ...format,
      encode: (value) => {
        encoded.push((value as { type: string }).type);
        return format.encode(value);
      },
    });
    const wired = wire({ serialiser: automatic(counting(json())) });
    const { author, marks } = await filled(wired, 3);
    const all: Its[] = [];
    for (let i = 0; i < 10; i++) all.push(await wired.client());
    const count = (type: string) => encoded.filter((one) => one === type).length;
    encoded = [];
    for (const one of all) await from(one, undefined);
    expect(count("Snapshot")).toBe(1);
    encoded = [];
    author.say(say("list:1", 4, add("y")));
    await author.heard();
    expect(count("TopicUpdate")).toBe(1);
    const frames = all.map(({ raw }) => raw.at(-1));
    expect(new Set(frames).size).toBe(1); // the same object for everyone
    encoded = [];
    for (const one of all) await from(one, { sequence: 1, mark: marks[1]! });
    expect(count("TopicUpdate")).toBe(1);
  });

  test("[FO6] S34 Settled names every outcome above the client's settled mid that what follows contains", async () => {
    const wired = wire();
    wired.server.handle(list, { public: true });
    const ada = await wired.client();
    ada.say(
      say("list:1", 1, add("a")),
      say("list:1", 2, { type: "removed", item: "?" }),
      say("list:1", 3, null),
      say("list:1", 4, add("b")),
    );
    await ada.heard();
    const again = await wired.client(ada.identity);
    const all = [
      [1, "id-1", 1, [], null, null, null],
      [2, "id-2", 0, [], "app", "missing", { item: "?" }],
      [3, "id-3", 0, [], "calla", "cancelled", {}],
      [4, "id-4", 2, [], null, null, null],
    ];
    expect((await from(again, undefined, { settled: 0, sent: 4 }))[0]).toMatchObject({
      next: 5,
      outcomes: all,
    });
    expect((await from(again, undefined, { settled: 2, sent: 4 }))[0]).toMatchObject({
      next: 5,
      outcomes: all.slice(2),
    });
    expect((await from(again, undefined, { settled: 4, sent: 4 }))[0]).toMatchObject({
      next: 5,
      outcomes: [],
    });
  });

  test("[FO6] also of a client that asked before it sent anything", async () => {
    const wired = wire();
    wired.server.handle(list, { public: true });
    const ada = await wired.client();
    ada.say(say("list:1", 1, add("a")));
    await ada.heard();
    expect((await from(ada, undefined, { settled: 0, sent: 0 }))[0]).toMatchObject({
      next: 2,
      outcomes: [[1, "id-1", 1, [], null, null, null]],
    });
  });

  test("[FO7] a large model is sent in parts that make the whole again", async () => {
    const wired = wire({ limits: { snapshotPartBytes: 100 } });
    await filled(wired, 20, 20);
    const [, ...parts] = await from(await wired.client(), undefined);
    expect(parts.length).toBeGreaterThan(3);
    const chunks = parts.map((frame, i) => {
      expect(frame).toMatchObject({ type: "Snapshot", sequence: 20, part: i, parts: parts.length });
      expect(frame).not.toHaveProperty("model");
      return (frame as { chunk: string }).chunk;
    });
    expect(JSON.parse(chunks.join(""))).toEqual({ items: Array.from({ length: 20 }, () => "x".repeat(20)) });
  });
});

describe("when the log fails", () => {
  test("[CV8] S28 a target that cannot be opened turns its subscribers and authors away for now, and is there again", async () => {
    const log = faultyLog(memoryLog(), { plan: scriptedFaults({ open: ["fail"] }) });
    const { server, client, errors } = wire({ log });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1", 3), say("list:1", 1, add("x")));
    expect(await ada.heard()).toMatchObject([
      { type: "Paused", from: 1, code: "storage" },
      { type: "Unsubscribed", ref: 3, code: "storage", retryable: true },
    ]);
    expect(errors).toHaveLength(1);
    ada.say(subscribe("list:1", 4), say("list:1", 1, add("x")));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
  });

  test("[CV8] a read that fails answers everybody who waits for one, and what was dispatched meanwhile is taken", async () => {
    const log = faultyLog(memoryLog({ shared: true }));
    const held = heldLog(log, "read");
    held.release();
    const { server, client } = wire({ log: held.log });
    server.handle(list, { public: true });
    const ada = await client();
    const bob = await client();
    const eve = await client();
    eve.say(subscribe("list:1"));
    await eve.heard();
    held.hold();
    let fail = true;
    log.plan(({ method }) => (method === "read" && fail ? "fail" : undefined));
    ada.say(subscribe("list:1"));
    await ada.heard();
    bob.say(subscribe("list:1"), say("list:1", 1, add("x"))); // while the read is under way
    await bob.heard();
    held.step();
    expect(await ada.heard()).toMatchObject([{ type: "Unsubscribed", code: "storage", retryable: true }]);
    fail = false;
    held.release();
    expect(types(await bob.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
    expect(types(await eve.heard())).toEqual(["TopicUpdate"]);
  });

  test("[CV8] a row that cannot be read turns the subscriber away for now", async () => {
    const log = faultyLog(memoryLog(), { plan: scriptedFaults({ client: ["fail"] }) });
    const { server, client } = wire({ log });
    server.handle(list, { public: true });
    const ada = await client();
    expect(await from(ada, undefined, { sent: 1 })).toMatchObject([
      { type: "Unsubscribed", code: "storage" },
    ]);
    expect(types(await from(ada, undefined, { sent: 1 }))).toEqual(["Settled", "Snapshot"]);
  });

  test("[CV8] S28 a model that no wire carries turns its subscribers away and harms nobody else", async () => {
    const { server, client, errors } = wire({ strict: false });
    server.handle(list, { public: true });
    server.handle(other, { public: true });
    const broken = wire({
      strict: false,
      serialiser: {
        ...automatic(json()),
        payload: (format) => ({
          ...automatic(json()).payload(format),
          encodeModel: () => {
            throw new Error("cannot encode");
          },
        }),
      },
    });
    broken.server.handle(list, { public: true });
    const eve = await broken.client();
    expect(await from(eve, undefined)).toMatchObject([
      { type: "Unsubscribed", code: "failed", retryable: true },
    ]);
    expect(broken.errors).toEqual([new Error("cannot encode")]);
    const ada = await client();
    ada.say(subscribe("other:1"));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
    expect(errors).toEqual([]);
  });

  test("[TE12] S36 an append that was committed and then threw is acknowledged once, and its subscribers see it once", async () => {
    const log = faultyLog(memoryLog(), { plan: scriptedFaults({ append: ["lose"] }) });
    const { server, client, advance } = wire({ log });
    server.handle(list, { public: true });
    const ada = await client();
    const bob = await client();
    bob.say(subscribe("list:1"));
    await bob.heard();
    ada.say(say("list:1", 1, add("x")));
    await advance(100);
    expect(await ada.heard()).toEqual([
      { type: "Acknowledge", target: "list:1", mid: 1, id: "id-1", sequence: 1 },
    ]);
    expect(types(await bob.heard())).toEqual(["TopicUpdate"]);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["x"] });
  });

  test("[TE22] S36 a server that died while its append was under way: the next one finds it by its author's row", async () => {
    const log = memoryLog();
    const held = heldLog(log, "append");
    const secret = "a secret that both know";
    const died = wire({ log: held.log, secret });
    died.server.handle(list, { public: true });
    const next = wire({ log, secret });
    next.server.handle(list, { public: true });

    await died.client(); // so that Ada's name is no name that the next one gives
    const ada = await died.client();
    ada.say(say("list:1", 1, add("x")));
    await ada.heard();
    expect(held.waiting()).toBe(1);
    // The next one has opened the topic before the append lands, and nobody rings for it.
    const bob = await next.client();
    bob.say(subscribe("list:1"));
    expect(await bob.heard()).toMatchObject([{ sequence: 0 }, { type: "Snapshot", sequence: 0 }]);
    held.release();
    await ada.heard();

    const again = await next.client(ada.identity);
    const said = await from(again, undefined, { sent: 1 });
    expect(said).toMatchObject([
      { type: "Settled", sequence: 1, outcomes: [[1, "id-1", 1, [], null, null, null]] },
      { type: "Snapshot", sequence: 1, model: { items: ["x"] } },
    ]);
    expect(types(await bob.heard())).toEqual(["TopicUpdate"]);
  });

  test("[FO6] [TE12] whose first message gets into doubt before the request is answered, is shown it once, with its outcome", async () => {
    const log = memoryLog();
    await filled(wire({ log }), 5);
    const faulty = faultyLog(log, { plan: scriptedFaults({ append: ["lose"] }) });
    let answer = (): void => undefined;
    const rows = heldLog(
      {
        ...faulty,
        async read(target, after, limit) {
          if (after.sequence === 1) await new Promise<void>((go) => (answer = go));
          return faulty.read(target, after, limit);
        },
      },
      "client",
    );
    const { server, client, advance } = wire({ log: rows.log, limits: { maxCatchUp: 2 } });
    server.handle(list, { public: true });
    await client(); // so that nobody has the author's name
    const bob = await client();
    bob.say(subscribe("list:1"));
    expect(types(await bob.heard())).toEqual(["Settled", "Snapshot"]);
    const ada = await client();
    ada.say(subscribe("list:1", 1, { cursor: { sequence: 1, mark: 1 } }));
    expect(await ada.heard()).toEqual([]);
    ada.say(say("list:1", 1, add("y")));
    await ada.heard();
    rows.step();
    await advance(100);
    // It was appended though the log did not say so, and was found by a read; now her row is read anew.
    expect(types(await bob.heard())).toEqual(["TopicUpdate"]);
    expect(rows.waiting()).toBe(1);
    answer();
    expect(await ada.heard()).toEqual([]);
    rows.release();
    await advance(1);
    answer(); // what she has missed is read once more
    expect(await ada.heard()).toMatchObject([
      { type: "Acknowledge", mid: 1 },
      { type: "Settled", outcomes: [[1, "id-1", 6, [], null, null, null]] },
      { type: "Snapshot", sequence: 6 },
    ]);
  });

  test("[FO6] [TE12] so is who has sent before its subscribe was taken up, however many topics it has sent to", async () => {
    for (const maxTopicsPerConnection of [10, 1]) {
      const plan = scriptedFaults({ append: ["lose"] });
      const rows = heldLog(faultyLog(memoryLog(), { plan }), "client");
      const { server, client, advance } = wire({ log: rows.log, limits: { maxTopicsPerConnection } });
      server.handle(list, { public: true });
      const ada = await client();
      for (const topic of ["list:1", "list:2", "list:3"]) ada.say(say(topic, 1, add("x")));
      await ada.heard();
      rows.step(); // then the appends, of the first of which nobody knows what became, until a read finds it
      await advance(100);
      await ada.heard();
      expect(rows.waiting()).toBeGreaterThan(0);
      ada.say(subscribe("list:1"));
      expect(await ada.heard()).toEqual([]);
      rows.release();
      expect((await ada.heard()).filter(({ type }) => type === "Settled")).toMatchObject([
        { outcomes: [[1, "id-1", 1, [], null, null, null]] },
      ]);
    }
  });

  test("[SQ12] [TE11] [SQ14] S37 a row from the storage that stands there now is sent beside no model of the former one", async () => {
    for (const told of ["before the row", "behind the row", "twice"]) {
      const log = rewindableLog(memoryLog());
      let replaced: () => void = () => undefined;
      let replace: (() => Promise<unknown>) | undefined;
      const { server, client } = wire({
        log: {
          ...log,
          onReplaced(listener) {
            replaced = listener;
            return () => undefined;
          },
          async client(target, clientId) {
            const run = replace;
            replace = undefined;
            await run?.();
            if (told !== "behind the row") replaced();
            const row = await log.client(target, clientId);
            if (told !== "before the row") replaced();
            return row;
          },
        },
        limits: { maxClientRows: 1 },
      });
      server.handle(list, { public: true });
      const ada = await client();
      ada.say(say("list:1", 1, add("kept")));
      await ada.heard();
      const bob = await client();
      bob.say(say("list:1", 1, add("bob's")));
      await bob.heard();
      for (let times = 1; times <= 2; times++) {
        ada.say(say("list:1", times + 1, add(`lost ${times}`)));
        await ada.heard();
        bob.say(say("list:1", times + 1, add("bob's")));
        await bob.heard();
        replace = () => log.rewind("list:1", 2);
        const again = await client(ada.identity);
        const said = await from(again, undefined, { sent: 2, settled: 1 });
        expect(replace).toBeUndefined();
        const [settled, snapshot] = said;
        expect(settled).toMatchObject({ type: "Settled", sequence: 2, next: 2, outcomes: [] });
        expect(snapshot).toMatchObject({
          type: "Snapshot",
          sequence: 2,
          model: { items: ["kept", "bob's"] },
        });
        bob.say(say("list:1", 2, add("bob's")), say("list:1", 3, add("bob's")));
        await bob.heard();
        await log.rewind("list:1", 2);
        replaced();
        await bob.heard();
      }
    }
  });

  test("[TE12] S28 a log that answers garbage is a log whose answer was lost", async () => {
    for (const garbage of [undefined, null, [], [{}], "no", [{ status: "?" }]]) {
      const log = memoryLog();
      let calls = 0;
      const { server, client, advance } = wire({
        log: {
          ...log,
          append: (batch) => (calls++ === 0 ? Promise.resolve(garbage as never) : log.append(batch)),
        },
      });
      server.handle(list, { public: true });
      const ada = await client();
      ada.say(say("list:1", 1, add("x")));
      await advance(100);
      expect(types(await ada.heard())).toEqual(["Acknowledge"]);
    }
  });
});
