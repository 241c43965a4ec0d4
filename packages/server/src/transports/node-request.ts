// What the transport reads of an upgrade request, and its answer to one that does not come in.
import { STATUS_CODES } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { ConnectRequest } from "../base/connection.ts";

/** The path, without the query. */
export function pathOf(message: IncomingMessage): string {
  const url = targetOf(message.url);
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

/** A request's target without the host: some proxies name it whole (SV16). */
export const targetOf = (url = "/"): string =>
  url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?#]*/i, "").replace(/^(?!\/)/, "/");

/** The subprotocols asked for, in the client's order. */
export function protocolsOf({ headers }: IncomingMessage): readonly string[] {
  const names = headers["sec-websocket-protocol"] ?? "";
  return names.includes(",") ? names.split(",").map((name) => name.trim()) : [names.trim()];
}

/** What was asked, of which host: a target that is a whole url names that, and the Host header does not count (RFC 9112, 3.2.2). */
export function aimOf(
  url: string | undefined,
  headers: IncomingMessage["headers"],
): Pick<ConnectRequest, "url" | "headers"> {
  const [, named] = /^https?:\/\/(?:[^/?#]*@)?([^/?#]+)/i.exec(url ?? "") ?? [];
  return { url: targetOf(url), headers: named === undefined ? headers : { ...headers, host: named } };
}

export const requestOf = ({ url, headers, socket }: IncomingMessage): ConnectRequest => ({
  ...aimOf(url, headers),
  remoteAddress: socket.remoteAddress,
});

/** Answers over plain HTTP and ends the socket. */
export function answer(
  socket: Duplex,
  status: number,
  text: string,
  type = "text/plain; charset=utf-8",
): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "Connection: close",
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
  ];
  socket.on("error", ignore);
  socket.once("finish", () => socket.destroy());
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`);
}

const ignore = (): void => undefined;
