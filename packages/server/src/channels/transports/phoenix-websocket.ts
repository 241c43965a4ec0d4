// The WebSocket transport of a mount: which requests are its, and what becomes of them. The handshake and the live
// connections are the upgrade server's.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { CallaError } from "@calla/shared";
import { briefUrl } from "../../base/brief.ts";
import { nodeAsked } from "../../transports/http/node.ts";
import { pathOf, requestOf } from "../../transports/node-request.ts";
import type { GaveUp, UpgradeState } from "../../transports/websocket/pending-upgrade.ts";
import type { UpgradeSource } from "../../transports/websocket/upgrade-listener.ts";
import { UpgradeServer } from "../../transports/websocket/upgrade-server.ts";
import type { HttpVerdict, UpgradePolicy, Verdict } from "../../transports/websocket/upgrade-server.ts";
import type { Admitted, ChannelsHost } from "../engine/host.ts";
import type { RequestRefusal } from "../engine/words.ts";
import { handshake, handshakeProblem } from "./handshake.ts";
import type { HandshakeOutcome } from "./handshake.ts";
import { IdleWatch } from "./idle-watch.ts";
import type { Mount } from "./mount.ts";
import { PhoenixConnection, PhoenixLinkedSocket } from "./phoenix-connection.ts";

const PLAIN = "text/plain; charset=utf-8";
/** Milliseconds without a frame of the peer, as in Phoenix. */
const TIMEOUT = 60_000;

export interface PhoenixWebSocket {
  /** Takes an http server's upgrade requests. */
  listen(httpServer: UpgradeSource): void;
  /** Takes an upgrade request to its path; otherwise false, and nothing was done to it. */
  handleUpgrade(message: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Answers a request to its path that is no upgrade request. */
  handle(message: IncomingMessage, response: ServerResponse): boolean;
  readonly connections: number;
  close(): Promise<void>;
}

export type WebSocketMount = Mount & { readonly websocket: NonNullable<Mount["websocket"]> };

export function phoenixWebSocket(
  host: ChannelsHost,
  mount: WebSocketMount,
  httpServer: UpgradeSource | undefined,
): PhoenixWebSocket {
  const policy = new PhoenixPolicy(host, mount);
  const server = new UpgradeServer(policy, {
    httpServer,
    clock: host.clock,
    maxFrameBytes: mount.websocket.maxFrameBytes ?? host.limits.maxFrameBytes,
    // Phoenix pings nobody: whoever says nothing is idle, and that finds a line that is dead.
    pingInterval: Infinity,
    socket: PhoenixLinkedSocket,
  });
  return {
    listen: (source) => server.listen(source),
    handleUpgrade: (message, socket, head) => server.handleUpgrade(message, socket, head),
    handle: (message, response) => policy.handle(message, response),
    get connections() {
      return server.connections;
    },
    close: () => server.close(),
  };
}

class PhoenixPolicy implements UpgradePolicy {
  readonly place: string;
  readonly #host: ChannelsHost;
  readonly #mount: WebSocketMount;
  readonly #watch: IdleWatch;
  #told = false;

  constructor(host: ChannelsHost, mount: WebSocketMount) {
    this.#host = host;
    this.#mount = mount;
    this.place = mount.websocket.place.path;
    this.#watch = new IdleWatch(host.clock, mount.websocket.timeout ?? TIMEOUT);
  }

  verdict(message: IncomingMessage, state: UpgradeState): Verdict | Promise<Verdict> | undefined {
    const variables = this.#mount.websocket.place.variablesOf(pathOf(message));
    if (variables === undefined) return undefined;
    const method = message.method ?? "GET";
    const outcome = handshake(this.#host, this.#mount, { ...requestOf(message), method, variables }, state);
    return outcome instanceof Promise
      ? outcome.then((came) => this.#verdictOf(message, came))
      : this.#verdictOf(message, outcome);
  }

  gaveUp(message: IncomingMessage, why: GaveUp | "failed", error?: unknown): HttpVerdict {
    if (error !== undefined) this.#host.report(error);
    const status = why === "failed" ? 500 : 503;
    const { headers, ...rest } = requestOf(message);
    // They may carry a token, which is nothing for records.
    const { "sec-websocket-protocol": _, ...others } = headers;
    const request = { ...rest, url: briefUrl(rest.url), headers: others };
    this.#host.refused({ status, reason: why === "closing" ? "stopping" : why, request });
    return { kind: "answer", status, text: "" };
  }

  /** The same checks, for a request that asks for no WebSocket: Phoenix asks `connect` even then (W21). */
  handle(message: IncomingMessage, response: ServerResponse): boolean {
    const request = nodeAsked(message);
    const variables = this.#mount.websocket.place.variablesOf(request.url.split("?", 1)[0] ?? "");
    if (variables === undefined) return false;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const end = (status: number, text: string, type = PLAIN): void => {
      // There will be no connection.
      gone.abort();
      if (response.headersSent || response.destroyed) return;
      const headers = {
        "content-type": type,
        "content-length": Buffer.byteLength(text),
      };
      response.writeHead(status, headers).end(text);
    };
    const decided = (outcome: HandshakeOutcome): void => {
      if (!outcome.welcome) {
        end(outcome.status, outcome.body, outcome.type);
        return;
      }
      const why = handshakeProblem(message) ?? this.#unhanded();
      this.#refused(400, "handshake", outcome.admitted, why);
      end(400, why);
    };
    const state = { closing: false, full: false, signal: gone.signal };
    const outcome = handshake(this.#host, this.#mount, { ...request, variables }, state);
    if (outcome instanceof Promise)
      outcome.then(decided, (error: unknown) => {
        this.#host.report(error);
        end(500, "");
      });
    else decided(outcome);
    return true;
  }

  #verdictOf(message: IncomingMessage, outcome: HandshakeOutcome): Verdict {
    if (!outcome.welcome)
      return { kind: "answer", status: outcome.status, text: outcome.body, type: outcome.type };
    const { admitted, serialiser, protocol } = outcome;
    if (this.#host.stopping) {
      // Since `connect` was asked.
      this.#refused(503, "stopping", admitted);
      return { kind: "answer", status: 503, text: "" };
    }
    const problem = handshakeProblem(message);
    if (problem !== undefined) {
      this.#refused(400, "handshake", admitted, problem);
      return { kind: "answer", status: 400, text: problem };
    }
    // `ws` reads what is answered, and not what else was offered: that need not be in its form.
    if (protocol === undefined) delete message.headers["sec-websocket-protocol"];
    else message.headers["sec-websocket-protocol"] = protocol;
    return {
      kind: "enter",
      protocol,
      connect: (connection) => {
        const channels = this.#host.connect({ connection, admitted, serialiser });
        return new PhoenixConnection(connection, channels, this.#watch);
      },
      failed: (error) => {
        this.#host.report(error);
        this.#refused(101, "failed", admitted);
      },
    };
  }

  #refused(status: number, reason: RequestRefusal, { request }: Admitted, why?: string): void {
    this.#host.refused({ status, reason, request: { ...request, url: briefUrl(request.url) }, why });
  }

  /** A good upgrade request that came as any other: nobody listens for upgrades. */
  #unhanded(): string {
    if (!this.#told)
      this.#host.report(
        new CallaError(
          "transport",
          { path: this.place },
          `A client asked for a WebSocket at ${this.place}, and the http server's upgrade requests do not reach the channels. Write phoenix(channels, { httpServer }), or hand them to its handleUpgrade.`,
        ),
      );
    this.#told = true;
    return "This server's upgrade requests are not handed on.";
  }
}
