/// <reference types="node" preserve="true" />
// Serves a Calla server over WebSocket: who comes in, by its path, its origin and its format. The handshake and the live
// connections are the upgrade server's.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Limits, RequestCode } from "@calla/shared";
import { brief } from "../../base/brief.ts";
import type { Connection, ConnectRequest } from "../../base/connection.ts";
import { pathOf, protocolsOf, requestOf } from "../node-request.ts";
import type { ConnectionEvents } from "./connection.ts";
import type { UpgradeState } from "./pending-upgrade.ts";
import type { UpgradeSource } from "./upgrade-listener.ts";
import { UpgradeServer } from "./upgrade-server.ts";
import type { UpgradePolicy, Verdict } from "./upgrade-server.ts";

export type { ConnectionEvents } from "./connection.ts";
export type { UpgradeSource } from "./upgrade-listener.ts";

/** What of a server the transport needs. */
export interface WebSocketHost {
  /** Wires in a socket, when hands have been shaken. */
  connect(opened: {
    readonly connection: Connection;
    readonly request: ConnectRequest;
    readonly format: string;
  }): ConnectionEvents;
  /** Whether a page of the request's origin may connect. */
  allowsOrigin(request: ConnectRequest): boolean;
  /** Why the request's Host is none of ours. */
  hostRefusal?(request: ConnectRequest): string | undefined;
  readonly limits: Pick<Limits, "maxFrameBytes">;
  readonly serialiser: { readonly formats: readonly { readonly name: string }[] };
  /** Hears why a request was refused. */
  refused?(refusal: WebSocketRefusal): void;
}

/** A request that got an HTTP answer in place of a WebSocket. */
export interface WebSocketRefusal {
  readonly status: number;
  readonly reason: Extract<RequestCode, "origin" | "host" | "path" | "format" | "stopping" | "failed">;
  readonly request: ConnectRequest;
  /** What `allowsOrigin` or `connect` threw; of the latter the status is 101, for hands were shaken. */
  readonly error?: unknown;
  /** What is to be done about it. */
  readonly why?: string | undefined;
}

/** What `webSocket` takes on the server; every option has a default. */
export interface WebSocketOptions {
  /** Takes the upgrade requests of this server. Without it, hand them to `handleUpgrade`. */
  readonly httpServer?: UpgradeSource | undefined;
  /** Default "/ws". */
  readonly path?: string | undefined;
  /** Milliseconds between pings to one connection; two unanswered end it. Default 25,000. */
  readonly pingInterval?: number | undefined;
  /** Milliseconds a peer has to answer a close. Default 5,000. */
  readonly closeTimeout?: number | undefined;
  /** Where time comes from. Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** A transport at work. */
export interface WebSocketTransport {
  /** Takes an upgrade request if its path is ours; otherwise false, and nothing was done to it. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Live connections. */
  readonly connections: number;
  /** Takes no more requests and closes what is open (1001); resolves when all are gone. */
  close(): Promise<void>;
}

const PREFIX = "calla.";
/** A close code that says "do not retry"; the reason says why. */
const CLOSE_TERMINAL = 4002;

/**
 * Serves a Calla server over WebSocket. The format is the subprotocol: `calla.json`, `calla.messagepack` …
 *
 * @example
 * webSocket(server, { httpServer, path: "/ws" });
 */
export const webSocket = (host: WebSocketHost, options: WebSocketOptions = {}): WebSocketTransport =>
  new UpgradeServer(new FormatPolicy(host, options.path ?? "/ws"), {
    httpServer: options.httpServer,
    clock: options.clock,
    maxFrameBytes: host.limits.maxFrameBytes,
    pingInterval: options.pingInterval ?? 25_000,
    closeTimeout: options.closeTimeout,
  });

/** Path, origin and format, in this order, are checked before anything of the visitor is kept. */
class FormatPolicy implements UpgradePolicy {
  readonly #host: WebSocketHost;
  readonly #protocols: ReadonlySet<string>;
  readonly place: string;

  constructor(host: WebSocketHost, path: string) {
    this.#host = host;
    this.place = path;
    this.#protocols = new Set(host.serialiser.formats.map(({ name }) => PREFIX + name));
  }

  verdict(message: IncomingMessage, { closing }: UpgradeState): Verdict | undefined {
    if (pathOf(message) !== this.place) return undefined;
    const request = requestOf(message);
    const protocol = this.#chosen(protocolsOf(message));
    const refusal = closing ? STOPPING : this.#refusalOf(message, request, protocol);
    if (refusal !== undefined) return this.#refuse(request, refusal, protocol);
    return {
      kind: "enter",
      protocol,
      connect: (connection) =>
        this.#host.connect({ connection, request, format: (protocol ?? "").slice(PREFIX.length) }),
      failed: (error) => this.#host.refused?.({ status: 101, reason: "failed", request, error }),
    };
  }

  missed(message: IncomingMessage): void {
    // A request for one of Calla's formats was meant for this server.
    if (!protocolsOf(message).some((name) => name.startsWith(PREFIX))) return;
    const why = `A client asked for a WebSocket at ${JSON.stringify(brief(pathOf(message)))}. WebSockets are at ${JSON.stringify(this.place)}: give the client that path, or webSocket(server, { path }) the client's.`;
    this.#host.refused?.({ status: 404, reason: "path", request: requestOf(message), why });
  }

  #refuse(request: ConnectRequest, refusal: Refusal, protocol: string | undefined): Verdict {
    const { text, ...recorded } = refusal;
    this.#host.refused?.({ ...recorded, request });
    const { status, reason } = refusal;
    const otherwise = { kind: "answer", status, text } as const;
    // A page cannot read an HTTP answer: it would retry for ever, and never know why.
    return (reason === "origin" || reason === "host") && protocol !== undefined
      ? { kind: "tell", protocol, code: CLOSE_TERMINAL, reason, otherwise }
      : otherwise;
  }

  /** Why the request may not come in; undefined if it may. */
  #refusalOf(
    message: IncomingMessage,
    request: ConnectRequest,
    protocol: string | undefined,
  ): Refusal | undefined {
    try {
      const why = this.#host.hostRefusal?.(request);
      if (why !== undefined) return { status: 403, reason: "host", text: why, why };
      if (!this.#host.allowsOrigin(request))
        return { status: 403, reason: "origin", text: "This origin may not connect." };
    } catch (error) {
      return {
        status: 500,
        reason: "failed",
        error,
        text: "The check of this origin failed.",
      };
    }
    if (protocol !== undefined) return undefined;
    const asked = protocolsOf(message);
    const known = [...this.#protocols].join(", ");
    const why = `A client asked for a WebSocket with the subprotocol ${JSON.stringify(brief(asked.join(", ")))}, and this server has ${known}. Give both sides the same serialiser.`;
    return {
      status: 400,
      reason: "format",
      text: `Ask for one of these subprotocols: ${known}.`,
      // A request that names none of Calla's formats comes from another program.
      ...(asked.some((name) => name.startsWith(PREFIX)) ? { why } : {}),
    };
  }

  #chosen(names: Iterable<string>): string | undefined {
    for (const name of names) if (this.#protocols.has(name)) return name;
    return undefined;
  }
}

type Refusal = Omit<WebSocketRefusal, "request"> & { readonly text: string };

const STOPPING: Refusal = { status: 503, reason: "stopping", text: "This server is closing." };
