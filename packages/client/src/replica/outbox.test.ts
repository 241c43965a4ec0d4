import { expect, test } from "vitest";
import { createOutbox, settledMid } from "./outbox.ts";
import type { Entry } from "./outbox.ts";

const limits = { maxPending: 100, maxPendingBytes: 1_000, maxPendingAge: 1_000 };
const entry = (id: string, target = "t", more: Partial<Entry> = {}): Entry => ({
  target,
  id,
  messages: [{ type: id }],
  at: 0,
  mid: 0,
  stage: "new",
  out: false,
  cuts: 0,
  strikes: 0,
  held: false,
  sentAt: 0,
  size: 1,
  ...more,
});
function filled(count: number, maxPending = 100) {
  const outbox = createOutbox<Entry>({ ...limits, maxPending });
  const entries = Array.from({ length: count }, (_, i) => entry(`e${i + 1}`));
  for (const one of entries) outbox.add(one);
  const queue = outbox.queue("t");
  outbox.number(queue);
  return { outbox, queue, entries };
}
const store = (entries: readonly Entry[]): void => {
  for (const one of entries) one.stage = "stored";
};
const ids = (entries: readonly Entry[]): string[] => entries.map(({ id }) => id);

test("[OB2] mids are dense from 1 per target, in dispatch order", () => {
  const outbox = createOutbox<Entry>(limits);
  for (const [id, target] of [
    ["a", "t"],
    ["b", "u"],
    ["c", "t"],
  ] as const)
    outbox.add(entry(id, target));
  expect(outbox.number(outbox.queue("t")).map(({ id, mid }) => [id, mid])).toEqual([
    ["a", 1],
    ["c", 2],
  ]);
  expect(outbox.number(outbox.queue("t"))).toEqual([]);
  expect(outbox.number(outbox.queue("u")).map(({ id, mid }) => [id, mid])).toEqual([["b", 1]]);
  outbox.add(entry("d"));
  expect(outbox.number(outbox.queue("t")).map(({ mid }) => mid)).toEqual([3]);
});

test("[OB1] what is not durable holds back all that follows it", () => {
  const { outbox, queue, entries } = filled(3);
  store([entries[0], entries[2]] as Entry[]);
  expect(ids(outbox.sendable(queue, 256))).toEqual(["e1"]);
});

test("[OB4] never more than maxInFlight mids above the durable settled", () => {
  const { outbox, queue, entries } = filled(5);
  store(entries);
  expect(ids(outbox.sendable(queue, 2))).toEqual(["e1", "e2"]);
  const [first, second] = entries as [Entry, Entry];
  outbox.decide(queue, first);
  outbox.decide(queue, second);
  expect(ids(outbox.sendable(queue, 2))).toEqual([]);
  queue.settled = 1;
  expect(ids(outbox.sendable(queue, 2))).toEqual(["e3"]);
});

test("[OB3] settled is the highest mid up to which all is decided", () => {
  const { outbox, queue, entries } = filled(3);
  const [first, second, third] = entries as [Entry, Entry, Entry];
  outbox.decide(queue, second);
  expect(settledMid(queue)).toBe(0);
  outbox.decide(queue, first);
  expect(settledMid(queue)).toBe(2);
  outbox.decide(queue, third);
  expect(settledMid(queue)).toBe(3);
  outbox.add(entry("unnumbered"));
  expect(settledMid(queue)).toBe(3);
});

test("[CL11] what was sent from a mid on, before a time, is sent again", () => {
  const { outbox, queue, entries } = filled(4);
  entries.forEach((one, i) => Object.assign(one, { stage: "sent", sentAt: i }));
  outbox.again(queue, 2, 3);
  expect(ids(outbox.sendable(queue, 256))).toEqual(["e2", "e3"]);
});

test("[CL11] nothing leaves before the pause is over", () => {
  const { outbox, queue, entries } = filled(1);
  store(entries);
  queue.paused = () => {};
  expect(outbox.sendable(queue, 256)).toEqual([]);
  queue.paused = undefined;
  expect(ids(outbox.sendable(queue, 256))).toEqual(["e1"]);
});

test("[OB5] maxPending: at it, over it, and room again after an outcome", () => {
  const { outbox, queue, entries } = filled(3, 3);
  expect(outbox.size).toBe(3);
  expect(() => outbox.add(entry("e4"))).toThrow(expect.objectContaining({ code: "queue-full" }));
  expect(() => outbox.add(entry("other", "u"))).toThrow(expect.objectContaining({ code: "queue-full" }));
  expect(queue.last).toBe(3);
  outbox.decide(queue, entries[0] as Entry);
  outbox.add(entry("e4"));
  expect(outbox.number(queue).map(({ mid }) => mid)).toEqual([4]);
});

test("[OB5] maxPendingBytes likewise, what was loaded included", () => {
  const outbox = createOutbox<Entry>({ ...limits, maxPendingBytes: 10 });
  const queue = outbox.queue("t");
  const old = entry("old", "t", { mid: 1, size: 6 });
  outbox.load(queue, [old]);
  outbox.add(entry("a", "u", { size: 4 }));
  expect(() => outbox.add(entry("b"))).toThrow(
    expect.objectContaining({ code: "queue-full", details: { maxPendingBytes: 10 } }),
  );
  outbox.decide(queue, old);
  outbox.add(entry("b", "t", { size: 6 }));
  expect(outbox.size).toBe(2);
});

test("[OB5] maxPendingAge: while a target's oldest waits longer it takes no more; others do, and nothing is dropped", () => {
  const outbox = createOutbox<Entry>({ ...limits, maxPendingAge: 10 });
  const old = entry("old");
  outbox.add(old);
  outbox.add(entry("a", "t", { at: 10 }));
  expect(() => outbox.add(entry("b", "t", { at: 11 }))).toThrow(
    expect.objectContaining({ code: "queue-full", details: { maxPendingAge: 10 } }),
  );
  outbox.add(entry("c", "u", { at: 11 }));
  expect(outbox.size).toBe(3);
  outbox.decide(outbox.queue("t"), old);
  outbox.add(entry("b", "t", { at: 11 }));
});

test("[OB2] what was loaded stands before what was dispatched meanwhile", () => {
  const outbox = createOutbox<Entry>(limits);
  outbox.add(entry("new"));
  const queue = outbox.queue("t");
  queue.last = 7;
  outbox.load(queue, [{ ...entry("old"), mid: 6, stage: "stored" }]);
  expect(outbox.size).toBe(2);
  expect(outbox.number(queue).map(({ id, mid }) => [id, mid])).toEqual([["new", 8]]);
  expect(settledMid(queue)).toBe(5);
});

test("[OB8] nothing leaves from a conflict on", () => {
  const { outbox, queue, entries } = filled(3);
  store(entries);
  queue.conflict = 2;
  expect(ids(outbox.sendable(queue, 256))).toEqual(["e1"]);
});
