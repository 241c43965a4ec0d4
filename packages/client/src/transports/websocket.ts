// WebSocket, in browsers and in Node: one socket per attempt, the format as its subprotocol. Not here: retries.
import { CallaError, DEV, messageOf } from "@calla/shared";
import { checkUrl, reached, unreached } from "#dev/mistakes";
import { fromPage } from "./page.ts";
import { reconnectOptions } from "./reconnect.ts";
import type { ReconnectSettings } from "./reconnect.ts";
import { CLOSE_RETRYABLE } from "./transport.ts";
import type { Link, Transport } from "./transport.ts";

/** What the events of a WebSocket say. */
interface SocketEvent {
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

/** `Uint8Array<ArrayBuffer>`, in words that TypeScript 5.6 knows too. */
type OwnBytes = ReturnType<Uint8Array["slice"]>;

/** As much of a WebSocket as is used: the browser's, Node's, or the class of the `ws` package. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  /** As `EventTarget`'s. */
  addEventListener(type: "open" | "message" | "error" | "close", listener: (event: object) => void): void;
  /** Sends one message, a text or bytes. */
  send(data: string | OwnBytes): void;
  /** Begins the closing handshake. */
  close(code?: number, reason?: string): void;
}

/** What `webSocket` takes in a client; only `url` is needed. */
export interface WebSocketOptions extends ReconnectSettings {
  /** Absolute, or relative to the page ("/ws"). A function is asked before every attempt. */
  readonly url: string | (() => string | Promise<string>);
  /** The class to use where there is no global one: `import WebSocket from "ws"`. */
  readonly WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
}

const OPEN = 1;

/**
 * The WebSocket transport.
 *
 * @example
 * createClient({ wiring, serialiser, transport: webSocket({ url: "/ws" }) });
 * @throws CallaError `transport`: an option is impossible.
 */
export function webSocket(options: WebSocketOptions): Transport {
  const { url, WebSocket: Given } = options;
  checkUrl(url, "ws");
  return {
    reconnect: reconnectOptions(options),
    connect(handlers, format) {
      let socket: WebSocketLike | undefined;
      let over = false;
      let failure: SocketEvent | undefined;
      const end = (code: number, reason: string, cause?: unknown): void => {
        if (!over) handlers.close({ code, reason, cause });
        over = true;
      };
      const open = (address: string): void => {
        if (over) return;
        checkUrl(address, "ws");
        const Socket = Given ?? (globalThis as { WebSocket?: WebSocketOptions["WebSocket"] }).WebSocket;
        if (!Socket)
          throw new CallaError(
            "transport",
            {},
            DEV &&
              "There is no global WebSocket: npm install ws, and give webSocket({ WebSocket }) its class.",
          );
        socket = new Socket(resolved(address), [`calla.${format.name}`]);
        socket.binaryType = "arraybuffer";
        const on = (
          type: "open" | "message" | "error" | "close",
          listener: (event: SocketEvent) => void,
        ): void => socket?.addEventListener(type, listener);
        on("open", () => {
          reached(options);
          if (!over) handlers.open();
        });
        on("message", ({ data }) => {
          if (!over) handlers.receive(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
        });
        // A close follows every error; without a listener `ws` would throw it.
        on("error", (event) => {
          failure = event;
        });
        on("close", ({ code, reason }) =>
          end(
            code ?? 1006,
            reason || failure?.message || "",
            over || unreached(options, format, address, failure),
          ),
        );
      };
      // Never before `connect` has returned, and whatever a callback or constructor throws is this attempt's end.
      Promise.resolve()
        .then(() => (typeof url === "function" ? url() : url))
        .then(open)
        .catch((error: unknown) => end(1006, messageOf(error), error));
      const link: Link = {
        send(data) {
          if (socket?.readyState === OPEN) socket.send(data as OwnBytes);
        },
        close(gone) {
          over = true;
          // Who comes back is waited for (PC14).
          socket?.close(gone ? 1000 : CLOSE_RETRYABLE);
        },
      };
      return link;
    },
  };
}

/**
 * This page's host with the given path, as `ws:` or `wss:`.
 *
 * @example
 * urlFromCurrentLocation("/ws"); // "wss://app.example/ws" in a page of https://app.example
 */
export function urlFromCurrentLocation(path: string): string {
  const url = fromPage(path);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  return url.href;
}

const resolved = (url: string): string => (/^wss?:/i.test(url) ? url : urlFromCurrentLocation(url));
