// A connection as the stub sees it: a WebSocket, a LongPoll session, or one HTTP request.
import type { IncomingHttpHeaders } from "node:http";
import type { Hearing } from "../recording/recording.ts";
import type { Opening } from "./opening.ts";

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
