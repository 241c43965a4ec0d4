import { expect, test } from "vitest";
import { dedupe, draftOf, emptyRow, remember, rowOf, settle, writeOf } from "./client-row.ts";
import type { ClientRow, Outcome } from "../log/log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const refusal = (mid: number, text = "x"): Outcome => ({
  mid,
  id: `id-${mid}`,
  from: "app",
  code: "no",
  details: { text },
});
const rowWith = (settled: number, last: number): ClientRow => ({
  clientId: "ann",
  last,
  settled,
  outcomes: Array.from({ length: last - settled }, (_, i) => refusal(settled + i + 1)),
});

test("[LG48] what is written of a row is what the batch has added to it", () => {
  const row = draftOf(rowWith(2, 5));
  settle(row, 3);
  remember(row, refusal(6));
  remember(row, refusal(7));
  expect(rowOf(row)).toEqual(rowWith(3, 7));
  expect(writeOf(row)).toEqual({
    clientId: "ann",
    was: 5,
    last: 7,
    settled: 3,
    outcomes: [refusal(6), refusal(7)],
  });
});

test("[LG48] an outcome that is settled in the batch that decided it is not written", () => {
  const row = draftOf(rowWith(2, 5));
  for (const mid of [6, 7, 8]) remember(row, refusal(mid));
  settle(row, 6);
  expect(writeOf(row)).toMatchObject({ settled: 6, outcomes: [{ mid: 7 }, { mid: 8 }] });
  settle(row, 7);
  expect(writeOf(row)).toMatchObject({ was: 5, last: 8, settled: 7, outcomes: [{ mid: 8 }] });
  settle(row, 9);
  expect(writeOf(row)).toMatchObject({ was: 5, last: 9, settled: 9, outcomes: [] });
  expect(row.weight).toBe(0);
});

test("[LG48] a batch that only repeats or settles writes no outcome again", () => {
  const row = draftOf(rowWith(0, 5));
  expect(dedupe(row, 3, "id-3")).toEqual({ is: "known", outcome: refusal(3) });
  expect(writeOf(row)).toMatchObject({ was: 5, last: 5, settled: 0, outcomes: [] });
  settle(row, 4);
  expect(writeOf(row)).toMatchObject({ was: 5, last: 5, settled: 4, outcomes: [] });
  expect(row.outcomes).toEqual([refusal(5)]);
});

test("[LG48] a few acknowledgements are written again with the next, and no more than a few", () => {
  const acknowledged = (mid: number): Outcome => ({ mid, id: `id-${mid}`, sequence: mid });
  const row = draftOf({ ...rowWith(0, 0), outcomes: [] });
  for (let mid = 1; mid <= 6; mid++) remember(row, acknowledged(mid));
  const next = draftOf(rowOf(row));
  settle(next, 2);
  remember(next, acknowledged(7));
  expect(writeOf(next)).toEqual({
    clientId: "ann",
    was: 6,
    last: 7,
    settled: 2,
    outcomes: [3, 4, 5, 6, 7].map(acknowledged),
    whole: true,
  });
  for (let mid = 8; mid <= 9; mid++) remember(next, acknowledged(mid));
  expect(writeOf(next)).toMatchObject({ outcomes: [7, 8, 9].map(acknowledged) });
  expect(writeOf(next).whole).toBeUndefined();
  const refused = draftOf(rowOf(row));
  settle(refused, 5);
  remember(refused, refusal(7));
  expect(writeOf(refused)).toMatchObject({ settled: 5, outcomes: [{ mid: 7 }] });
});

test("[TE3] a draft leaves the row that it was made of as it is", () => {
  const before = rowWith(1, 4);
  const row = draftOf(before);
  settle(row, 3);
  remember(row, refusal(5));
  expect(before).toEqual(rowWith(1, 4));
});

test("[TE9] a row weighs what its outcomes hold, also as they come and go", () => {
  const row = draftOf(rowWith(0, 3));
  const each = row.weight / 3;
  expect(each).toBeGreaterThan(10);
  remember(row, refusal(4, "x".repeat(1_001)));
  expect(row.weight).toBe(4 * each + 1_000);
  settle(row, 3);
  expect(row.weight).toBe(each + 1_000);
  expect(draftOf(rowOf(row)).weight).toBe(row.weight);
  remember(row, { mid: 5, id: "id-5", sequence: 9 });
  expect(row.weight).toBe(each + 1_000);
});

test("[LG48] what batch after batch writes comes to the row that is held", async () => {
  const log = memoryLog();
  let row = emptyRow("ann");
  for (let round = 0; round < 40; round++) {
    const draft = draftOf(row);
    settle(draft, Math.max(0, row.last - (round % 11)));
    for (let i = 0; i <= round % 4; i++) remember(draft, refusal(draft.last + 1));
    const append = { target: "t", expected: { sequence: 0, mark: 0 }, records: [], at: round };
    await log.append([{ ...append, rows: [writeOf(draft)] }]);
    row = rowOf(draft);
    expect(await log.client("t", "ann")).toEqual(row);
  }
});
