// The server that a run is pointed at, from its URL.
import type { Reach } from "../wire/reach.ts";

export interface Target extends Required<Reach> {
  /** Stands before every path: of `ws://host/app/socket`, `/app`. */
  readonly prefix: string;
  /** As a person would write it. */
  readonly url: string;
}

/** A URL that no run can be pointed at. */
export class BadTarget extends Error {
  override readonly name = "BadTarget";
}

/**
 * The server of `ws://localhost:4000/socket`. The sockets of the fixture app lie beside each other, so what stands before
 * `/socket` is before all of them.
 */
export function targetOf(url: string): Target {
  let read: URL;
  try {
    read = new URL(url.includes("://") ? url : `ws://${url}`);
  } catch {
    throw new BadTarget(`"${url}" is no URL. Write ws://localhost:4000/socket.`);
  }
  const secure = read.protocol === "wss:" || read.protocol === "https:";
  if (!secure && read.protocol !== "ws:" && read.protocol !== "http:") {
    throw new BadTarget(`"${url}" is neither ws:, wss:, http: nor https:. Write ws://localhost:4000/socket.`);
  }
  if (read.search !== "" || read.hash !== "") {
    throw new BadTarget(`"${url}" has a query; the kit gives each conversation its own. Leave it out.`);
  }
  const prefix = read.pathname.replace(/\/+$/, "").replace(/\/socket(\/(websocket|longpoll))?$/, "");
  const host = read.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = read.port === "" ? (secure ? 443 : 80) : Number(read.port);
  return {
    host,
    port,
    secure,
    prefix,
    url: `${secure ? "wss" : "ws"}://${read.hostname}:${port}${prefix}/socket`,
  };
}
