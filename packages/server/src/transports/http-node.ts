// A request and response of Node's own http server as the transport sees them, without a detour over web streams.
import type { IncomingMessage, ServerResponse } from "node:http";
import { readNodeBody } from "./http-body.ts";
import type { Body, BodyLimits } from "./http-body.ts";
import type { Asked, Outcome } from "./http-request.ts";
import type { StreamConnection } from "./http-stream.ts";

type Opening = Exclude<Outcome, { answer: unknown }>;

export function nodeAsked(request: IncomingMessage & { readonly originalUrl?: string }): Asked {
  const { method = "GET", headers, socket } = request;
  // Express takes a mount's path away from `url`.
  const url = request.originalUrl ?? request.url ?? "/";
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
  if (!(bytes instanceof Uint8Array)) return Promise.resolve({ ok: false, reason: "body-read" });
  if (bytes.length > limits.maxBytes) return Promise.resolve({ ok: false, reason: "too-large" });
  return Promise.resolve({ ok: true, bytes });
}

/** Writes what a request came to. */
export function nodeSink(outcome: Outcome, request: IncomingMessage, response: ServerResponse): void {
  response.on("error", () => undefined);
  // Nobody hears it any more, or somebody in front has answered (a timeout's middleware).
  if (isOver(response) || response.headersSent) return;
  if ("answer" in outcome) {
    const { status, headers, text } = outcome.answer;
    // What was not read of the body is not waited for.
    const rest = request.complete || request.httpVersionMajor > 1 ? {} : { connection: "close" };
    response.writeHead(status, { ...headers, ...rest }).end(text);
    if (!request.complete) response.once("finish", () => request.destroy());
    return;
  }
  const connection = outcome.live ? liveSink(outcome, response) : packetSink(outcome, response);
  response.on("drain", () => connection.drained());
  response.on("close", () => connection.gone(1006, ""));
}

/** HTTP/2's responses are not `destroyed`, their streams are; of such an end no event tells any more. */
const isOver = (response: ServerResponse & { readonly stream?: { readonly destroyed: boolean } }): boolean =>
  response.destroyed || response.stream?.destroyed === true;

function liveSink({ headers, open }: Opening, response: ServerResponse): StreamConnection {
  response.writeHead(200, headers);
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  return open({
    write: (bytes) => void response.write(bytes),
    end: () => void response.end(),
    buffered: () => response.writableLength,
  });
}

/** One write for the whole answer: head and chunks by themselves cost a POST a third of its time. */
function packetSink({ headers, open }: Opening, response: ServerResponse): StreamConnection {
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
      response.end(parts.length === 1 ? parts[0] : Buffer.concat(parts));
      held = 0;
    },
    buffered: () => held,
  });
}
