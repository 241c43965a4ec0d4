// Mistakes in connecting: what is refused at once, what is a mistake and not just a lost network, and the sentences
// with the cure. Present in development, and in a Node process without the condition "production". Not here: who calls
// `onError` (connection.ts).
import { CallaError, checkMadeBy, isDevelopment, messageOf } from "@calla/shared";
import type { Format } from "@calla/shared";
import type { ReconnectOptions } from "../base/backoff.ts";

export type Scheme = "ws" | "http";

/**
 * Refuses an impossible url: when a transport is made, and of a function before each attempt (CL25).
 *
 * @throws CallaError `transport`.
 */
export function checkUrl(url: unknown, scheme: Scheme): void {
  const problem = typeof url === "function" ? undefined : urlProblem(url, scheme);
  if (problem !== undefined) throw new CallaError("transport", { url }, problem);
}

function urlProblem(url: unknown, scheme: Scheme): string | undefined {
  const name = scheme === "ws" ? "webSocket" : "http";
  const example =
    scheme === "ws" ? '"wss://app.example/ws", or "/ws"' : '"https://app.example/calla", or "/calla"';
  const want = `${name}() wants a url such as ${example} on a page of the server's own`;
  if (typeof url !== "string" || url === "")
    return `${want}, and got ${url === "" ? "an empty text" : url === null ? "null" : typeof url}; if it comes from the environment, that variable is not set.`;
  const shown = JSON.stringify(url.slice(0, 200));
  const given = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (given === undefined) return undefined;
  if (given !== scheme && given !== `${scheme}s`) {
    const rest = /^(wss?|https?)$/.test(given)
      ? `${scheme}${given.endsWith("s") ? "s" : ""}${url.slice(given.length)}`
      : /^[^/]*:\d/.test(url)
        ? `${scheme}://${url}`
        : undefined;
    return `${want}, and got ${shown}${rest === undefined ? "" : `: write ${JSON.stringify(rest.slice(0, 200))}`}.`;
  }
  return URL.canParse(url) ? undefined : `${want}, and ${shown} is no valid url.`;
}

/** @throws CallaError `wiring`: packages of two lines of versions are in one page. */
export function checkWiring(wiring: { readonly madeBy?: string }): void {
  checkMadeBy(wiring, "@calla/client");
}

/** @throws CallaError `transport`: impossible delays. */
export function checkReconnect(reconnect: ReconnectOptions): void {
  const { baseMilliseconds, maxMilliseconds, multiplier, jitterRatio } = reconnect;
  const fits =
    baseMilliseconds > 0 &&
    maxMilliseconds >= baseMilliseconds &&
    multiplier >= 1 &&
    jitterRatio >= 0 &&
    jitterRatio <= 1;
  if (!fits)
    throw new CallaError(
      "transport",
      reconnect,
      "A transport wants 0 < base ≤ max, multiplier ≥ 1 and a jitter ratio from 0 to 1.",
    );
}

/** What a network does now and then, and a server that is starting: a retry may mend it. */
const WEATHER = /\bE(?!CONNREF|NOTF|PROTO)[A-Z_]{3,}\b|: (429|50[234])/;

/** A fetch says of its failure no more than a text. */
const OF_FETCH = /ECONNREF|ENOTF|EPROTO|CERT/;

/** Transports by their options: those that have met a server, and those that were told why perhaps they have not. */
const MET = new WeakSet<object>();
const HINTED = new WeakSet<object>();

/** It has met a server: the address is right, and whatever goes wrong from here on may mend itself. */
export const reached = (transport: object): void => void MET.add(transport);

interface Said {
  readonly message?: string;
  readonly error?: { readonly code?: string; readonly cause?: { readonly code?: string } };
}

/**
 * The error that `onError` is to hear of a WebSocket that has ended; undefined: it had opened, a retry may mend it, or
 * nobody knows. `event`: its `error`, which tells something in Node.
 */
export function unreached(
  transport: object,
  format: Pick<Format, "name">,
  url: string,
  event: unknown,
): unknown {
  if (MET.has(transport)) return undefined;
  const reason = textOf(event as Said | undefined);
  if (reason === "") return void hint(transport, unexplained(url, "ws", format.name));
  if (WEATHER.test(reason)) return undefined;
  const status = Number(/response: (\d{3})/.exec(reason)?.[1] ?? 0);
  return failure({ url, reason, status }, "ws", format.name);
}

/** The same of HTTP's requests. `status` 0: there was no answer. */
export function unanswered(
  transport: object,
  format: Pick<Format, "name">,
  url: string,
  reason: string,
  status: number,
): unknown {
  // A node that does not know the format is a mistake, also where the client has met another node.
  if (MET.has(transport) && status !== 415) return undefined;
  if (status === 0 && !OF_FETCH.test(reason)) {
    if (/fetch|network|load/i.test(reason)) hint(transport, unexplained(url, "http", format.name));
    return undefined;
  }
  // A Hello that is too large is said in parts (CL20).
  if (status === 413 || WEATHER.test(`: ${status}`)) return undefined;
  return failure({ url, reason, status }, "http", format.name);
}

function hint(transport: object, sentence: string): void {
  if (HINTED.has(transport)) return;
  HINTED.add(transport);
  warn(sentence);
}

/** Of an address that several were tried of (localhost) there is only a code. */
const textOf = ({ message, error }: Said = {}): string =>
  [(error?.cause ?? error)?.code, message].filter(Boolean).join(": ");

interface Failed {
  readonly url: string;
  readonly reason: string;
  readonly status: number;
}

const failure = (failed: Failed, scheme: Scheme, format: string): CallaError =>
  new CallaError(
    "transport",
    failed,
    `No connection to ${failed.url.slice(0, 200)} (${failed.reason.slice(0, 200)}): ${cure(failed, scheme, format)}`,
  );

function cure({ status, reason: text }: Failed, scheme: Scheme, format: string): string {
  const [call, path] = scheme === "ws" ? ["webSocket", "/ws"] : ["http", "/calla"];
  if (/ECONNREFUSED/.test(text))
    return "nothing listens there. Start the server, or correct the port in the url.";
  if (/ENOTFOUND/.test(text)) return "there is no host of this name. Correct the url.";
  if (/EPROTO|CERT|certificate|SSL/i.test(text))
    return `the TLS handshake failed. Correct the certificate, or use "${scheme}://" where the server has none.`;
  if (status === 415 || (scheme === "ws" && status === 400) || /subprotocol/i.test(text))
    return `the server there does not know the format "${format}". Give client and server, and each of its nodes, the same serialiser; or correct the url if this is no Calla server.`;
  if (status === 403)
    return "this origin or host may not connect. Name the page's origin in createServer({ origins }) and the server's name in createServer({ hosts }).";
  if (status === 401) return "something in front of the server wants a login first.";
  if (status > 0)
    return `what answers there is no ${scheme === "ws" ? "WebSocket" : "Calla"} endpoint. A Calla server's is at "${path}", unless ${call}(server, { path }) there says otherwise; correct path or port in the url.`;
  return `is it a Calla server, and is its path "${path}", or what ${call}(server, { path }) says there?`;
}

/** A browser does not say why. The usual reasons, once. */
const unexplained = (url: string, scheme: Scheme, format: string): string =>
  scheme === "ws"
    ? `No WebSocket to ${url.slice(0, 200)}, and a browser does not tell why. Is the server running there? Are its WebSockets at this path ("/ws", or as webSocket(server, { path }) says)? Does its serialiser know the format "${format}"?`
    : `No answer from ${url.slice(0, 200)}, and a browser does not tell why. Is the server running there? If it is of another origin: is this page's in createServer({ origins })?`;

/** Of a server that does not want the client back, by its code. */
export function dismissal(code: string): string | undefined {
  const known: Readonly<Record<string, string>> = {
    origin: "pages of this origin may not connect. Name it in createServer({ origins }).",
    host: "the server is not known under this name. Add it to createServer({ hosts }).",
    unauthenticated:
      "authenticate() knows no user for this token. Give createClient({ token }) one that is valid, then call client.connect().",
  };
  return `The server has refused this client for good (${code}): ${known[code] ?? "client.connect() asks it again."}`;
}

const TOLD_OF_HTTP = new WeakSet<object>();

/** HTTP takes the place of a WebSocket. It works all the same, so nobody would look for what makes it dearer. */
export function fellBack(transport: object, cause: unknown): void {
  if (!(cause instanceof CallaError) || TOLD_OF_HTTP.has(transport)) return;
  TOLD_OF_HTTP.add(transport);
  warn(`auto() goes on over HTTP. ${cause.message}`);
}

type Report = (error: unknown, mistake?: boolean) => void;

/** Prints a mistake in development, whatever the app does with its errors; without `onError` in any case. */
export const audible = (report: Report, heard: unknown): Report =>
  heard === undefined
    ? report
    : (error, mistake = false) => {
        if (mistake) warn(messageOf(error));
        report(error);
      };

/** The one place where a client prints, beside errors that nobody listens for. */
function warn(sentence: string): void {
  // oxlint-disable-next-line no-console -- reason: the developer is to see it though the app handles its errors
  if (isDevelopment()) console.warn(`calla: ${sentence}`);
}

/** `topic.presence` of a slice that has none: the compiler says it, and in JavaScript this does. */
export const absence = (topic: object, slice: string): object =>
  Object.defineProperty(topic, "presence", {
    get() {
      throw new CallaError(
        "wiring",
        { slice },
        `Slice "${slice}" lists nobody, so its topics have no presence; give it presence: definePresence(schema).`,
      );
    },
  });
