// What a log comes to, by itself: pages, versions, what cannot be folded, and others that write meanwhile.
import { hashValue } from "@calla/shared";
import type { ModelSlice } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { cards, wirings } from "../../test/deploy.ts";
import { parts } from "../../test/parts.ts";
import type { Append, LogStorage } from "../log/log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { at, appendOf, record } from "../testing/log-contract/kit.ts";
import { isNewer, newerVersion, openState } from "./open-target.ts";

const KEY = "list:1";
const sliceOf = (version: 1 | 2): ModelSlice => wirings[version - 1]!.topics[0] as unknown as ModelSlice;
const put = (item: string, version = 1) =>
  version === 1 ? { type: "put", item } : { type: "added", text: item };

/** A log with one record for each item, all of one version. */
async function logOf(items: readonly string[], version = 1, log = memoryLog()): Promise<LogStorage> {
  for (const [i, item] of items.entries())
    await log.append([appendOf(KEY, i, 1, { version, messages: [put(item, version)] })]);
  return log;
}
const opened = (log: LogStorage, version: 1 | 2, limits = {}) => {
  const it = parts({ log, wiring: wirings[version - 1]!, limits });
  return {
    ...it,
    open: (doubted?: Parameters<typeof openState>[3]) =>
      openState(it.context, KEY, sliceOf(version), doubted),
  };
};
/** A log of which some calls go elsewhere. */
const bent = (log: LogStorage, some: Partial<LogStorage>): LogStorage =>
  new Proxy(log, {
    get(target, name: keyof LogStorage) {
      const value: unknown = some[name] ?? target[name];
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });

describe("a target is folded", () => {
  test("from nothing to its initial model, and nothing is written for it", async () => {
    const log = memoryLog();
    const { open } = opened(log, 1);
    expect(await open()).toEqual({ sequence: 0, mark: 0, at: 0, model: { items: [] }, removed: false });
    expect(await log.open(KEY)).toBeUndefined();
  });

  test("from all its records, or from its snapshot and those behind it, in pages of one, too", async () => {
    const log = await logOf(["a", "b", "c"]);
    const whole = {
      sequence: 3,
      mark: at(3).mark,
      at: record(3).at,
      model: { items: ["a", "b", "c"] },
      removed: false,
    };
    expect(await opened(log, 1).open()).toEqual(whole);
    expect(await opened(log, 1, { maxCatchUp: 1 }).open()).toEqual(whole);
    const stored = { ...at(2), version: 1, at: record(2).at, model: { items: ["stored"] } };
    await log.saveSnapshot(KEY, stored);
    for (const maxCatchUp of [1, 0, 100])
      expect((await opened(log, 1, { maxCatchUp }).open()).model).toEqual({ items: ["stored", "c"] });
  });

  test("a removed one is removed, at the place where it was, and nothing is folded", async () => {
    const log = await logOf(["a", "b"]);
    await log.remove(KEY, 5);
    const state = await opened(log, 1).open();
    expect(state).toMatchObject({ sequence: 2, model: { items: [] }, removed: true });
    expect(state.mark).not.toBe(at(2).mark);
  });

  test("it is begun anew where the log was compacted meanwhile, as often as it is", async () => {
    const log = await logOf(["a", "b"]);
    let compactions = 2;
    const bend = bent(log, {
      read: (...asked) => (compactions-- > 0 ? Promise.resolve({ status: "compacted" }) : log.read(...asked)),
    });
    expect((await opened(bend, 1).open()).model).toEqual({ items: ["a", "b"] });
    expect(compactions).toBe(-1);
    const always = bent(log, { read: () => Promise.resolve({ status: "compacted" }) });
    await expect(opened(always, 1).open()).rejects.toMatchObject({
      code: "storage",
      details: { target: KEY },
    });
  });
});

describe("a record that cannot be folded", () => {
  test("[VE5] [VE6] is skipped by one record with the whole model, reported once, and found settled by whoever opens next", async () => {
    const log = await logOf(["a", "refused", "b", "refused"], 2);
    const one = opened(log, 2);
    expect(await one.open()).toMatchObject({ sequence: 5, model: cards("a", "b") });
    const read = await log.read(KEY, at(4), 9);
    expect(read).toMatchObject({
      records: [{ id: "skipped-2-2-5", author: null, model: { value: cards("a", "b") } }],
    });
    expect(one.errors).toMatchObject([
      { code: "skipped", details: { target: KEY, sequence: 2, id: "id-2" } },
      { code: "skipped", details: { sequence: 4 } },
    ]);
    const next = opened(log, 2);
    expect(await next.open()).toMatchObject({ sequence: 5, model: cards("a", "b") });
    expect(next.errors).toEqual([]);
  });

  test("[VE5] before a record with a whole model needs no settling", async () => {
    const log = await logOf(["refused"], 2);
    await log.append([
      {
        target: KEY,
        expected: at(1),
        records: [record(2, { version: 2, messages: [], model: { value: cards("new") } })],
        rows: [],
        at: 2,
      },
    ]);
    const it = opened(log, 2);
    expect(await it.open()).toMatchObject({ sequence: 2, model: cards("new") });
    expect(it.errors).toEqual([]);
  });
});

describe("an older version's target", () => {
  test("[VE3] [VE6] is migrated by one record and stored; the second time there is nothing to do", async () => {
    const log = await logOf(["a", "b"]);
    const first = await opened(log, 2).open();
    expect(first).toMatchObject({ sequence: 3, model: cards("a", "b") });
    expect(await log.open(KEY)).toMatchObject({
      version: 2,
      snapshot: { sequence: 3, version: 2, model: cards("a", "b") },
    });
    expect(await opened(log, 2).open()).toEqual(first);
  });

  test("[VE3] [VE12] another node that was first is read on from: its record is in the migrated model", async () => {
    const log = await logOf(["a"]);
    let late = false;
    const bend = bent(log, {
      async append(appends: readonly Append[]) {
        if (!late) await log.append([appendOf(KEY, 1, 1, { messages: [put("late")] })]);
        late = true;
        return log.append(appends);
      },
    });
    expect(await opened(bend, 2).open()).toMatchObject({ sequence: 3, model: cards("a", "late") });
    expect((await log.read(KEY, at(2), 9)) as object).toMatchObject({ records: [{ id: "migrated-1-2-3" }] });
  });

  test("[VE12] twenty others that are first each time are too many: it is given up, and nothing is lost", async () => {
    const log = await logOf(["a"]);
    let tries = 0;
    const bend = bent(log, { append: () => Promise.resolve([{ status: "conflict" }]) });
    const busy = bent(bend, { read: (...asked) => (tries++, log.read(...asked)) });
    await expect(opened(busy, 2).open()).rejects.toMatchObject({ code: "storage" });
    expect(tries).toBe(20);
    expect(await opened(log, 2).open()).toMatchObject({ model: cards("a") });
  });

  test("[VE5] what its author's migration drops goes without a word, with what cannot be migrated it is reported", async () => {
    const log = await logOf(["a"]);
    await log.append([appendOf(KEY, 1, 1, { messages: [{ type: "voted" }] })]);
    await log.append([appendOf(KEY, 2, 1, { messages: [put("x".repeat(21))] })]);
    const it = opened(log, 2);
    expect(await it.open()).toMatchObject({ sequence: 4, model: cards("a") });
    expect(it.errors).toMatchObject([{ code: "skipped", details: { sequence: 3 } }]);
    expect(await log.read(KEY, at(3), 1)).toMatchObject({ records: [{ id: "migrated-1-2-skipped-3-1-4" }] });
  });

  test("[VE1] whose model cannot be migrated is left as it is, each time; a whole model behind it heals it", async () => {
    const log = await logOf([]);
    const spoilt = { items: ["unmigrated"] };
    await log.append([
      {
        target: KEY,
        expected: at(0),
        records: [record(1, { messages: [], model: { value: spoilt } })],
        rows: [],
        at: 1,
      },
    ]);
    for (let time = 0; time < 2; time++)
      await expect(opened(log, 2).open()).rejects.toMatchObject({ code: "version" });
    expect((await log.open(KEY))?.sequence).toBe(1);
    await log.append([
      {
        target: KEY,
        expected: at(1),
        records: [record(2, { version: 2, messages: [], model: { value: cards("healed") } })],
        rows: [],
        at: 2,
      },
    ]);
    expect(await opened(log, 2).open()).toMatchObject({ sequence: 2, model: cards("healed") });
  });
});

describe("a newer version's target", () => {
  test("[VE4] is left alone, with both versions named", async () => {
    const log = await logOf(["a"], 2);
    const { open } = opened(log, 1);
    const error: unknown = await open().catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: "version",
      details: { target: KEY, slice: "list:*", version: 2, ours: 1 },
    });
    expect(isNewer(error)).toBe(true);
    expect((await log.open(KEY))?.sequence).toBe(1);
  });

  test("[VE4] is told apart from a migration that failed, and from any other error", () => {
    expect(isNewer(newerVersion(KEY, sliceOf(1), 2))).toBe(true);
    for (const other of [new Error("version"), undefined, { code: "version", details: { version: 2 } }])
      expect(isNewer(other)).toBe(false);
  });
});

describe("a doubted model", () => {
  const digest = hashValue({ items: ["a"] });

  test("[VE18] that the log folds to is settled by a record for everybody; once", async () => {
    const log = await logOf(["a"]);
    const state = await opened(log, 1).open({ ...at(1), digest });
    expect(state).toMatchObject({ sequence: 2, model: { items: ["a"] } });
    expect(await log.read(KEY, at(1), 1)).toMatchObject({
      records: [{ id: "diverged-2", model: { value: { items: ["a"] } } }],
    });
    expect(await opened(log, 1).open({ ...at(1), digest })).toEqual(state);
  });

  test("[VE18] that the log does not fold to, or of another place, is nobody's: what the log says counts", async () => {
    const log = await logOf(["a"]);
    for (const doubted of [
      { ...at(1), digest: digest + 1 },
      { ...at(2), digest },
      { sequence: 1, mark: at(1).mark + 1, digest },
    ])
      expect(await opened(log, 1).open(doubted)).toMatchObject({ sequence: 1, model: { items: ["a"] } });
  });
});
