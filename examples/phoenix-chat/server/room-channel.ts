// A room as its visitors meet it: a channel. It keeps nothing: what was said is in the room's topic (history.ts), and who
// is here is the channel's presence, by author: the tabs of one browser are one of them.
import { defineChannel, joined, refused, reply } from "@calla/server/channels";
import { z } from "zod";
import { isRoom, MAX_NAME, MAX_TEXT } from "../shared/chat.ts";
import type { Heard, Line, Welcome } from "../shared/chat.ts";
import { cursorOf, pageAfter, pageBefore } from "./history.ts";
import type { History } from "./history.ts";
import type { Visitor } from "./visitor.ts";

/** The rooms' topics, as the channel needs them. */
export interface Rooms {
  read(room: string): Promise<History>;
  /** Says it once, however often it is called with this author and id. */
  say(room: string, line: Omit<Line, "n" | "at">): Promise<void>;
}

/** Milliseconds: more often nobody is told that somebody types. */
const TYPING_EVERY = 1_000;
const NEVER = -Infinity;

const Cursor = z.object({ n: z.number().int(), id: z.string().max(64) });
const Join = z.object({ after: Cursor.nullable(), here: z.boolean().default(false) });
const Looking = z.object({ name: z.string().max(MAX_NAME) });
const Say = z.object({
  id: z.string().regex(/^[\w-]{8,64}$/),
  text: z.string().trim().min(1).max(MAX_TEXT),
});

/** `now`: milliseconds of a clock that is never set. */
export const roomChannel = (rooms: Rooms, now: () => number) =>
  defineChannel("room:*")
    .socket<Visitor>()
    .says<Heard>()
    .join(Join, async ({ params: [room], payload, socket }) => {
      if (!isRoom(room)) return refused("no such room");
      const model = await rooms.read(room);
      const welcome: Welcome = { ...pageAfter(model, payload.after), you: socket.assigns.author };
      return joined({ room, here: payload.here, told: cursorOf(model), typedAt: NEVER }, welcome);
    })
    .presence({ meta: Looking, key: ({ assigns }) => assigns.author })
    .joined(async (socket) => {
      if (socket.assigns.here) socket.presence.track({ name: socket.assigns.name });
      // Between the look above and now somebody may have spoken, and was not heard here.
      const missed = pageAfter(await rooms.read(socket.assigns.room), socket.assigns.told);
      if (missed.lines.length > 0) socket.push("missed", missed);
    })
    .handleIn("here", z.object({ here: z.boolean() }), ({ here }, socket) => {
      if (here && !socket.assigns.here) socket.presence.track({ name: socket.assigns.name });
      if (!here) socket.presence.untrack();
      socket.assign({ here });
      return reply();
    })
    .handleIn("say", Say, async ({ id, text }, socket) => {
      const { room, author, name } = socket.assigns;
      await rooms.say(room, { id, author, name, text });
      const { lines } = await rooms.read(room);
      // A double of long ago is no longer among them, and is said as well.
      const line = lines.findLast((line) => line.id === id && line.author === author);
      return reply(line ? { line } : {});
    })
    .handleIn("typing", z.object({ typing: z.boolean() }), ({ typing }, socket) => {
      const { author, name, typedAt } = socket.assigns;
      if (typing ? now() - typedAt < TYPING_EVERY : typedAt === NEVER) return;
      socket.assign({ typedAt: typing ? now() : NEVER });
      socket.broadcastFrom("typing", { author, name, typing });
    })
    .handleIn(
      "history",
      z.union([z.object({ after: Cursor }), z.object({ before: z.number().int() })]),
      async (wanted, socket) => {
        const model = await rooms.read(socket.assigns.room);
        return reply("after" in wanted ? pageAfter(model, wanted.after) : pageBefore(model, wanted.before));
      },
    );
