// LongPoll, Phoenix's transport for where no WebSocket gets through: a GET that waits for what there is to be told, a POST
// for what is said. The first GET begins a session; its token stands for it in all that follow. A session lives on one
// node, so requests of one client must reach that node (sticky routing by address or cookie): on another one its token
// says nothing, and the client begins anew there. Relaying them to the node that the token names has its place in
// `#unknown`.
import type { IncomingMessage, ServerResponse } from "node:http";
import { CallaError } from "@calla/shared";
import type { SteadyClock } from "@calla/shared";
import { steady } from "../../../base/clock.ts";
import { contain } from "../../../base/contain.ts";
import { SECRET_CURE, secretProblem } from "../../../identity/secret-strength.ts";
import { generateClientId } from "../../../identity/signed-identity.ts";
import { isForged, one } from "../../../transports/http/request.ts";
import type { HttpAnswer, RequestAsked } from "../../../transports/http/request.ts";
import type { Stalling } from "../../../transports/http/node.ts";
import { targetOf } from "../../../transports/node-request.ts";
import type { ConnectRequest } from "../../../base/connection.ts";
import type { Admitted, ChannelsHost, PhoenixRequest } from "../../engine/host.ts";
import type { RequestRefusal } from "../../engine/words.ts";
import type { ChannelSerialiser } from "../../wire/serialiser.ts";
import type { Mount } from "../mount.ts";
import { paramsOf } from "../../wire/params.ts";
import type { PathVariables } from "../place.ts";
import {
  begun,
  FAILED,
  FORBIDDEN,
  GONE,
  OVER,
  preflight,
  refused,
  TAKEN,
  TIMED_OUT,
  UNAVAILABLE,
  WRONG_METHOD,
} from "./answers.ts";
import { MOST_BYTES, mostLines, readFrames } from "./body.ts";
import { Deadlines } from "./deadlines.ts";
import { NodeExchange, WebExchange } from "./exchange.ts";
import type { Exchange } from "./exchange.ts";
import { PollSession } from "./session.ts";
import type { SessionContext, Verdict, Waiter } from "./session.ts";
import { textOnly } from "./text-only.ts";
import { hasTokenForm, OLDEST, readToken, tokenOf } from "./tokens.ts";

/** The transport of one mount. */
export interface LongPoll {
  /** Answers a request of Node's http, https or http2 server; false: it is for another path. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Answers a web request; undefined: it is for another path. `remoteAddress`: the visitor's, where the runtime tells it. */
  fetch(request: Request, remoteAddress?: string): Promise<Response | undefined>;
  /** Live sessions. */
  readonly connections: number;
  /** Takes no more requests, and ends all sessions. */
  close(): Promise<void>;
}

const WINDOW = 10_000;
const LONGEST_WINDOW = 3_600_000;
/** A session without a poll for this many windows is over, once it is looked at: at the latest after twice that (LP17). */
const INACTIVE = 1.5;
/** A POST's body is read for so long, as a Hello over HTTP. */
const READING = 10_000;
/** An answer that nothing has been taken of for so long is given up. */
const STALL = 30_000;
/** What waits for a poll. A client that takes nothing for a window and a half is gone, so this is what it may miss. */
/** Tokens that are remembered for having been told so; longer than one of ours none is. */
const OVER_TOKENS = { most: 1_000, longest: 512 };
const SESSION_LIMITS = { maxBufferedBytes: 4_194_304, maxBufferedFrames: 10_000 };

/** @throws CallaError `transport`: a window or a secret that cannot be meant. */
export const longPoll = (host: ChannelsHost, mount: Mount): LongPoll => new LongPollTransport(host, mount);

class LongPollTransport implements LongPoll {
  readonly #host: ChannelsHost;
  readonly #mount: Mount;
  readonly #clock: SteadyClock;
  readonly #secret: Uint8Array;
  readonly #stalling: Stalling;
  /** By their tokens: a text that is one of these has been sealed here, so no seal is computed for it again. */
  readonly #sessions = new Map<string, PollSession>();
  readonly #context: SessionContext;
  readonly #windows: Deadlines<Waiter>;
  readonly #inactive: Deadlines<PollSession>;
  #closed = false;
  #toldElsewhere = false;
  readonly #toldOver = new Set<string>();

  constructor(host: ChannelsHost, mount: Mount) {
    this.#host = host;
    this.#mount = mount;
    const clock = steady(host.clock);
    this.#clock = clock;
    const { window = WINDOW, secret = host.secret } = mount.longpoll ?? {};
    if (!(window > 0 && window <= LONGEST_WINDOW))
      throw new CallaError(
        "transport",
        { window },
        "longpoll.window must be milliseconds above 0, and not above an hour. phoenix.js gives a poll up after 20,000.",
      );
    this.#secret = typeof secret === "string" ? Buffer.from(secret) : secret;
    const weak = secret === host.secret ? undefined : secretProblem(this.#secret);
    if (weak !== undefined)
      throw new CallaError("transport", {}, `longpoll.secret can be guessed: ${weak}. ${SECRET_CURE}`);
    this.#stalling = { clock, timeout: STALL };
    this.#windows = new Deadlines<Waiter>(clock, window, (waiter) => waiter.due(), host.report);
    const longest = window * INACTIVE;
    const look = (session: PollSession): void => {
      if (clock.monotonic() - session.polled >= longest) session.inactive();
      else this.#inactive.set(session);
    };
    this.#inactive = new Deadlines<PollSession>(clock, longest, look, host.report);
    this.#context = {
      windows: this.#windows,
      limits: SESSION_LIMITS,
      strict: host.strictPhoenix,
      now: () => clock.monotonic(),
      report: host.report,
      ended: (session) => {
        this.#sessions.delete(session.token);
        this.#inactive.drop(session);
      },
    };
  }

  get connections(): number {
    return this.#sessions.size;
  }

  handle(request: IncomingMessage & { readonly originalUrl?: string }, response: ServerResponse): boolean {
    const variables = this.#variablesOf(targetOf(request.originalUrl ?? request.url));
    if (variables === undefined) return false;
    void this.#answer(new NodeExchange(request, response, this.#stalling), variables);
    return true;
  }

  async fetch(request: Request, remoteAddress?: string): Promise<Response | undefined> {
    const variables = this.#variablesOf(new URL(request.url).pathname);
    if (variables === undefined) return undefined;
    const exchange = new WebExchange(request, remoteAddress);
    void this.#answer(exchange, variables);
    return exchange.response;
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const session of this.#sessions.values())
      contain(this.#host.report, () => session.close(1001, "closing"));
    this.#windows.stop();
    this.#inactive.stop();
    return Promise.resolve();
  }

  #variablesOf(url: string): PathVariables | undefined {
    const query = url.indexOf("?");
    return this.#mount.longpoll?.place.variablesOf(query === -1 ? url : url.slice(0, query));
  }

  /** Never rejects. */
  #answer(exchange: Exchange, variables: PathVariables): void | Promise<void> {
    try {
      const answer = this.#answerTo(exchange, variables);
      if (!(answer instanceof Promise)) {
        if (answer !== undefined) exchange.answer(answer);
        return;
      }
      return answer.then(
        (late) => late && exchange.answer(late),
        (error: unknown) => this.#failed(exchange, error),
      );
    } catch (error) {
      this.#failed(exchange, error);
    }
  }

  #failed(exchange: Exchange, error: unknown): void {
    this.#host.report(error);
    exchange.answer(FAILED);
  }

  /** Undefined: a session answers it. */
  #answerTo(
    exchange: Exchange,
    variables: PathVariables,
  ): HttpAnswer | undefined | Promise<HttpAnswer | undefined> {
    const { asked } = exchange;
    if (this.#closed) return this.#refuse(asked, "stopping", 503, UNAVAILABLE);
    // Before the method, as Phoenix: a page that may not connect learns nothing by asking otherwise.
    const refusal = isForged(asked) ? FORGED : this.#mount.refusalOf(asked);
    if (refusal !== undefined) {
      const { status, reason, why, error } = refusal;
      if (error !== undefined) this.#host.report(error);
      this.#host.refused({ status, reason, request: asked, why });
      return status === 403 ? FORBIDDEN : FAILED;
    }
    if (asked.method === "OPTIONS") return preflight(asked);
    if (asked.method === "POST") return this.#post(exchange);
    if (asked.method !== "GET") return WRONG_METHOD;
    const session = this.#sessionOf(exchange);
    if (session === undefined) return this.#hearsOfEnd(asked) ? OVER : this.#begin(exchange, variables);
    session.poll(exchange);
    return undefined;
  }

  /** Whether a poll's client has yet to hear that its session is over. One that asks again by the same token begins anew. */
  #hearsOfEnd(asked: RequestAsked): boolean {
    const text = tokenOfRequest(asked);
    if (this.#host.strictPhoenix || text === undefined || text.length > OVER_TOKENS.longest) return false;
    if (!hasTokenForm(text)) return false;
    const told = this.#toldOver;
    if (told.delete(text)) return false;
    told.add(text);
    const [oldest] = told;
    if (told.size > OVER_TOKENS.most && oldest !== undefined) told.delete(oldest);
    return true;
  }

  /** The session whose token the request has; undefined: none, or none that lives here. */
  #sessionOf({ asked }: Exchange): PollSession | undefined {
    const text = tokenOfRequest(asked);
    if (text === undefined) return undefined;
    const session = this.#sessions.get(text);
    if (session === undefined) this.#unknown(text, asked);
    return session !== undefined && this.#host.clock.now() - session.issued < OLDEST ? session : undefined;
  }

  /** A genuine token that is not known here: an operator whose clients go from node to node must hear of it, once. */
  #unknown(text: string, request: ConnectRequest): void {
    if (this.#toldElsewhere) return;
    const { node, clock, refused } = this.#host;
    const token = readToken(text, this.#secret, clock.now());
    if (token === undefined || token.node === node) return;
    this.#toldElsewhere = true;
    const why = `A LongPoll session of node ${JSON.stringify(token.node)} was asked for at ${JSON.stringify(node)}, so its client begins anew. Let the proxy send all requests of one client to one node (sticky sessions, by address or cookie).`;
    refused({ status: 410, reason: "elsewhere", request, why });
  }

  // ---------------------------------------------------------------------------------------------------- a new session

  #begin(exchange: Exchange, variables: PathVariables): HttpAnswer | Promise<HttpAnswer> {
    const { asked } = exchange;
    const host = this.#host;
    const refuse = (status: number, reason: RequestRefusal, why?: string): void =>
      host.refused({ status, reason, request: asked, why });
    if (host.stopping) {
      refuse(503, "stopping");
      return UNAVAILABLE;
    }
    const params = paramsOf(asked.url, variables);
    const serialiser = params && this.#mount.serialiserFor(params["vsn"]);
    if (params === undefined || serialiser === undefined) {
      refuse(403, params === undefined ? "params" : "vsn");
      return FORBIDDEN;
    }
    const given = one(asked.headers["x-phoenix-authtoken"]);
    if (given !== undefined && !this.#mount.authToken) this.#mount.tokenNotRead();
    const authToken = this.#mount.authToken ? given : undefined;
    const request: PhoenixRequest = {
      ...asked,
      params,
      transport: "longpoll",
      vsn: serialiser.vsn,
      authToken,
    };
    const gone = new AbortController();
    exchange.holder = { left: () => gone.abort(), overdue: () => undefined };
    const admission = host.admit(request, gone);
    const enter = (came: Awaited<typeof admission>): HttpAnswer => {
      exchange.holder = undefined;
      if (came.accepted) return this.#enter(came, serialiser, exchange);
      refuse(came.status, "connect", came.why);
      return came.status >= 500 ? (came.status === 503 ? UNAVAILABLE : FAILED) : FORBIDDEN;
    };
    return admission instanceof Promise ? admission.then(enter) : enter(admission);
  }

  #enter(admitted: Admitted, serialiser: ChannelSerialiser, exchange: Exchange): HttpAnswer {
    const host = this.#host;
    const issued = host.clock.now();
    const name = generateClientId(host.random);
    const token = tokenOf({ node: host.node, session: name, issued }, this.#secret);
    const session = new PollSession(token, issued, this.#context);
    this.#sessions.set(token, session);
    this.#inactive.set(session);
    try {
      session.start(host.connect({ connection: session, admitted, serialiser: textOnly(serialiser) }));
    } catch (error) {
      session.terminate();
      throw error;
    }
    // There was no room for it; the client tries again later.
    if (session.over) return UNAVAILABLE;
    // Nobody has its token.
    if (exchange.over || this.#closed) session.close(1001, "closing");
    return begun(token);
  }

  // ----------------------------------------------------------------------------------------------------------- a POST

  async #post(exchange: Exchange): Promise<HttpAnswer | undefined> {
    const session = this.#sessionOf(exchange);
    if (session === undefined) return GONE;
    const { asked } = exchange;
    if (Number(one(asked.headers["content-length"]) ?? 0) > MOST_BYTES) return this.#tooLarge(exchange);
    const receiving = session.receives(exchange);
    if (receiving === undefined) return this.#refuse(asked, "busy", 429, refused(429), MANY_POSTS);
    try {
      const body = await exchange.body({
        clock: this.#clock,
        maxBytes: MOST_BYTES,
        within: READING,
        receiving,
      });
      if (!body.ok) {
        if (body.reason === "too-large") return this.#tooLarge(exchange);
        if (body.reason === "busy") return this.#refuse(asked, "busy", 503, UNAVAILABLE, MUCH_UNREAD);
        if (body.reason === "body-read") throw new Error(BODY_READ);
        // Whoever has gone hears no answer, and is nothing to tell of.
        return body.reason === "aborted" ? refused(408) : this.#refuse(asked, "late", 408, refused(408));
      }
      return await this.#said(session, exchange, body.bytes);
    } finally {
      receiving.over();
    }
  }

  #said(session: PollSession, exchange: Exchange, bytes: Uint8Array): HttpAnswer | Promise<HttpAnswer> {
    const { strictPhoenix, limits } = this.#host;
    const { asked } = exchange;
    const read = readFrames(bytes, one(asked.headers["content-type"]), {
      maxFrameBytes: limits.maxFrameBytes,
      strict: strictPhoenix,
    });
    if ("refusal" in read) {
      if (read.refusal === "too-large") return this.#tooLarge(exchange);
      const answer = read.refusal === "base64" && strictPhoenix ? FAILED : refused(400);
      this.#host.refused({ status: answer.status, reason: "malformed", request: asked });
      return answer;
    }
    if (read.more)
      this.#host.refused({
        status: 200,
        reason: "lines",
        request: asked,
        why: moreLines(mostLines(strictPhoenix)),
      });
    return this.#answerOf(session.say(read.frames));
  }

  /** What is wrong with a frame the channels have told. */
  #answerOf(verdict: Verdict): HttpAnswer | Promise<HttpAnswer> {
    if (verdict === "taken") return TAKEN;
    if (verdict === "gone") return GONE;
    // Phoenix's session would be dead by now, and nobody answers until the window is over.
    if (this.#host.strictPhoenix)
      return new Promise((resolve) => this.#windows.set({ due: () => resolve(TIMED_OUT) }));
    return refused(verdict === "too-large" ? 413 : 400);
  }

  #tooLarge({ asked }: Exchange): HttpAnswer {
    return this.#refuse(asked, "too-large", 413, this.#host.strictPhoenix ? FAILED : refused(413));
  }

  #refuse(
    request: RequestAsked,
    reason: RequestRefusal,
    status: number,
    answer: HttpAnswer,
    why?: string,
  ): HttpAnswer {
    this.#host.refused({ status, reason, request, why });
    return answer;
  }
}

/** A browser says that another site's page asks, and does not say which. */
const FORGED = { status: 403, reason: "cross-site", why: undefined, error: undefined } as const;
const moreLines = (most: number): string =>
  `A client put more than ${most} messages into one request; those beyond were not taken. phoenix.js does so before 1.8.6: update the client.`;
const MANY_POSTS =
  "A client sent a fifth POST while four of its session were under way. phoenix.js sends one at a time; look which client it is.";
const MUCH_UNREAD =
  "More of the POSTs under way was held than the channels take at once, so the largest was refused; its client tries again.";
const BODY_READ =
  "A body parser in front of the channels has read a LongPoll request and keeps it. Put the mount before it.";

const tokenOfRequest = ({ headers, url }: RequestAsked): string | undefined =>
  one(headers["x-phoenix-longpoll-token"]) ?? tokenIn(url);

/** The last one counts. It is safe in a URL, so nothing of it is encoded. */
function tokenIn(url: string): string | undefined {
  const at = Math.max(url.lastIndexOf("&token="), url.lastIndexOf("?token="));
  if (at === -1) return undefined;
  const end = url.indexOf("&", at + 1);
  return url.slice(at + 7, end === -1 ? undefined : end);
}
