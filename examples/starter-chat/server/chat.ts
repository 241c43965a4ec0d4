// The chat: a channel for each room, and its history, on one server.
import { createServer } from "@calla/server";
import type { LogStorage } from "@calla/server";
import { accept, createChannels, defineChannel, deny, joined, refused, reply } from "@calla/server/channels";
import * as z from "zod";
import { history, serialiser, wiring } from "./history.ts";
import type { Line } from "./history.ts";

const rooms = new Set(["lobby", "garden"]);
const Name = z.string().regex(/\S/).max(24);
const Say = z.object({ id: z.uuid(), text: z.string().regex(/\S/).max(1_000) });

/** `log`: where lines are kept; in memory without. */
export function createChat(log?: LogStorage) {
  const server = createServer({ wiring, serialiser, ...(log && { log }) });
  const linesOf = async (room: string) => (await server.topic(history, room).read()).model.lines;

  const room = defineChannel("room:*")
    .socket<{ name: string }>()
    .says<{ line: Line }>()
    .join(async ({ params: [id] }) => {
      if (!rooms.has(id)) return refused("no such room");
      const lines = await linesOf(id);
      return joined({ id, last: lines.at(-1)?.n ?? 0 }, { lines });
    })
    .presence({
      meta: z.object({ typing: z.boolean() }),
      key: ({ assigns }) => assigns.name,
      initial: () => ({ typing: false }),
    })
    .joined(async (socket) => {
      // Between the look above and now somebody may have spoken.
      for (const line of await linesOf(socket.assigns.id))
        if (line.n > socket.assigns.last) socket.push("line", line);
    })
    .handleIn("typing", z.object({ typing: z.boolean() }), ({ typing }, socket) => {
      socket.presence.update({ typing });
    })
    .handleIn("say", Say, async ({ id, text }, socket) => {
      const { id: room, name } = socket.assigns;
      // A page that heard no answer says it again: with this key it is said once.
      await server.topic(history, room).dispatch({ type: "said", name, text }, { key: `${name}:${id}` });
      return reply();
    });

  const channels = createChannels({
    beside: server,
    // Nobody signs in: who connects says a name. In earnest look whose token it is.
    connect: ({ params }) => {
      const name = Name.safeParse(params["name"]);
      return name.success ? accept({ name: name.data }) : deny(401);
    },
  }).register(room);

  server.handle(history, {
    onMessage(_, { params: [id], model }) {
      const line = model.lines.at(-1);
      if (line) channels.broadcast(room, [id], "line", line);
    },
  });
  return { server, channels };
}
