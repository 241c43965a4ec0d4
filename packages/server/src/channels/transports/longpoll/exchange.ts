// One request and its answer, whether Node's or the web's. It is answered once, and knows when nobody waits for it any more:
// what is answered then, nobody has heard (LP31a).
import type { IncomingMessage, ServerResponse } from "node:http";
import { one } from "../../../transports/http/request.ts";
import type { HttpAnswer, RequestAsked } from "../../../transports/http/request.ts";
import type { Body, BodyLimits } from "../../../transports/http/body.ts";
import { lineOf, nodeAsked, nodeBody, untilTaken } from "../../../transports/http/node.ts";
import type { Stalling } from "../../../transports/http/node.ts";
import { webAsked, webBody } from "../../../transports/http/web.ts";

/** Who keeps an exchange waiting. */
export interface Holder {
  /** The peer has gone before it was answered. */
  left(exchange: Exchange): void;
  /** It has waited for its window. */
  overdue(exchange: Exchange): void;
}

export abstract class Exchange {
  readonly asked: RequestAsked;
  /** What it shares with others: its socket, or its HTTP/2 session. */
  readonly line: object | undefined;
  holder: Holder | undefined;

  constructor(asked: RequestAsked, line: object | undefined) {
    this.asked = asked;
    this.line = line;
  }

  /** Answered already, or nobody hears it. */
  abstract get over(): boolean;
  /** Where it is over already, nothing. */
  abstract answer(answer: HttpAnswer): void;
  abstract body(limits: BodyLimits): Promise<Body>;

  due(): void {
    this.holder?.overdue(this);
  }
}

/** What is not read of a body this long comes, and is dropped; of a longer one the connection is closed. */
const DRAINED = 65_536;

export class NodeExchange extends Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse & { readonly stream?: { readonly destroyed: boolean } };
  readonly #stalling: Stalling;

  constructor(request: IncomingMessage, response: ServerResponse, stalling: Stalling) {
    super(nodeAsked(request), lineOf(request));
    this.#request = request;
    this.#response = response;
    this.#stalling = stalling;
    response.on("error", ignore);
    response.once("close", () => this.holder?.left(this));
  }

  get over(): boolean {
    const response = this.#response;
    // HTTP/2's responses are not `destroyed`, their streams are.
    return response.destroyed || response.headersSent || response.stream?.destroyed === true;
  }

  answer({ status, headers, text }: HttpAnswer): void {
    if (this.over) return;
    const response = this.#response;
    const all: Record<string, string> = { ...headers, "content-length": String(Buffer.byteLength(text)) };
    if (this.#cutsOff()) {
      all["connection"] = "close";
      response.once("finish", () => this.#request.destroy());
    }
    response.writeHead(status, all).end(text);
    // Most answers are with the system by now. One that is not may not wait for ever: it holds memory and a socket.
    if (response.writableLength > 0) untilTaken(response, this.#stalling);
  }

  /** Whether more comes than is worth reading. */
  #cutsOff(): boolean {
    const request = this.#request;
    const { headers, httpVersionMajor, complete } = request;
    if (complete || httpVersionMajor > 1) return false;
    const length = headers["content-length"];
    if (headers["transfer-encoding"] === undefined && length === undefined) return false;
    if (Number(length) > DRAINED || length === undefined) return true;
    request.resume();
    return false;
  }

  body(limits: BodyLimits): Promise<Body> {
    const { readableDidRead, body } = this.#request as IncomingMessage & { readonly body?: unknown };
    // A parser in front has made values of a frame's JSON (of an old client, which says its type so): they say the same.
    const parsed = readableDidRead && typeof body === "object" && body !== null && !ArrayBuffer.isView(body);
    if (!parsed || one(this.asked.headers["content-type"])?.includes("json") !== true)
      return nodeBody(this.#request, limits, false);
    const bytes = Buffer.from(JSON.stringify(body));
    return Promise.resolve(
      bytes.length > limits.maxBytes ? { ok: false, reason: "too-large" } : { ok: true, bytes },
    );
  }
}

const ignore = (): void => undefined;

export class WebExchange extends Exchange {
  readonly response: Promise<Response>;
  readonly #request: Request;
  #resolve!: (response: Response) => void;
  #over = false;
  readonly #aborted = (): void => {
    if (this.#over) return;
    // Nobody reads it; whoever called waits for one.
    this.#settle(new Response(null, { status: 499 }));
    this.holder?.left(this);
  };

  constructor(request: Request, remoteAddress: string | undefined) {
    super(webAsked(request, remoteAddress), undefined);
    this.#request = request;
    this.response = new Promise((resolve) => (this.#resolve = resolve));
    if (request.signal.aborted) this.#aborted();
    else request.signal.addEventListener("abort", this.#aborted, { once: true });
  }

  get over(): boolean {
    return this.#over;
  }

  answer({ status, headers, text }: HttpAnswer): void {
    if (this.#over) return;
    this.#settle(new Response(text, { status, headers }));
  }

  body(limits: BodyLimits): Promise<Body> {
    return webBody(this.#request, limits);
  }

  #settle(response: Response): void {
    this.#over = true;
    this.#request.signal.removeEventListener("abort", this.#aborted);
    this.#resolve(response);
  }
}
