// Who is here, as the page shows it.
import { expect, test } from "vitest";
import { cardsOf, sentenceOf, usersOf } from "../client/people.ts";
import type { Tab } from "../client/people.ts";

const tab = (key: string, card: string | null = null, editing = false): Tab => ({
  key,
  meta: { name: key, colour: "blue", card, editing },
});

test("several tabs of one user are one face, with the name that was taken last", () => {
  const renamed = { key: "Bo", meta: { name: "Bodil", colour: "red", card: null, editing: false } } as const;
  expect(usersOf([tab("Bo"), tab("Cy"), renamed])).toEqual([
    { key: "Bo", name: "Bodil", colour: "red", tabs: 2 },
    { key: "Cy", name: "Cy", colour: "blue", tabs: 1 },
  ]);
});

test("who edits a card in one tab and only looks at it in another edits it, once", () => {
  const cards = cardsOf([tab("Bo", "1", true), tab("Cy", "1"), tab("Di", "2"), tab("Bo", "1"), tab("Ed")]);
  expect([...cards].map(([id, there]) => [id, there.map(({ key, editing }) => [key, editing])])).toEqual([
    [
      "1",
      [
        ["Cy", false],
        ["Bo", true],
      ],
    ],
    ["2", [["Di", false]]],
  ]);
});

test.each([
  [["Bo"], "Bo edits this card"],
  [["Bo", "Cy"], "Bo and Cy edit this card"],
  [["Bo", "Cy", "Di"], "Bo, Cy and Di edit this card"],
  [["Bo", "Cy", "Di", "Ed"], "Bo, Cy and 2 others edit this card"],
  [["me"], "You edit this card in another tab"],
  [["me", "Bo"], "You and Bo edit this card"],
])("that %j edit a card is said in words", (keys, sentence) => {
  const there = keys.map((key) => ({ key, name: key, colour: "blue", editing: true }) as const);
  expect(sentenceOf([...there, { key: "Fay", name: "Fay", colour: "red", editing: false }], "me")).toBe(
    sentence,
  );
});

test("who is at a card that nobody edits is said, too", () => {
  const at = (key: string) => ({ key, name: key, colour: "blue", editing: false }) as const;
  expect([[], [at("Bo")], [at("Bo"), at("Cy")], [at("me")]].map((there) => sentenceOf(there, "me"))).toEqual([
    "",
    "Bo is at this card",
    "Bo and Cy are at this card",
    "You are at this card in another tab",
  ]);
});
