// A request and response of Node's own http server as the transport sees them, without a detour over web streams.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BodySource } from "./http-body.ts";
import type { Asked, Outcome } from "./http-request.ts";

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
  binary: boolean,
): BodySource {
  if (!request.readableDidRead) return request;
  const { body } = request;
  if (typeof body === "string" && !binary) return [Buffer.from(body)];
  return body instanceof Uint8Array ? [body] : "body-read";
}

/** Writes what a request came to. */
export function nodeSink(outcome: Outcome, request: IncomingMessage, response: ServerResponse): void {
  response.on("error", () => undefined);
  if (response.destroyed) return;
  if ("answer" in outcome) {
    const { status, headers, text } = outcome.answer;
    // What was not read of the body is not waited for.
    const rest = request.complete || request.httpVersionMajor > 1 ? {} : { connection: "close" };
    response.writeHead(status, { ...headers, ...rest }).end(text);
    if (!request.complete) response.once("finish", () => request.destroy());
    return;
  }
  response.writeHead(200, outcome.headers);
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  const connection = outcome.open({
    write: (bytes) => void response.write(bytes),
    end: () => void response.end(),
    buffered: () => response.writableLength,
  });
  response.on("drain", () => connection.drained());
  response.on("close", () => connection.gone(1006, ""));
}
