// What the people of a long run do: a room whose model stays small, a session, cursors.
import { automatic, defineEphemeral, defineSession, defineTopic, defineWiring, json } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import * as z from "zod";

/** How many of the last messages a room shows. */
const KEPT = 5;

export const room = defineTopic("room:*", {
  model: z.object({ count: z.number(), last: z.array(z.string()) }),
  initial: () => ({ count: 0, last: [] }),
  messages: { said: z.object({ text: z.string().max(200) }), unwelcome: z.object({}) },
  rejections: { never: z.object({}) },
  update: {
    said: ({ count, last }, { text }) => ({ count: count + 1, last: [...last, text].slice(-KEPT) }),
    unwelcome: (_, _message, context) => context.reject("never", {}),
  },
});
export const cursors = defineEphemeral("cursors:*", {
  messages: { moved: z.object({ x: z.number(), y: z.number() }) },
  keep: "latest",
});
export const wiring = defineWiring({
  session: defineSession({
    model: z.object({ seen: z.number() }),
    initial: () => ({ seen: 0 }),
    messages: { saw: z.object({}) },
    update: { saw: ({ seen }) => ({ seen: seen + 1 }) },
  }),
  topics: [room, cursors],
});
export const serialiser = automatic(json(), messagePack());
