import { expect, test } from "vitest";
import { nextTo, placeBeside } from "../client/steps.ts";
import type { Card, Column } from "../shared/wiring.ts";

const card = (id: string, column: Column): Card => ({
  id,
  column,
  text: id,
  by: { name: "Ann", colour: "red" },
});
const cards = [
  card("a", "todo"),
  card("x", "doing"),
  card("b", "todo"),
  card("c", "todo"),
  card("y", "doing"),
];
const from = (id: string, key: string) =>
  placeBeside(
    cards,
    cards.find((one) => one.id === id)!,
    key,
  );

test.each([
  ["b", "ArrowUp", { column: "todo", before: "a" }],
  ["a", "ArrowUp", undefined],
  ["a", "ArrowDown", { column: "todo", before: "c" }],
  ["b", "ArrowDown", { column: "todo", before: null }],
  ["c", "ArrowDown", undefined],
  ["b", "ArrowRight", { column: "doing", before: "y" }],
  ["c", "ArrowRight", { column: "doing", before: null }],
  ["y", "ArrowRight", { column: "done", before: null }],
  ["a", "ArrowLeft", undefined],
  ["x", "ArrowLeft", { column: "todo", before: "a" }],
] as const)("%s, by %s", (id, key, place) => {
  expect(from(id, key)).toEqual(place);
});

test("the card after one is that of its column", () => {
  expect(
    ["a", "c"].map((id) =>
      nextTo(
        cards,
        cards.find((one) => one.id === id)!,
      ),
    ),
  ).toEqual(["b", null]);
});
