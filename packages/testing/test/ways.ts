// The ways of people to servers in other processes. Impatient: a test need not wait long for what real time brings.
import type { Transport } from "@calla/client";
import { http } from "@calla/client/http";
import { webSocket } from "@calla/client/websocket";
import { WebSocket } from "ws";
import type { Via } from "../src/index.ts";

/** `url`: where the server lives now. */
export const socketTo = (url: () => string): Transport =>
  webSocket({
    url,
    WebSocket: WebSocket as never,
    reconnectBaseMilliseconds: 2,
    reconnectMaxMilliseconds: 20,
  });

/** `origin`: a host and its port, behind which the server has all its mounts. */
export function wayTo(via: Via, origin: () => string): Transport {
  if (via === "socket") return socketTo(() => `ws://${origin()}/ws`);
  return http({
    url: () => `http://${origin()}/calla`,
    reconnectBaseMilliseconds: 10,
    reconnectMaxMilliseconds: 100,
    pollInterval: 50,
    silence: 500,
    postTimeout: 2_000,
    ...(via === "poll" && { maxStreams: 0 }),
  });
}
