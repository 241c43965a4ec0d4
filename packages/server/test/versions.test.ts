// Two versions of one slice over one log: who folds what, who is told what.
import { PROTOCOL_VERSION } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  added,
  cards,
  deploy,
  join,
  forgotten,
  lastWhole,
  modelIn,
  put,
  records,
  wirings,
} from "./deploy.ts";
import { handClock, heldLog, hello, list, say, subscribe, types, wire } from "./wired.ts";
import { record } from "../src/testing/log-contract/kit.ts";
import { faultyLog, scriptedFaults } from "../src/testing/faulty-log.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";
import { rewindableLog } from "../src/testing/rewindable-log.ts";
import type { LogStorage } from "../src/log/log.ts";

describe("a newer node", () => {
  test("[VE3] [VE6] S38 migrates a target by one record that holds the whole model, mids kept", async () => {
    const { node, log, bells } = deploy();
    const old = node(1);
    const page = await old.page();
    page.say(put(1, "milk"), put(2, "bread"));
    await page.heard();

    const young = node(2);
    const reader = await young.page();
    reader.say(join);
    const said = await reader.heard();
    expect(said).toMatchObject([
      { type: "Settled", sequence: 3 },
      { type: "Snapshot", version: 2, sequence: 3 },
    ]);
    expect(modelIn(said)).toEqual([cards("milk", "bread")]);
    const last = (await records(log)).at(-1)!;
    expect(last).toMatchObject({
      sequence: 3,
      version: 2,
      author: null,
      id: "migrated-1-2-3",
      messages: [],
      model: { value: cards("milk", "bread") },
    });
    expect(await lastWhole(log)).toEqual({ id: "migrated-1-2-3", stored: true });
    // Opening it again finds nothing to do; its snapshot is the migrated one.
    expect(await node(2).read()).toEqual({ model: cards("milk", "bread"), sequence: 3 });
    expect((await log.open("list:1"))?.snapshot).toMatchObject({ sequence: 3, version: 2 });

    // The page was reloaded: same client, its second message was taken by the old node.
    const again = await young.page(page.identity);
    again.say(added(2, "bread"), added(3, "salt"));
    expect(await again.heard()).toMatchObject([
      { type: "Acknowledge", mid: 2, sequence: 2 },
      { type: "Acknowledge", mid: 3, sequence: 4 },
    ]);
    bells.deliver();
    expect(young.errors).toEqual([]);
  });

  test("[VE3] [VE11] S38 begins with the older version's snapshot, and migrates what came after it", async () => {
    const { node, log } = deploy();
    const old = node(1);
    const page = await old.page();
    page.say(put(1, "milk"));
    await page.heard();
    await old.done(old.server.stop());
    const next = node(1);
    const other = await next.page();
    other.say(put(1, "bread"), say("list:1", 2, { type: "voted" }));
    await other.heard();
    expect((await log.open("list:1"))?.snapshot).toMatchObject({ sequence: 1, version: 1 });
    const young = node(2);
    expect(await young.read()).toEqual({ model: cards("milk", "bread"), sequence: 4 });
    expect(young.errors).toEqual([]); // the vote was dropped on purpose
  });

  test("[VE3] [TE15] S38 whose clock is behind the older node's migrates at the time of the last record, and goes on from it", async () => {
    const { node, log } = deploy();
    const at = 9_000_000; // this clock begins at 1,000
    const ahead = record(1, { at, messages: [{ type: "put", item: "milk" }] });
    await log.append([
      { target: "list:1", expected: { sequence: 0, mark: 0 }, records: [ahead], rows: [], at },
    ]);
    const young = node(2);
    const page = await young.page();
    page.say(added(1, "bread"));
    await page.heard();
    expect((await records(log)).map((one) => [one.id, one.at])).toEqual([
      ["id-1", at],
      ["migrated-1-2-2", at],
      ["id-1", at],
    ]);
    expect((await log.open("list:1"))?.snapshot).toMatchObject({ sequence: 2, at });
  });

  test("[VE6] S38 names the oldest version that has a part in the model, whatever came after it", async () => {
    const { node, log } = deploy();
    const older = [
      record(1, { version: 0, messages: [{ type: "added", text: "milk" }] }),
      record(2, { version: 1, messages: [{ type: "put", item: "bread" }] }),
      record(3, { version: 2, messages: [{ type: "added", text: "salt" }] }),
    ];
    await log.append([
      { target: "list:1", expected: { sequence: 0, mark: 0 }, records: older, rows: [], at: 1_000 },
    ]);
    expect((await node(2).read()).model).toEqual(cards("milk", "bread", "salt"));
    expect((await records(log)).at(-1)?.id).toBe("migrated-0-2-4");
  });

  test("[VE3] S38 races of two newer nodes end in one migration", async () => {
    const { node, log } = deploy();
    const page = await node(1).page();
    page.say(put(1, "milk"));
    await page.heard();
    const young = [node(2), node(2)];
    const models = await Promise.all(young.map((one) => one.read()));
    expect(models.map(({ model }) => model)).toEqual([cards("milk"), cards("milk")]);
    expect((await records(log)).map(({ id }) => id)).toEqual(["id-1", "migrated-1-2-2"]);
  });

  test("[VE3] [VE12] S38 an older node that appends meanwhile is read on from, and loses nothing", async () => {
    const { log: inner, node } = deploy();
    const old = node(1);
    const page = await old.page();
    page.say(put(1, "milk"));
    await page.heard();
    let mid = 1;
    // Each append of the newer node finds that the older one was there first, five times.
    const log: LogStorage = {
      ...inner,
      async append(batch) {
        if (mid < 6) {
          page.say(put(++mid, `late ${mid}`));
          await page.heard();
        }
        return inner.append(batch);
      },
    };
    const young = node(2, log);
    expect((await young.read()).model).toEqual(
      cards("milk", "late 2", "late 3", "late 4", "late 5", "late 6"),
    );
  });

  test("[VE12] S38 a newer node that never is first tells its clients to retry after 20 attempts, and then goes on", async () => {
    const { log: inner, node } = deploy();
    const page = await node(1).page();
    page.say(put(1, "milk"));
    await page.heard();
    let [mid, overtaken] = [1, true];
    const log: LogStorage = {
      ...inner,
      async append(batch) {
        if (overtaken) {
          page.say(put(++mid, `late ${mid}`));
          await page.heard();
        }
        return inner.append(batch);
      },
    };
    const young = node(2, log);
    const reader = await young.page();
    reader.say(subscribe("list:1"));
    expect(await reader.heard()).toMatchObject([{ type: "Unsubscribed", code: "storage", retryable: true }]);
    expect(mid).toBe(1 + 20);
    expect(String(young.errors[0])).toContain("others append all the time");
    overtaken = false;
    reader.say(subscribe("list:1", 2));
    const late = Array.from({ length: 20 }, (_, i) => `late ${i + 2}`);
    expect(modelIn(await reader.heard())).toEqual([cards("milk", ...late)]);
  });

  test("[VE3] S38 a topic that both opened before its first message is migrated when the older one wrote it", async () => {
    const { node, bells } = deploy();
    const young = node(2);
    const reader = await young.page();
    reader.say(join);
    await reader.heard();
    const page = await node(1).page();
    page.say(put(1, "milk"));
    await page.heard();
    reader.say(added(1, "bread"));
    const said = await reader.heard();
    expect(modelIn(said).at(0)).toEqual(cards("milk"));
    expect((await young.read()).model).toEqual(cards("milk", "bread"));
    bells.deliver();
    expect(young.errors).toEqual([]);
  });

  test("[VE3] S38 what the older one wrote is migrated, not folded, also where it would mean something", async () => {
    const { node, log } = deploy();
    const reader = await node(2).page();
    reader.say(join);
    await reader.heard();
    const page = await node(1).page();
    page.say(say("list:1", 1, { type: "cleared" }));
    await page.heard();
    reader.say(added(1, "bread"));
    await reader.heard();
    const { records } = await log.history("list:1", 9, 9);
    expect(records.map(({ version, model }) => [version, model !== undefined])).toEqual([
      [1, false],
      [2, true],
      [2, false],
    ]);
  });

  test("[VE3] S36 a migration whose append's answer is lost happens once", async () => {
    const { node, log } = deploy();
    const page = await node(1).page();
    page.say(put(1, "milk"));
    await page.heard();
    const young = node(2, faultyLog(log, { plan: scriptedFaults({ append: ["lose"] }) }));
    const reader = await young.page();
    reader.say(join);
    expect(await reader.heard()).toMatchObject([{ type: "Unsubscribed", code: "storage", retryable: true }]);
    reader.say(subscribe("list:1", 2));
    expect(modelIn(await reader.heard())).toEqual([cards("milk")]);
    expect(await records(log)).toHaveLength(2);
  });

  test("[VE3] S38 a model that cannot be migrated is left as it is: its clients retry, others are served", async () => {
    const { node, log } = deploy();
    const old = node(1);
    const page = await old.page();
    page.say(put(1, "unmigrated"));
    await page.heard();
    await old.done(old.server.stop());
    const young = node(2);
    const reader = await young.page();
    reader.say(join, added(1, "bread"), subscribe("same:1"));
    const said = await reader.heard();
    expect(said.filter((frame) => "target" in frame && frame.target === "list:1")).toMatchObject([
      { type: "Paused", from: 1, code: "version" },
      { type: "Unsubscribed", code: "version", retryable: true },
    ]);
    expect(types(said)).toContain("Snapshot");
    expect(String(young.errors[0])).toContain("could not be migrated: Error: cannot migrate");
    expect(await records(log)).toHaveLength(1);
  });
});

describe("an older node", () => {
  /** A topic that an older node serves, migrated behind its back. */
  async function overtaken() {
    const all = deploy();
    const old = all.node(1);
    const page = await old.page();
    page.say(join, subscribe("same:1"), put(1, "milk"));
    await page.heard();
    const young = all.node(2);
    await young.read();
    all.bells.lose();
    return { ...all, old, page, young };
  }

  test("[VE4] [VE13] S38 that finds a newer record tells its subscribers and goes on with other targets", async () => {
    const { old, page, advance } = await overtaken();
    await advance(5_000); // it looks at what has subscribers
    expect(await page.heard()).toMatchObject([
      {
        type: "Unsubscribed",
        target: "list:1",
        code: "version",
        retryable: true,
        details: { protocol: PROTOCOL_VERSION, slices: { "list:*": 2 } },
      },
    ]);
    page.say(subscribe("list:1", 2), say("same:1", 1, { type: "bumped" }));
    expect(types(await page.heard()).toSorted()).toEqual(["TopicUpdate", "Unsubscribed"]);
    expect(old.errors).toMatchObject([{ code: "version", details: { version: 2, ours: 1 } }]); // once
  });

  test("[VE4] [VE13] S38 decides nothing on what it cannot fold: neither takes nor refuses", async () => {
    const { page, log, old } = await overtaken();
    page.say(put(2, "bread"), say("list:1", 3, { type: "nonsense" }));
    expect(await page.heard()).toMatchObject([
      { type: "Paused", from: 2, code: "version" },
      { type: "Paused", from: 3, code: "version" },
      { type: "Unsubscribed", code: "version", retryable: true },
    ]);
    page.say(say("list:1", 2, { type: "nonsense" }));
    expect(await page.heard()).toMatchObject([{ type: "Paused", from: 2, code: "version" }]);
    expect(await records(log)).toHaveLength(2);
    await expect(old.read()).rejects.toMatchObject({ code: "version" });
    await expect(old.done(old.topic.dispatch({ type: "cleared" } as never))).rejects.toMatchObject({
      code: "version",
    });
    await expect(old.done(old.topic.remove())).rejects.toMatchObject({ code: "version" });
    expect(await records(log)).toHaveLength(2);
  });

  test("[VE4] S38 refuses nothing alone on an old model", async () => {
    const { page } = await overtaken();
    page.say(say("list:1", 2, { type: "nonsense" }));
    expect(types(await page.heard())).not.toContain("Rejected");
  });

  test("[VE4] S36 an append whose answer was lost, overtaken by a migration, is found by the newer node", async () => {
    const { node, log } = deploy();
    const faulty = faultyLog(log, { plan: scriptedFaults({ append: ["lose"] }) });
    const old = node(1, faulty);
    const page = await old.page();
    page.say(join);
    await page.heard();
    faulty.plan(({ method }) => (method === "append" ? "lose" : method === "read" ? "fail" : undefined));
    page.say(put(1, "milk"));
    expect(await page.heard()).toMatchObject([{ type: "Paused", from: 1, code: "storage" }]);
    const young = node(2);
    expect((await young.read()).model).toEqual(cards("milk"));
    const again = await young.page(page.identity);
    again.say(added(1, "milk"));
    expect(await again.heard()).toMatchObject([{ type: "Acknowledge", mid: 1, sequence: 1 }]);
  });

  test("[VE4] [VE13] S38 sends its subscribers the records of its own version before it leaves", async () => {
    const { node, bells, advance } = deploy();
    const [here, there] = [node(1), node(1)];
    const [page, author] = [await here.page(), await there.page()];
    page.say(join);
    await page.heard();
    author.say(put(1, "milk"));
    await author.heard();
    await node(2).read();
    bells.lose();
    await advance(5_000);
    expect(await page.heard()).toMatchObject([
      { type: "TopicUpdate", after: 0, records: [{ 3: "id-1" }] },
      { type: "Unsubscribed", code: "version" },
    ]);
  });

  test("[VE4] S38 S46 does not bring back what a newer version has removed", async () => {
    const { old, young, page, advance } = await overtaken();
    await young.done(young.topic.remove());
    await advance(5_000);
    await page.heard();
    await expect(old.done(old.topic.dispatch({ type: "cleared" } as never))).rejects.toMatchObject({
      code: "version",
    });
  });

  test("[VE4] HT6 answers a poll that asks for its outcomes while it finds the newer record", async () => {
    const hand = handClock();
    const inner = memoryLog({ shared: true });
    const held = heldLog(inner, "client");
    const { server, socket, client, done, settle } = wire({ log: held.log }, hand);
    server.handle(list, { public: true });
    await done(server.topic(list, "1").dispatch({ type: "added", item: "x" }));
    const { identity } = await client();
    let finished = 0;
    const poll = socket({ finish: () => void finished++ });
    const targets = [{ target: "list:1", ref: 1, settled: 0, sent: 1 }];
    poll.say(hello({ identity, poll: true, targets }));
    await settle();
    expect(held.waiting()).toBe(1);
    const { sequence, mark } = (await inner.open("list:1"))!;
    const newer = { ...record(2), version: 2 };
    await inner.append([
      { target: "list:1", expected: { sequence, mark }, records: [newer], rows: [], at: newer.at },
    ]);
    await expect(done(server.topic(list, "1").read())).rejects.toMatchObject({ code: "version" });
    held.release();
    expect(types(await poll.heard())).toEqual(["Connected", "Unsubscribed"]);
    expect(finished).toBe(1);
  });

  test("[VE4] S37 serves a target again that a restored backup has brought back to its version", async () => {
    const log = rewindableLog(memoryLog({ shared: true }));
    const { node } = deploy({ log });
    const old = node(1);
    const page = await old.page();
    page.say(join, put(1, "milk"));
    await page.heard();
    await node(2).read();
    page.say(subscribe("list:1", 2));
    expect(types(await page.heard())).toEqual(["Unsubscribed"]);
    await log.rewind("list:1", 1);
    page.say(subscribe("list:1", 3), put(2, "bread"));
    expect(types(await page.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
  });
});

describe("connections", () => {
  test("[CV13] S38 an older page is told to reload, a newer one to try another node; nothing else is done", async () => {
    const { node } = deploy();
    const [v1, v2] = wirings.map((wiring) => wiring.versions());
    expect((await node(2).page(undefined, v1)).said).toMatchObject([
      { type: "Version", terminal: true, slices: { "list:*": 2 } },
      { type: "Closing", code: "version", retryable: false },
    ]);
    expect((await node(1).page(undefined, v2)).said).toMatchObject([
      { type: "Version", terminal: false, slices: { "list:*": 1 } },
      { type: "Closing", code: "version", retryable: true },
    ]);
  });

  test("[CV13] a slice that only one side knows refuses its own topics and nothing else", async () => {
    const { node } = deploy();
    const one = node(1);
    const page = await one.page(undefined, { ...wirings[0].versions(), "more:*": 7 });
    page.say(subscribe("more:1"), say("more:1", 1, { type: "said" }), subscribe("same:1"));
    expect(await page.heard()).toMatchObject([
      { type: "Unsubscribed", target: "more:1", code: "topic", retryable: false },
      { type: "Rejected", target: "more:1", code: "topic" },
      { type: "Settled", target: "same:1" },
      { type: "Snapshot", target: "same:1" },
    ]);
    const lesser = await one.page(undefined, { "same:*": 1 });
    expect(types(lesser.said)).toEqual(["Connected"]);
  });
});

describe("[VE5] [VE6] a record that cannot be folded", () => {
  test("S38 is skipped by a record that says so and holds the model, so that every node agrees", async () => {
    const { node, log, bells } = deploy();
    const here = node(1);
    const page = await here.page();
    page.say(join);
    await page.heard();
    page.say(put(1, "milk"), put(2, "poison"), put(3, "bread"), put(4, "refused"));
    await page.heard();
    const there = node(forgotten);
    expect(await there.read()).toEqual({ model: { items: ["milk", "bread"] }, sequence: 5 });
    expect((await records(log)).at(-1)).toMatchObject({
      id: "skipped-2-2-5",
      author: null,
      messages: [],
      model: { value: { items: ["milk", "bread"] } },
    });
    expect(await lastWhole(log)).toEqual({ id: "skipped-2-2-5", stored: true });
    expect(there.errors).toMatchObject([
      { code: "skipped", details: { target: "list:1", sequence: 2, id: "id-2" } },
      { code: "skipped", details: { target: "list:1", sequence: 4, id: "id-4" } },
    ]);
    bells.deliver();
    const said = await page.heard();
    expect(said).toMatchObject([
      { type: "Settled", resync: "snapshot", reason: "reset" },
      { type: "Snapshot" },
    ]);
    expect(modelIn(said)).toEqual([{ items: ["milk", "bread"] }]);
    // Opened again it is whole: nothing is skipped twice.
    expect((await node(forgotten).read()).sequence).toBe(5);
  });

  test("S38 is found on a running node too, whose subscribers get the model of then", async () => {
    const { node, log, bells } = deploy();
    const [here, there] = [node(1), node(forgotten)];
    const reader = await there.page();
    reader.say(join);
    const author = await here.page();
    author.say(join);
    await author.heard();
    author.say(put(1, "milk"));
    await author.heard();
    author.say(put(2, "poison"), put(3, "bread"));
    await author.heard();
    await reader.heard();
    bells.deliver();
    const said = await reader.heard();
    expect(types(said)).toEqual(["TopicUpdate", "Settled", "Snapshot"]);
    expect(modelIn(said)).toEqual([{ items: ["milk", "bread"] }]);
    expect(await lastWhole(log)).toEqual({ id: "skipped-2-1-4", stored: true });
    bells.deliver();
    expect(modelIn(await author.heard())).toEqual([{ items: ["milk", "bread"] }]);
    expect((await here.read()).model).toEqual({ items: ["milk", "bread"] });
    expect(there.errors).toMatchObject([{ code: "skipped" }]);
  });

  test("S38 of an older version is skipped by the migration itself, and reported; one its author drops is not", async () => {
    const { node, log } = deploy();
    const page = await node(1).page();
    page.say(put(1, "milk"), put(2, "refused"), say("list:1", 3, { type: "voted" }), put(4, "x".repeat(21)));
    await page.heard();
    const young = node(2);
    expect((await young.read()).model).toEqual(cards("milk"));
    expect(await lastWhole(log)).toEqual({ id: "migrated-1-2-skipped-2-2-5", stored: true });
    expect(young.errors).toMatchObject([
      { code: "skipped", details: { sequence: 2, version: 1 } },
      { code: "skipped", details: { sequence: 4, version: 1 } },
    ]);
  });
});

test("[VE6] S38 where the snapshot cannot be stored, the record alone ends it: nothing is migrated or skipped twice", async () => {
  const { node, log } = deploy();
  const page = await node(1).page();
  page.say(put(1, "milk"), put(2, "refused"), say("list:1", 3, { type: "voted" }), put(4, "x".repeat(21)));
  await page.heard();
  const full = { ...log, saveSnapshot: () => Promise.reject(new Error("full")) };
  const young = node(2, full);
  const settled = await young.read();
  expect(settled).toEqual({ model: cards("milk"), sequence: 5 });
  const again = node(2, full);
  expect(await again.read()).toEqual(settled);
  expect(again.errors).toEqual([]);
  expect((await records(log)).at(-1)).toMatchObject({ id: "migrated-1-2-skipped-2-2-5" });
});

test("[VE6] [TE17] S46 the record that brings a removed topic back says so by its id, and is its stored snapshot", async () => {
  const { node, log } = deploy();
  const { topic, done } = node(1);
  const dispatch = (item: string) => done(topic.dispatch({ type: "put", item } as never));
  await dispatch("milk");
  await done(topic.remove());
  await dispatch("bread");
  expect(await lastWhole(log)).toEqual({ id: "revived-2", stored: true });
});
