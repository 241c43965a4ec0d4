// What is written and not said yet: sent in order, again after every join, and never given up silently.
import { expect, test } from "vitest";
import { Outbox } from "../client/outbox.ts";
import type { Answer, Unsent } from "../client/outbox.ts";

const line = (id: string): Unsent => ({ id, text: `text of ${id}`, at: 0 });

function world(kept: readonly Unsent[] = []) {
  const pushed: { readonly id: string; answer(answer: Answer): Promise<void> }[] = [];
  const waiting: (() => void)[] = [];
  let changes = 0;
  const outbox = new Outbox(kept, {
    push: ({ id }) =>
      new Promise((resolve) => {
        const answer = async (given: Answer): Promise<void> => {
          resolve(given);
          await Promise.resolve();
          await Promise.resolve();
        };
        pushed.push({ id, answer });
      }),
    later: (_, run) => void waiting.push(run),
    changed: () => void changes++,
  });
  return {
    outbox,
    ids: () => pushed.map(({ id }) => id),
    last: () => pushed.at(-1)!,
    pass: () => waiting.splice(0).forEach((run) => run()),
    changes: () => changes,
  };
}

test("lines wait for the room, and go one after the other, in order", async () => {
  const { outbox, ids, last } = world([line("kept")]);
  outbox.add(line("a"));
  expect(ids()).toEqual([]);
  outbox.joined();
  expect(ids()).toEqual(["kept"]);
  await last().answer("ok");
  expect(ids()).toEqual(["kept", "a"]);
  outbox.add(line("b"));
  expect(ids()).toEqual(["kept", "a"]);
  await last().answer("ok");
  await last().answer("ok");
  expect(ids()).toEqual(["kept", "a", "b"]);
  expect(outbox.lines).toEqual([]);
});

test("what was under way when the room was left is sent again after the next join, by the same id", async () => {
  const { outbox, ids, last } = world();
  outbox.joined();
  outbox.add(line("a"));
  outbox.add(line("b"));
  const first = last();
  outbox.left();
  outbox.joined();
  expect(ids()).toEqual(["a", "a"]);
  // The answer of before counts, and sends nothing out of turn.
  await first.answer("ok");
  expect(outbox.lines).toEqual([line("b")]);
  expect(ids()).toEqual(["a", "a"]);
  await last().answer("ok");
  expect(ids()).toEqual(["a", "a", "b"]);
});

test("a line that everybody has heard is not sent any more", async () => {
  const { outbox, ids } = world();
  outbox.joined();
  outbox.add(line("a"));
  outbox.left();
  outbox.remove("a");
  outbox.joined();
  expect([ids(), outbox.lines]).toEqual([["a"], []]);
});

test("a line that came too fast goes again after a pause, before those behind it", async () => {
  const { outbox, ids, last, pass } = world();
  outbox.joined();
  outbox.add(line("a"));
  outbox.add(line("b"));
  await last().answer({ reason: "rate_limited" });
  expect(ids()).toEqual(["a"]);
  pass();
  expect(ids()).toEqual(["a", "a"]);
});

test("a pause that ends in another life of the room sends nothing", async () => {
  const { outbox, ids, last, pass } = world();
  outbox.joined();
  outbox.add(line("a"));
  await last().answer("timeout");
  outbox.left();
  pass();
  expect(ids()).toEqual(["a"]);
});

test("a refused line stays with its reason, holds nobody up, and goes again when its author says so", async () => {
  const { outbox, ids, last } = world();
  outbox.joined();
  outbox.add(line("a"));
  outbox.add(line("b"));
  await last().answer({ reason: "invalid payload" });
  expect(outbox.lines[0]?.failed).toBe("The server does not take it.");
  expect(ids()).toEqual(["a", "b"]);
  outbox.again("a");
  expect(outbox.lines).toEqual([line("b"), line("a")]);
  await last().answer("ok");
  expect(ids()).toEqual(["a", "b", "a"]);
  await last().answer("ok");
  expect(outbox.lines).toEqual([]);
});

test("three times unanswered it is for its author to decide; heard all the same, it is said", async () => {
  const { outbox, ids, last, pass } = world();
  outbox.joined();
  outbox.add(line("a"));
  for (const times of [1, 2, 3]) {
    expect(ids()).toHaveLength(times);
    await last().answer("timeout");
    pass();
  }
  expect(ids()).toHaveLength(3);
  expect(outbox.lines[0]?.failed).toBe("The server does not answer.");
  outbox.remove("a");
  expect(outbox.lines).toEqual([]);
});

test("a failed line that a page has kept is not sent by itself", () => {
  const { outbox, ids } = world([{ ...line("a"), failed: "why" }]);
  outbox.joined();
  expect([ids(), outbox.lines.length]).toEqual([[], 1]);
});

test("every change of the lines is told", async () => {
  const { outbox, last, changes } = world();
  outbox.joined();
  const before = changes();
  outbox.add(line("a"));
  expect(changes()).toBe(before + 1);
  await last().answer("ok");
  expect(changes()).toBe(before + 2);
});
