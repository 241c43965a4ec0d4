// The one socket of the page, by the package phoenix: WebSocket, or LongPoll where none gets through. Who this client is goes
// with each connection: the key makes a user of this browser, and the identity is what the server has given this page.
import { LongPoll, Socket } from "phoenix";
import type { Identity } from "./synced-types.ts";

/** Milliseconds until the first WebSocket must be open. */
const PATIENCE = 4_000;

export function connect(authToken: string, identity: Identity): Socket {
  const socket = new Socket("/socket", {
    authToken,
    params: () => identity,
    heartbeatIntervalMs: 10_000,
    reconnectAfterMs: (tries) => [100, 300, 1_000, 2_000][tries - 1] ?? 4_000,
  });
  let everOpen = false;
  let polls = false;
  // phoenix.js's own fallback would leave WebSockets for good in the first tunnel; here they are given up only where there
  // has never been one.
  const fallBack = (): void => {
    if (everOpen || polls) return;
    polls = true;
    socket.replaceTransport(LongPoll);
    socket.connect();
  };
  socket.onOpen(() => void (everOpen = true));
  // The socket first ends what it is doing.
  socket.onError(() => queueMicrotask(fallBack));
  setTimeout(fallBack, PATIENCE);
  // Out of the tunnel: no need to wait for the next try.
  addEventListener("online", () => socket.isConnected() || socket.disconnect(() => socket.connect()));
  socket.connect();
  return socket;
}
