// All that the client knows of a network: one attempt at a time. A transport opens a socket, hands over what comes in
// and says when it has ended; retries, timeouts and heartbeats belong to the client.
import type { Format } from "@calla/shared";
import type { ReconnectOptions } from "../base/backoff.ts";

export type { ReconnectOptions } from "../base/backoff.ts";

/** Why a connection ended; `code` as of a WebSocket close. */
export interface CloseReason {
  readonly code: number;
  readonly reason: string;
  /** Where most likely no retry mends it: what `onError` is to hear, once until it changes (CL24). */
  readonly cause?: unknown;
}

/**
 * Close codes whose reason is one of Calla's codes and no text of somebody's: of a server that does not want us to come
 * again, and of one, or a link, that does.
 */
export const CLOSE_TERMINAL = 4002;
export const CLOSE_RETRYABLE = 4001;

/** The server is trusted with more than a client is: a snapshot may be large, and as deep as the serialiser takes it. */
export const FROM_SERVER = {
  maxFrameBytes: 1 << 28,
  maxDepth: 512,
  maxEntries: 1 << 24,
  maxValues: 1 << 26,
  maxNames: Infinity,
};

/** Called by a transport; never before `connect` has returned. */
export interface TransportHandlers {
  /** Say Hello. Called again where a link needs another one on its way (a poll). */
  open(): unknown;
  /** One packet from the server, whole. */
  receive(data: string | Uint8Array): unknown;
  /** The attempt is over, whether or not it was ever open. The last call. */
  close(reason: CloseReason): unknown;
}

/** One attempt, from the client's side. */
export interface Link {
  /** Hands over one packet, after `open` and before `close`; packets leave in this order. */
  send(data: string | Uint8Array): void;
  /** Ends the attempt. Repeating it does nothing. `gone`: the client does not come back by itself. */
  close(gone?: boolean): void;
}

/**
 * How a client reaches its server. `webSocket`, `http` and `auto` make one; implement it for another network.
 *
 * @example
 * const transport: Transport = {
 *   reconnect: { baseMilliseconds: 1_000, maxMilliseconds: 30_000, multiplier: 2, jitterRatio: 0.25 },
 *   connect(handlers, format) {
 *     const line = dial(format.name, { onOpen: handlers.open, onData: handlers.receive, onEnd: handlers.close });
 *     return { send: line.write, close: line.hangUp };
 *   },
 * };
 */
export interface Transport {
  /** `format` is the serialiser's preferred one, in which all is sent; the transport tells the server its name. */
  connect(handlers: TransportHandlers, format: Format): Link;
  readonly reconnect: ReconnectOptions;
}
