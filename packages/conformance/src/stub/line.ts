/// <reference types="node" preserve="true" />
// A connection as the stub sees it: a WebSocket, a LongPoll session, or one HTTP request.
import type { IncomingHttpHeaders } from "node:http";
import type { Hearing } from "../recording/recording.ts";

/** What a client asked for. */
export interface Opening {
  readonly over: "websocket" | "longpoll";
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** What came in the packet of the handshake, in hex. */
  readonly behind: string;
}

export interface Requested {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Of a WebSocket or a session. */
  readonly opening?: Opening;
  /** When it last said something, in ms. */
  said: number;
  /** Nothing more can be said to it. */
  over: boolean;
  /** Says a thing to the client. */
  hear(hearing: Hearing): void;
}
