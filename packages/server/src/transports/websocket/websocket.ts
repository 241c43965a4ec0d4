// WebSocket for Node's http and https servers. Path, origin and format, in this order, are checked before anything of
// the visitor is kept; then `ws` does the handshake and the server is called.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Limits, RequestCode } from "@calla/shared";
import { WebSocketServer } from "ws";
import type { Server } from "ws";
import { brief } from "../../base/brief.ts";
import { systemClock } from "../../base/clock.ts";
import type { Connection, ConnectRequest } from "../../base/connection.ts";
import { LinkedSocket, SocketConnection } from "./connection.ts";
import type { ConnectionEvents } from "./connection.ts";
import { Heartbeat } from "../heartbeat.ts";
import { holdBack } from "../write-batching.ts";
import { answer, pathOf, protocolsOf, requestOf } from "../node-request.ts";

export type { ConnectionEvents } from "./connection.ts";

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

/** An http or https server. */
export interface UpgradeSource {
  /** Adds a listener for upgrade requests. */
  on(event: "upgrade", listener: UpgradeListener): unknown;
  /** Takes it away again. */
  off(event: "upgrade", listener: UpgradeListener): unknown;
  /** How many listen: a path that is nobody's is answered by the last of them. */
  listenerCount(event: "upgrade"): number;
}
type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

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

/** So many who are refused are told by a WebSocket at once; others hear it over HTTP. */
const MOST_TOLD = 1_000;
/** Who says more before it has heard that it is refused, is cut off. */
const REFUSED_BYTES = 65_536;

/**
 * Serves a Calla server over WebSocket. The format is the subprotocol: `calla.json`, `calla.messagepack` …
 *
 * @example
 * webSocket(server, { httpServer, path: "/ws" });
 */
export const webSocket = (host: WebSocketHost, options: WebSocketOptions = {}): WebSocketTransport =>
  new UpgradingTransport(host, options);

class UpgradingTransport implements WebSocketTransport {
  readonly #host: WebSocketHost;
  readonly #httpServer: UpgradeSource | undefined;
  readonly #path: string;
  readonly #heartbeat: Heartbeat<SocketConnection>;
  readonly #upgrader: Server<typeof LinkedSocket>;
  readonly #protocols: ReadonlySet<string>;
  readonly #gone = (connection: SocketConnection): void => this.#forget(connection);
  #closed = false;
  /** Those who hear that their origin is refused. */
  #told = 0;
  /** Those who wait for the last connection to go. */
  #closing: (() => void)[] = [];

  constructor(host: WebSocketHost, options: WebSocketOptions) {
    this.#host = host;
    this.#httpServer = options.httpServer;
    this.#path = options.path ?? "/ws";
    this.#protocols = new Set(host.serialiser.formats.map(({ name }) => PREFIX + name));
    this.#heartbeat = new Heartbeat(options.clock ?? systemClock, options.pingInterval ?? 25_000);
    const settings = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Its way to answer pings costs a closure for each connection; ours does not.
      autoPong: false,
      maxPayload: host.limits.maxFrameBytes,
      closeTimeout: options.closeTimeout ?? 5_000,
      WebSocket: LinkedSocket,
      handleProtocols: (names: Iterable<string>) => this.#chosen(names) ?? false,
    };
    this.#upgrader = new WebSocketServer(settings);
    this.#httpServer?.on("upgrade", this.#onUpgrade);
  }

  get connections(): number {
    return this.#heartbeat.size;
  }

  handleUpgrade(message: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (pathOf(message) !== this.#path) return false;
    const request = requestOf(message);
    const refusal = this.#refusalOf(message, request);
    if (refusal === undefined) {
      holdBack(socket);
      this.#upgrader.handleUpgrade(message, socket, head, (webSocket) =>
        this.#connect(webSocket, socket, request),
      );
    } else {
      const { text, ...recorded } = refusal;
      this.#host.refused?.({ ...recorded, request });
      // A page cannot read an HTTP answer: it would retry for ever, and never know why.
      const speaks = this.#chosen(protocolsOf(message)) !== undefined;
      const { reason } = refusal;
      if ((reason === "origin" || reason === "host") && speaks && this.#told < MOST_TOLD)
        this.#upgrader.handleUpgrade(message, socket, head, (webSocket) =>
          this.#tell(webSocket, socket, reason),
        );
      else answer(socket, refusal.status, text);
    }
    return true;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#httpServer?.off("upgrade", this.#onUpgrade);
    this.#heartbeat.stop();
    for (const connection of this.#heartbeat.connections()) connection.close(1001, "closing");
    if (this.connections === 0) return Promise.resolve();
    return new Promise((resolve) => this.#closing.push(resolve));
  }

  readonly #onUpgrade: UpgradeListener = (message, socket, head) => {
    if (this.handleUpgrade(message, socket, head)) return;
    // Another listener's path, unless there is none: a request that nobody answers would hang.
    if (this.#httpServer?.listenerCount("upgrade") !== 1) return;
    // A request for one of Calla's formats was meant for this server.
    if (protocolsOf(message).some((name) => name.startsWith(PREFIX))) {
      const why = `A client asked for a WebSocket at ${JSON.stringify(brief(pathOf(message)))}. WebSockets are at ${JSON.stringify(this.#path)}: give the client that path, or webSocket(server, { path }) the client's.`;
      this.#host.refused?.({ status: 404, reason: "path", request: requestOf(message), why });
    }
    answer(socket, 404, `WebSockets are at ${this.#path}.`);
  };

  #tell(webSocket: LinkedSocket, socket: Duplex, reason: "origin" | "host"): void {
    this.#told++;
    let read = 0;
    webSocket.on("error", () => {}); // whatever it goes on to send
    webSocket.once("close", () => this.#told--);
    socket.on("data", (chunk: Buffer) => {
      read += chunk.length;
      if (read > REFUSED_BYTES) webSocket.terminate();
    });
    webSocket.close(CLOSE_TERMINAL, reason);
  }

  /** Why the request may not come in; undefined if it may. */
  #refusalOf(
    message: IncomingMessage,
    request: ConnectRequest,
  ): (Omit<WebSocketRefusal, "request"> & { text: string }) | undefined {
    if (this.#closed) return { status: 503, reason: "stopping", text: "This server is closing." };
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
    if (this.#chosen(protocolsOf(message)) !== undefined) return undefined;
    const known = [...this.#protocols].join(", ");
    const why = `A client asked for a WebSocket with the subprotocol ${JSON.stringify(brief(protocolsOf(message).join(", ")))}, and this server has ${known}. Give both sides the same serialiser.`;
    return {
      status: 400,
      reason: "format",
      text: `Ask for one of these subprotocols: ${known}.`,
      // A request that names none of Calla's formats comes from another program.
      ...(protocolsOf(message).some((name) => name.startsWith(PREFIX)) ? { why } : {}),
    };
  }

  #chosen(names: Iterable<string>): string | undefined {
    for (const name of names) if (this.#protocols.has(name)) return name;
    return undefined;
  }

  #connect(webSocket: LinkedSocket, socket: Duplex, request: ConnectRequest): void {
    const connection = new SocketConnection(webSocket, socket, this.#gone);
    this.#heartbeat.add(connection);
    try {
      connection.start(
        this.#host.connect({ connection, request, format: webSocket.protocol.slice(PREFIX.length) }),
      );
    } catch (error) {
      this.#host.refused?.({ status: 101, reason: "failed", request, error });
      connection.close(1011, "failed");
    }
  }

  #forget(connection: SocketConnection): void {
    this.#heartbeat.delete(connection);
    if (this.connections === 0) for (const resolve of this.#closing.splice(0)) resolve();
  }
}
