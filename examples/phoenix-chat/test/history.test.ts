// A room's topic: which lines are kept, and which a page is given.
import { createServer, memoryLog } from "@calla/server";
import { afterEach, expect, test } from "vitest";
import { cursorOf, history, PAGE, pageAfter, pageBefore, serialiser, wiring } from "../server/history.ts";
import type { History } from "../server/history.ts";

const server = () => createServer({ wiring, serialiser, log: memoryLog() });
let open: ReturnType<typeof server>[] = [];
afterEach(async () => {
  await Promise.all(open.map((one) => one.stop()));
  open = [];
});

const line = (n: number) => ({ n, id: `id-${n}`, author: "ann", name: "Ann", text: `line ${n}`, at: n });
const of = (from: number, to: number): History => ({
  count: to,
  lines: Array.from({ length: to - from + 1 }, (_, index) => line(from + index)),
});
const numbers = ({ lines }: { readonly lines: readonly { readonly n: number }[] }) => lines.map(({ n }) => n);

test("a room keeps its last 500 lines, numbered from the first", async () => {
  const one = server();
  open.push(one);
  const topic = one.topic(history, "lobby");
  for (let n = 1; n <= 502; n++)
    await topic.dispatch({ type: "said", id: `id-${n}`, author: "ann", name: "Ann", text: "a" });
  const { model } = await topic.read();
  expect([model.count, model.lines.length, model.lines[0]?.n, model.lines.at(-1)?.n]).toEqual([
    502, 500, 3, 502,
  ]);
});

test("a page is given what it missed", () => {
  const model = of(1, 120);
  expect(pageAfter(model, { n: 118, id: "id-118" })).toEqual({
    lines: [line(119), line(120)],
    earlier: false,
    continues: true,
  });
  expect(pageAfter(model, cursorOf(model)).lines).toEqual([]);
  expect(numbers(pageAfter(model, { n: 120 - PAGE, id: `id-${120 - PAGE}` }))).toHaveLength(PAGE);
});

test.each([
  ["has nothing", null],
  ["missed more than a page", { n: 69, id: "id-69" }],
  ["has a line that is not kept any more", { n: 0, id: "id-0" }],
  ["is of another history", { n: 118, id: "another" }],
  ["is ahead of a history that was lost", { n: 500, id: "id-500" }],
])("a page that %s begins with the newest lines", (_, cursor) => {
  const page = pageAfter(of(1, 120), cursor);
  expect(page).toMatchObject({ continues: false, earlier: true });
  expect(numbers(page)).toEqual(numbers(of(121 - PAGE, 120)));
});

test("older lines come a page at a time, and the last one says that it is", () => {
  const model = of(1, 120);
  const first = pageBefore(model, 71);
  expect([numbers(first)[0], first.lines.length, first.earlier]).toEqual([21, PAGE, true]);
  const second = pageBefore(model, 21);
  expect([numbers(second), second.earlier]).toEqual([numbers(of(1, 20)), false]);
  expect(pageAfter(of(1, 3), null)).toMatchObject({ earlier: false, continues: false });
  expect(cursorOf({ count: 0, lines: [] })).toBeNull();
});
