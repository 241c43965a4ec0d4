// What the contract cannot see, over a server of its own that fails as it is told.
import { describe, expect, test } from "vitest";
import { handClock } from "../../../test/wired.ts";
import type { PostgresDriver, PostgresLineEvents } from "../driver/driver.ts";
import { postgresPubSub } from "./postgres-pubsub.ts";

/** A server that notifies whoever listens. */
function server() {
  const lines = new Set<PostgresLineEvents>();
  const state = { away: false, deaf: false, refuses: "", statements: 0, listens: 0 };
  const notify = (payload: string): void => {
    if (!state.deaf) for (const line of Array.from(lines)) line.heard(payload);
  };
  const driver: PostgresDriver = {
    name: "told",
    query(text, [, said]) {
      state.statements++;
      if (state.refuses !== "")
        return Promise.reject(Object.assign(new Error("no"), { code: state.refuses }));
      if (state.away) return Promise.reject(Object.assign(new Error("away"), { code: "ECONNREFUSED" }));
      const items = /"((?:[^"\\]|\\.)*)"/gs;
      if (!text.includes("unnest")) notify(said ?? "");
      else for (const [, item = ""] of (said ?? "").matchAll(items)) notify(item.replaceAll(/\\(.)/gs, "$1"));
      return Promise.resolve([]);
    },
    listen(_, events) {
      state.listens++;
      if (state.away) return Promise.reject(new Error("away"));
      lines.add(events);
      return Promise.resolve({ close: () => void lines.delete(events) });
    },
  };
  const cut = (): void => {
    for (const line of Array.from(lines)) {
      lines.delete(line);
      line.lost(new Error("cut"));
    }
  };
  return { driver, state, notify, cut };
}

async function node(of = server(), options: { maxWaiting?: number } = {}) {
  const { clock, advance, settle } = handClock();
  const errors: unknown[] = [];
  const pubsub = postgresPubSub(of.driver, {
    clock,
    random: { uint32: () => 7 },
    onError: (error) => void errors.push(error),
    ...options,
  });
  await settle();
  const heard: unknown[] = [];
  let gaps = 0;
  pubsub.subscribe("t", (told) => heard.push(told));
  pubsub.onGap(() => void gaps++);
  return { ...of, pubsub, errors, heard, advance, settle, gaps: () => gaps };
}

describe("postgresPubSub", () => {
  test("[PG10] what is published in a turn is one statement, and what comes meanwhile the next", async () => {
    const { pubsub, state, heard, settle } = await node();
    const { statements } = state;
    for (let i = 0; i < 100; i++) pubsub.publish("t", i);
    await settle();
    expect([state.statements - statements, heard.length]).toEqual([1, 100]);
  });

  test("[PG15] a line that is lost is made again, and there is a gap; each outage is told once", async () => {
    const { state, cut, advance, gaps, errors, pubsub, heard } = await node();
    cut(); // while nobody speaks
    await advance(1_200);
    expect([gaps(), errors.length]).toEqual([1, 1]);
    state.away = true;
    cut();
    await advance(60_000);
    expect([gaps(), errors.length > 1]).toEqual([1, true]);
    expect(state.listens).toBeLessThan(40);
    state.away = false;
    await advance(6_000);
    expect(gaps()).toBe(2);
    pubsub.publish("t", 1);
    await advance(1);
    expect(heard).toEqual([1]);
  });

  test("[PG15] a line that hangs while it is made is given up by its deadline, and when all is closed", async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const { driver } = server();
    const hanging: PostgresDriver = {
      ...driver,
      listen(_, __, signal) {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    };
    const { clock, advance } = handClock();
    const random = { uint32: () => 7 };
    const pubsub = postgresPubSub(hanging, { clock, random, deadline: 1_000, onError: () => undefined });
    await advance(1_000);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
    await advance(1_000);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
    await pubsub.close();
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
  });

  test("[PG12] what is published while the server is away waits and goes in order, once", async () => {
    const { state, pubsub, heard, advance, gaps } = await node();
    state.away = true;
    for (const n of [1, 2]) {
      pubsub.publish("t", n);
      await advance(200);
    }
    expect(heard).toEqual([]);
    state.away = false;
    await advance(6_000);
    expect([heard, gaps()]).toEqual([[1, 2], 0]);
  });

  test("[PG14] what waits is bounded: the oldest goes away, and there is a gap", async () => {
    const { state, pubsub, heard, advance, gaps } = await node(server(), { maxWaiting: 1_000 });
    pubsub.publish("t", "first");
    await advance(1);
    state.away = true;
    for (let i = 0; i < 500; i++) pubsub.publish("t", i);
    await advance(1);
    for (let i = 500; i < 1_000; i++) pubsub.publish("t", i);
    state.away = false;
    await advance(6_000);
    expect(heard.length).toBeLessThan(300);
    expect([heard.at(-1), gaps() > 0]).toEqual([999, true]);
    expect(() => pubsub.publish("t", "x".repeat(2_000))).toThrow("larger");
  });

  test("[PG12] what the database cannot write is left out and reported, and there is a gap", async () => {
    const { state, pubsub, heard, advance, gaps, errors } = await node();
    pubsub.publish("t", 0);
    await advance(1);
    state.refuses = "22P05";
    pubsub.publish("t", 1);
    await advance(1);
    state.refuses = "";
    pubsub.publish("t", 2);
    await advance(1_000);
    expect([heard, gaps(), errors]).toMatchObject([[0, 2], 1, [{ code: "storage" }]]);
  });

  test("[PG16] a line that hears nothing of what was surely said is made again; one that hears stays", async () => {
    const { state, advance, gaps, errors } = await node();
    await advance(60_000);
    expect([state.listens, gaps(), errors]).toEqual([1, 0, []]);
    state.deaf = true;
    await advance(10_200);
    expect(state.listens).toBe(2);
    state.deaf = false;
    await advance(20_000);
    expect([state.listens, gaps()]).toEqual([2, 1]);
    expect(errors).toMatchObject([{ details: { code: "silent" } }]);
  });

  test("[PG18] a line that has never heard is told once, with the cure; nobody is ready until one hears, and there is a gap", async () => {
    const of = server();
    of.state.deaf = true;
    const { pubsub, state, errors, advance, gaps, heard } = await node(of);
    let ready = false;
    void pubsub.ready().then(() => (ready = true));
    await advance(5_100);
    expect(errors).toMatchObject([{ code: "storage", details: { code: "deaf" } }]);
    expect(String(errors[0])).toMatch(/pooler.*listenUrl/);
    await advance(600_000);
    expect([errors.length, ready, gaps()]).toEqual([1, false, 0]);
    expect(state.listens).toBeGreaterThan(50);
    state.deaf = false;
    await advance(11_000);
    pubsub.publish("t", 1);
    await advance(1);
    expect([errors.length, ready, gaps(), heard]).toEqual([1, true, 1, [1]]);
    state.deaf = true;
    await advance(30_000);
    expect(errors).toHaveLength(3); // silent, and deaf: it had worked
  });

  test("[PG18] of a line that cannot be tried, for nothing can be said, nothing is known", async () => {
    const of = server();
    of.state.refuses = "53300";
    const { state, advance, errors } = await node(of);
    await advance(60_000);
    expect([state.listens, errors.length]).toEqual([1, 1]);
    state.refuses = "";
    await advance(20_000);
    expect([state.listens, errors.length]).toEqual([1, 1]);
  });

  test("[PG13] what nobody of Calla's has notified is reported once, and what comes behind it is heard", async () => {
    const { notify, pubsub, errors, heard, settle } = await node();
    for (let i = 0; i < 10; i++) notify("hello");
    notify("1 a 1 =1,2:tt{");
    pubsub.publish("t", 1);
    await settle();
    expect(errors.map((error) => (error as { readonly code: string }).code)).toContain("protocol");
    expect(errors.length).toBeLessThan(3);
    expect(heard).toEqual([1]);
  });

  test("[PG17] closed it says what waits, then nothing more; nobody is called", async () => {
    const of = server();
    const [one, other] = [await node(of), await node(of)];
    one.pubsub.publish("t", 1);
    const closing = one.pubsub.close();
    await one.settle();
    await closing;
    one.pubsub.publish("t", 2);
    await one.advance(60_000);
    expect([one.heard, other.heard]).toEqual([[], [1]]);
  });

  test.each(["", "x".repeat(64), "a\u0000"])("[PG17] a channel called %o is refused", (channel) => {
    expect(() => postgresPubSub(server().driver, { channel })).toThrow("63 bytes");
  });
});
