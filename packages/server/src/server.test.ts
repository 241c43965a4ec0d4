import { CallaError } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  cursors,
  heldLog,
  list,
  other,
  say,
  subscribe,
  twoNodes,
  types,
  unsubscribe,
  wire,
} from "../test/wired.ts";
import { faultyLog } from "./testing/faulty-log.ts";
import { memoryLog } from "./log/memory/memory-log.ts";

const add = (item: string) => ({ type: "added", item }) as const;
const closing = (code: string, within = 0) => ({ type: "Closing", code, retryable: true, within });

describe("connections", () => {
  test("[SV1] the origin is decided by the request alone, before anything is registered", () => {
    const from = (origin?: string) => ({
      url: "/ws",
      headers: { host: "app.example", ...(origin !== undefined && { origin }) },
      remoteAddress: undefined,
    });
    const { server } = wire();
    expect(server.allowsOrigin(from("https://app.example"))).toBe(true);
    expect(server.allowsOrigin(from("https://evil.example"))).toBe(false);
    expect(server.allowsOrigin(from())).toBe(true);
    const listed = wire({ origins: ["https://evil.example"] }).server;
    expect(listed.allowsOrigin(from("https://evil.example"))).toBe(true);
    expect(() => wire({ origins: ["not an origin"] })).toThrow(CallaError);
  });

  test("[SV1] a format that the serialiser has not is the transport's mistake", () => {
    const { server } = wire();
    const connection = { send: () => undefined, close: () => undefined, bufferedAmount: () => 0 };
    expect(() =>
      server.connect({
        connection,
        request: { url: "/", headers: {}, remoteAddress: undefined },
        format: "xml",
      }),
    ).toThrow(/no format "xml"; it has json/);
  });

  test("[SV2] stop lets appends land, says Closing to everybody, stores snapshots, and repeating it does nothing", async () => {
    const held = heldLog(memoryLog(), "append");
    const saved: number[] = [];
    let closed = 0;
    const log = {
      ...memoryLog(),
      append: held.log.append,
      saveSnapshot: async (_: string, { sequence }: { sequence: number }) => void saved.push(sequence),
      close: async () => void closed++,
    };
    const { server, client, socket, advance, done } = wire({ log });
    server.handle(list, { public: true });
    const ada = await client();
    const waiting = socket();
    ada.say(subscribe("list:1"));
    await ada.heard();
    ada.say(say("list:1", 1, add("x")));
    await advance(1);
    const stopped = server.stop();
    expect(server.stop()).toBe(stopped);
    const late = socket();
    expect(await late.heard()).toEqual([closing("stopping")]);
    ada.say(say("list:1", 2, add("y"))); // no more is taken
    await advance(10);
    expect(await ada.heard()).toMatchObject([{ type: "Paused", from: 2, code: "draining" }]);
    expect(ada.closed).toEqual([]);
    held.release();
    await done(stopped);
    expect(await ada.heard()).toMatchObject([{ type: "TopicUpdate" }, closing("stopping", 1_000)]);
    expect(await waiting.heard()).toEqual([closing("stopping", 1_000)]);
    expect(ada.closed).toEqual([{ code: 4001, reason: "stopping" }]);
    expect(saved).toEqual([1]);
    expect(closed).toBe(1);
    ada.drop();
    await advance(600_000); // no timer is left
  });

  test("[SV2] what the hooks of leaving dispatch is still taken; what is dispatched later fails, and nothing hangs", async () => {
    const log = memoryLog();
    const { server, client, done, advance } = wire({ log });
    server.handle(list, { public: true, onUnsubscribe: () => add("left") });
    const ada = await client();
    ada.say(subscribe("list:1"));
    await ada.heard();
    const stuck = server.topic(list, "2").dispatch(add("with it"));
    await done(server.stop());
    await done(stuck);
    expect((await log.open("list:1"))?.sequence).toBe(1);
    await expect(done(server.topic(list, "1").dispatch(add("late")))).rejects.toMatchObject({
      code: "closed",
    });
    await expect(done(server.topic(list, "3").dispatch(add("late")))).rejects.toMatchObject({
      code: "closed",
    });
    await expect(done(server.topic(list, "1").read())).rejects.toMatchObject({ code: "closed" });
    await advance(10_000);
    expect((await log.open("list:1"))?.sequence).toBe(1);
  });

  test("[SV2] [VE3] a snapshot that could not be stored when it was due is stored at the stop", async () => {
    const log = faultyLog(memoryLog());
    log.plan(({ method, count }) => (method === "saveSnapshot" && count === 1 ? "fail" : undefined));
    const { server, done, errors } = wire({ log, limits: { snapshotEvery: 2 } });
    for (const item of ["x", "y"]) await done(server.topic(list, "1").dispatch(add(item)));
    expect(errors).toHaveLength(1);
    expect(await log.open("list:1")).toMatchObject({ sequence: 2, snapshot: undefined });
    await done(server.stop());
    expect(await log.open("list:1")).toMatchObject({ snapshot: { sequence: 2 } });
    expect(errors).toHaveLength(1);
  });

  test("[SV2] [RD5] a consumer's handler that never ends keeps no snapshot from being stored", async () => {
    const log = memoryLog();
    const { server, done, errors, advance } = wire({ log });
    server.consume(list, { name: "stuck" }, () => new Promise(() => {}));
    await done(server.topic(list, "1").dispatch(add("x")));
    const stopped = server.stop({ within: 1_000 });
    await advance(1_000);
    await done(stopped);
    expect(await log.open("list:1")).toMatchObject({ snapshot: { sequence: 1 } });
    expect(errors).toMatchObject([{ code: "storage" }]);
  });

  test("[SV2] what a consumer dispatches while the server stops is in the snapshot too", async () => {
    const log = memoryLog();
    const { server, done, settle } = wire({ log });
    let go = (): void => {};
    server.consume(other, { name: "slow" }, async () => {
      await new Promise<void>((resolve) => (go = resolve));
      await server.topic(list, "1").dispatch(add("done"));
    });
    await done(server.topic(other, "1").dispatch({ type: "bumped" }));
    await settle();
    const stopped = server.stop();
    await settle();
    go();
    await done(stopped);
    expect(await log.open("list:1")).toMatchObject({ sequence: 1, snapshot: { sequence: 1 } });
  });

  test("[SV2] [SV12] stop does not wait for a log that never comes back, and who waits for it hears so", async () => {
    const log = faultyLog(memoryLog());
    const { server, client, done, advance } = wire({ log });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1"));
    await ada.heard();
    log.plan(({ method }) => (method === "append" || method === "read" ? "fail" : undefined));
    const call = server.topic(list, "1").dispatch(add("x"));
    call.catch(() => undefined);
    await advance(10_000);
    await done(server.stop());
    await expect(done(call)).rejects.toMatchObject({ code: "closed" });
    await advance(600_000);
  });
});

describe("targets in memory", () => {
  test("[SV3] an idle target leaves memory with its snapshot stored, and comes back the same", async () => {
    const log = memoryLog();
    const opened: string[] = [];
    const { server, client, advance } = wire({
      log: { ...log, open: (target) => (opened.push(target), log.open(target)) },
    });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1"), say("list:1", 1, add("x")));
    await ada.heard();
    await advance(300_000); // it has a subscriber: it stays
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["x"] });
    expect(opened).toEqual(["list:1"]);
    ada.say(unsubscribe("list:1"));
    await advance(120_001);
    expect((await log.open("list:1"))?.snapshot).toMatchObject({ sequence: 1, model: { items: ["x"] } });
    ada.say(subscribe("list:1", 2), say("list:1", 2, add("y")), say("list:1", 1, add("x")));
    expect(await ada.heard()).toMatchObject([
      { type: "Settled", sequence: 1 },
      { type: "Snapshot", sequence: 1, model: { items: ["x"] } },
      { type: "TopicUpdate", after: 1 },
      { type: "Acknowledge", mid: 1, sequence: 1 },
    ]);
    expect(opened).toEqual(["list:1", "list:1"]);
  });

  test("[SV3] over maxOpenTargets the longest idle leaves first; if all are busy, busy", async () => {
    const log = memoryLog();
    const opened: string[] = [];
    const { server, client, advance } = wire({
      limits: { maxOpenTargets: 2 },
      log: { ...log, open: (target) => (opened.push(target), log.open(target)) },
    });
    server.handle(list, { public: true });
    for (const name of ["a", "b"]) {
      await server.topic(list, name).read();
      await advance(1);
    }
    await server.topic(list, "a").read(); // b is the longest idle now
    await advance(1);
    await server.topic(list, "c").read();
    await server.topic(list, "a").read();
    expect(opened).toEqual(["list:a", "list:b", "list:c"]);
    const ada = await client(undefined, undefined, { remoteAddress: "192.0.2.1" });
    const bert = await client(undefined, undefined, { remoteAddress: "192.0.2.2" });
    ada.say(subscribe("list:a"));
    bert.say(subscribe("list:c"));
    await ada.heard();
    ada.say(subscribe("list:b"), say("list:b", 1, add("x")));
    expect(await ada.heard()).toMatchObject([
      { type: "Unsubscribed", target: "list:b", code: "busy", retryable: true },
      { type: "Paused", target: "list:b", from: 1, code: "busy" },
    ]);
    await expect(server.topic(list, "b").read()).rejects.toMatchObject({ code: "storage" });
    ada.say(unsubscribe("list:a"), subscribe("list:b", 2));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
  });

  test("[SV3] a hundred topics through one place in memory lose nothing", async () => {
    const { server, client, done } = wire({ limits: { maxOpenTargets: 1 } });
    server.handle(list, { public: true });
    const ada = await client();
    const heard = [];
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 30; i++) {
        ada.say(say(`list:${i}`, round, add(`${round}`)));
        heard.push(...(await ada.heard()));
      }
    }
    expect(heard.every(({ type }) => type === "Acknowledge")).toBe(true);
    for (let i = 0; i < 30; i++)
      expect((await done(server.topic(list, `${i}`).read())).model).toEqual({ items: ["1", "2", "3"] });
  });
});

describe("several nodes", () => {
  test("[SV6] S1 an append rings, and subscribers elsewhere get the record; rings may come twice", async () => {
    const { near, far, rings } = twoNodes();
    const ada = await near.client();
    const bob = await far.client();
    for (const one of [ada, bob]) one.say(subscribe("list:1"));
    await ada.heard();
    await bob.heard();
    ada.say(say("list:1", 1, add("x")));
    const [update] = await ada.heard();
    expect(await bob.heard()).toEqual([]);
    rings.deliver(3);
    expect(await bob.heard()).toEqual([update]);
    rings.ring("target:list:1", "garbage");
    rings.ring("target:list:1", undefined);
    expect(await bob.heard()).toEqual([]);
    bob.say(say("list:1", 1, add("y")));
    rings.deliver();
    await bob.heard();
    rings.deliver();
    expect(await ada.heard()).toMatchObject([{ after: 1 }]);
  });

  test("[SV6] [TE38] a ring that brings what was appended is enough, and one that does not continue has the log read", async () => {
    const memory = memoryLog({ shared: true });
    const reads: string[] = [];
    const log = faultyLog(memory, { plan: ({ method }) => void (method === "read" && reads.push(method)) });
    const { near, far, rings } = twoNodes(log);
    const [ada, bob] = [await near.client(), await far.client()];
    for (const one of [ada, bob]) one.say(subscribe("list:1"));
    await ada.heard();
    await bob.heard();
    const dispatched = async (mid: number, deliver: () => void): Promise<number> => {
      reads.length = 0;
      ada.say(say("list:1", mid, add(`${mid}`)));
      await ada.heard();
      deliver();
      expect(types(await bob.heard())).toEqual(["TopicUpdate"]);
      return reads.length;
    };
    expect(await dispatched(1, () => rings.deliver())).toBe(1); // a history's first
    expect(await dispatched(2, () => rings.deliver(2))).toBe(0);
    expect(await dispatched(3, () => rings.deliver())).toBe(0);
    ada.say(say("list:1", 4, add("4")));
    await ada.heard();
    rings.lose();
    expect(await dispatched(5, () => rings.deliver())).toBe(1);
    // Of a node that brings nothing along: both nodes look.
    const bare = { node: "older", kind: "appended" };
    expect(await dispatched(6, () => rings.ring("target:list:1", bare))).toBe(2);
  });

  test("[SV6] one's own ring reads nothing, and a busy target's snapshots are stored all the same", async () => {
    const memory = memoryLog({ shared: true });
    const calls: string[] = [];
    const log = faultyLog(memory, { plan: ({ method }) => void calls.push(method) });
    const { server, client } = wire({ log, limits: { snapshotEvery: 3 } });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1"));
    await ada.heard();
    calls.length = 0;
    for (let mid = 1; mid <= 9; mid++) {
      // The next message is there before the one before has been told.
      ada.say(say("list:1", mid, add(`${mid}`)));
      if (mid % 3 === 0) await ada.heard();
    }
    expect(calls.filter((method) => method === "read")).toEqual([]);
    expect(calls).toContain("saveSnapshot");
    expect((await memory.open("list:1"))?.snapshot?.sequence).toBe(9);
  });

  test("[SV6] a ring that is lost is made up by maxStaleness", async () => {
    const { near, far, rings, advance } = twoNodes();
    const bob = await far.client();
    bob.say(subscribe("list:1"));
    await bob.heard();
    const ada = await near.client();
    ada.say(say("list:1", 1, add("x")));
    await ada.heard();
    rings.lose();
    await advance(5_000);
    expect(types(await bob.heard())).toEqual(["TopicUpdate"]);
  });

  test("[SV5] S46 a topic removed on one node is removed on all, ring or no ring, also where it is being written to", async () => {
    for (const rung of [true, false]) {
      const { near, far, rings, log, advance } = twoNodes();
      const ada = await near.client();
      const bob = await far.client();
      for (const one of [ada, bob]) one.say(subscribe("list:1"), say("list:1", 1, add("x")));
      await advance(5_000);
      await ada.heard();
      await bob.heard();
      await near.done(near.server.topic(list, "1").remove());
      if (rung) rings.deliver();
      else bob.say(say("list:1", 2, add("from the dead")));
      const gone = { type: "Unsubscribed", target: "list:1", ref: 1, code: "removed", retryable: false };
      expect(await ada.heard()).toEqual([gone]);
      const heard = await bob.heard();
      expect(heard).toContainEqual(gone);
      if (!rung)
        expect(heard).toContainEqual(expect.objectContaining({ type: "Rejected", mid: 2, code: "removed" }));
      expect((await log.open("list:1"))?.removed).toBe(true);
      await far.done(far.server.topic(list, "1").dispatch(add("back")));
      expect((await near.done(near.server.topic(list, "1").read())).model).toEqual({ items: ["back"] });
      expect([...near.errors, ...far.errors]).toEqual([]);
    }
  });

  test("[SV6] [SV15] a pubsub that throws, or rejects, costs time and nothing else", async () => {
    for (const publish of [
      () => {
        throw new Error("no pubsub");
      },
      () => Promise.reject(new Error("no pubsub")),
    ]) {
      const log = memoryLog({ shared: true });
      const { server, client, errors } = wire({
        log,
        pubsub: { publish: publish as never, subscribe: () => () => undefined },
      });
      server.handle(list, { public: true });
      const ada = await client();
      ada.say(subscribe("list:1"), say("list:1", 1, add("x")));
      expect(types(await ada.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
      expect(new Set(errors.map(String))).toEqual(new Set(["Error: no pubsub"]));
    }
  });

  test("[SV6] S31 both nodes append at once: one order, each message once, whatever becomes of the rings", async () => {
    for (const rung of [0, 1, 2]) {
      const { near, far, rings, log, advance } = twoNodes();
      const ada = await near.client();
      const bob = await far.client();
      for (const one of [ada, bob]) one.say(subscribe("list:1"));
      await ada.heard();
      await bob.heard();
      for (let mid = 1; mid <= 20; mid++) {
        ada.say(say("list:1", mid, add(`a${mid}`)));
        bob.say(say("list:1", mid, add(`b${mid}`)));
        if (mid % 4 === 0) rings.deliver(rung);
        if (mid % 3 === 0) await advance(1);
      }
      rings.deliver(rung);
      await advance(10_000);
      const items = (said: Awaited<ReturnType<typeof ada.heard>>) =>
        said.flatMap((frame) =>
          frame.type === "TopicUpdate"
            ? frame.records.map(([, , , , [message]]) => (message as { item: string }).item)
            : [],
        );
      const [a, b] = [items(await ada.heard()), items(await bob.heard())];
      expect(a).toEqual(b);
      expect(a.filter((item) => item.startsWith("a"))).toEqual(
        Array.from({ length: 20 }, (_, i) => `a${i + 1}`),
      );
      expect(a.filter((item) => item.startsWith("b"))).toEqual(
        Array.from({ length: 20 }, (_, i) => `b${i + 1}`),
      );
      expect((await log.open("list:1"))?.sequence).toBe(40);
    }
  });
});

describe("misuse by the programmer", () => {
  test("[HA1] handlers of a foreign slice, or twice for one, are refused where they are given", () => {
    const { server } = wire();
    expect(() => server.handle({ ...list } as never, { public: true })).toThrow(
      /not in this server's wiring/,
    );
    server.handle(list, { public: true });
    expect(() => server.handle(list, { public: true })).toThrow(/has handlers already/);
    server.handle(other, { public: true });
    server.handle(cursors, { public: true });
  });
});
