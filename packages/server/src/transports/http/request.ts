// Which requests may come in: decided before anything of the visitor is kept. Not here: what becomes of them (http.ts).
import type { ConnectRequest } from "../../base/connection.ts";
import type { Receiving } from "./receiving.ts";
import type { Sink, StreamConnection } from "./stream.ts";
import type { RequestCode } from "@calla/shared";

/** What of a request matters, whatever library it came by. Header names in lower case. */
export interface RequestAsked extends ConnectRequest {
  readonly method: string;
}

/** Why a request did not come in. */
export interface HttpRefusal {
  readonly status: number;
  readonly reason: RequestCode;
  readonly request: ConnectRequest;
  /** What `allowsOrigin`, `connect` or the body's reading threw, where that is the reason. */
  readonly error?: unknown;
  /** What is to be done about it. */
  readonly why?: string | undefined;
}

/** A whole answer. Streams have the same head and no text. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** What a request came to: a whole answer, or a stream that `open` starts once there is a sink. */
export type HttpOutcome =
  | { readonly answer: HttpAnswer }
  | {
      readonly headers: Readonly<Record<string, string>>;
      /** It goes on: what it says is wanted at once. Otherwise the answers of one packet, which are read at its end. */
      readonly live: boolean;
      /** It is under way until the answer is through. */
      readonly receiving: Receiving;
      /** Starts the stream; gives back what hears of its sink. */
      open(sink: Sink): StreamConnection;
    };

const PREFIX = "application/calla.";

export const one = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === "string" || header === undefined ? header : header[0];

/** The format that a request's content type names. No form of another site's page can send such a type. */
export function formatOf(
  { headers }: ConnectRequest,
  formats: readonly { readonly name: string }[],
): string | undefined {
  const type = one(headers["content-type"])?.split(";")[0]?.trim().toLowerCase();
  return formats.find(({ name }) => type === (PREFIX + name).toLowerCase())?.name;
}
/** It names some format of Calla, so that it meant a Calla server. */
export const speaksCalla = ({ headers }: ConnectRequest): boolean =>
  one(headers["content-type"])?.toLowerCase().startsWith(PREFIX) === true;
export const knownFormats = (formats: readonly { readonly name: string }[]): string =>
  formats.map(({ name }) => PREFIX + name).join(", ");

/** Whether the client wants a stream as the answer; otherwise it only sends. */
export const wantsStream = ({ headers }: ConnectRequest): boolean =>
  one(headers["accept"])?.includes("text/event-stream") === true;

/** A browser says that another site's page asks, and does not say which: nothing to decide by. */
export function isForged({ headers }: ConnectRequest): boolean {
  const site = one(headers["sec-fetch-site"]);
  return headers["origin"] === undefined && site !== undefined && site !== "same-origin" && site !== "none";
}

/** Headers of every answer: no cache keeps it, no proxy rewrites or gathers it, and an allowed page may read it. */
export function headersFor(
  request: ConnectRequest,
  allowed: boolean,
  credentials: boolean,
): Record<string, string> {
  const origin = one(request.headers["origin"]);
  return {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    vary: "Origin",
    ...(allowed && origin !== undefined
      ? {
          "access-control-allow-origin": origin,
          ...(credentials ? { "access-control-allow-credentials": "true" } : {}),
        }
      : {}),
  };
}

/** The answer to a browser that asks whether a page of another origin may. */
export const preflight = (headers: Record<string, string>): HttpAnswer => ({
  status: 204,
  headers: {
    ...headers,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "content-type, accept",
    "access-control-max-age": "600",
  },
  text: "",
});
