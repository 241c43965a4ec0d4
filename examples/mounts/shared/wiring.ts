// A counter that everybody with its name may subscribe to.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import * as z from "zod";

export const counter = defineTopic("counter:*", {
  model: z.object({ count: z.number() }),
  initial: () => ({ count: 0 }),
  messages: { added: z.object({ by: z.number().int(), why: z.string().optional() }) },
  update: { added: ({ count }, { by }) => ({ count: count + by }) },
});

export const wiring = defineWiring({ topics: [counter] });
export const serialiser = automatic(json(), messagePack());
