// The chat: channels for its visitors, beside a server of the sync half that keeps what was said.
import { createServer } from "@calla/server";
import type { LogStorage } from "@calla/server";
import { createChannels } from "@calla/server/channels";
import { history, serialiser, wiring } from "./history.ts";
import { roomChannel } from "./room-channel.ts";
import type { Rooms } from "./room-channel.ts";
import { visitor } from "./visitor.ts";

export function createChat(log: LogStorage, now = () => performance.now()) {
  const server = createServer({ wiring, serialiser, log });
  const rooms: Rooms = {
    read: async (room) => (await server.topic(history, room).read()).model,
    async say(room, line) {
      // The key makes it once, also where a page says it again because no answer came.
      const options = { key: `${line.author}:${line.id}` };
      await server.topic(history, room).dispatch({ type: "said", ...line }, options);
    },
  };
  const room = roomChannel(rooms, now);
  const channels = createChannels({
    beside: server,
    connect: visitor,
    limits: { channelRate: 10, channelBurst: 50 },
  }).register(room);
  server.handle(history, {
    // What was applied is heard, in that order; a double is not applied.
    onMessage(_, { params: [id], model }) {
      const line = model.lines.at(-1);
      if (line) channels.broadcast(room, [id], "line", line);
    },
  });
  return { server, channels };
}
