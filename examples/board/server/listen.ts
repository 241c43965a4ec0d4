// Where a server of the boards is reached: pages, its transports, health checks; and its end.
import { createServer as createHttpServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { healthHandler } from "@calla/server";
import { http } from "@calla/server/http";
import { webSocket } from "@calla/server/websocket";
import type { createBoards } from "./boards.ts";

export interface Place {
  /** What there is to see. */
  readonly pages: RequestListener;
  /** Unless PORT says another. */
  readonly port: number;
  /** The page to begin at. Default: "/". */
  readonly start?: string;
  /** What ends before the server does, and after it. */
  readonly before?: (() => Promise<void>) | undefined;
  readonly after?: () => Promise<void>;
}

/** Serves until the process is told to end. */
export function listen(
  server: ReturnType<typeof createBoards>,
  { pages, port, start = "/", before, after }: Place,
): void {
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
    await before?.();
    await gone;
    await Promise.all([sockets.close(), requests.close()]);
    httpServer.closeAllConnections();
    await after?.();
  }
  process.once("SIGTERM", () => void end(server.drain({ over: 5_000, reconnectWithin: 5_000 })));
  process.once("SIGINT", () => void end(server.stop()));
}
