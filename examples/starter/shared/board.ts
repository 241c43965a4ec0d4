// What a board is and what can happen to it. The server decides by this file; the page shows by it what it will decide.
import { automatic, definePresence, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";

export const columns = ["To do", "Doing", "Done"] as const;
const MAX_CARDS = 200;

const Card = z.object({
  id: z.string().max(64),
  column: z.enum(columns),
  text: z.string().regex(/\S/).max(200),
});
export type Card = z.infer<typeof Card>;

/** A topic for each id: "board:brave-otter" and "board:quiet-heron" know nothing of each other. */
export const board = defineTopic("board:*", {
  model: z.object({ cards: z.array(Card) }),
  initial: () => ({ cards: [] }),
  presence: definePresence(z.object({ name: z.string().max(24) })),
  messages: {
    added: Card,
    edited: Card.pick({ id: true, text: true }),
    moved: Card.pick({ id: true, column: true }),
    removed: Card.pick({ id: true }),
  },
  rejections: { full: z.object({ limit: z.number() }), gone: z.object({ id: z.string() }) },
  update: {
    added: (model, { id, column, text }, { reject }) => {
      if (model.cards.some((card) => card.id === id)) return model;
      if (model.cards.length >= MAX_CARDS) return reject("full", { limit: MAX_CARDS });
      return { cards: [...model.cards, { id, column, text }] };
    },
    edited: ({ cards }, { id, text }, { reject }) =>
      cards.some((card) => card.id === id)
        ? { cards: cards.map((card) => (card.id === id ? { ...card, text } : card)) }
        : reject("gone", { id }),
    moved: ({ cards }, { id, column }, { reject }) => {
      const card = cards.find((card) => card.id === id);
      if (!card) return reject("gone", { id });
      return { cards: [...cards.filter((other) => other !== card), { ...card, column }] };
    },
    removed: ({ cards }, { id }) => ({ cards: cards.filter((card) => card.id !== id) }),
  },
});

export const wiring = defineWiring({ topics: [board] });
export const serialiser = automatic(json());
