import { expect, test } from "vitest";
import type { LogRecord } from "../log/log.ts";
import { isCarried, rungRecords } from "./rung-records.ts";

const after = { sequence: 1, mark: 2 };
const record: LogRecord = {
  sequence: 2,
  mark: 3,
  version: 1,
  at: 4,
  author: { clientId: "ada", userId: null },
  mid: 5,
  id: "id",
  messages: [{ type: "added", item: "x" }],
};

test("[TE38] few and small records go along, but not a whole model, nor a history's first", () => {
  const records = (count: number) => Array.from({ length: count }, () => record);
  expect(isCarried({ after, records: records(16) })).toBe(true);
  expect(isCarried({ after, records: records(17) })).toBe(false);
  expect(isCarried({ after, records: [record] }, 4_096)).toBe(true);
  expect(isCarried({ after, records: [record] }, 4_097)).toBe(false);
  expect(isCarried({ after: { sequence: 0, mark: 0 }, records: [record] })).toBe(false);
  expect(isCarried({ after, records: [record, { ...record, model: { value: 1 } }] })).toBe(false);
});

test("[TE38] of a log that does not count bytes, what is large is found to be so", () => {
  const carried = (...values: unknown[]): boolean =>
    isCarried({ after, records: [{ ...record, messages: values.map((value) => ({ type: "set", value })) }] });
  for (const large of [
    "x".repeat(5_000),
    new Uint8Array(5_000),
    Array.from({ length: 1_000 }, (_, i) => i),
    new Map(Array.from({ length: 400 }, (_, i) => [i, { is: "x" }])),
    new Set(Array.from({ length: 1_000 }, (_, i) => BigInt(i))),
    { of: { of: { of: ["x".repeat(5_000)] } } },
  ])
    expect(carried(large)).toBe(false);
  expect(carried("x".repeat(3_000), new Uint8Array(500), [1, 2n, null, true, new Date(0)])).toBe(true);
});

test("[TE38] what comes over a wire is records, or a ring and nothing else", () => {
  expect(rungRecords(after, [record])).toEqual({ after, records: [record] });
  expect(rungRecords(after, [{ ...record, author: null }])).toBeDefined();
  for (const [place, records] of [
    [undefined, undefined],
    [null, [record]],
    [{ sequence: 1 }, [record]],
    [{ ...after, mark: "2" }, [record]],
    [after, []],
    [after, record],
    [after, [record, null]],
    ...[
      { sequence: "2" },
      { mark: 0.5 },
      { version: undefined },
      { at: "4" },
      { mid: null },
      { id: 7 },
      { author: undefined },
      { author: { clientId: "ada" } },
      { author: { clientId: 1, userId: null } },
      { messages: "x" },
      { messages: [null] },
      { messages: [{ type: 7 }] },
      { model: { value: 1 } },
    ].map((changed) => [after, [{ ...record, ...changed }]]),
  ])
    expect(rungRecords(place, records)).toBeUndefined();
});
