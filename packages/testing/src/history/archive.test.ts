import { memoryLog } from "@calla/server";
import type { Append, LogRecord, LogStorage } from "@calla/server";
import { defineSession, defineTopic, defineWiring } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { archivedLog } from "./archive.ts";

const count = {
  model: z.number(),
  initial: () => 0,
  messages: { added: z.object({ by: z.number() }), halved: z.object({}) },
  rejections: { odd: z.object({}) },
} as const;
const sum = defineTopic("sum:*", {
  ...count,
  update: {
    added: (n, { by }) => n + by,
    halved: (n, _, context) => (n % 2 === 0 ? n / 2 : context.reject("odd", {})),
  },
});
const own = defineSession({
  ...count,
  update: { added: (n, { by }) => n + by, halved: (n) => n },
});
const wiring = defineWiring({ topics: [sum], session: own });

type RowWrite = Append["rows"][number];

/** An archive, what it told, and appends that go on from where a target stands. */
function archived(log: LogStorage = memoryLog({ shared: true })) {
  const told: string[] = [];
  const made = archivedLog(log, wiring, {
    appended: (target, path, sequence) => told.push(`${target} ${path}/${sequence}`),
    refused: (target, id) => told.push(`${target} refused ${id}`),
    rewound: (target, from, to) => told.push(`${target} from ${from} to ${to}`),
    conflict: (target) => told.push(`${target} conflict`),
  });
  const records = (from: number, by: readonly number[], salt: number): LogRecord[] =>
    by.map((one, i) => ({
      sequence: from + i + 1,
      mark: (from + i + 1) * 10 + salt,
      version: 1,
      at: 1,
      author: null,
      mid: 0,
      id: `m${from + i + 1}`,
      messages: [one === 0 ? { type: "halved" } : { type: "added", by: one }],
    }));
  const appendOf = (
    target: string,
    from: number,
    by: readonly number[],
    {
      rows = [],
      salt = 0,
      before = salt,
    }: { rows?: readonly RowWrite[]; salt?: number; before?: number } = {},
  ): Append => ({
    target,
    expected: { sequence: from, mark: from === 0 ? 0 : from * 10 + before },
    records: records(from, by, salt),
    rows,
    at: 1,
  });
  const append = async (...given: Parameters<typeof appendOf>) =>
    (await made.append([appendOf(...given)]))[0]!.status;
  const path = (target: string, index = -1) => made.archive.get(target)!.paths.at(index)!;
  const models = (target: string, index = -1) => path(target, index).places.map(({ model }) => model);
  return { log: made, told, append, appendOf, path, models };
}
const refusal = (clientId: string, mid: number): RowWrite => ({
  clientId,
  was: mid - 1,
  last: mid,
  settled: 0,
  outcomes: [
    { mid, id: `${clientId} ${mid}`, from: "app", code: "odd", details: {} },
    { mid: mid + 100, id: "applied", sequence: 1 },
  ],
});

describe("an append", () => {
  test("is kept record by record, each with the model after it; the first place is the origin", async () => {
    const { log, told, append, path, models } = archived();
    expect(log.archive.size).toBe(0);
    await append("sum:1", 0, [4, 2]);
    await append("sum:1", 2, [0]);
    expect(models("sum:1")).toEqual([0, 4, 6, 3]);
    expect(path("sum:1").places.map(({ sequence, mark, record }) => [sequence, mark, record?.id])).toEqual([
      [0, 0, undefined],
      [1, 10, "m1"],
      [2, 20, "m2"],
      [3, 30, "m3"],
    ]);
    expect(told).toEqual(["sum:1 0/2", "sum:1 0/3"]);
    expect(log.archive.get("sum:1")!.slices).toEqual([sum]);
    expect((await log.open("sum:1"))?.sequence).toBe(3);
  });

  test("of a record that its update refuses leaves the model; one that holds a model is that", async () => {
    const { log, append, models } = archived();
    await append("sum:1", 0, [3, 0]);
    const whole = {
      sequence: 3,
      mark: 30,
      version: 1,
      at: 1,
      author: null,
      mid: 0,
      id: "w",
      messages: [],
      model: { value: 50 },
    };
    await log.append([
      { target: "sum:1", expected: { sequence: 2, mark: 20 }, records: [whole], rows: [], at: 1 },
    ]);
    await append("sum:1", 3, [1]);
    expect(models("sum:1")).toEqual([0, 3, 3, 50, 51]);
  });

  test("that was a conflict, or of which nothing is known, is not kept, beside others of its batch that are", async () => {
    const inner = memoryLog({ shared: true });
    const fickle: LogStorage = {
      ...inner,
      open: (...args) => inner.open(...args),
      append: async (batch) =>
        (await inner.append(batch)).map((result, i) =>
          batch[i]!.target === "sum:3" ? { status: "unknown", error: new Error("lost") } : result,
        ),
    };
    const { log, told, appendOf, models } = archived(fickle);
    const results = await log.append([
      appendOf("sum:1", 4, [1]),
      appendOf("sum:2", 0, [1]),
      appendOf("sum:3", 0, [1]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["conflict", "appended", "unknown"]);
    expect(told).toEqual(["sum:1 conflict", "sum:2 0/1", "sum:3 conflict"]);
    expect([models("sum:2"), log.archive.has("sum:3")]).toEqual([[0, 1], false]);
  });

  test("that throws is thrown on, and not kept", async () => {
    const inner = memoryLog();
    const { log, told, append } = archived({ ...inner, append: () => Promise.reject(new Error("disk")) });
    await expect(append("sum:1", 0, [1])).rejects.toThrow("disk");
    expect([told, log.archive.size]).toEqual([[], 0]);
  });

  test("of rows alone keeps what was refused, once, and where the head was; what was applied is no refusal", async () => {
    const { log, told, append } = archived();
    await append("sum:1", 0, [], { rows: [refusal("a", 1)] });
    await append("sum:1", 0, [1, 1]);
    await append("sum:1", 2, [1], { rows: [refusal("b", 1)] });
    const again = { ...refusal("b", 2), outcomes: refusal("b", 1).outcomes };
    await append("sum:1", 3, [], { rows: [again] });
    expect([...log.archive.get("sum:1")!.refusals!]).toEqual([
      ["a 1", 0],
      ["b 1", 2],
    ]);
    expect(told).toEqual(["sum:1 refused a 1", "sum:1 0/2", "sum:1 refused b 1", "sum:1 0/3"]);
  });

  test("to a target that no slice has is a mistake of the test's", async () => {
    const { append } = archived();
    await expect(append("else:1", 0, [1])).rejects.toThrow('No slice of the wiring has the target "else:1".');
  });

  test("of several wirings is told each version once, and every history begins with the oldest's model", async () => {
    const later = defineTopic("sum:*", {
      ...count,
      version: 2,
      initial: () => 1_000,
      update: { added: (n, { by }) => n + 2 * by, halved: (n) => n },
      migrate: { 1: {} },
    });
    const log = archivedLog(memoryLog(), [
      defineWiring({ topics: [later] }),
      wiring,
      defineWiring({ topics: [later] }),
    ]);
    const at = { at: 1, author: null, mid: 0, messages: [{ type: "added", by: 1 }] };
    const records = [
      { ...at, sequence: 1, mark: 1, version: 1, id: "a" },
      { ...at, sequence: 2, mark: 2, version: 2, id: "b" },
    ];
    await log.append([{ target: "sum:1", expected: { sequence: 0, mark: 0 }, records, rows: [], at: 1 }]);
    const { slices, paths } = log.archive.get("sum:1")!;
    expect(slices.map(({ version }) => version)).toEqual([1, 2]);
    expect(paths[0]!.places.map(({ model, version }) => [version, model])).toEqual([
      [1, 0],
      [1, 1],
      [2, 3],
    ]);
  });
});

describe("a rewind", () => {
  test("begins another path that shares what it kept, and the former stays as it was", async () => {
    const { log, told, append, path, models } = archived();
    await append("sum:1", 0, [1]);
    await append("sum:1", 1, [1]);
    await append("sum:1", 2, [1]);
    for (const [round, salt] of [
      [1, 1],
      [2, 2],
    ] as const) {
      expect(await log.rewind("sum:1", 1)).toBe(1);
      expect(path("sum:1").from).toBe(1);
      expect(path("sum:1").places[1]).toBe(path("sum:1", 0).places[1]);
      expect(await append("sum:1", 1, [5], { salt, before: 0 })).toBe("appended");
      expect(models("sum:1")).toEqual([0, 1, 6]);
      expect(log.archive.get("sum:1")!.paths).toHaveLength(round + 1);
    }
    expect(models("sum:1", 0)).toEqual([0, 1, 2, 3]);
    expect(told.slice(3)).toEqual(["sum:1 from 3 to 1", "sum:1 1/2", "sum:1 from 2 to 1", "sum:1 2/2"]);
  });

  test("to the middle of an append goes back before it", async () => {
    const { log, append, models } = archived();
    await append("sum:1", 0, [1, 1, 1]);
    expect(await log.rewind("sum:1", 2)).toBe(0);
    expect(models("sum:1")).toEqual([0]);
    expect(await append("sum:1", 0, [7])).toBe("appended");
  });

  test("cuts off the refusals behind it, and no others", async () => {
    const { log, append } = archived();
    await append("sum:1", 0, [1], { rows: [refusal("a", 1)] });
    await append("sum:1", 1, [1], { rows: [refusal("b", 1)] });
    await append("sum:1", 2, [1], { rows: [refusal("c", 1)] });
    await log.rewind("sum:1", 1);
    const { refusals, cutOff } = log.archive.get("sum:1")!;
    expect([[...refusals!.keys()], [...cutOff!]]).toEqual([["a 1", "b 1"], ["c 1"]]);
  });

  test("of what never was is one, too", async () => {
    const { log, told, append } = archived();
    expect(await log.rewind("sum:1", 4)).toBe(0);
    expect(await append("sum:1", 0, [1])).toBe("appended");
    expect(told).toEqual(["sum:1 from 0 to 0", "sum:1 1/1"]);
  });
});

test("a session or tombstone that has expired begins again at the origin, each time; what only was looked for does not", async () => {
  const { log, append, models } = archived();
  await append("@ann", 0, [1]);
  await append("@bob", 0, [1]);
  const expiry = { at: 9, sessions: 5, rows: 0, tombstones: 0, consumers: 0, limit: 9 };
  await log.touch(["@bob"], 8);
  expect((await log.expire(expiry)).sessions).toEqual(["@ann"]);
  expect(models("@ann")).toEqual([0]);
  expect(log.archive.get("@bob")!.paths).toHaveLength(1);
  await append("@ann", 0, [2]);
  expect(models("@ann")).toEqual([0, 2]);
  expect((await log.expire(expiry)).sessions).toEqual(["@ann"]);
  expect(log.archive.get("@ann")!.paths.map(({ from, places }) => [from, places.length])).toEqual([
    [0, 2],
    [0, 2],
    [0, 1],
  ]);
  await append("sum:1", 0, [1]);
  await log.remove("sum:1", 6);
  expect((await log.expire({ ...expiry, sessions: 0, tombstones: 7 })).tombstones).toEqual(["sum:1"]);
  expect(models("sum:1")).toEqual([0]);
});
