// A channel for Phoenix clients: what one says in a room, all there hear.
import { defineChannel, joined, reply } from "@calla/server/channels";
import * as z from "zod";

export const room = defineChannel("room:*")
  .says<{ said: { text: string } }>()
  .join(({ params: [name] }) => joined({ name }, { welcome: name }))
  .handleIn("say", z.object({ text: z.string() }), ({ text }, socket) => {
    socket.broadcast("said", { text });
    return reply({ heard: text.length });
  });
