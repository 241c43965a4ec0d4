import { expect, test } from "vitest";
import { subscribed, testCore } from "../../test/core.ts";
import { items, messagesIn, turn } from "../../test/kit.ts";
import { dispatch, newDispatch } from "./dispatch.ts";
import { receive } from "./incoming.ts";
import { add as addTo, again, leave, load, number, sendable, settledMid } from "./outbox.ts";
import type { Core, Dispatch, OutboxLimits } from "./records.ts";
import { doubt } from "./suspects.ts";
import { queueOf } from "./targets.ts";

const limits = { maxPending: 100, maxPendingBytes: 1_000, maxPendingAge: 1_000 };
const AUTHOR = { userId: null, visitor: "" };
const entry = (id: string, target = "t", more: Partial<Dispatch> = {}): Dispatch =>
  Object.assign(newDispatch(target, id, 0, AUTHOR, [{ type: id }]), { size: 1 }, more);
/** As much of a client as the outbox looks at. */
const core = (more: Partial<OutboxLimits> = {}): Core =>
  ({
    ...limits,
    ...more,
    queues: new Map(),
    held: new Set(),
    unsaved: new Set(),
    unsent: new Set(),
    size: 0,
    bytes: 0,
  }) as unknown as Core;
const add = (outbox: Core, one: Dispatch): void => addTo(outbox, queueOf(outbox, one.target), one);
function filled(count: number, maxPending = 100) {
  const outbox = core({ maxPending });
  const entries = Array.from({ length: count }, (_, i) => entry(`e${i + 1}`));
  for (const one of entries) add(outbox, one);
  const queue = queueOf(outbox, "t");
  number(queue);
  return { outbox, queue, entries };
}
const store = (entries: readonly Dispatch[]): void => {
  for (const one of entries) one.stage = "stored";
};
const ids = (entries: readonly Dispatch[]): string[] => entries.map(({ id }) => id);

test("[OB2] mids are dense from 1 per target, in dispatch order", () => {
  const outbox = core();
  for (const [id, target] of [
    ["a", "t"],
    ["b", "u"],
    ["c", "t"],
  ] as const)
    add(outbox, entry(id, target));
  expect(number(queueOf(outbox, "t")).map(({ id, mid }) => [id, mid])).toEqual([
    ["a", 1],
    ["c", 2],
  ]);
  expect(number(queueOf(outbox, "t"))).toEqual([]);
  expect(number(queueOf(outbox, "u")).map(({ id, mid }) => [id, mid])).toEqual([["b", 1]]);
  add(outbox, entry("d"));
  expect(number(queueOf(outbox, "t")).map(({ mid }) => mid)).toEqual([3]);
});

test("[OB1] what is not durable holds back all that follows it", () => {
  const { queue, entries } = filled(3);
  store([entries[0], entries[2]] as Dispatch[]);
  expect(ids(sendable(queue, 256))).toEqual(["e1"]);
});

test("[OB4] never more than maxInFlight mids above the durable settled", () => {
  const { outbox, queue, entries } = filled(5);
  store(entries);
  expect(ids(sendable(queue, 2))).toEqual(["e1", "e2"]);
  const [first, second] = entries as [Dispatch, Dispatch];
  leave(outbox, queue, first);
  leave(outbox, queue, second);
  expect(ids(sendable(queue, 2))).toEqual([]);
  queue.settled = 1;
  expect(ids(sendable(queue, 2))).toEqual(["e3"]);
});

test("[OB3] settled is the highest mid up to which all is decided", () => {
  const { outbox, queue, entries } = filled(3);
  const [first, second, third] = entries as [Dispatch, Dispatch, Dispatch];
  leave(outbox, queue, second);
  expect(settledMid(queue)).toBe(0);
  leave(outbox, queue, first);
  expect(settledMid(queue)).toBe(2);
  leave(outbox, queue, third);
  expect(settledMid(queue)).toBe(3);
  add(outbox, entry("unnumbered"));
  expect(settledMid(queue)).toBe(3);
});

test("[CL11] what was sent from a mid on, before a time, is sent again", () => {
  const { outbox, queue, entries } = filled(4);
  entries.forEach((one, i) => Object.assign(one, { stage: "sent", sentAt: i }));
  queue.said = 4;
  again(outbox, queue, 2, 3);
  expect([...outbox.unsent]).toEqual([queue]);
  expect(ids(sendable(queue, 256))).toEqual(["e2", "e3"]);
});

test("[CL11] nothing leaves before the pause is over", () => {
  const { queue, entries } = filled(1);
  store(entries);
  queue.paused = () => {};
  expect(sendable(queue, 256)).toEqual([]);
  queue.paused = undefined;
  expect(ids(sendable(queue, 256))).toEqual(["e1"]);
});

test("[OB5] maxPending: at it, over it, and room again after an outcome", () => {
  const { outbox, queue, entries } = filled(3, 3);
  expect(outbox.size).toBe(3);
  expect(() => add(outbox, entry("e4"))).toThrow(expect.objectContaining({ code: "queue-full" }));
  expect(() => add(outbox, entry("other", "u"))).toThrow(expect.objectContaining({ code: "queue-full" }));
  expect(queue.last).toBe(3);
  leave(outbox, queue, entries[0] as Dispatch);
  add(outbox, entry("e4"));
  expect(number(queue).map(({ mid }) => mid)).toEqual([4]);
});

test("[OB5] maxPendingBytes likewise, what was loaded included", () => {
  const outbox = core({ maxPendingBytes: 10 });
  const queue = queueOf(outbox, "t");
  const old = entry("old", "t", { mid: 1, size: 6 });
  load(outbox, queue, [old]);
  add(outbox, entry("a", "u", { size: 4 }));
  expect(() => add(outbox, entry("b"))).toThrow(
    expect.objectContaining({ code: "queue-full", details: { maxPendingBytes: 10 } }),
  );
  leave(outbox, queue, old);
  add(outbox, entry("b", "t", { size: 6 }));
  expect(outbox.size).toBe(2);
});

test("[OB5] maxPendingAge: while a target's oldest waits longer it takes no more; others do, and nothing is dropped", () => {
  const outbox = core({ maxPendingAge: 10 });
  const old = entry("old");
  add(outbox, old);
  add(outbox, entry("a", "t", { at: 10 }));
  expect(() => add(outbox, entry("b", "t", { at: 11 }))).toThrow(
    expect.objectContaining({ code: "queue-full", details: { maxPendingAge: 10 } }),
  );
  add(outbox, entry("c", "u", { at: 11 }));
  expect(outbox.size).toBe(3);
  leave(outbox, queueOf(outbox, "t"), old);
  add(outbox, entry("b", "t", { at: 11 }));
});

test("[OB2] what was loaded stands before what was dispatched meanwhile", () => {
  const outbox = core();
  add(outbox, entry("new"));
  const queue = queueOf(outbox, "t");
  queue.last = 7;
  load(outbox, queue, [entry("old", "t", { mid: 6, stage: "stored" })]);
  expect(outbox.size).toBe(2);
  expect(number(queue).map(({ id, mid }) => [id, mid])).toEqual([["new", 8]]);
  expect(settledMid(queue)).toBe(5);
});

test("[OB8] nothing leaves from a conflict on", () => {
  const { queue, entries } = filled(3);
  store(entries);
  queue.conflict = 2;
  expect(ids(sendable(queue, 256))).toEqual(["e1"]);
});

test("[OB33] what was made void is not sent under its mid, nor what stands behind it", () => {
  const { queue, entries } = filled(3);
  store(entries);
  Object.assign(entries[1] as Dispatch, { voided: true });
  expect(ids(sendable(queue, 256))).toEqual(["e1"]);
});

test("[OB44] beside a doubted one nothing leaves, and it leaves when everything else has its answer", async () => {
  const { core, clock, sent } = testCore();
  subscribed(core, "list:1", items());
  subscribed(core, "list:2", items());
  sent.length = 0;
  const write = (target: string, text: string) => dispatch(core, target, { type: "added", text }).id;
  const left = (): string[] => messagesIn(sent.splice(0)).map(({ id }) => id);
  const doubted = write("list:1", "doubted");
  const [suspect] = queueOf(core, "list:1").entries;
  doubt(core.suspects, suspect as Dispatch);
  const early = write("list:2", "early");
  await turn();
  expect(left()).toEqual([early]);
  for (let i = 0; i < 4; i++) {
    await clock.advance(100);
    receive(core, { type: "Pong" });
  }
  // Its turn has come, and what is sent has no answer yet.
  const late = write("list:2", "late");
  await clock.advance(100);
  expect(left()).toEqual([]);
  receive(core, { type: "Acknowledge", target: "list:2", mid: 1, id: early, sequence: 1 });
  await turn();
  expect(left()).toEqual([doubted]);
  receive(core, { type: "Acknowledge", target: "list:1", mid: 1, id: doubted, sequence: 1 });
  await turn();
  expect(left()).toEqual([late]);
});
