// Targets in memory, by the registry alone: opened once, failed, evicted, and what is left of each.
import { sessionKey } from "@calla/shared";
import type { ModelSlice } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { parts } from "../../test/parts.ts";
import type { PartsOptions } from "../../test/parts.ts";
import { handPubSub, heldLog, list, session } from "../../test/wired.ts";
import { SlowConsumers } from "../connection/slow-consumers.ts";
import type { LogStorage } from "../log/log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { faultyLog } from "../testing/faulty-log.ts";
import { appendOf } from "../testing/log-contract/kit.ts";
import type { LiveTarget } from "./live-target.ts";
import { newerVersion } from "./open-target.ts";
import { TargetRegistry } from "./target-registry.ts";

const slice = list as unknown as ModelSlice;

function registered(options: PartsOptions = {}) {
  const it = parts({ handlers: { [list.name]: {} }, ...options });
  const events: string[] = [];
  const clients = new Map<string, unknown>();
  const registry = new TargetRegistry(it.context, new SlowConsumers(it.context, () => undefined), clients, {
    rang: ({ key }) => void events.push(`rang ${key}`),
    told: ({ key }) => void events.push(`told ${key}`),
    givesWay: ({ key }) => void events.push(`gives way ${key}`),
  });
  const start = (key: string): LiveTarget | undefined => registry.open(key, slice, [key]);
  /** Opened, or given up. */
  const open = async (key: string): Promise<LiveTarget> => {
    const live = start(key)!;
    if (live.engine === undefined) await new Promise((resolve) => live.opening.push(resolve));
    return live;
  };
  const keys = (): string[] => Array.from(registry.all(), ({ key }) => key);
  return { ...it, registry, clients, heard: events, start, open, keys };
}
const written = async (log: LogStorage, key = "list:1", more: object = {}): Promise<LogStorage> => {
  await log.append([appendOf(key, 0, 1, { messages: [{ type: "added", item: "a" }], ...more })]);
  return log;
};

describe("a target that is opened", () => {
  test("is read once, however many come for it, and each of them hears", async () => {
    const held = heldLog(await written(memoryLog()), "open");
    const { registry, start, settle } = registered({ log: held.log });
    const live = start("list:1")!;
    const heard: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      expect(start("list:1")).toBe(live);
      live.opening.push((engine) => heard.push(engine?.state.model));
    }
    await settle();
    expect([held.waiting(), registry.opened, heard]).toEqual([1, 1, []]);
    held.release();
    await settle();
    expect(heard).toEqual([{ items: ["a"] }, { items: ["a"] }]);
    expect(live.opening).toEqual([]);
  });

  test("[SV4] that cannot be read is gone, those who wait hear so, and whoever comes next tries again", async () => {
    const log = faultyLog(await written(memoryLog()), {
      plan: ({ method }) => (method === "open" ? "fail" : undefined),
    });
    const { registry, open, errors, keys } = registered({ log });
    for (let time = 1; time <= 2; time++) {
      const live = await open("list:1");
      expect(live).toMatchObject({ engine: undefined, closed: true, failure: "storage" });
      expect(keys()).toEqual([]);
      expect(errors).toHaveLength(time);
    }
    log.plan();
    const live = await open("list:1");
    expect(live.engine?.state.sequence).toBe(1);
    expect(registry.get("list:1")).toBe(live);
  });

  test("[VE4] of a newer version is reported once for its slice and version, and again for a newer one yet", async () => {
    const log = memoryLog();
    for (const [key, version] of [
      ["list:1", 2],
      ["list:2", 2],
      ["list:3", 3],
      ["list:4", 2],
    ] as const)
      await written(log, key, { version });
    const { open, errors } = registered({ log });
    const newer: unknown[] = [];
    for (const key of ["list:1", "list:2", "list:3", "list:4"]) {
      const live = await open(key);
      newer.push([live.failure, live.newer]);
    }
    expect(newer).toEqual([
      ["version", 2],
      ["version", 2],
      ["version", 3],
      ["version", 2],
    ]);
    expect(errors).toMatchObject([{ details: { version: 2 } }, { details: { version: 3 } }]);
  });

  test("what failed otherwise is reported each time", () => {
    const { registry, errors, start } = registered();
    const live = start("list:1")!;
    registry.failed(live, newerVersion("list:1", slice, 7));
    registry.failed(live, new Error("disk"));
    registry.failed(live, new Error("disk"));
    expect(live.failure).toBe("storage");
    expect(errors).toHaveLength(3);
  });
});

describe("a target that is dropped", () => {
  test("runs what waits for its end once, and takes no newer one along", async () => {
    const { registry, open, keys } = registered();
    const old = await open("list:1");
    let ends = 0;
    old.ended.push(() => void ends++);
    registry.drop(old);
    const next = await open("list:1");
    registry.drop(old);
    expect([ends, old.closed, next.closed]).toEqual([1, true, false]);
    expect(keys()).toEqual(["list:1"]);
    expect(registry.get("list:1")).toBe(next);
  });

  test("[SV6] [SV17] hears other nodes' rings and digests over one subscription on a shared log while it is in memory, and not after that", async () => {
    const bells = handPubSub();
    const { registry, open, heard } = registered({ log: memoryLog({ shared: true }), pubsub: bells.pubsub });
    const live = await open("list:1");
    expect(bells.listening()).toBe(1);
    bells.ring("target:list:1", { node: "there", kind: "appended" });
    bells.ring("target:list:1", { node: "here", kind: "appended" }); // its own
    bells.ring("target:list:1", { node: "there", kind: "digest", sequence: 1, mark: 2, digest: 3 });
    expect(heard).toEqual(["rang list:1", "told list:1"]);
    registry.drop(live);
    bells.ring("target:list:1", { node: "there", kind: "appended" });
    expect(heard).toHaveLength(2);
    expect(bells.listening()).toBe(0);
  });
});

describe("room", () => {
  test("[SV3] is made by the target that is idle longest, and its snapshot is stored on the way", async () => {
    const log = memoryLog();
    const { open, keys, advance, heard } = registered({ log, limits: { maxOpenTargets: 2 } });
    for (const key of ["list:1", "list:2"]) {
      (await open(key)).sinceSnapshot = 1;
      await advance(10);
    }
    await open("list:1"); // used again
    await advance(10);
    await open("list:3");
    expect(keys()).toEqual(["list:1", "list:3"]);
    expect(heard).toEqual(["gives way list:2"]);
    await advance(1_000);
    await open("list:4");
    expect(keys()).toEqual(["list:3", "list:4"]);
  });

  test("[SV3] is not made by what somebody is at work with", async () => {
    const { open, start, keys } = registered({ limits: { maxOpenTargets: 1 } });
    const live = await open("list:1");
    live.users++;
    expect(start("list:2")).toBeUndefined();
    live.users--;
    live.looking.push(() => undefined);
    expect(start("list:2")).toBeUndefined();
    expect(keys()).toEqual(["list:1"]);
  });

  test("[LM25] sessions of clients that are here need none; those of others count until they are gone", async () => {
    const { registry, clients, keys, start } = registered({ limits: { maxOpenTargets: 1 } });
    const home = (client: string) => registry.open(sessionKey(client), session as unknown as ModelSlice, []);
    clients.set("a", {}).set("b", {});
    for (const client of ["a", "b", "a"]) expect(home(client)).toBeDefined();
    expect(start("list:1")).toBeDefined();
    expect(start("list:2")).toBeUndefined();
    expect(home("stranger")).toBeUndefined();
    clients.clear();
    expect(keys()).toHaveLength(3);
    expect(home("a")).toBeDefined(); // it is in memory
    expect(home("c")).toBeUndefined();
  });
});

describe("a sweep", () => {
  test("lets go of what nobody has used for targetIdle, and of nothing else", async () => {
    const { registry, open, keys, advance } = registered({ limits: { targetIdle: 1_000 } });
    const [, busy] = [await open("list:1"), await open("list:2")];
    busy.users++;
    await advance(999);
    await registry.sweep();
    expect(keys()).toEqual(["list:1", "list:2"]);
    await open("list:3");
    await advance(1);
    await registry.sweep();
    expect(keys()).toEqual(["list:2", "list:3"]);
    busy.users--;
    await advance(1_000);
    await registry.sweep();
    expect(keys()).toEqual([]);
  });
});

describe("a snapshot", () => {
  test("is stored where something is new, once; one that could not be stored is tried again", async () => {
    const log = faultyLog(await written(memoryLog()));
    let saves = 0;
    log.plan(({ method, count }) => {
      if (method === "saveSnapshot") saves = count;
      return method === "saveSnapshot" && count === 1 ? "fail" : undefined;
    });
    const { registry, open, errors } = registered({ log });
    const live = await open("list:1");
    await registry.saveSnapshot(live);
    expect(saves).toBe(0);
    live.sinceSnapshot = 3;
    live.bytesSinceSnapshot = 300;
    await registry.saveSnapshot(live);
    expect([saves, errors.length, live.sinceSnapshot]).toEqual([1, 1, 1]);
    for (let time = 0; time < 2; time++) await registry.saveSnapshot(live);
    expect([saves, errors.length, live.sinceSnapshot, live.bytesSinceSnapshot]).toEqual([2, 1, 0, 0]);
    expect((await log.open("list:1"))?.snapshot).toMatchObject({ sequence: 1, model: { items: ["a"] } });
  });
});
