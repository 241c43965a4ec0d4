import { expect, test } from "vitest";
import { applyChange, inside, nothingStored } from "./storage.ts";
import type { ClientChange, StoredDraft } from "./storage.ts";
import { memoryStorage } from "./memory-storage.ts";

const entry = (mid: number, target = "t"): ClientChange => ({
  type: "entry",
  entry: { target, mid, id: `${target} ${mid}`, messages: [mid], at: 1, version: 1 },
});
const outcome = (mid: number, sequence: number): ClientChange => ({
  type: "outcome",
  target: "t",
  mid,
  sequence,
});
const model = (sequence: number, target = "t"): ClientChange => ({
  type: "model",
  target,
  model: { version: 1, model: {}, sequence, mark: 1, usedAt: 1 },
});
function folded(...changes: readonly ClientChange[]): StoredDraft {
  const stored = nothingStored({ server: "s", user: undefined });
  for (const change of changes) applyChange(stored, change);
  return stored;
}
const left = ({ entries }: StoredDraft) => [...entries.values()].map(({ mid, sequence }) => [mid, sequence]);

test("[OB6] a settled entry stays only where an older model of its target is stored", () => {
  expect(left(folded(entry(1), outcome(1, 6)))).toEqual([]);
  expect(left(folded(model(9, "other"), entry(1), outcome(1, 6)))).toEqual([]);
  expect(left(folded(model(6), entry(1), outcome(1, 6)))).toEqual([]);
  expect(left(folded(model(5), entry(1), outcome(1, 6)))).toEqual([[1, 6]]);
  // What was not applied is shown by no model.
  expect(left(folded(model(5), entry(1), outcome(1, 0)))).toEqual([]);
});

test("[OB6] it goes with the model that has it, or with the model that lacks it, and nothing else goes", () => {
  const before = [model(5), entry(1), entry(2), entry(3), outcome(1, 6), outcome(2, 8)];
  expect(left(folded(...before, model(7)))).toEqual([
    [2, 8],
    [3, undefined],
  ]);
  expect(left(folded(...before, { type: "drop-model", target: "t" }))).toEqual([[3, undefined]]);
  expect(left(folded(...before, model(9, "other"), { type: "drop-model", target: "other" }))).toHaveLength(3);
});

test("[OB6] an outcome of what was never stored stores nothing", () => {
  expect(left(folded(model(5), outcome(1, 6)))).toEqual([]);
});

test("[CL1] the identity says whose the client is", () => {
  const identity = { clientId: "c", secret: "s", userId: "ann" };
  expect(folded({ type: "identity", identity })).toMatchObject({ user: "ann", identity, server: "s" });
});

test("[OB2] the last of a target's mids is kept when its entries are gone", () => {
  const stored = folded(entry(1), { type: "target", target: "t", settled: 1, last: 1 }, outcome(1, 3));
  expect([left(stored), stored.targets.get("t")]).toEqual([[], { settled: 1, last: 1 }]);
});

test("[OB6] what is inside of a storage is the storage", () => {
  const storage = memoryStorage();
  expect(inside(storage)).toBe(storage);
});
