// What is the same whatever it is mounted in: a Calla server, channels for Phoenix clients beside it, metrics, and how it
// all ends.
import type { Server as HttpServer } from "node:http";
import { createServer } from "@calla/server";
import type { AnyUser, Server } from "@calla/server";
import { createChannels, phoenix } from "@calla/server/channels";
import type { Channels, PhoenixMount } from "@calla/server/channels";
import { http } from "@calla/server/http";
import type { HttpTransport } from "@calla/server/http";
import { prometheus } from "@calla/server/prometheus";
import { webSocket } from "@calla/server/websocket";
import { Registry } from "prom-client";
import { counter, serialiser, wiring } from "../shared/wiring.ts";
import { room } from "./room.ts";

export interface Calla {
  readonly server: Server<typeof wiring, AnyUser>;
  readonly requests: HttpTransport;
  readonly channels: Channels;
  readonly socket: PhoenixMount;
  readonly metrics: Registry;
}

/** Pages of the app's own origin may come, and those of these. */
const origins = ["https://app.example"];

export function createCalla(): Calla {
  const registry = new Registry();
  const observer = prometheus({ registry });
  const server = createServer({ wiring, serialiser, origins, observe: observer.observe });
  server.handle(counter, { public: true });
  observer.watch(server);
  const channels = createChannels({ beside: server }).register(room);
  return {
    server,
    requests: http(server, { path: "/calla" }),
    channels,
    socket: phoenix(channels, { path: "/socket" }),
    metrics: registry,
  };
}

export interface Mounted extends Calla {
  readonly httpServer: HttpServer;
  /** What SIGTERM should do: people are sent elsewhere bit by bit, then everything ends. */
  stop(): Promise<void>;
}

/** Adds WebSockets to the http server that the framework made, and the end of all. */
export function mounted(calla: Calla, httpServer: HttpServer): Mounted {
  const { server, requests, socket } = calla;
  socket.listen(httpServer);
  const sockets = webSocket(server, { httpServer, path: "/ws" });
  return {
    ...calla,
    httpServer,
    async stop() {
      // The channels stand beside the server, and leave with it.
      await server.drain({ over: 1_000, reconnectWithin: 1_000 });
      await Promise.all([sockets.close(), requests.close(), socket.close()]);
      httpServer.close();
      httpServer.closeIdleConnections();
    },
  };
}
