/// <reference types="node" preserve="true" />
// HTTP with server-sent events, for where no WebSocket gets through. A POST of a `Hello` that accepts an event stream is
// answered by one: a connection like a socket's, in one direction. Any other POST is a packet that speaks for itself
// (packet-conversation.ts); its answers are the response. Works with anything that has web requests, and with Node's own.
import type { IncomingMessage, ServerResponse } from "node:http";
import { CallaError } from "@calla/shared";
import type { Clock, Limits } from "@calla/shared";
import { briefUrl } from "../../base/brief.ts";
import { systemClock } from "../../base/clock.ts";
import type { Connection, ConnectRequest, Received, RequestInlet } from "../../base/connection.ts";
import { Heartbeat } from "../heartbeat.ts";
import type { Body, BodyLimits } from "./body.ts";
import { lineOf, nodeAsked, nodeBody, nodeSink } from "./node.ts";
import type { Stalling } from "./node.ts";
import { Receiving } from "./receiving.ts";
import {
  formatOf,
  headersFor,
  isForged,
  knownFormats,
  one,
  preflight,
  speaksCalla,
  wantsStream,
} from "./request.ts";
import type { HttpAnswer, RequestAsked, HttpRefusal, HttpOutcome } from "./request.ts";
import { StreamConnection } from "./stream.ts";
import type { Sink, StreamEvents } from "./stream.ts";
import { webAsked, webBody, webResponse } from "./web.ts";

export type { HttpRefusal } from "./request.ts";
export type { StreamEvents } from "./stream.ts";

/** What of a server the transport needs. */
export interface HttpHost {
  /** Wires in a stream: the Hello's answer. */
  connect(opened: {
    readonly connection: Connection;
    readonly request: ConnectRequest;
    readonly format: string;
  }): StreamEvents & { incoming(data: string | Uint8Array): void };
  /** Takes a packet that is a conversation by itself; returns what to call if its sender goes. */
  speak(spoken: {
    readonly data: string | Uint8Array;
    readonly connection: Connection;
    readonly request: ConnectRequest;
    readonly format: string;
  }): () => void;
  /** Whether a page of the request's origin may connect. */
  allowsOrigin(request: ConnectRequest): boolean;
  /** Why the request's Host is none of ours. */
  hostRefusal?(request: ConnectRequest): string | undefined;
  /** Whether pages of all sites may: then `credentials` is refused. Default false. */
  readonly allowsAnyOrigin?: boolean;
  /** Counts what is under way, and pauses or cuts it. */
  receive?(inlet: RequestInlet): Received;
  readonly limits: Pick<Limits, "maxFrameBytes" | "helloTimeout"> &
    Partial<Pick<Limits, "maxHelloBytes" | "stallTimeout">>;
  readonly serialiser: { readonly formats: readonly { readonly name: string; readonly binary: boolean }[] };
  /** Hears why a request was refused. */
  refused?(refusal: HttpRefusal): void;
}

/** What `http` takes on the server; every option has a default. */
export interface HttpOptions {
  /** Default "/calla". Requests for other paths are not taken. */
  readonly path?: string | undefined;
  /**
   * Pages of other origins may send cookies: for an `authenticate` that reads them. Not with `origins: "any"`. Default
   * false.
   */
  readonly credentials?: boolean | undefined;
  /** Milliseconds of silence after which a stream gets a comment, because proxies close what is idle. Default 15,000. */
  readonly heartbeat?: number | undefined;
  /** Where time comes from. Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** A transport at work. */
export interface HttpTransport {
  /**
   * Answers a web request: for Hono, Deno, Bun, workers. `remoteAddress`: the visitor's, where the runtime tells it.
   *
   * @example
   * app.all("/calla", (context) => transport.fetch(context.req.raw));
   */
  fetch(request: Request, remoteAddress?: string): Promise<Response>;
  /**
   * Answers a request of Node's http, https or http2 server. For another path calls `next`, or answers 404.
   *
   * @example
   * createServer(transport.node); // or app.use(transport.node) in Express
   */
  readonly node: (request: IncomingMessage, response: ServerResponse, next?: () => void) => void;
  /** Live streams. */
  readonly connections: number;
  /** Takes no more requests and ends what is open. */
  close(): Promise<void>;
}

const BUSY: Body = { ok: false, reason: "busy" };
const BODY_READ =
  "A body parser in front of this handler has read the body. Put the handler before it, or leave application/calla.* to it.";
type ReadBody = (limits: BodyLimits, binary: boolean) => Promise<Body>;
/** Room for the Hello in front of the messages, as in the server's own limit. */
const HELLO_BYTES = 65_536;

/**
 * Serves a Calla server over HTTP and server-sent events.
 *
 * @throws CallaError `transport`: cookies of the pages of any site.
 * @example
 * const transport = http(server, { path: "/calla" });
 * createServer(transport.node).listen(8080);
 */
export const http = (host: HttpHost, options: HttpOptions = {}): HttpTransport =>
  new PostTransport(host, options);

class PostTransport implements HttpTransport {
  readonly #host: HttpHost;
  readonly #path: string;
  readonly #credentials: boolean;
  readonly #clock: Clock;
  readonly #heartbeat: Heartbeat<StreamConnection>;
  readonly #gone = (connection: StreamConnection): void => this.#heartbeat.delete(connection);
  #closed = false;

  constructor(
    host: HttpHost,
    { path = "/calla", credentials = false, heartbeat = 15_000, clock }: HttpOptions,
  ) {
    if (credentials && host.allowsAnyOrigin === true)
      throw new CallaError(
        "transport",
        {},
        'http({ credentials: true }) with origins: "any" would let the pages of every site speak with a visitor\'s cookies. Name the sites: createServer({ origins: ["https://app.example"] }).',
      );
    this.#host = host;
    this.#path = path;
    this.#credentials = credentials;
    this.#clock = clock ?? systemClock;
    this.#heartbeat = new Heartbeat<StreamConnection>(this.#clock, heartbeat);
  }

  get connections(): number {
    return this.#heartbeat.size;
  }

  async fetch(request: Request, remoteAddress?: string): Promise<Response> {
    const asked = webAsked(request, remoteAddress);
    if (!this.#takes(asked)) {
      this.#astray(asked);
      return new Response("Not found.", { status: 404 });
    }
    const outcome = await this.#outcome(asked, undefined, (limits) => webBody(request, limits));
    return webResponse(outcome, request.signal);
  }

  readonly node = (request: IncomingMessage, response: ServerResponse, next?: () => void): void => {
    const asked = nodeAsked(request);
    if (this.#takes(asked))
      void this.#outcome(asked, lineOf(request), (limits, binary) => nodeBody(request, limits, binary)).then(
        (came) => nodeSink(came, request, response, this.#stalling),
      );
    else if (next !== undefined) next();
    else {
      this.#astray(asked);
      response.writeHead(404).end("Not found.");
    }
  };

  close(): Promise<void> {
    this.#closed = true;
    this.#heartbeat.stop();
    for (const connection of this.#heartbeat.connections()) connection.close(1001, "closing");
    return Promise.resolve();
  }

  /** At a path where nobody else answers. */
  #astray(asked: RequestAsked): void {
    if (!speaksCalla(asked)) return;
    const why = `A client sent its requests to ${JSON.stringify(briefUrl(asked.url))}. They are answered at ${JSON.stringify(this.#path)}: give the client that path, or http(server, { path }) the client's.`;
    this.#host.refused?.({ status: 404, reason: "path", request: asked, why });
  }

  #takes(asked: RequestAsked): boolean {
    const { url } = asked;
    const query = url.indexOf("?");
    return (query === -1 ? url : url.slice(0, query)) === this.#path;
  }

  /** Never rejects. */
  async #outcome(asked: RequestAsked, line: object | undefined, read: ReadBody): Promise<HttpOutcome> {
    const refuse = (
      status: number,
      reason: HttpRefusal["reason"],
      text: string,
      error?: unknown,
    ): HttpOutcome => {
      const request: ConnectRequest = asked;
      const ours = reason === "host" || (reason === "format" && speaksCalla(asked));
      const more = { ...(error === undefined ? {} : { error }), ...(ours ? { why: text } : {}) };
      this.#host.refused?.({ status, reason, request, ...more });
      const trusted = reason !== "origin" && reason !== "host" && reason !== "failed";
      const headers = headersFor(asked, trusted, this.#credentials);
      return { answer: refusal(status, reason, text, headers, this.#maxBytes(asked)) };
    };
    if (this.#closed) return refuse(503, "stopping", "This server is closing.");
    try {
      const why = this.#host.hostRefusal?.(asked);
      if (why !== undefined) return refuse(403, "host", why);
      if (isForged(asked))
        return refuse(403, "cross-site", "A page of another site may not send requests here.");
      if (!this.#host.allowsOrigin(asked)) return refuse(403, "origin", "This origin may not connect.");
    } catch (error) {
      return refuse(500, "failed", "The check of this origin failed.", error);
    }
    const headers = headersFor(asked, true, this.#credentials);
    if (asked.method === "OPTIONS") return { answer: preflight(headers) };
    if (asked.method !== "POST") return refuse(405, "method", "Only POST is answered here.");
    const { formats } = this.#host.serialiser;
    const format = formats.find(({ name }) => name === formatOf(asked, formats));
    if (format === undefined || one(asked.headers["content-encoding"]) !== undefined)
      return refuse(
        415,
        "format",
        `The content type must be one of ${knownFormats(formats)}, without a content encoding; give client and server the same serialiser.`,
      );
    const receiving = new Receiving(
      this.#host.receive && ((inlet) => this.#host.receive!(inlet)),
      asked,
      line,
    );
    const body = receiving.cutOff
      ? BUSY
      : await this.#body(asked, receiving, (limits) => read(limits, format.binary));
    if (!body.ok) {
      receiving.over();
      if (body.reason === "busy")
        return refuse(503, "busy", "Too many requests are under way; try again later.");
      if (body.reason === "body-read") return refuse(500, "body-read", BODY_READ);
      if (body.reason === "too-slow") return refuse(408, "too-slow", "The body did not come in time.");
      // Who still hears this may send it again: nothing is wrong with what it says.
      if (body.reason === "aborted") return refuse(408, "aborted", "The body did not come whole.");
      return refuse(413, "too-large", `A body may have ${this.#maxBytes(asked)} bytes.`);
    }
    if (this.#closed) {
      receiving.over();
      return refuse(503, "stopping", "This server is closing.");
    }
    const data = format.binary ? body.bytes : Buffer.from(body.bytes).toString("utf8");
    const open = (sink: Sink): StreamConnection => this.#open(sink, asked, format.name, data);
    const live = wantsStream(asked);
    // A stream is a connection, and counted as one.
    if (live) receiving.over();
    return {
      headers: { ...headers, "content-type": "text/event-stream; charset=utf-8" },
      live,
      receiving,
      open,
    };
  }

  get #stalling(): Stalling {
    return { clock: this.#clock, timeout: this.#host.limits.stallTimeout ?? Infinity };
  }

  /** A stream's body is a Hello and no more. */
  #maxBytes(asked: RequestAsked): number {
    const { maxFrameBytes, maxHelloBytes = Infinity } = this.#host.limits;
    return wantsStream(asked) ? Math.min(maxFrameBytes, maxHelloBytes) : maxFrameBytes + HELLO_BYTES;
  }

  async #body(
    asked: RequestAsked,
    receiving: Receiving,
    read: (limits: BodyLimits) => Promise<Body>,
  ): Promise<Body> {
    const maxBytes = this.#maxBytes(asked);
    if (Number(one(asked.headers["content-length"]) ?? 0) > maxBytes)
      return { ok: false, reason: "too-large" };
    return read({ clock: this.#clock, maxBytes, within: this.#host.limits.helloTimeout, receiving });
  }

  #open(sink: Sink, request: RequestAsked, format: string, data: string | Uint8Array): StreamConnection {
    const connection = new StreamConnection(sink, this.#gone);
    try {
      if (wantsStream(request)) {
        this.#heartbeat.add(connection);
        const events = this.#host.connect({ connection, request, format });
        connection.start(events);
        events.incoming(data);
      } else {
        const gone = this.#host.speak({ connection, request, format, data });
        connection.start({ disconnect: gone, drained: () => undefined });
      }
    } catch (error) {
      this.#host.refused?.({ status: 200, reason: "failed", request, error });
      connection.close(1011, "failed");
    }
    return connection;
  }
}

function refusal(
  status: number,
  reason: HttpRefusal["reason"],
  text: string,
  headers: Readonly<Record<string, string>>,
  maxBytes: number,
): HttpAnswer {
  const more = status === 405 ? { allow: "POST, OPTIONS" } : {};
  const limit = reason === "too-large" ? { maxBytes } : {};
  return {
    status,
    headers: { ...headers, ...more, "content-type": "application/json" },
    text: JSON.stringify({ code: reason, text, ...limit }),
  };
}
