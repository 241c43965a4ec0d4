// What a board is and what can happen to it. Server and browser import this file alike: the server decides by it, the
// browser predicts by it.
import {
  automatic,
  defineEphemeral,
  definePresence,
  defineSession,
  defineTopic,
  defineWiring,
  json,
  serverOnly,
} from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import { z } from "zod";

export const columns = ["todo", "doing", "done"] as const;
export const colours = ["red", "orange", "olive", "green", "teal", "blue", "violet", "pink"] as const;
const MAX_CARDS = 200;
/** Begun and not finished. Whoever breaks this rule, perhaps in a race with somebody else, is told so. */
export const MAX_DOING = 5;

const Column = z.enum(columns);
const Person = z.object({ name: z.string().regex(/\S/).max(24), colour: z.enum(colours) });
const Card = z.object({
  id: z.string().max(64),
  column: Column,
  text: z.string().regex(/\S/).max(300),
  by: Person,
});
const Here = Person.extend({
  /** The card I am at; null: none. */
  card: z.string().max(64).nullable(),
  editing: z.boolean(),
});
const before = z.string().nullable();

export type Column = z.infer<typeof Column>;
export type Person = z.infer<typeof Person>;
export type Card = z.infer<typeof Card>;
/** What each tab says of itself while it is at a board. */
export type Here = z.infer<typeof Here>;

/** A board that everybody with its link edits: one topic for each id, "board:brave-otter-42". */
export const board = defineTopic("board:*", {
  model: z.object({ title: z.string(), cards: z.array(Card) }),
  initial: () => ({ title: "", cards: [] }),
  presence: definePresence(Here),
  messages: {
    boardRenamed: z.object({ title: z.string().max(60) }),
    cardAdded: Card.extend({ before }),
    cardEdited: Card.pick({ id: true, text: true, by: true }),
    cardMoved: Card.pick({ id: true, column: true }).extend({ before }),
    cardDeleted: Card.pick({ id: true }),
  },
  rejections: {
    boardFull: z.object({ limit: z.number() }),
    doingFull: z.object({ limit: z.number() }),
    noSuchCard: z.object({ id: z.string() }),
  },
  update: {
    boardRenamed: (board, { title }) => ({ ...board, title }),
    cardAdded: ({ title, cards }, { id, column, text, by, before }, { reject }) => {
      const card: Card = { id, column, text, by };
      if (cards.some((card) => card.id === id)) return { title, cards };
      if (cards.length >= MAX_CARDS) return reject("boardFull", { limit: MAX_CARDS });
      if (!fits(cards, card)) return reject("doingFull", { limit: MAX_DOING });
      return { title, cards: placed(cards, card, before) };
    },
    cardEdited: ({ title, cards }, { id, text, by }, { reject }) => {
      if (!cards.some((card) => card.id === id)) return reject("noSuchCard", { id });
      return { title, cards: cards.map((card) => (card.id === id ? { ...card, text, by } : card)) };
    },
    cardMoved: ({ title, cards }, { id, column, before }, { reject }) => {
      const card = cards.find((card) => card.id === id);
      if (!card) return reject("noSuchCard", { id });
      const moved = { ...card, column };
      if (!fits(cards, moved)) return reject("doingFull", { limit: MAX_DOING });
      return { title, cards: placed(cards, moved, before) };
    },
    // What is gone already is as gone as its author wanted it.
    cardDeleted: ({ title, cards }, { id }) => ({ title, cards: cards.filter((card) => card.id !== id) }),
  },
});

/** Whether the card's column has room for it. */
const fits = (cards: readonly Card[], { id, column }: Card): boolean =>
  column !== "doing" || cards.filter((card) => card.column === "doing" && card.id !== id).length < MAX_DOING;

/** The cards with this one before its neighbour, or last if the neighbour has gone meanwhile. */
function placed(cards: readonly Card[], card: Card, before: string | null): Card[] {
  const others = cards.filter(({ id }) => id !== card.id);
  const at = others.findIndex(({ id, column }) => id === before && column === card.column);
  return at === -1 ? [...others, card] : others.toSpliced(at, 0, card);
}

/** Where those who are at a board point: the latest of each visitor, in memory only, gone when they leave. */
export const cursors = defineEphemeral("cursors:*", {
  messages: {
    pointed: Person.extend({
      /** In a column rather than on the page, so that it is right on narrow and wide screens alike. */
      at: z.object({ column: Column, x: z.number(), y: z.number() }).nullable(),
    }),
  },
  keep: "latest",
});

/** Who I am: one for each visitor, seen by nobody else. */
export const session = defineSession({
  model: z.object({ person: Person.nullable() }),
  initial: () => ({ person: null }),
  messages: { introduced: Person, seeded: serverOnly(Person) },
  update: {
    introduced: (_, { name, colour }) => ({ person: { name, colour } }),
    // Comes with every connection; what I chose myself stays.
    seeded: ({ person }, { name, colour }) => ({ person: person ?? { name, colour } }),
  },
});

export const wiring = defineWiring({ session, topics: [board, cursors] });
/** JSON unless the browser asks for MessagePack (`?format=messagepack`). */
export const serialiser = automatic(json(), messagePack());
