import { automatic, definePresence, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";
import { createServer } from "./server.ts";

const model = { model: z.object({ n: z.number() }), initial: () => ({ n: 0 }), messages: {}, update: {} };
const board = defineTopic("board:*", { ...model, presence: definePresence(z.object({ name: z.string() })) });
const plain = defineTopic("plain:*", model);
const server = createServer({
  wiring: defineWiring({ topics: [board, plain] }),
  serialiser: automatic(json()),
});

// The metas have the schema's type.
const names: string[] = [...server.topic(board, "1").presence.list().values()].flat().map(({ name }) => name);
server
  .topic(board, "1")
  .presence.onDiff(({ joins }) => joins.map(({ key, meta }) => names.push(key, meta.name)));
// @ts-expect-error: there is no such field
server.topic(board, "1").presence.onDiff(({ joins }) => joins.map(({ meta }) => meta.nam));
// @ts-expect-error: this slice lists nobody
server.topic(plain, "1").presence.list();
server.handle(board, { public: true, presenceKey: ({ user, params: [id] }) => `${user?.id} ${id}` });
// @ts-expect-error: a key is a text
server.handle(plain, { public: true, presenceKey: () => 7 });
