// A server that is a recorded Phoenix: it answers what was recorded, as it was recorded, over WebSocket, LongPoll and HTTP, and
// tells what nobody recorded rather than invent an answer.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Hearing, Scenario } from "../recording/recording.ts";
import { OPCODE } from "../wire/frame.ts";
import { answerTo, castOf } from "./cast.ts";
import type { Line, Opening, Requested } from "./line.ts";
import { newToken } from "./play.ts";
import type { Script } from "./script.ts";
import { answer, bodyOf, Session } from "./session.ts";
import { SocketLine } from "./socket-line.ts";
import { Stage } from "./stage.ts";
import { realTime, type StubTime } from "./stub-time.ts";
import { Told, type StubReport } from "./told.ts";

/** Where a stub listens, and what it plays. */
export interface StubOptions {
  /** Default: any that is free. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Plays only the conversations of these names. Default: all. */
  readonly only?: readonly string[];
  /** Default: the recordings of Phoenix that come with this package. */
  readonly scenarios?: readonly Scenario[];
  /** Called with a line for each thing that is said by a client (`>`), to it (`<`), or was not recorded (`!`). */
  readonly onEvent?: (line: string) => void;
  /** Default: as it passes by itself. */
  readonly time?: StubTime;
  /** Changes what is said: for the tests of a client that meets a server which errs. Several: said one after the other. */
  readonly err?: (hearing: Hearing, conversation: string) => readonly Hearing[];
}

/** A running stub. */
export interface Stub {
  /** `ws://127.0.0.1:4000/socket`; `/quick`, `/few`, `/auth` … are beside it. */
  readonly url: string;
  /** What it has heard so far. Also at `/report`. */
  report(): StubReport;
  /** Cuts all connections, and listens no more. */
  close(): Promise<void>;
}

/** More sessions than these, and the oldest go. */
const MAX_SESSIONS = 1000;
const POLLED = /\/(longpoll|poll)(\?|$)/;

/**
 * Starts a server that answers as Phoenix 1.8.12 did when it was recorded. A client's own topics and refs may stand for the
 * recorded ones; events and payloads must be the recorded ones.
 *
 * @throws UnknownConversation
 * @example
 * const stub = await startStub({ onEvent: console.log });
 * const socket = new Socket(stub.url);
 */
export async function startStub(options: StubOptions = {}): Promise<Stub> {
  const scripts = castOf(options.scenarios, options.only);
  const server = createServer();
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, options.host ?? "127.0.0.1", resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  const host = `${family === "IPv6" ? `[${address}]` : address}:${port}`;
  const stub = new StubServer(server, scripts, host, options);
  return {
    url: `ws://${host}/socket`,
    report: () => stub.report(),
    close: () => stub.close(),
  };
}

class StubServer {
  readonly #server: Server;
  readonly #scripts: readonly Script[];
  readonly #told: Told;
  readonly #stage: Stage;
  readonly #sockets = new Set<Duplex>();
  readonly #sessions = new Map<string, Session>();
  /** Polls that are answered request by request as long as that is recorded. */
  readonly #waiting = new Map<string, Map<RequestLine, ServerResponse>>();
  readonly #err: StubOptions["err"];
  readonly #time: StubTime;
  #lines = 0;

  constructor(server: Server, scripts: readonly Script[], host: string, options: StubOptions) {
    const { onEvent, err, time = realTime } = options;
    this.#time = time;
    this.#server = server;
    this.#scripts = scripts;
    this.#err = err;
    this.#told = new Told(onEvent);
    this.#stage = new Stage({
      scripts,
      host,
      time,
      onUnrecorded: (what) => {
        const { did } = what;
        const control = "opcode" in did && did.opcode >= OPCODE.close;
        if (!control) this.#told.unrecorded(what);
      },
      onSaid: (line, hearing, play) => this.#told.said(line, hearing, play),
      ...(err === undefined ? {} : { err }),
    });
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    server.on("request", (request, response) => void this.#request(request, response));
  }

  report(): StubReport {
    for (const play of this.#stage.decided()) this.#told.note(play);
    return this.#told.report();
  }

  async close(): Promise<void> {
    this.#stage.end();
    for (const session of this.#sessions.values()) session.end();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
    const opening: Opening = {
      over: "websocket",
      path: request.url ?? "/",
      headers: request.headers,
      behind: head.toString("hex"),
    };
    // A frame in the same packet was recorded once; from another client it is a frame.
    const early = answerTo(opening, this.#scripts);
    const as = early === undefined ? { ...opening, behind: "" } : opening;
    const said = early ?? answerTo(as, this.#scripts);
    const [hearing] = said === undefined ? [] : (this.#err?.(said, "") ?? [said]);
    if (hearing?.hear !== "upgraded") {
      if (hearing === undefined) this.#notBegun(opening);
      const text = hearing?.hear === "answer" ? rawAnswer(hearing) : rawAnswer(NOT_RECORDED);
      socket.end(text);
      return;
    }
    const line = new SocketLine(this.#nextNumber(), as, socket, {
      says: (from, frame) => {
        this.#told.came(from, frame);
        return this.#stage.says(from, frame);
      },
      gone: (from) => this.#stage.gone(from),
    });
    line.open(hearing.headers, early === undefined ? head : Buffer.alloc(0), () => this.#stage.opened(line));
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) return void request.destroy();
    const { method = "GET", url = "/", headers } = request;
    if (url === "/report") return answer(response, this.report() as never);
    if (url === "/conversations") {
      return answer(
        response,
        this.#scripts.map(({ name, about }) => ({ name, about })),
      );
    }
    const asked: Requested = { method, path: url, headers, body };
    const token = tokenOf(asked);
    const session = token === undefined ? undefined : this.#sessions.get(token);
    if (session?.live === true) return session.take(asked, response);
    const line = new RequestLine(this.#nextNumber(), response, (given) => this.#begin(given, asked));
    if (this.#stage.asks(line, asked, token)) {
      this.#told.came(line, asked);
      if (!line.over && session !== undefined && method === "GET") this.#wait(session, line, response);
      return;
    }
    if (session !== undefined) return this.#goLive(session, asked, response);
    if (POLLED.test(url)) return this.#beginPolling(asked, token, response);
    this.#answerUnrecorded(line, asked, response);
  }

  /** A poll that no recorded request is: the session is played as one that keeps polling. */
  #goLive(session: Session, asked: Requested, response: ServerResponse): void {
    session.live = true;
    this.#stage.opened(session);
    const polls = this.#waiting.get(session.token) ?? new Map<RequestLine, ServerResponse>();
    this.#waiting.delete(session.token);
    for (const [line, poll] of polls) {
      this.#stage.gone(line);
      if (!poll.writableEnded) session.poll(poll);
    }
    session.take(asked, response);
  }

  #beginPolling(asked: Requested, token: string | undefined, response: ServerResponse): void {
    if (asked.method === "OPTIONS") {
      const headers = {
        "access-control-allow-origin": "*",
        "access-control-allow-headers": asked.headers["access-control-request-headers"] ?? "",
        "access-control-allow-methods": "get, post, options",
        "access-control-max-age": "3600",
      };
      return void response.writeHead(200, headers).end();
    }
    if (asked.method === "POST") return answer(response, { status: 410 });
    const opening = openingOf(asked);
    const said = asked.method === "GET" ? answerTo(opening, this.#scripts) : undefined;
    if (said?.hear !== "upgraded") {
      const line = new RequestLine(this.#nextNumber(), response, () => undefined);
      return this.#answerUnrecorded(line, asked, response);
    }
    void token;
    const given = newToken();
    this.#begin(given, asked);
    answer(response, { status: 410, token: given, messages: [] });
  }

  #begin(token: string, asked: Requested): void {
    const session = new Session(this.#nextNumber(), openingOf(asked), token, {
      time: this.#time,
      says: (from, frame) => {
        this.#told.came(from, frame);
        return this.#stage.says(from, frame);
      },
      awaitsStatus: (from) => this.#stage.awaits(from, "status"),
    });
    this.#sessions.set(token, session);
    const [oldest] = this.#sessions.size > MAX_SESSIONS ? this.#sessions.values() : [];
    if (oldest === undefined) return;
    oldest.end();
    this.#stage.gone(oldest);
    this.#sessions.delete(oldest.token);
  }

  #wait(session: Session, line: RequestLine, response: ServerResponse): void {
    const polls = this.#waiting.get(session.token) ?? new Map<RequestLine, ServerResponse>();
    this.#waiting.set(session.token, polls.set(line, response));
    response.once("close", () => {
      polls.delete(line);
      if (!line.over) this.#stage.gone(line);
    });
  }

  #answerUnrecorded(line: Line, asked: Requested, response: ServerResponse): void {
    this.#told.unrecorded({ line, did: asked, until: [] });
    response.writeHead(NOT_RECORDED.status, NOT_RECORDED.headers).end(NOT_RECORDED.body);
  }

  #notBegun({ path, headers }: Opening): void {
    const did = { method: "GET", path, headers, body: "" };
    const line = new RequestLine(this.#nextNumber(), undefined, () => undefined);
    this.#told.unrecorded({ line, did, until: [] });
  }

  #nextNumber(): number {
    this.#lines += 1;
    return this.#lines;
  }
}

/** One request that is answered as it was recorded. */
class RequestLine implements Line {
  readonly number: number;
  said = 0;
  over = false;
  readonly #response: ServerResponse | undefined;
  readonly #onToken: (token: string) => void;

  constructor(number: number, response: ServerResponse | undefined, onToken: (token: string) => void) {
    this.number = number;
    this.#response = response;
    this.#onToken = onToken;
  }

  hear(hearing: Hearing): void {
    const response = this.#response;
    if (this.over || response === undefined || response.destroyed) return;
    this.over = true;
    if (hearing.hear === "end") return void response.destroy();
    if (hearing.hear !== "answer") return;
    const { json } = hearing;
    const token = json === undefined ? undefined : givenToken(json);
    if (token !== undefined) this.#onToken(token);
    const body = json === undefined ? (hearing.body ?? "") : JSON.stringify(withTexts(json));
    response.writeHead(hearing.status, { ...hearing.headers }).end(body);
  }
}

const NOT_RECORDED = {
  hear: "answer",
  status: 501,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: "This is a stub that plays a recorded Phoenix, and nothing like this was recorded. /conversations lists what was, /report tells what was not.",
} as const;

/** In a body, messages are texts; the recording shows the frames that they hold. */
function withTexts(json: unknown): unknown {
  if (typeof json !== "object" || json === null || !("messages" in json) || !Array.isArray(json.messages)) {
    return json;
  }
  return {
    ...json,
    messages: json.messages.map((message) =>
      typeof message === "string" ? message : JSON.stringify(message),
    ),
  };
}

function givenToken(json: unknown): string | undefined {
  if (typeof json !== "object" || json === null || !("status" in json) || json.status !== 410)
    return undefined;
  return "token" in json && typeof json.token === "string" ? json.token : undefined;
}

/** The header counts more than the query. */
function tokenOf({ path, headers }: Requested): string | undefined {
  const header = headers["x-phoenix-longpoll-token"];
  return (
    (typeof header === "string" ? header : undefined) ??
    new URL(path, "http://host").searchParams.get("token") ??
    undefined
  );
}

function openingOf({ path, headers }: Requested): Opening {
  const bare = path.replace(/([?&])token=[^&]*&?/, "$1");
  return { over: "longpoll", path: bare, headers, behind: "" };
}

function rawAnswer({ status, headers, body = "" }: Extract<Hearing, { hear: "answer" }>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = body.replaceAll(/\{\{[^{}]+\}\}/g, "");
  return `HTTP/1.1 ${status} As recorded\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(text)}\r\n${lines.join("")}\r\n${text}`;
}
