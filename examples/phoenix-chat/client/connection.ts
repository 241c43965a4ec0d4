// The one socket of the page, by the package phoenix: WebSocket, or LongPoll where none gets through.
import { LongPoll, Socket } from "phoenix";

export interface Connection {
  readonly socket: Socket;
  readonly state: "connecting" | "open" | "waiting";
  readonly over: "websocket" | "longpoll";
  /** With the params as they are now. */
  reconnect(): void;
}

/** Milliseconds until the first WebSocket must be open. */
const PATIENCE = 4_000;

export function connect(options: {
  readonly authToken: string;
  readonly params: () => object;
  readonly changed: () => void;
}): Connection {
  const socket = new Socket("/socket", {
    authToken: options.authToken,
    params: options.params,
    heartbeatIntervalMs: 10_000,
    reconnectAfterMs: (tries) => [100, 300, 1_000, 2_000][tries - 1] ?? 4_000,
  });
  let state: Connection["state"] = "connecting";
  let over: Connection["over"] = "websocket";
  let everOpen = false;
  const set = (next: Connection["state"]): void => {
    state = next;
    options.changed();
  };

  // phoenix.js's own fallback would leave WebSockets for good in the first tunnel; here they are given up only where there
  // has never been one.
  const fallBack = (): void => {
    if (everOpen || over === "longpoll") return;
    over = "longpoll";
    socket.replaceTransport(LongPoll);
    socket.connect();
  };
  socket.onOpen(() => {
    everOpen = true;
    set("open");
  });
  socket.onClose(() => set("waiting"));
  socket.onError(() => {
    set("waiting");
    // The socket first ends what it is doing.
    queueMicrotask(fallBack);
  });
  setTimeout(fallBack, PATIENCE);

  const reconnect = (): void => {
    set("connecting");
    socket.disconnect(() => socket.connect());
  };
  // Out of the tunnel: no need to wait for the next try.
  addEventListener("online", () => state !== "open" && reconnect());
  addEventListener("offline", options.changed);
  socket.connect();
  return {
    socket,
    reconnect,
    get state() {
      return state;
    },
    get over() {
      return over;
    },
  };
}
