// What hooks are given, by their types.
import { automatic, defineSession, defineTopic, defineWiring, json, serverOnly } from "@calla/shared";
import * as z from "zod";
import { createServer } from "../server.ts";

const session = defineSession({
  model: z.object({ name: z.string() }),
  initial: () => ({ name: "" }),
  messages: { named: z.object({ name: z.string() }), signedIn: serverOnly(z.object({})) },
  update: { named: (_, { name }) => ({ name }), signedIn: (model) => model },
});
const list = defineTopic("list:*", {
  model: z.object({ items: z.array(z.string()) }),
  initial: () => ({ items: [] }),
  messages: { added: z.object({ item: z.string() }) },
  update: { added: (model) => model },
});
interface User {
  readonly id: string;
  readonly admin: boolean;
}
const server = createServer({
  wiring: defineWiring({ session, topics: [list] }),
  serialiser: automatic(json()),
  authenticate: (): User => ({ id: "ada", admin: true }),
});

const stop: () => void = server.onMessage((message, { author, clientId, model }) => {
  if (message.type === "named") message.name.trim();
  clientId.trim();
  model.name.trim();
  author?.user?.admin.valueOf();
  // @ts-expect-error the author may be the server
  author.clientId.trim();
});
stop();
server.onTopicMessage((message, { author, topic }) => {
  message.type.trim();
  topic.trim();
  author?.clientId.trim();
  // @ts-expect-error the author may be the server
  author.clientId.trim();
});
server.onIncoming((message, { clientId, user, topic, id }) => {
  for (const text of [clientId, topic, id]) text.trim();
  user?.admin.valueOf();
  // @ts-expect-error no schema has seen it
  message.type.trim();
});
server.handle(list, {
  onMessage: (message, { author }) => {
    message.item.trim();
    // @ts-expect-error the author may be the server
    author.clientId.trim();
  },
});
