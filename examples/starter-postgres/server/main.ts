// One of any number of equal servers over one Postgres: what happens on the boards, and the page's files (by Vite in
// development, otherwise those that `npm run build` makes).
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createServer, healthHandler } from "@calla/server";
import { http } from "@calla/server/http";
import { pgDriver, postgresLog, postgresPubSub } from "@calla/server/postgres";
import { webSocket } from "@calla/server/websocket";
import sirv from "sirv";
import { board, serialiser, wiring } from "../../starter/shared/board.ts";

const HOW = "`docker compose up --detach --wait` starts a Postgres, and development.env says where.";
function fail(why: string): never {
  console.error(why);
  process.exit(1);
}

const root = fileURLToPath(new URL("..", import.meta.url));
/** Who shares a schema shares the boards. */
const { DATABASE_URL: url, SCHEMA: schema = "calla" } = process.env;
if (!url) fail(`Set DATABASE_URL to where the boards are: ${HOW}`);
const driver = pgDriver({ url });
const log = postgresLog({ driver, schema });
await log.opened().catch(({ message }: Error) => fail(`The boards cannot be opened: ${message}\n${HOW}`));
const pubsub = postgresPubSub(driver, { channel: schema });
const server = createServer({ wiring, serialiser, log, pubsub });
// Everybody may read and change every board. Say who may: canSubscribe, canDispatch.
server.handle(board, { public: true });

const httpServer = createHttpServer();
const sockets = webSocket(server, { httpServer, path: "/ws" });
const requests = http(server, { path: "/calla" }); // where no WebSocket gets through
const health = healthHandler(server); // GET /healthz, and /readyz for a balancer

async function developed() {
  const { createServer } = await import("vite");
  const configFile = `${root}vite.config.ts`;
  return createServer({ configFile, server: { middlewareMode: true, hmr: { server: httpServer } } });
}
const built = ["production", "test"].includes(process.env.NODE_ENV ?? "");
const vite = built ? undefined : await developed();
const page = vite?.middlewares ?? sirv(`${root}dist`);

httpServer.on("request", (request, response) => {
  const missing = (): void => void response.writeHead(404).end();
  if (!health(request, response)) requests.node(request, response, () => page(request, response, missing));
});
httpServer.listen(Number(process.env.PORT ?? 8787), () => {
  console.log(`The boards are at http://localhost:${(httpServer.address() as AddressInfo).port}`);
});

async function end(gone: Promise<void>): Promise<void> {
  httpServer.close();
  await vite?.close();
  await gone;
  await Promise.all([sockets.close(), requests.close()]);
  httpServer.closeAllConnections();
  await pubsub.close();
  await driver.close?.();
}
// A deploy sends people to the other servers bit by bit; in development, and with Ctrl+C, it is to end.
const drain = () => server.drain({ over: 5_000, reconnectWithin: 5_000 });
process.once("SIGTERM", () => void end(vite ? server.stop() : drain()));
process.once("SIGINT", () => void end(server.stop()));
