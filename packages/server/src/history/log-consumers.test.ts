import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { automatic, defineClass, json } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  countingRandom,
  cursors,
  handClock,
  handPubSub,
  list,
  other,
  session,
  wire,
} from "../../test/wired.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import { ORIGIN, record } from "../testing/log-contract/kit.ts";
import { faultyLog } from "../testing/faulty-log.ts";
import type { LogStorage } from "../log/log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import type { ConsumedEntry } from "./log-consumers.ts";
import { sqlite } from "../log/sqlite/sqlite.ts";

const add = (item: string) => ({ type: "added", item }) as const;
const name = "audit";
type Told = ConsumedEntry<typeof list> | ConsumedEntry<typeof session>;
/** What was told, in short. */
const brief = (entry: Told): string =>
  entry.gone !== undefined
    ? `${entry.topic} ${entry.gone}`
    : `${entry.topic} ${entry.model ? "model" : (entry.messages as readonly { readonly item?: string }[]).map(({ item }) => item).join("+")}`;

function begin({ hand = handClock(), log = faultyLog(memoryLog({ retention: 0 })), seed = 1 } = {}) {
  const wired = wire({ log, random: countingRandom(seed), limits: { snapshotEvery: 2 } }, hand);
  const told: string[] = [];
  const keys: string[] = [];
  const hear = (entry: Told): void => {
    told.push(brief(entry));
    keys.push(entry.key);
  };
  return { ...wired, log, told, keys, hear };
}

describe("server.consume", () => {
  test("[RD1] a consumer is called for everything of its slice in order, from the beginning and then as it comes", async () => {
    const { server, done, told, keys, hear, errors } = begin();
    const [one, two] = [server.topic(list, "1"), server.topic(list, "2")];
    await done(one.dispatch([add("a"), add("b")]));
    server.consume(list, { name }, hear);
    await done(two.dispatch(add("c")));
    await done(server.topic(other, "1").dispatch({ type: "bumped" }));
    for (const item of ["d", "e", "f", "g"]) await done(one.dispatch(add(item)));
    await done(one.remove());
    await done(one.dispatch(add("h")));
    expect(told).toEqual([
      "list:1 a+b",
      "list:2 c",
      ...["d", "e", "f", "g", "removed", "model", "h"].map((what) => `list:1 ${what}`),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(errors).toEqual([]);
  });

  test("[RD1] an entry names topic, parameters, author, time, id and version; the session has consumers too", async () => {
    const { server, client, done } = begin();
    server.handle(list, { public: true });
    const entries: Told[] = [];
    server.consume(list, { name }, (entry) => void entries.push(entry));
    server.consume(session, { name }, (entry) => void entries.push(entry));
    const ada = await client();
    ada.say({ type: "TopicMessage", target: "list:7", mid: 1, id: "m1", settled: 0, messages: [add("a")] });
    await ada.heard();
    await done(server.dispatchTo(ada.identity.clientId, { type: "named", name: "Ada" }));
    const { clientId } = ada.identity;
    expect(entries).toMatchObject([
      {
        topic: "list:7",
        params: ["7"],
        sequence: 1,
        author: { clientId, userId: null },
        id: "m1",
        version: 1,
      },
      { topic: `@${clientId}`, params: [], sequence: 1, author: null, messages: [{ name: "Ada" }] },
    ]);
    expect(() => server.consume(list, { name }, () => {})).toThrow(/name of its own/);
    expect(() => server.consume(list, { name: "" }, () => {})).toThrow(/1 to 100/);
    expect(() => server.consume(cursors as never, { name: "c" }, () => {})).toThrow(/no log to consume/);
  });

  test("[RD2] a handler that fails is asked again, with growing pauses, and nothing overtakes it", async () => {
    const { server, done, told, hear, errors, advance } = begin();
    let failures = 6;
    const tries: number[] = [];
    server.consume(list, { name }, async (entry) => {
      if (brief(entry) === "list:1 b") {
        tries.push(1);
        await Promise.resolve();
        if (failures-- > 0) throw new Error("no database");
      }
      hear(entry);
    });
    for (const item of ["a", "b", "c"]) await done(server.topic(list, "1").dispatch(add(item)));
    expect(told).toEqual(["list:1 a"]);
    await advance(1_000);
    expect(tries.length).toBeLessThan(6);
    await advance(60_000);
    expect(told).toEqual(["list:1 a", "list:1 b", "list:1 c"]);
    expect(errors).toHaveLength(6);
    expect(errors[0]).toMatchObject({ code: "hook", details: { consumer: "list:*/audit" } });
  });

  test("[RD2] a record of another slice that cannot be read any more holds up no consumer", async () => {
    class Point {}
    const point = defineClass("Point", Point, { encode: () => 0, decode: () => new Point() });
    const folder = mkdtempSync(join(tmpdir(), "calla-readers-"));
    try {
      const file = join(folder, "calla.db");
      const old = sqlite(file, { thread: "main" });
      old.carryWith?.(automatic(json()).with({ classes: [point] }));
      const odd = { ...record(1), messages: [{ type: "bumped", by: new Point() }] };
      await old.append([{ target: "other:1", expected: ORIGIN, records: [odd], rows: [], at: odd.at }]);
      await old.close();
      const log = sqlite(file, { thread: "main" });
      const { server, done, told, hear, errors } = begin({ log: faultyLog(log) });
      server.consume(list, { name }, hear);
      await done(server.topic(list, "1").dispatch(add("a")));
      expect(told).toEqual(["list:1 a"]);
      expect(errors).toEqual([]);
      await done(server.stop());
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("[RD3] S7 after a crash the handler is called again for what was done last, with the same key, and nothing is missing, however much was compacted", async () => {
    const first = begin();
    const topic = first.server.topic(list, "1");
    await first.done(topic.dispatch(add("0")));
    let crashed = false;
    first.server.consume(list, { name }, async (entry) => {
      if (crashed) return new Promise(() => {});
      first.hear(entry);
    });
    for (let i = 1; i < 10; i++) await first.done(topic.dispatch(add(String(i))));
    // The node is gone without a word, before it could store its place.
    first.log.plan(({ method }) => (method === "advanceConsumer" ? "fail" : undefined));
    for (let i = 10; i < 20; i++) await first.done(topic.dispatch(add(String(i))));
    crashed = true;
    const { clock, settle, advance } = first;
    const second = begin({ hand: { clock, settle, advance }, log: faultyLog(first.log), seed: 7 });
    for (let i = 20; i < 30; i++) await second.done(second.server.topic(list, "1").dispatch(add(String(i))));
    second.server.consume(list, { name }, second.hear);
    await second.settle();
    expect(second.told).toEqual([]); // the lease is the first one's
    await second.advance(20_000);
    const all = Array.from({ length: 30 }, (_, i) => `list:1 ${i}`);
    expect(second.told.at(-1)).toBe("list:1 29");
    expect(second.told).toEqual(all.slice(-second.told.length));
    expect([...new Set([...first.told, ...second.told])]).toEqual(all);
    const again = first.keys.filter((key) => second.keys.includes(key));
    expect(again.length).toBeGreaterThan(0);
    expect([...new Set([...first.keys, ...second.keys])]).toHaveLength(30);
  });

  test("[RD4] of several nodes one calls the handler; when it stops another goes on at once, where it was", async () => {
    const hand = handClock();
    const rings = handPubSub();
    const log = memoryLog({ shared: true });
    const told: string[] = [];
    const nodes = ["a", "b"].map((node, i) => {
      const wired = wire({ log, pubsub: rings.pubsub, random: countingRandom(i + 3) }, hand);
      const stop = wired.server.consume(list, { name }, (entry) => void told.push(`${node} ${brief(entry)}`));
      return { ...wired, stop };
    });
    const [near, far] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    await near.done(near.server.topic(list, "1").dispatch(add("x")));
    await far.done(far.server.topic(list, "2").dispatch(add("y")));
    rings.deliver();
    await hand.settle();
    expect(told).toEqual(["a list:1 x", "a list:2 y"]);
    await far.done(far.server.topic(list, "2").dispatch(add("z")));
    rings.lose();
    await hand.advance(5_000);
    expect(told.slice(2)).toEqual(["a list:2 z"]);
    await near.done(near.stop());
    await far.done(far.server.topic(list, "2").dispatch(add("w")));
    await hand.advance(100);
    expect(told.slice(3)).toEqual([]); // the ring was lost
    rings.deliver();
    await hand.settle();
    expect(told.slice(3)).toEqual(["b list:2 w"]);
    expect([...near.errors, ...far.errors]).toEqual([]);
  });

  test("[RD9] others are told at once that the log has grown, and then once in 20 ms, or at the end", async () => {
    const hand = handClock();
    const told: number[] = [];
    const pubsub: PubSub = {
      publish: (channel) => void (channel === "log-grown" && told.push(hand.clock.monotonic())),
      subscribe: () => () => undefined,
    };
    const { server, done } = wire({ log: memoryLog({ shared: true }), pubsub }, hand);
    const topic = server.topic(list, "1");
    const from = hand.clock.monotonic();
    for (let i = 0; i < 50; i++) {
      await done(topic.dispatch(add(String(i))));
      await hand.advance(1);
    }
    await hand.advance(100);
    expect(told.map((at) => at - from)).toEqual([0, 20, 40, 60]);
    await done(topic.dispatch(add("x")));
    await done(topic.dispatch(add("last")));
    expect(told).toHaveLength(5);
    await done(server.stop());
    expect(told).toHaveLength(6);
    await hand.advance(100);
    expect(told).toHaveLength(6);
  });

  test("[SV20] behind a gap of the pubsub consumers look, at the log and at leases", async () => {
    const hand = handClock();
    const rings = handPubSub();
    const log = memoryLog({ shared: true });
    const told: string[] = [];
    const [near, far] = ["a", "b"].map((node, i) => {
      const wired = wire({ log, pubsub: rings.pubsub, random: countingRandom(i + 3) }, hand);
      const stop = wired.server.consume(list, { name }, (entry) => void told.push(`${node} ${brief(entry)}`));
      return { ...wired, stop };
    }) as unknown as [ReturnType<typeof wire> & { stop(): Promise<void> }, ReturnType<typeof wire>];
    await hand.settle();
    await far.done(far.server.topic(list, "1").dispatch(add("x")));
    rings.lose();
    rings.gap();
    await hand.settle();
    expect(told).toEqual(["a list:1 x"]);
    await near.done(near.stop());
    await far.done(far.server.topic(list, "1").dispatch(add("y")));
    rings.lose();
    rings.gap();
    await hand.settle();
    expect(told.slice(1)).toEqual(["b list:1 y"]);
  });

  test("[RD4] a node that was held up longer than its lease does not go on behind the one that took over", async () => {
    const hand = handClock();
    const log = memoryLog({ shared: true });
    let held: (() => void) | undefined;
    const slow = faultyLog(log, { clock: hand.clock });
    const one = wire({ log: slow, random: countingRandom(3) }, hand);
    const two = wire({ log, random: countingRandom(4) }, hand);
    const told: string[] = [];
    one.server.consume(list, { name }, async (entry) => {
      told.push(`one ${brief(entry)}`);
      await new Promise<void>((go) => (held = go));
    });
    const topic = two.server.topic(list, "1");
    for (const item of ["a", "b"]) await two.done(topic.dispatch(add(item)));
    await hand.advance(6_000);
    expect(told).toEqual(["one list:1 a"]);
    slow.plan(({ method }) => (method === "advanceConsumer" ? "fail" : undefined)); // cannot renew
    two.server.consume(list, { name }, (entry) => void told.push(`two ${brief(entry)}`));
    await hand.advance(20_000);
    expect(told).toEqual(["one list:1 a", "two list:1 a", "two list:1 b"]);
    slow.plan();
    held!();
    await hand.advance(20_000);
    expect(told).toHaveLength(3);
  });

  test("[RD4] a handler that takes longer than the lease keeps it", async () => {
    const hand = handClock();
    const log = memoryLog({ shared: true });
    const one = wire({ log, random: countingRandom(3) }, hand);
    const two = wire({ log, random: countingRandom(4) }, hand);
    const told: string[] = [];
    let held: (() => void) | undefined;
    one.server.consume(list, { name }, async (entry) => {
      told.push(`one ${brief(entry)}`);
      await new Promise<void>((go) => (held = go));
    });
    two.server.consume(list, { name }, (entry) => void told.push(`two ${brief(entry)}`));
    await one.done(one.server.topic(list, "1").dispatch(add("a")));
    await hand.advance(90_000);
    expect(told).toEqual(["one list:1 a"]);
    held!();
    await hand.settle();
  });

  test("[RD5] stop waits for the handler that runs, keeps the place, and server.stop does so too", async () => {
    const { server, done, told, hear, log, settle, advance } = begin();
    let held: (() => void) | undefined;
    const stop = server.consume(list, { name }, async (entry) => {
      await new Promise<void>((go) => (held = go));
      hear(entry);
    });
    for (const item of ["a", "b"]) await done(server.topic(list, "1").dispatch(add(item)));
    let stopped = false;
    const stopping = stop().then(() => (stopped = true));
    await settle();
    expect(stopped).toBe(false);
    held!();
    await done(stopping);
    expect(told).toEqual(["list:1 a"]);
    server.consume(list, { name }, hear);
    await settle();
    expect(told).toEqual(["list:1 a", "list:1 b"]);
    await done(server.stop());
    expect(() => server.consume(list, { name: "late" }, hear)).toThrow(/stopped/);
    await advance(60_000);
    expect((await log.consumers()).map((reader) => reader.name)).toEqual(["list:*/audit"]);
  });

  test("[RD2] [RD5] what was not done when the consumer was stopped is done when it consumes again", async () => {
    const { server, done, told, hear } = begin();
    for (const item of ["a", "b", "c"]) await done(server.topic(list, "1").dispatch(add(item)));
    const stop = server.consume(list, { name }, (entry) => {
      if (brief(entry) !== "list:1 a") throw new Error("not now");
      hear(entry);
    });
    await done(stop());
    expect(told).toEqual([]); // stopped before it could begin
    const again = server.consume(list, { name }, (entry) => {
      if (brief(entry) !== "list:1 a") throw new Error("not now");
      hear(entry);
    });
    await done(Promise.resolve());
    await done(again());
    server.consume(list, { name }, hear);
    await done(Promise.resolve());
    expect(told).toEqual(["list:1 a", "list:1 b", "list:1 c"]);
  });

  test("[RD4] a node that finds another in its place lets it do the rest", async () => {
    const hand = handClock();
    const log = memoryLog({ shared: true });
    const one = wire({ log, random: countingRandom(3) }, hand);
    const told: string[] = [];
    one.server.consume(list, { name }, (entry) => void told.push(brief(entry)));
    const topic = one.server.topic(list, "1");
    await one.done(topic.dispatch(add("a")));
    // Its place was given up elsewhere, and somebody else has begun anew.
    await log.dropConsumer("list:*/audit");
    const now = hand.clock.now();
    await log.claimConsumer("list:*/audit", { owner: "other", now, until: now + 1_000_000, from: "now" });
    for (const item of ["b", "c", "d"]) await one.done(topic.dispatch(add(item)));
    for (let i = 1; i < 12; i++) {
      await hand.advance(5_000);
      await log.advanceConsumer("list:*/audit", { owner: "other", position: "", until: now + 1_000_000 + i });
    }
    expect(told).toEqual(["list:1 a", "list:1 b"]);
    expect((await log.consumers())[0]).toMatchObject({ owner: "other" });
  });

  test("[RD5] a stop that meets a handler that never ends is over in time, and says so", async () => {
    const { server, done, settle, advance, errors } = begin();
    server.consume(list, { name }, () => new Promise(() => {}));
    await done(server.topic(list, "1").dispatch(add("a")));
    await settle();
    const stopped = server.stop({ within: 1_000 });
    await advance(3_000);
    await done(stopped);
    expect(errors.map(String)).toEqual([expect.stringContaining("server.stop()")]);
  });

  test("[RD7] after a rejected call a consumer goes on from what is stored, twice, and not from what it remembers", async () => {
    const hand = handClock();
    const inner = memoryLog();
    const log = faultyLog(inner, { clock: hand.clock });
    const { server, done, told, hear, advance } = begin({ hand, log });
    server.consume(list, { name }, hear);
    const topic = server.topic(list, "1");
    for (const method of ["changes", "advanceConsumer"] as const) {
      for (const item of ["a", "b"]) await done(topic.dispatch(add(item)));
      await advance(6_000);
      const [reader] = await log.consumers();
      told.length = 0;
      // A restored log: the consumer stands where it stood before it was told these two.
      await inner.dropConsumer(reader!.name);
      await inner.claimConsumer(reader!.name, {
        owner: reader!.owner,
        now: 0,
        until: reader!.until,
        from: "beginning",
      });
      let failed = 0;
      log.plan((call) => (call.method === method && failed++ === 0 ? "fail" : undefined));
      await done(topic.dispatch(add("c")));
      await advance(6_000);
      expect(failed).toBeGreaterThan(0);
      expect(told.filter((one) => one !== "list:1 c").slice(0, 2)).toEqual(["list:1 a", "list:1 b"]);
      expect(told.at(-1)).toBe("list:1 c");
      log.plan();
    }
  });

  test("[RD7] what a call did whose answer was lost counts, and what it did not do is done again", async () => {
    for (const fault of ["fail", "lose"] as const) {
      const { server, done, told, hear, advance, log, errors } = begin();
      server.consume(list, { name }, hear);
      await done(server.topic(list, "1").dispatch(add("a")));
      await advance(6_000);
      log.plan(({ method }) => (method === "advanceConsumer" ? fault : undefined));
      await done(server.topic(list, "1").dispatch(add("b")));
      log.plan();
      await advance(6_000);
      await done(server.topic(list, "1").dispatch(add("c")));
      expect([fault, ...told]).toEqual([
        fault,
        "list:1 a",
        "list:1 b",
        ...(fault === "fail" ? ["list:1 b"] : []),
        "list:1 c",
      ]);
      expect(errors).toMatchObject([{ code: "storage", details: { consumer: "list:*/audit" } }]);
    }
  });

  test("[RD7] where the log is another one from now on, nothing of what was read before is stored in it", async () => {
    const log = memoryLog({ retention: 0 });
    const stored: string[] = [];
    let replaced = (): void => undefined;
    const watched: LogStorage = Object.assign(Object.create(log) as LogStorage, {
      onReplaced: (listener: () => void) => {
        replaced = listener;
        return () => undefined;
      },
      advanceConsumer: async (...given: Parameters<LogStorage["advanceConsumer"]>) => {
        stored.push("advance");
        return log.advanceConsumer(...given);
      },
      claimConsumer: async (...given: Parameters<LogStorage["claimConsumer"]>) => {
        stored.push("claim");
        return log.claimConsumer(...given);
      },
    });
    const { server, done, settle, advance } = wire({ log: watched, random: countingRandom(1) });
    let end = (): void => undefined;
    server.consume(list, { name }, () => new Promise<void>((resolve) => (end = resolve)));
    await done(server.topic(list, "1").dispatch(add("a")));
    replaced(); // while the handler runs
    stored.length = 0;
    end();
    await settle();
    await advance(100);
    expect(stored[0]).toBe("claim");
  });

  test("[RD6] from: now skips the past; dropConsumer discards the position, and nothing is kept for it", async () => {
    const { server, done, told, hear, log, advance } = begin();
    const topic = server.topic(list, "1");
    for (const item of ["a", "b", "c"]) await done(topic.dispatch(add(item)));
    server.consume(list, { name, from: "now" }, hear);
    await advance(10);
    await done(topic.dispatch(add("d")));
    expect(told).toEqual(["list:1 d"]);
    await done(server.dropConsumer(list, name));
    expect(await log.consumers()).toEqual([]);
    await done(server.dropConsumer(list, name));
  });

  test("[RD2] a log that fails, loses answers and is slow costs time and repeats, and never an entry", async () => {
    const hand = handClock();
    const random = countingRandom(5);
    const inner = memoryLog({ retention: 0 });
    const log = faultyLog(inner, {
      clock: hand.clock,
      plan: ({ method }) => {
        if (!["changes", "claimConsumer", "advanceConsumer"].includes(method)) return undefined;
        return ([undefined, "fail", "lose", { delay: 40 }, { answerAfter: 3_000 }, undefined] as const)[
          (random.uint32() >>> 8) % 6
        ];
      },
    });
    const { server, done, told, hear, advance } = begin({ hand, log });
    server.consume(list, { name }, hear);
    for (let i = 0; i < 40; i++) {
      await done(server.topic(list, "1").dispatch(add(String(i))));
      await advance(random.uint32() % 4_000);
    }
    await advance(120_000);
    expect([...new Set(told)]).toEqual(Array.from({ length: 40 }, (_, i) => `list:1 ${i}`));
    expect(log.fired.fail + log.fired.lose).toBeGreaterThan(5);
  });
});
