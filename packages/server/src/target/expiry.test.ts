import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  countingRandom,
  handClock,
  list,
  say,
  saySession,
  session,
  subscribe,
  types,
  unsubscribe,
  wire,
} from "../../test/wired.ts";
import { faultyLog } from "../testing/faulty-log.ts";
import type { FaultyLog } from "../testing/faulty-log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { sqlite } from "../log/sqlite/sqlite.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** What an identity needs stays so much longer (LT2). */
const SKEW = 8 * HOUR;
const named = (name: string) => ({ type: "named", name }) as const;
const add = (item: string) => ({ type: "added", item }) as const;
/** Short lives, so that tests need few turns. */
const limits = {
  sessionLifetime: 80 * MINUTE,
  identityLifetime: 90 * MINUTE,
  consumerLifetime: 100 * MINUTE,
};

/** A server on a log, as after a restart. */
function begin(log: FaultyLog = faultyLog(memoryLog()), hand = handClock(), seed = 1) {
  const wired = wire({ log, limits, random: countingRandom(seed) }, hand);
  wired.server.handle(session, { public: true });
  wired.server.handle(list, { public: true });
  return { ...wired, log };
}

describe("sessions", () => {
  test("[LT1] a session is there after a reconnect and after a restart, until nobody has used it for its lifetime", async () => {
    const one = begin();
    const ada = await one.client();
    ada.say(saySession(1, named("Ada")));
    await ada.heard();
    ada.drop();
    await one.advance(79 * MINUTE);
    const again = await one.client(ada.identity);
    again.say(subscribe("@"));
    expect(await again.heard()).toMatchObject([
      { type: "Settled" },
      { type: "Snapshot", model: { name: "Ada" } },
    ]);
    again.drop();
    await one.advance(2_000); // written down at once, and not only when the server stops
    await one.advance(79 * MINUTE);
    const { clock, settle, advance } = one;
    const two = begin(one.log, { clock, settle, advance });
    const back = await two.client(ada.identity);
    back.say(subscribe("@"));
    expect(await back.heard()).toMatchObject([
      { type: "Settled" },
      { type: "Snapshot", model: { name: "Ada" } },
    ]);
    back.drop();
    await two.advance(81 * MINUTE);
    await two.advance(10 * MINUTE);
    expect(await one.log.open(`@${ada.identity.clientId}`)).toBeUndefined();
    expect([...one.errors, ...two.errors]).toEqual([]);
  });

  test("[LT1] a session that has a subscriber stays, however long nothing is dispatched to it, and is then as it was", async () => {
    const { client, advance, server, done } = begin();
    const ada = await client();
    ada.say(subscribe("@"), saySession(1, named("Ada")));
    await ada.heard();
    for (let i = 0; i < 10; i++) await advance(40 * MINUTE);
    expect(await done(server.session(ada.identity.clientId).read())).toMatchObject({
      model: { name: "Ada" },
    });
    expect(types(await ada.heard())).toEqual([]);
  });

  test("[LT1] [LT5] while the log cannot be told what is in use, nothing goes", async () => {
    const { client, advance, log, errors } = begin();
    const ada = await client();
    ada.say(subscribe("@"), saySession(1, named("Ada")));
    await ada.heard();
    log.plan(({ method }) => (method === "touch" ? "fail" : undefined));
    await advance(200 * MINUTE);
    expect(await log.open(`@${ada.identity.clientId}`)).toMatchObject({ sequence: 1 });
    expect(errors.length).toBeGreaterThan(0);
  });

  test("[LT1] a session whose client has come back stays, though the log could not be told of it at first", async () => {
    const { client, advance, log, errors } = begin();
    const ada = await client();
    ada.say(saySession(1, named("Ada")));
    await ada.heard();
    ada.drop();
    await advance(75 * MINUTE);
    log.plan(({ method, count }) => (method === "touch" && count === 1 ? "fail" : undefined));
    const again = await client(ada.identity);
    again.say(subscribe("@"));
    await again.heard();
    await advance(30 * MINUTE);
    expect(errors).toHaveLength(1);
    expect(await log.open(`@${ada.identity.clientId}`)).toMatchObject({ sequence: 1 });
  });

  test("[LT1] [SC6] a session is subscribed to, too, by a connection that takes in nothing for long", async () => {
    const log = memoryLog();
    const short = { sessionLifetime: 80_000, identityLifetime: 90_000, stallTimeout: Infinity };
    const { server, client, advance } = wire({ log, limits: short });
    server.handle(session, { public: true });
    const ada = await client();
    ada.say(subscribe("@"));
    await ada.heard();
    ada.stuff(2_000_000);
    ada.say({ type: "Ping", cursors: [] }); // the frame that finds it full
    ada.say(saySession(1, named("Ada")));
    expect(types(await ada.heard())).toEqual(["Pong"]);
    await advance(200_000);
    expect(ada.closed).toEqual([]);
    expect(await log.open(`@${ada.identity.clientId}`)).toBeDefined();
  });

  test("[LT5] who holds an expired session begins anew with it: nothing of it comes back", async () => {
    const { client, advance, server, done, log, errors } = begin();
    const ada = await client();
    ada.say(saySession(1, named("Ada")));
    await ada.heard();
    ada.drop();
    const its = server.session(ada.identity.clientId);
    for (let i = 0; i < 8; i++) {
      // Kept in memory by being read, which is no use of it.
      await advance(11.5 * MINUTE);
      await done(its.read());
    }
    expect(await log.open(its.id)).toBeUndefined();
    expect(await done(its.read())).toEqual({ model: { name: "" }, sequence: 0 });
    expect(await done(its.dispatch(named("new")))).toEqual({ sequence: 1 });
    expect(errors).toEqual([]);
  });
});

test("[LT1] [LG23] S7 sessions, and when they were last used, outlive the server's process in SQLite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "calla-lifetimes-"));
  try {
    const file = join(folder, "calla.db");
    const open = () => faultyLog(sqlite(file, { thread: "main" }));
    const one = begin(open());
    const ada = await one.client();
    ada.say(saySession(1, named("Ada")));
    await ada.heard();
    await one.advance(60 * MINUTE);
    ada.say(subscribe("@"));
    await ada.heard();
    await one.done(one.server.stop());
    const { clock, settle, advance } = one;
    const two = begin(open(), { clock, settle, advance });
    await two.advance(60 * MINUTE);
    const again = await two.client(ada.identity);
    again.say(subscribe("@"));
    expect((await again.heard()).at(-1)).toMatchObject({ type: "Snapshot", model: { name: "Ada" } });
    again.drop();
    await two.advance(95 * MINUTE);
    expect(await two.log.open(`@${ada.identity.clientId}`)).toBeUndefined();
    expect([...one.errors, ...two.errors]).toEqual([]);
    await two.done(two.server.stop());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("consumers", () => {
  const name = "audit";
  const places = async (log: FaultyLog) => (await log.consumers()).map(({ name: consumer }) => consumer);

  test("[LT4] a consumer that no node has run for its lifetime is discarded, and that is reported once", async () => {
    const one = begin();
    const told: number[] = [];
    one.server.consume(list, { name }, ({ sequence }) => void told.push(sequence));
    await one.done(one.server.topic(list, "1").dispatch(add("a")));
    await one.done(one.server.stop());
    expect(told).toEqual([1]);
    const { clock, settle, advance } = one;
    const two = begin(one.log, { clock, settle, advance }, 2);
    await two.advance(99 * MINUTE);
    expect(await places(two.log)).toEqual(["list:*/audit"]);
    expect(two.errors).toEqual([]);
    await two.advance(12 * MINUTE); // it is looked every ten
    expect(await places(two.log)).toEqual([]);
    expect(two.errors).toMatchObject([{ code: "storage", details: { consumer: "list:*/audit" } }]);
    expect(String(two.errors[0])).toContain("server.dropConsumer()");
    await two.advance(5 * HOUR);
    expect(two.errors).toHaveLength(1);
    expect(one.errors).toEqual([]);
  });

  test("[LT4] a consumer whose node vanished goes too, but one that a node ran again in time stays", async () => {
    const one = begin();
    one.server.consume(list, { name: "vanishes" }, () => {});
    one.server.consume(list, { name: "returns" }, () => {});
    await one.settle();
    // Nothing happens on the first node any more: its clock stands still.
    const two = begin(one.log, handClock(one.clock.now()), 2);
    await two.advance(90 * MINUTE);
    const stop = two.server.consume(list, { name: "returns" }, () => {});
    await two.advance(20_000); // the lease of the one that vanished
    await two.done(stop());
    await two.advance(90 * MINUTE);
    expect(await places(two.log)).toEqual(["list:*/returns"]);
    expect(two.errors).toMatchObject([{ code: "storage", details: { consumer: "list:*/vanishes" } }]);
  });

  test("[LT4] [RD4] a consumer that its node runs stays, however long nothing is written", async () => {
    const { server, advance, log, errors, done } = begin();
    const told: number[] = [];
    server.consume(list, { name }, ({ sequence }) => void told.push(sequence));
    await advance(4 * HOUR);
    expect(await places(log)).toEqual(["list:*/audit"]);
    await done(server.topic(list, "1").dispatch(add("late")));
    expect(told).toEqual([1]);
    expect(errors).toEqual([]);
  });

  test("[LT4] [RD4] a consumer stays while its handler takes longer than its lifetime", async () => {
    const { server, advance, log, errors, done } = begin();
    server.consume(list, { name }, () => new Promise<void>(() => {}));
    await done(server.topic(list, "1").dispatch(add("slow")));
    await advance(4 * HOUR);
    expect(await places(log)).toEqual(["list:*/audit"]);
    expect(errors).toEqual([]);
  });
});

describe("what a target remembers", () => {
  test("[LT2] [LT7] a client's mids and a key are known as long as its identity could be, and no longer", async () => {
    const { client, advance, server, done, log } = begin();
    const ada = await client();
    ada.say(subscribe("list:1"), say("list:1", 1, add("x")));
    await ada.heard();
    const topic = server.topic(list, "1");
    const keyed = await done(topic.dispatch(add("y"), { key: "once" }));
    await advance(90 * MINUTE + SKEW - 10 * MINUTE);
    expect(await log.client("list:1", ada.identity.clientId)).toMatchObject({ last: 1 });
    expect(await done(topic.dispatch(add("y"), { key: "once" }))).toEqual(keyed);
    ada.drop();
    await advance(25 * MINUTE);
    expect(await log.client("list:1", ada.identity.clientId)).toBeUndefined();
    expect(await log.client("list:1", "#once")).toBeUndefined();
    expect(await done(topic.read())).toMatchObject({ model: { items: ["x", "y"] } });
  });

  test("[LT3] a tombstone stands for the identity lifetime from the removal; then anybody may begin anew", async () => {
    const { client, advance, server, done, log, errors } = begin();
    const topic = server.topic(list, "1");
    await done(topic.dispatch(add("old")));
    await advance(100 * MINUTE);
    await done(topic.remove());
    await advance(90 * MINUTE + SKEW - 10 * MINUTE);
    expect(await log.open("list:1")).toMatchObject({ removed: true });
    const late = await client();
    late.say(subscribe("list:1"));
    expect(await late.heard()).toMatchObject([{ type: "Unsubscribed", code: "removed" }]);
    await advance(25 * MINUTE);
    expect(await log.open("list:1")).toBeUndefined();
    late.say(subscribe("list:1", 2));
    expect(await late.heard()).toMatchObject([{ type: "Settled" }, { type: "Snapshot", sequence: 0 }]);
    late.say(say("list:1", 1, add("new")));
    expect(await late.heard()).toMatchObject([{ type: "TopicUpdate", after: 0 }]);
    expect(await done(topic.read())).toMatchObject({ model: { items: ["new"] } });
    expect(errors).toEqual([]);
  });

  test("[LT5] thousands of old things go step by step, and a log that fails meanwhile is asked again later", async () => {
    const { advance, log, errors, server, done } = begin();
    const row = { last: 1, settled: 1, outcomes: [] };
    const record = { version: 1, at: 5, author: null, mid: 0, id: "x", messages: [] };
    const rows = Array.from({ length: 2_500 }, (_, i) => ({ was: 0, ...row, clientId: `c${i}` }));
    const expected = { sequence: 0, mark: 0 };
    const records = [{ ...record, sequence: 1, mark: 1 }];
    await log.append([{ target: "list:1", expected, records, rows, at: 5 }]);
    const steps: number[] = [];
    log.plan(({ method, count }) => {
      if (method !== "expire") return undefined;
      steps.push(count);
      return steps.length === 30 ? "fail" : undefined;
    });
    await advance(90 * MINUTE + SKEW + 30 * MINUTE);
    expect(await log.client("list:1", "c0")).toBeUndefined();
    expect(await log.client("list:1", "c2499")).toBeUndefined();
    expect(errors.map(String)).toEqual(
      steps.length < 30 ? [] : [expect.stringContaining("The log's expire() failed")],
    );
    await done(server.stop());
    const before = steps.length;
    await advance(10 * HOUR);
    expect(steps.length).toBe(before);
  });
});

test("[SV3] a topic that had subscribers for long is used until the last of them leaves, and stays for targetIdle", async () => {
  const it = wire({ limits: { targetIdle: 60_000 } });
  it.server.handle(list, { public: true });
  const ada = await it.client();
  ada.say(subscribe("list:1"));
  await it.advance(119_000);
  ada.say(unsubscribe("list:1"));
  await ada.heard();
  await it.advance(59_000);
  expect(it.server.inspect().targets.open).toBe(1);
  await it.advance(62_000);
  expect(it.server.inspect().targets.open).toBe(0);
});
