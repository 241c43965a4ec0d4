/// <reference types="node" preserve="true" />
// Where a server is, and the connection to it: plain, or over TLS.
import { connect, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";

export interface Reach {
  /** A name or an address; of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Over TLS. Default: no. */
  readonly secure?: boolean;
}

export function reach({ host, port, secure = false }: Reach): Socket {
  return secure ? connectSecurely({ host, port }) : connect(port, host);
}

/** As the Host header names it. */
export const authorityOf = ({ host, port }: Reach): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;
