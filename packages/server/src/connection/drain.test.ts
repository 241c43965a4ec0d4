import { json } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { hello, inHand, list, say, subscribe, types, wire } from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const added = (mid: number) => say("list:1", mid, { type: "added", item: `${mid}` });

describe("a server that drains", () => {
  test("[SV8] sends its clients away bit by bit, with the time in which to come back; nobody new comes in", async () => {
    const { server, client, socket, advance, done } = wire();
    server.handle(list, { public: true });
    const all: Awaited<ReturnType<typeof client>>[] = [];
    for (let i = 0; i < 10; i++) all.push(await client());
    const gone = (): number => all.filter(({ closed }) => closed.length > 0).length;
    expect(server.ready).toBe(true);
    const drained = server.drain({ over: 1_000, reconnectWithin: 7_000 });
    expect(server.ready).toBe(false);
    const late = socket();
    expect(await late.heard()).toEqual([
      { type: "Closing", code: "draining", retryable: true, within: 7_000 },
    ]);
    await advance(550);
    expect(gone()).toBe(5);
    await advance(600);
    expect(gone()).toBe(10);
    expect((await all[0]!.heard()).at(-1)).toEqual({
      type: "Closing",
      code: "draining",
      retryable: true,
      within: 7_000,
    });
    await done(drained);
  });

  test("[SV8] sends one at a time away where it has for ever", async () => {
    const { server, client, advance, done } = wire();
    const [anna, bob] = [await client(), await client()];
    const drained = server.drain({ over: Infinity });
    await advance(150);
    expect([anna, bob].map(({ closed }) => closed.length)).toEqual([1, 0]);
    await advance(100);
    await done(drained);
    expect(bob.closed).toHaveLength(1);
  });

  test("[SV8] [SV13] lets outcomes be heard, and asks for what comes later to be said elsewhere", async () => {
    const { server, client, advance, done } = wire();
    server.handle(list, { public: true });
    const anna = await client();
    anna.say(added(1));
    const drained = server.drain({ over: 100 });
    anna.say(added(2));
    expect(await anna.heard()).toMatchObject([
      { type: "Paused", from: 2, code: "draining" },
      { type: "Acknowledge", mid: 1 },
    ]);
    await advance(200);
    expect(types(await anna.heard())).toEqual(["Closing"]);
    await done(drained);
  });

  test("[SV8] finishes appends and stores snapshots before it ends", async () => {
    const log = memoryLog();
    const slow = inHand<void>();
    const held: typeof log = Object.assign(Object.create(log) as typeof log, {
      append: async (...given: Parameters<typeof log.append>) => {
        await slow.promise;
        return log.append(...given);
      },
      close: () => Promise.resolve(),
    });
    const { server, client, advance, done } = wire({ log: held });
    server.handle(list, { public: true });
    const anna = await client();
    anna.say(added(1));
    await anna.heard();
    let over = false;
    const drained = server.drain({ over: 100 }).then(() => void (over = true));
    await advance(1_000);
    expect(over).toBe(false);
    slow.keep();
    await done(drained);
    expect((await log.open("list:1"))?.snapshot).toMatchObject({ sequence: 1, model: { items: ["1"] } });
  });

  test("[SV8] is ended at once by stop, and by a second drain", async () => {
    for (const how of ["stop", "drain"] as const) {
      const { server, client, done, advance } = wire();
      server.handle(list, { public: true });
      const all = [await client(), await client(), await client()];
      const drained = server.drain({ over: 60_000 });
      await advance(100);
      await done(server[how]());
      expect(all.every(({ closed }) => closed.length === 1)).toBe(true);
      await advance(60_000);
      await done(drained);
    }
  });
});

describe("a packet that speaks for itself, while its node drains", () => {
  const identified = ({ identity }: { identity: object }) => hello({ identity });
  const closing = { type: "Closing", code: "draining", retryable: true, within: 7_000 };

  test("[SV8] [HT4] [SV14] of a client whose stream is elsewhere or nowhere is refused, and nothing of it is taken", async () => {
    const { server, client, post, settle, done, advance } = wire();
    server.handle(list, { public: true });
    const [anna, bob] = [await client(), await client()];
    anna.drop();
    const drained = server.drain({ over: 10_000, reconnectWithin: 7_000 });
    const said = post(identified(anna), added(1));
    await settle();
    expect(said.heard).toEqual([closing]);
    expect(said.closed).toEqual([{ code: 4001, reason: "draining" }]);
    expect((await done(server.topic(list, "1").read())).sequence).toBe(0);
    void bob;
    await advance(11_000);
    await done(drained);
  });

  test("[SV8] [HT4] [SV14] of one whose stream is here is answered until that is sent away", async () => {
    const { server, client, post, settle, done, advance } = wire();
    server.handle(list, { public: true });
    const [anna, bob] = [await client(), await client()];
    const drained = server.drain({ over: 1_000, reconnectWithin: 7_000 });
    // A share of one: anna leaves first, bob is still served.
    const theirs = [post(identified(anna), added(1)), post(identified(bob), added(1))];
    await settle();
    expect(theirs.map(({ heard }) => heard)).toMatchObject([[closing], [{ type: "Acknowledge", mid: 1 }]]);
    await advance(1_500);
    await done(drained);
  });

  test("[SV2] [HT4] [SV14] and after it has stopped nothing is taken any more", async () => {
    const { server, client, post, settle, done } = wire();
    server.handle(list, { public: true });
    const anna = await client();
    await done(server.stop());
    const said = post(identified(anna), added(1));
    await settle();
    expect(said.heard).toEqual([{ type: "Closing", code: "stopping", retryable: true, within: 0 }]);
  });

  test("[SV8] a client that authenticate refuses hears that, not where to go", async () => {
    const { server, post, settle, done, client, advance } = wire({ authenticate: () => null });
    void client;
    const drained = server.drain({ over: 100 });
    const said = post(hello({ identity: { clientId: "x", secret: "y" } }), added(1));
    await settle();
    expect(said.heard).toMatchObject([{ type: "Closing", code: "unauthenticated" }]);
    await advance(200);
    await done(drained);
  });
});

describe("a thousand clients that come back", () => {
  /** A server that counts what it encodes. */
  async function counted() {
    const format = json();
    const encoded: string[] = [];
    const serialiser = { ...wire().server.serialiser };
    const counting = {
      ...format,
      encode(value: unknown) {
        encoded.push((value as { type: string }).type);
        return format.encode(value);
      },
    };
    const it = wire({ serialiser: { ...serialiser, formats: [counting] } });
    it.server.handle(list, { public: true });
    const topic = it.server.topic(list, "1");
    await it.done(topic.dispatch({ type: "added", item: "first" }));
    const cursors: { sequence: number; mark: number }[] = [];
    const watcher = await it.client();
    watcher.say(subscribe("list:1"));
    for (let i = 0; i < 10; i++) {
      const before = await watcher.heard();
      const last = before.findLast(
        ({ type }) => type === "Snapshot" || type === "TopicUpdate",
      ) as unknown as {
        sequence?: number;
        after: number;
        records: unknown[];
        mark: number;
      };
      cursors.push({ sequence: last.sequence ?? last.after + last.records.length, mark: last.mark });
      await it.done(topic.dispatch({ type: "added", item: `${i}` }));
    }
    watcher.drop();
    encoded.length = 0;
    const count = (type: string) => encoded.filter((one) => one === type).length;
    return { ...it, cursors, count };
  }

  test("[SV9] having missed the same or not are served by one encoding for each place they stand at", async () => {
    const { socket, settle, cursors, count } = await counted();
    for (let i = 0; i < 1_000; i++)
      socket().say(hello({ targets: [subscribe("list:1", 1, { cursor: cursors[i % 7] })] }));
    await settle();
    expect([count("Settled"), count("TopicUpdate"), count("Snapshot")]).toEqual([1_000, 7, 0]);
  });

  test("[SV9] having nothing are served by one encoded snapshot", async () => {
    const { socket, settle, count } = await counted();
    for (let i = 0; i < 1_000; i++) socket().say(hello({ targets: [subscribe("list:1")] }));
    await settle();
    expect([count("Settled"), count("TopicUpdate"), count("Snapshot")]).toEqual([1_000, 0, 1]);
  });
});
