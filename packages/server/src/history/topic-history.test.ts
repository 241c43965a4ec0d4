import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { cursors, handClock, list, say, wire } from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { createServer } from "../server.ts";

const add = (item: string) => ({ type: "added", item }) as const;
const items = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

/** A topic with `count` dispatches of the server's. */
async function filled(count: number, { retention = 1_000, snapshotEvery = 1_000 } = {}) {
  const log = memoryLog({ retention });
  const wired = wire({ log, limits: { snapshotEvery } });
  wired.server.handle(list, { public: true });
  const topic = wired.server.topic(list, "1");
  for (const item of items(1, count)) await wired.done(topic.dispatch(add(item)));
  return { ...wired, log, topic };
}

describe("history", () => {
  test("[PA1] history says who dispatched what and when, newest page first, and how far back it reaches", async () => {
    const { topic, client, advance, done } = await filled(5);
    const ada = await client();
    await advance(500);
    ada.say(say("list:1", 1, [add("a"), add("b")]));
    await ada.heard();
    const page = await topic.history({ limit: 2 });
    expect(page).toMatchObject({ from: 0, earlier: 4 });
    expect(page.entries).toMatchObject([
      { sequence: 5, author: null, messages: [add("5")] },
      {
        sequence: 6,
        author: { clientId: ada.identity.clientId, userId: null },
        id: "id-1",
        version: 1,
        messages: [add("a"), add("b")],
      },
    ]);
    expect(page.entries[1]!.at).toBeGreaterThanOrEqual(1_500);
    const seen: number[] = [];
    for (let next = page; ; next = await topic.history({ limit: 2, upTo: next.earlier })) {
      seen.unshift(...next.entries.map(({ sequence }) => sequence));
      if (next.earlier === undefined) break;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await topic.history({ upTo: 0 })).toEqual({ entries: [], from: 0, earlier: undefined });
    await expect(topic.history({ limit: 0 })).rejects.toMatchObject({ code: "invalid" });
    await expect(topic.history({ upTo: -1 })).rejects.toMatchObject({ code: "invalid" });
    await done(topic.remove());
    expect(await topic.history()).toEqual({ entries: [], from: 6, earlier: undefined });
    await done(topic.dispatch(add("again")));
    const back = await topic.history();
    expect(back).toMatchObject({ from: 6, earlier: undefined });
    expect(back.entries).toMatchObject([
      { sequence: 7, model: { value: { items: [] } }, messages: [] },
      { sequence: 8, messages: [add("again")] },
    ]);
  });

  test("[PA1] what was compacted is said to be gone", async () => {
    const { topic } = await filled(40, { retention: 5, snapshotEvery: 4 });
    const { from, entries, earlier } = await topic.history();
    expect(from).toBeGreaterThan(20);
    expect(entries.map(({ sequence }) => sequence)).toEqual(items(from + 1, 40).map(Number));
    expect(earlier).toBeUndefined();
  });
});

describe("the model of then", () => {
  test("[PA2] every sequence that the log still has can be read, before it nothing", async () => {
    for (const options of [{}, { retention: 5, snapshotEvery: 4 }, { retention: 0, snapshotEvery: 3 }]) {
      const { topic, done } = await filled(40, options);
      const { from } = await topic.history();
      for (let sequence = from; sequence <= 40; sequence++)
        expect(await done(topic.read({ sequence }))).toEqual({
          sequence,
          model: { items: items(1, sequence) },
        });
      await expect(done(topic.read({ sequence: 41 }))).rejects.toMatchObject({ code: "invalid" });
      await expect(done(topic.read({ sequence: 0.5 }))).rejects.toMatchObject({ code: "invalid" });
      if (from === 0) continue;
      await expect(done(topic.read({ sequence: from - 1 }))).rejects.toMatchObject({
        code: "compacted",
        details: { from },
      });
    }
  });

  test("[PA2] a whole model begins anew: of before a removal nothing can be read", async () => {
    const { topic, done } = await filled(3);
    await done(topic.remove());
    await expect(done(topic.read({ sequence: 3 }))).rejects.toMatchObject({ code: "compacted" });
    await done(topic.dispatch(add("x")));
    expect(await done(topic.read({ sequence: 4 }))).toMatchObject({ model: { items: [] } });
    expect(await done(topic.read({ sequence: 5 }))).toMatchObject({ model: { items: ["x"] } });
    await expect(done(topic.read({ sequence: 3 }))).rejects.toMatchObject({ code: "compacted" });
  });

  test("[PA2] S11 what another version led to cannot be folded, and says so; what came after its migration can", async () => {
    const { log, topic, done, clock, settle, advance } = await filled(3);
    await done(topic.stop()); // its snapshot is stored
    const newer = defineTopic("list:*", {
      version: 2,
      model: z.object({ count: z.number() }),
      initial: () => ({ count: 0 }),
      messages: { counted: z.object({}) },
      update: { counted: ({ count }) => ({ count: count + 1 }) },
      migrate: {
        1: { model: (old: { readonly items: readonly string[] }) => ({ count: old.items.length }) },
      },
    });
    const onError = (): void => {};
    const wiring = defineWiring({ topics: [newer] });
    const server = createServer({ wiring, serialiser: automatic(json()), log, clock, onError });
    const its = server.topic(newer, "1");
    const wait = wire({ log }, { clock, settle, advance }).done;
    const { sequence } = await wait(its.read());
    expect(sequence).toBe(4);
    await wait(its.dispatch({ type: "counted" }));
    expect(await wait(its.read({ sequence: 4 }))).toMatchObject({ model: { count: 3 } });
    expect(await wait(its.read({ sequence: 5 }))).toMatchObject({ model: { count: 4 } });
    await expect(wait(its.read({ sequence: 3 }))).rejects.toMatchObject({ code: "version" });
    await expect(done(topic.read({ sequence: 5 }))).rejects.toMatchObject({ code: "version" });
    expect(await done(topic.read({ sequence: 3 }))).toMatchObject({ model: { items: ["1", "2", "3"] } });
    await expect(wait(its.history())).resolves.toMatchObject({
      entries: [{ version: 1 }, { version: 1 }, { version: 1 }, { version: 2, model: {} }, { version: 2 }],
    });
  });
});

test("[PA2] S11 records of another version are refused as such, also where no snapshot stands before them", async () => {
  const { topic, done, log } = await filled(2);
  const { sequence, mark } = (await topic.history()).entries[1]!;
  const records = [3, 4].map((next) => ({
    sequence: next,
    mark: next,
    version: 2,
    at: 2_000,
    author: null,
    mid: 0,
    id: "",
    messages: [{ type: "added", item: "of another kind" }],
  }));
  await log.append([{ target: "list:1", expected: { sequence, mark }, records, rows: [], at: 1 }]);
  expect(await done(topic.read({ sequence: 2 }))).toMatchObject({ model: { items: ["1", "2"] } });
  await expect(done(topic.read({ sequence: 4 }))).rejects.toMatchObject({
    code: "version",
    details: { sequence: 3, version: 2 },
  });
});

test("[PA1] an ephemeral topic has no past", async () => {
  const { server } = wire({}, handClock());
  await expect(server.topic(cursors, "1").history()).rejects.toMatchObject({ code: "topic" });
  await expect(server.topic(cursors, "1").read({ sequence: 1 })).rejects.toMatchObject({ code: "topic" });
});
