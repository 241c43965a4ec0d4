// The boards as one process: pages, a Calla server for what happens on them, and its end.
import { createServer as createHttpServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { healthHandler } from "@calla/server";
import { http } from "@calla/server/http";
import { sqlite } from "@calla/server/sqlite";
import { webSocket } from "@calla/server/websocket";
import { keepAudit } from "./audit.ts";
import { createBoards } from "./boards.ts";

/** Serves until it is told to end. `pages`: what there is to see; `port`: unless PORT says another; `start`: the page to begin at. */
export async function serveBoards(pages: RequestListener, port: number, start = "/"): Promise<void> {
  /** All boards, sessions and what was decided: killed or stopped, a server goes on where the one before it was. */
  const log = sqlite(process.env.BOARDS ?? fileURLToPath(new URL("../../boards.db", import.meta.url)));
  await log.opened().catch(({ message }: Error) => {
    console.error(`The boards cannot be opened: ${message}`);
    process.exit(1);
  });

  const server = createBoards(log);

  /** Who did what, if a file for it is named: AUDIT=audit.db npm start */
  const stopAudit = process.env.AUDIT === undefined ? undefined : keepAudit(server, process.env.AUDIT);

  /** Pages come by WebSocket, or by requests where nothing else gets through. */
  const requests = http(server, { path: "/calla" });
  const health = healthHandler(server);
  const httpServer = createHttpServer((request, response) => {
    if (!health(request, response)) requests.node(request, response, () => pages(request, response));
  });
  const sockets = webSocket(server, { httpServer, path: "/ws" });

  httpServer.on("error", ({ message }) => {
    console.error(`The boards cannot be served: ${message}. Another port: PORT=${port + 10} npm start`);
    process.exit(1);
  });
  httpServer.listen(Number(process.env.PORT ?? port), () => {
    console.log(
      `Boards are at http://localhost:${(httpServer.address() as AddressInfo).port}${start === "/" ? "" : start}`,
    );
  });

  /** A deploy sends people elsewhere bit by bit; whoever presses Ctrl+C wants it to end. */
  async function end(gone: Promise<void>): Promise<void> {
    httpServer.close();
    await stopAudit?.();
    await gone;
    await Promise.all([sockets.close(), requests.close()]);
    httpServer.closeAllConnections();
  }
  process.once("SIGTERM", () => void end(server.drain({ over: 5_000, reconnectWithin: 5_000 })));
  process.once("SIGINT", () => void end(server.stop()));
}
