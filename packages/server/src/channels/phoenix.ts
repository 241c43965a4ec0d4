/// <reference types="node" preserve="true" />
// The mount: both transports of the Phoenix wire at their paths, on whatever serves the app's requests.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { CallaError } from "@calla/shared";
import type { UpgradeSource } from "../transports/websocket/upgrade-listener.ts";
import type { Channels } from "./channels-api.ts";
import { hostOf } from "./engine/hosts.ts";
import { longPoll } from "./transports/longpoll/longpoll.ts";
import { mountOf } from "./transports/mount.ts";
import type { PhoenixOptions } from "./transports/mount.ts";
import { phoenixWebSocket } from "./transports/phoenix-websocket.ts";

/** A mount at work. */
export interface PhoenixMount {
  /** Takes an http server's upgrade requests, where the framework makes the server: as the option `httpServer`. */
  listen(httpServer: UpgradeSource): void;
  /** Takes an upgrade request if its path is the mount's; otherwise false, and nothing was done to it. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /**
   * Answers a request of Node's http server if its path is the mount's: polls, and what asks for no WebSocket at the
   * WebSocket's path. Otherwise calls `next`, if there is one, and returns false; nothing was done to the request. It is a
   * middleware of Express as it is.
   */
  handle(request: IncomingMessage, response: ServerResponse, next?: () => void): boolean;
  /**
   * Answers a web request by LongPoll; undefined: the path is another's. `remoteAddress`: the visitor's, where the
   * runtime tells it.
   */
  fetch(request: Request, remoteAddress?: string): Promise<Response | undefined>;
  /** Live connections, sessions of polls among them. */
  readonly connections: number;
  /** Takes no more requests and closes what is open (1001); resolves when all are gone. */
  close(): Promise<void>;
}

/**
 * Serves channels to Phoenix clients, over WebSocket and LongPoll. With `httpServer` WebSockets are served at once; hand
 * the server's other requests to `handle` (or `fetch`), or polls reach nobody.
 *
 * @example
 * const httpServer = createServer((request, response) => {
 *   if (!mount.handle(request, response)) app(request, response);
 * });
 * const mount = phoenix(channels, { httpServer, path: "/socket", authToken: true });
 *
 * @throws CallaError `wiring`: `channels` is not what `createChannels` gives. `transport`: a path, an origin or a timeout that cannot be meant, or both transports off.
 */
export function phoenix(
  channels: Pick<Channels, "sockets" | "drain">,
  options: PhoenixOptions = {},
): PhoenixMount {
  const host = hostOf(channels);
  const mount = mountOf(host, options);
  const { websocket } = mount;
  if (websocket === undefined && mount.longpoll === undefined)
    throw new CallaError("transport", {}, "A mount needs one of its two transports.");
  const sockets =
    websocket === undefined ? undefined : phoenixWebSocket(host, { ...mount, websocket }, options.httpServer);
  const polls = mount.longpoll === undefined ? undefined : longPoll(host, mount);
  return {
    listen: (httpServer) => sockets?.listen(httpServer),
    handleUpgrade: (request, socket, head) => sockets?.handleUpgrade(request, socket, head) ?? false,
    handle(request, response, next) {
      if (polls?.handle(request, response) === true || sockets?.handle(request, response) === true)
        return true;
      next?.();
      return false;
    },
    fetch: (request, remoteAddress) => polls?.fetch(request, remoteAddress) ?? Promise.resolve(undefined),
    get connections() {
      return (sockets?.connections ?? 0) + (polls?.connections ?? 0);
    },
    close: async () => void (await Promise.all([sockets?.close(), polls?.close()])),
  };
}
