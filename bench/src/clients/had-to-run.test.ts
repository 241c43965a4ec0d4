import { expect, test } from "vitest";
import { hadToRun } from "./had-to-run.ts";
import type { Came } from "./had-to-run.ts";

const frame = (...authors: readonly number[]) => ({
  type: "TopicUpdate",
  records: authors.map((x, i) => [0, 0, i, `id-${i}`, [{ type: "moved", item: 0, x, y: i }]]),
});
const came = (said: unknown, made: number): Came => ({ data: Buffer.from(JSON.stringify(said)), made });
const OWN = 3;

test("a follower runs each record once", () => {
  expect(hadToRun(OWN, [came(frame(1), 0), came(frame(1, 2, 4), 0)], 0)).toEqual({
    updates: 4,
    snapshots: 0,
  });
});

test("what one says is run once to be shown, and not again where it comes back as predicted", () => {
  expect(hadToRun(OWN, [came(frame(OWN), 2), came(frame(OWN), 2)], 2).updates).toBe(2);
});

test("what waits runs again once a frame with somebody else's record, not once a record", () => {
  // 5 predictions; 3 records of others, over which 5 wait.
  expect(hadToRun(OWN, [came(frame(1, 1, 2), 5)], 5).updates).toBe(5 + 3 + 5);
  // 5 predictions; 2 own and 1 other, over which 3 wait; then the own rest as predicted.
  expect(hadToRun(OWN, [came(frame(OWN, 1, OWN), 5), came(frame(OWN, OWN, OWN), 5)], 5).updates).toBe(
    5 + 3 + 3,
  );
});

test("what one had not said yet when a frame came did not wait", () => {
  expect(hadToRun(OWN, [came(frame(1), 1), came(frame(1), 4)], 10).updates).toBe(10 + 1 + 1 + 1 + 4);
});

test("frames of a packet are counted each, other frames are none, a snapshot is told", () => {
  const said = [frame(1), { type: "Settled" }, { type: "Snapshot", model: {} }, frame(2)];
  expect(hadToRun(OWN, [came(said, 1)], 1)).toEqual({ updates: 1 + 1 + 1 + 1 + 1, snapshots: 1 });
});
