// The types of a supervised system: its parts are those that its functions make.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";
import { accept, createChannels, defineChannel, phoenix } from "../channels/index.ts";
import { createServer, healthHandler } from "../index.ts";
import { createSupervisor, supervise } from "./index.ts";
import type { Child } from "./index.ts";

const topic = <const P extends string>(pattern: P) =>
  defineTopic(pattern, {
    model: z.object({ n: z.number() }),
    initial: () => ({ n: 0 }),
    messages: { named: z.object({ name: z.string() }) },
    update: { named: (model) => model },
  });
const board = topic("board:*");
const stray = topic("stray:*");
const serialiser = automatic(json());
const room = defineChannel("room:*").says<{ said: { text: string } }>();

const system = supervise({
  server: ({ pubsub }) => createServer({ wiring: defineWiring({ topics: [board] }), serialiser, pubsub }),
  channels({ server, failed }) {
    server.topic(board, "1");
    failed satisfies (error: unknown) => void;
    const channels = createChannels({ beside: server, connect: () => accept({ user: "ada" }) }).register(
      room,
    );
    return { channels, mount: phoenix(channels) };
  },
});
system.server.topic(board, "42");
system.channels.broadcast(room, ["lobby"], "said", { text: "hello" });
system.mount?.connections satisfies number | undefined;
system.groups.add("team", board, "42");
healthHandler(system, { supervisor: system });
// @ts-expect-error the server's wiring has no such slice
system.server.topic(stray, "42");
// @ts-expect-error nor do the groups
system.groups.add("team", stray, "42");
// @ts-expect-error there may be no mount yet
void system.mount.handle;
// @ts-expect-error a server is no result of the function that makes channels
supervise({ channels: () => createServer({ wiring: defineWiring({ topics: [board] }), serialiser }) });

const alone = supervise({ channels: ({ pubsub }) => ({ channels: createChannels({ pubsub }) }) });
alone.server satisfies undefined;
alone.mount satisfies undefined;
alone.channels.broadcast("room:1", "said", {});

const queue: Child<{ send(text: string): void }> = {
  name: "queue",
  start: ({ failed }) => ({ send: (text) => failed(text) }),
  stop: (running) => running.send("bye"),
};
const app = createSupervisor({ children: [queue, system.asChild()] });
app.get(queue).send("hello");
// @ts-expect-error a queue sends texts
app.get(queue).send(1);
