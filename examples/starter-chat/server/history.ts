// What was said in a room: a topic that only the server writes to and reads.
import { defineTopic, defineWiring, json, plain, serverOnly } from "@calla/shared";
import type { ModelOf } from "@calla/shared";
import * as z from "zod";

const Said = z.object({ name: z.string(), text: z.string() });
const KEPT = 500;

export const history = defineTopic("history:*", {
  model: z.object({ lines: z.array(Said.extend({ n: z.number(), at: z.number() })) }),
  initial: () => ({ lines: [] }),
  messages: { said: serverOnly(Said) },
  update: {
    said: ({ lines }, { name, text }, { at }) => ({
      lines: [...lines.slice(1 - KEPT), { n: (lines.at(-1)?.n ?? 0) + 1, name, text, at }],
    }),
  },
});
/** A line of a room. `at`: the server's milliseconds. */
export type Line = ModelOf<typeof history>["lines"][number];

export const wiring = defineWiring({ topics: [history] });
export const serialiser = plain(json());
