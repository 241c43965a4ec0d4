// What was said in the rooms: one topic of the sync half for each. Only the server dispatches to it.
import { defineTopic, defineWiring, json, plain, serverOnly } from "@calla/shared";
import type { ModelOf } from "@calla/shared";
import { z } from "zod";
import { MAX_NAME, MAX_TEXT } from "../shared/chat.ts";
import type { Cursor, Page } from "../shared/chat.ts";

/** Lines of a room. */
const KEPT = 500;
/** Lines that are sent at a time. */
export const PAGE = 50;

const Said = z.object({
  id: z.string(),
  author: z.string(),
  name: z.string().max(MAX_NAME),
  text: z.string().max(MAX_TEXT),
});

export const history = defineTopic("history:*", {
  model: z.object({
    count: z.number(),
    lines: z.array(Said.extend({ n: z.number(), at: z.number() })),
  }),
  initial: () => ({ count: 0, lines: [] }),
  messages: { said: serverOnly(Said) },
  update: {
    said: ({ count, lines }, { id, author, name, text }, { at }) => ({
      count: count + 1,
      lines: [...lines.slice(1 - KEPT), { n: count + 1, id, author, name, text, at }],
    }),
  },
});
export type History = ModelOf<typeof history>;

export const wiring = defineWiring({ topics: [history] });
export const serialiser = plain(json());

/** What was said after a page's last line; or the newest lines, where it has none of this history, or misses too many. */
export function pageAfter({ lines }: History, cursor: Cursor | null): Page {
  const last = cursor ? lines.findIndex(({ n, id }) => n === cursor.n && id === cursor.id) : -1;
  const missed = lines.length - 1 - last;
  if (last < 0 || missed > PAGE)
    return { lines: lines.slice(-PAGE), earlier: lines.length > PAGE, continues: false };
  return { lines: lines.slice(last + 1), earlier: false, continues: true };
}

/** The lines before the one of this number. */
export function pageBefore({ lines }: History, before: number): Page {
  const older = lines.filter(({ n }) => n < before);
  return { lines: older.slice(-PAGE), earlier: older.length > PAGE, continues: true };
}

/** Where a page is that has all lines. */
export function cursorOf({ lines }: History): Cursor | null {
  const last = lines.at(-1);
  return last ? { n: last.n, id: last.id } : null;
}
