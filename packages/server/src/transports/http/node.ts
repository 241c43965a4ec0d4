// A request and response of Node's own http server as the transport sees them, without a detour over web streams.
import { isBytes } from "@calla/shared";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Cancel, Clock } from "@calla/shared";
import { aimOf } from "../node-request.ts";
import { flushedBytes } from "../flushed.ts";
import { readNodeBody } from "./body.ts";
import type { Body, BodyLimits } from "./body.ts";
import type { RequestAsked, HttpOutcome } from "./request.ts";
import { NO_HANDS } from "./receiving.ts";
import type { StreamConnection } from "./stream.ts";

type Opening = Exclude<HttpOutcome, { answer: unknown }>;

export function nodeAsked(request: IncomingMessage & { readonly originalUrl?: string }): RequestAsked {
  const { method = "GET", socket } = request;
  // Express takes a mount's path away from `url`.
  const { url, headers } = aimOf(request.originalUrl ?? request.url, request.headers);
  // An HTTP/2 request names its host so.
  const authority = headers[":authority"];
  return {
    method,
    url,
    headers: authority === undefined ? headers : { host: authority, ...headers },
    remoteAddress: socket.remoteAddress,
  };
}

/** The request's body, or what a parser in front has left of it: its bytes, or the text of what is text, are as good. */
export function nodeBody(
  request: IncomingMessage & { readonly body?: unknown },
  limits: BodyLimits,
  binary: boolean,
): Promise<Body> {
  if (!request.readableDidRead) return readNodeBody(request, limits);
  const { body } = request;
  const bytes = typeof body === "string" && !binary ? Buffer.from(body) : body;
  if (!isBytes(bytes)) return Promise.resolve({ ok: false, reason: "body-read" });
  if (bytes.length > limits.maxBytes) return Promise.resolve({ ok: false, reason: "too-large" });
  return Promise.resolve({ ok: true, bytes });
}

/** How long an answer that is whole may wait to be taken in. */
export interface Stalling {
  readonly clock: Clock;
  readonly timeout: number;
}

/** What a request shares with others: its socket, or its HTTP/2 session. */
export const lineOf = (
  request: IncomingMessage & { readonly stream?: { readonly session?: object } },
): object => request.stream?.session ?? request.socket;

/** Writes what a request came to. */
export function nodeSink(
  outcome: HttpOutcome,
  request: IncomingMessage,
  response: ServerResponse,
  stalling: Stalling,
): void {
  response.on("error", () => undefined);
  // Nobody hears it any more, or somebody in front has answered (a timeout's middleware).
  if (isOver(response) || response.headersSent) {
    if (!("answer" in outcome)) outcome.receiving.over();
    return;
  }
  if ("answer" in outcome) {
    const { status, headers, text } = outcome.answer;
    // What was not read of the body is not waited for.
    const rest = request.complete || request.httpVersionMajor > 1 ? {} : { connection: "close" };
    response.writeHead(status, { ...headers, ...rest }).end(text);
    if (!request.complete) response.once("finish", () => request.destroy());
    return;
  }
  const connection = outcome.live
    ? liveSink(outcome, response, stalling)
    : packetSink(outcome, response, stalling);
  response.on("drain", () => connection.drained());
  response.on("close", () => {
    outcome.receiving.over();
    connection.gone(1006, "");
  });
  if (!outcome.live) outcome.receiving.heldBy({ ...NO_HANDS, cut: () => response.destroy() });
}

/** The answer is whole, and may not wait for ever for a peer that takes nothing in: it holds memory and a socket. */
export function untilTaken(response: ServerResponse, { clock, timeout }: Stalling): void {
  if (timeout === Infinity || response.closed) return;
  let flushed = -1;
  let cancel: Cancel = () => undefined;
  const look = (): void => {
    const { socket } = response;
    const now = socket === null ? 0 : flushedBytes(socket);
    if (now === flushed) response.destroy();
    else cancel = clock.setTimeout(look, timeout);
    flushed = now;
  };
  look();
  response.once("close", () => cancel());
}

/** HTTP/2's responses are not `destroyed`, their streams are; of such an end no event tells any more. */
const isOver = (response: ServerResponse & { readonly stream?: { readonly destroyed: boolean } }): boolean =>
  response.destroyed || response.stream?.destroyed === true;

function liveSink(
  { headers, open }: Opening,
  response: ServerResponse,
  stalling: Stalling,
): StreamConnection {
  response.writeHead(200, headers);
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  return open({
    write: (bytes) => void response.write(bytes),
    end() {
      response.end();
      untilTaken(response, stalling);
    },
    buffered: () => response.writableLength,
  });
}

/** One write for the whole answer: head and chunks by themselves cost a POST a third of its time. */
function packetSink(
  { headers, receiving, open }: Opening,
  response: ServerResponse,
  stalling: Stalling,
): StreamConnection {
  const parts: Uint8Array[] = [];
  let held = 0;
  return open({
    write(bytes) {
      parts.push(bytes);
      held += bytes.length;
    },
    end() {
      if (isOver(response) || response.headersSent) return;
      response.writeHead(200, { ...headers, "content-length": String(held) });
      receiving.answering(held);
      response.end(parts.length === 1 ? parts[0] : Buffer.concat(parts));
      held = 0;
      untilTaken(response, stalling);
    },
    buffered: () => held,
  });
}
