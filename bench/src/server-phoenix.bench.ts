// Calla's channels as a user has them: a user for every connection, a schema for every message and a look at it, then a
// broadcast to those who follow the topic, and a reply.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { accept, createChannels, defineChannel, joined, phoenix, reply } from "@calla/server/channels";
import { control } from "./control.ts";
import { saidSchema } from "./fixtures.ts";

const room = defineChannel("room:*")
  .socket<{ readonly user: string }>()
  .join(({ payload }) => joined({ follows: (payload as { readonly follow?: unknown }).follow === true }))
  .handleIn("said", saidSchema, (message, socket) => {
    const { user, follows } = socket.assigns;
    if (user === "" || message.text === "") return reply("error", { reason: "no text" });
    if (follows) socket.broadcast("said", message);
    return reply();
  });

let visitors = 0;
const channels = createChannels({
  connect: () => accept({ user: `user-${++visitors}` }, `users:${visitors}`),
  // The others have no limits of this kind; what is measured is not what they are for.
  limits: {
    messageRate: Infinity,
    channelRate: Infinity,
    joinRate: Infinity,
    byteRate: Infinity,
    maxConnectionsPerAddress: Infinity,
    maxConnectsPerAddress: Infinity,
  },
  onRefused: (refused) => process.stderr.write(`refused: ${JSON.stringify(refused)}\n`),
}).register(room);

const httpServer = createHttpServer((request, response) => void mount.handle(request, response));
const mount = phoenix(channels, { httpServer, path: "/socket" });
httpServer.listen(0, "127.0.0.1", () => control((httpServer.address() as AddressInfo).port));
