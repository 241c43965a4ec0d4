// The Calla server of the boards: who may do what, who wrote what, and what is on a new board.
import { createServer } from "@calla/server";
import type { LogStorage, Server, ServerOptions } from "@calla/server";
import { board, cursors, serialiser, session, wiring } from "../shared/wiring.ts";
import { Authors } from "./authors.ts";
import { exampleMessages, isExample } from "./example.ts";
import { nameFor } from "./names.ts";
import { visitor } from "./visitor.ts";

type Visitor = NonNullable<ReturnType<typeof visitor>>;

/** Anybody with the link may come in, except to boards that are nobody's business. */
const open = (id: string): boolean => /^[a-z0-9-]{1,60}$/.test(id) && !id.startsWith("private-");

/** What a server needs that is not alone, or stands behind a proxy. */
type Deployed = Partial<Pick<ServerOptions<typeof wiring, Visitor>, "pubsub" | "observe" | "trustedProxies">>;

export function createBoards(log: LogStorage, deployed: Deployed = {}): Server<typeof wiring, Visitor> {
  const server = createServer({
    ...deployed,
    wiring,
    serialiser,
    log,
    authenticate: visitor,
    onConnect: ({ clientId, user }) => ({ type: "seeded", ...nameFor(user?.id ?? clientId) }),
  });
  const authors = new Authors(async (clientId) => (await server.session(clientId).read()).model.person);

  server.handle(session, {
    public: true,
    onMessage(_, { author, model: { person } }) {
      if (author && person) authors.introduced(author.clientId, person);
    },
  });
  server.handle(board, {
    async canSubscribe({ params: [id], clientId, user }) {
      if (!open(id)) return false;
      await authors.know({ clientId, user });
      return true;
    },
    canDispatch: () => true,
    amend: (message, client) => authors.stamped(message, client),
    async onSubscribe({ params: [id] }) {
      if (!isExample(id)) return;
      const { sequence } = await server.topic(board, id).read();
      return sequence === 0 ? exampleMessages : undefined;
    },
  });
  server.handle(cursors, {
    canSubscribe: ({ params: [id] }) => open(id),
    canDispatch: () => true,
    amend: (message, client) => authors.pointed(message, client),
  });
  return server;
}
