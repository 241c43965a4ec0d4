import { describe, expect, test } from "vitest";
import { countingRandom, handClock, handPubSub, list, subscribe, types, wire } from "../../test/wired.ts";
import { faultyLog } from "../testing/faulty-log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import type { LogStorage } from "../log/log.ts";

const secret = "a secret of all the nodes";
const add = (item: string) => ({ type: "added", item }) as const;
/** One connection asks for so many. */
const SHARE = 500;

/** A log that writes down its calls, and may have some of its own. */
function counted(
  log: LogStorage,
  own: { [Name in "moved" | "onReplaced"]?: LogStorage[Name] | undefined } = {},
) {
  const calls: Record<string, number> = {};
  const asked: (readonly string[])[] = [];
  const counting = new Proxy(log, {
    get(inner, name: keyof LogStorage) {
      const value: unknown = Object.hasOwn(own, name) ? own[name as "moved"] : inner[name];
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        calls[name] = (calls[name] ?? 0) + 1;
        if (name === "moved") asked.push((given[0] as [string][]).map(([target]) => target));
        return (value as (...given: unknown[]) => unknown).apply(inner, given);
      };
    },
  });
  const forget = (): void => {
    for (const name of Object.keys(calls)) delete calls[name];
    asked.length = 0;
  };
  return { calls, asked, forget, log: counting };
}

/** A node that follows so many topics, and nobody writes. */
async function following(
  topics: number,
  log: LogStorage,
  { gaps, ...limits }: { gaps?: Set<() => void>; maxStaleness?: number } = {},
) {
  const rings = handPubSub();
  const pubsub = {
    ...rings.pubsub,
    onGap(listener: () => void) {
      gaps?.add(listener);
      return () => void gaps?.delete(listener);
    },
  };
  const options = { log, pubsub, secret, limits: { joinBurst: SHARE, ...limits }, strict: false };
  const hand = handClock();
  const node = wire(options, hand);
  node.server.handle(list, { public: true });
  const clients = [];
  for (let from = 0; from < topics; from += SHARE) {
    const one = await node.client();
    const count = Math.min(SHARE, topics - from);
    for (let i = 0; i < count; i++) one.say(subscribe(`list:${from + i}`, i + 1));
    expect(types(await one.heard()).filter((type) => type === "Snapshot")).toHaveLength(count);
    clients.push(one);
  }
  /** Another node writes, and nobody hears it ring. */
  const other = wire({ ...options, random: countingRandom(9) }, hand);
  other.server.handle(list, { public: true });
  const write = async (topic: number): Promise<void> => {
    await other.done(other.server.topic(list, `${topic}`).dispatch(add("x")));
    rings.lose();
  };
  return { ...node, clients, write };
}

describe("what idle topics cost a shared log", () => {
  test.each([1_000, 10_000])(
    "[SV19] %d of them are at most ten calls a second",
    async (topics) => {
      const { calls, log, forget } = counted(memoryLog({ shared: true }));
      const { advance, errors } = await following(topics, log);
      await advance(5_000);
      forget();
      await advance(5_000);
      expect(Object.keys(calls)).toEqual(["moved"]);
      expect(calls["moved"]).toBeLessThanOrEqual(50);
      expect(errors).toEqual([]);
    },
    120_000,
  ); // so many clients take a busy machine long

  test("[SV6] without `moved` it is a read of each", async () => {
    const { calls, log, forget } = counted(memoryLog({ shared: true }), { moved: undefined });
    const { advance } = await following(1_000, log);
    await advance(5_000);
    forget();
    await advance(5_000);
    expect(Object.keys(calls)).toEqual(["read"]);
    expect(calls["read"]).toBeGreaterThanOrEqual(1_000);
  });
});

describe("[SV19] a log that says what has moved", () => {
  test("is asked about each subscribed topic once in maxStaleness, a share at a time; what it names is read", async () => {
    const { calls, asked, log, forget } = counted(memoryLog({ shared: true }));
    const { advance, write, clients } = await following(34, log, { maxStaleness: 1_700 });
    await advance(1_700);
    await write(7);
    forget();
    await advance(1_600);
    expect(asked.flat().toSorted()).toEqual(Array.from({ length: 34 }, (_, i) => `list:${i}`).toSorted());
    expect(Math.max(...asked.map(({ length }) => length))).toBeLessThanOrEqual(3);
    expect(calls["read"]).toBe(1);
    expect(await clients[0]!.heard()).toMatchObject([{ type: "TopicUpdate", target: "list:7" }]);
  });

  test("may name more than have moved", async () => {
    const { log, calls, forget } = counted(memoryLog({ shared: true }), {
      moved: async (places) => [...places.map(([target]) => target), "list:unknown"],
    });
    const { advance, clients, errors } = await following(3, log);
    forget();
    await advance(5_000);
    expect(calls["read"]).toBeGreaterThanOrEqual(3);
    expect([await clients[0]!.heard(), errors]).toEqual([[], []]);
  });

  test("[SV23] is asked again with the next tick where it failed, which is told once, and so is its end", async () => {
    const log = faultyLog(memoryLog({ shared: true }));
    const { advance, write, clients, errors } = await following(3, log, { maxStaleness: 1_700 });
    await write(0);
    let fails = true;
    log.plan(({ method }) => (method === "moved" && fails ? "fail" : undefined));
    await advance(3_400);
    expect(await clients[0]!.heard()).toEqual([]);
    // That it fails is told once, whatever the number of ticks, and so is its end.
    expect(errors).toMatchObject([{ code: "storage", details: { method: "moved" } }]);
    expect((errors[0] as Error).message).toMatch(
      /^The log's moved\(\) failed: .*It is asked again all the time/,
    );
    fails = false;
    await advance(100);
    expect(types(await clients[0]!.heard())).toEqual(["TopicUpdate"]);
    await advance(3_400);
    expect(errors).toMatchObject([{}, { code: "storage", details: { method: "moved", over: true } }]);
  });

  test("is not asked twice at once, and not waited for longer than maxStaleness", async () => {
    const inner = memoryLog({ shared: true });
    let hangs = true;
    const { asked, log, forget } = counted(inner, {
      moved: (places) => (hangs ? new Promise(() => undefined) : inner.moved!(places)),
    });
    const { advance, write, clients } = await following(20, log, { maxStaleness: 1_700 });
    await advance(1_700);
    forget();
    await write(0);
    await advance(1_500);
    expect(asked.length).toBeLessThanOrEqual(1);
    hangs = false;
    await advance(3_400);
    expect(types(await clients[0]!.heard())).toEqual(["TopicUpdate"]);
  });

  test("is asked about 1,024 at most in one call", async () => {
    const inner = memoryLog({ shared: true });
    let hangs = true;
    const { asked, log, forget } = counted(inner, {
      moved: (places) => (hangs ? new Promise(() => undefined) : inner.moved!(places)),
    });
    const { advance } = await following(1_500, log, { maxStaleness: 1_700 });
    await advance(1_700);
    hangs = false;
    forget();
    await advance(1_600);
    expect(Math.max(...asked.map(({ length }) => length))).toBe(1_024);
    expect(new Set(asked.flat()).size).toBe(1_500);
  });

  test("[SV18] is asked about all of them within a second behind a gap", async () => {
    const { calls, asked, log, forget } = counted(memoryLog({ shared: true }));
    const gaps = new Set<() => void>();
    const { advance, write, clients } = await following(32, log, { gaps, maxStaleness: 600_000 });
    await write(3);
    forget();
    for (const gap of gaps) gap();
    await advance(1_000);
    expect(asked.flat()).toHaveLength(32);
    expect(asked.length).toBeLessThanOrEqual(16);
    expect(calls["read"]).toBe(1);
    expect(types(await clients[0]!.heard())).toEqual(["TopicUpdate"]);
  });
});

describe("[SV24] a log whose storage was replaced", () => {
  test("is asked about all that is in memory, 1,024 at a time, and what has moved is read", async () => {
    const inner = memoryLog({ shared: true });
    const listeners: (() => void)[] = [];
    let under = 0;
    let most = 0;
    const { calls, asked, log, forget } = counted(inner, {
      onReplaced: (listener) => (listeners.push(listener), () => undefined),
      moved: async (places) => {
        most = Math.max(most, ++under);
        const moved = await inner.moved!(places);
        under--;
        return moved;
      },
    });
    const { settle, write, clients } = await following(2_500, log, { maxStaleness: 600_000 });
    for (const topic of [3, 2_400]) await write(topic);
    forget();
    listeners[0]!();
    await settle();
    expect(asked.flat()).toHaveLength(2_500);
    expect([calls, most]).toEqual([{ moved: 3, read: 2 }, 1]);
    for (const client of [clients[0]!, clients.at(-1)!])
      expect(types(await client.heard())).toEqual(["TopicUpdate"]);
  });

  test("answers who subscribes meanwhile by what it has now, however many do", async () => {
    const inner = memoryLog({ shared: true });
    const faulty = faultyLog(inner);
    const listeners: (() => void)[] = [];
    const { calls, log, forget } = counted(faulty, {
      onReplaced: (listener) => (listeners.push(listener), () => undefined),
    });
    const { client, settle } = await following(20, log, { maxStaleness: 600_000 });
    faulty.plan(({ method }) => (method === "moved" ? "fail" : undefined));
    listeners[0]!();
    await settle();
    faulty.plan();
    const one = await client();
    forget();
    for (let i = 0; i < 20; i++) one.say(subscribe(`list:${i}`, i + 1));
    expect(types(await one.heard()).filter((type) => type === "Settled")).toHaveLength(20);
    expect(calls).toEqual({ moved: 1 });
  });
});

describe("[SV22] looks before a subscribe is answered", () => {
  /** Twenty topics that are open, and what a second client's coming back to so many of them costs. */
  async function comingBack(count: number, log: LogStorage, between: () => Promise<void> = async () => {}) {
    const counting = counted(log);
    const node = await following(20, counting.log, { maxStaleness: 600_000 });
    await between();
    for (const topic of [0, 3]) await node.write(topic);
    const one = await node.client();
    counting.forget();
    for (let i = 0; i < count; i++) one.say(subscribe(`list:${i}`, i + 1));
    const heard = await one.heard();
    return { ...node, ...counting, one, heard };
  }
  const models = (heard: readonly { readonly type: string }[]) =>
    heard.flatMap((frame) =>
      frame.type === "Snapshot"
        ? [(frame as unknown as { model: { items: unknown[] } }).model.items.length]
        : [],
    );

  test("many at once are asked about in one call, and those are read that have moved: nobody is shown an old one", async () => {
    const { calls, heard } = await comingBack(8, memoryLog({ shared: true }));
    expect(calls).toEqual({ moved: 1, read: 2 });
    expect(models(heard).toSorted()).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
  });

  test("few are read", async () => {
    const { calls, heard } = await comingBack(4, memoryLog({ shared: true }));
    expect(calls).toEqual({ read: 4 });
    expect(models(heard).toSorted()).toEqual([0, 0, 1, 1]);
  });

  test("where the log cannot say, each is told to retry", async () => {
    const log = faultyLog(memoryLog({ shared: true }));
    const { heard, errors } = await comingBack(8, log, async () =>
      log.plan(({ method }) => (method === "moved" ? "fail" : undefined)),
    );
    expect(new Set(types(heard))).toEqual(new Set(["Unsubscribed"]));
    expect(heard).toHaveLength(8);
    expect(errors).toMatchObject([{ code: "storage", details: { method: "moved" } }]);
  });

  test("a topic that is opened for the one who asks is not read once more; for whoever comes behind him it is", async () => {
    const { calls, log, forget } = counted(memoryLog({ shared: true }));
    const { client, done, server, settle } = await following(0, log);
    await done(server.topic(list, "elsewhere").dispatch(add("x")));
    const [one, other] = [await client(), await client()];
    forget();
    one.say(subscribe("list:new"));
    other.say(subscribe("list:new"));
    await settle();
    for (const each of [one, other]) expect(types(await each.heard())).toEqual(["Settled", "Snapshot"]);
    expect(calls).toEqual({ open: 1, read: 1 });
  });
});
