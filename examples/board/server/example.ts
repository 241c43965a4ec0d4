// The board for who comes first: its cards say what to try. Each visitor gets one of their own, by an id that nobody has.
import type { MessageOf } from "@calla/shared";
import type { board, Column, Person } from "../shared/wiring.ts";

type BoardMessage = MessageOf<typeof board>;

export const isExample = (id: string): boolean => id.startsWith("example-");

const by: Person = { name: "Calla", colour: "green" };
const cards: readonly (readonly [id: string, column: Column, text: string])[] = [
  ["drag", "todo", "Drag me to Doing, or press Alt and an arrow key"],
  ["share", "todo", "Copy the link and open it in a second window: what one does the other sees"],
  ["offline", "todo", "Go offline, change something, come back: nothing is lost"],
  ["edit", "doing", "Click this text and change it"],
  [
    "full",
    "doing",
    "Five cards are the most in Doing. Add more: the server refuses, and your text comes back",
  ],
  ["open", "done", "Open an example board"],
];

/** What makes an example of an empty board. Once more it changes nothing. */
export const exampleMessages: readonly BoardMessage[] = [
  { type: "boardRenamed", title: "A first look" },
  ...cards.map(([id, column, text]): BoardMessage => ({
    type: "cardAdded",
    id,
    column,
    text,
    by,
    before: null,
  })),
];
