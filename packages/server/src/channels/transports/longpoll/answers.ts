// What a request is answered. phoenix.js reads the status in the body alone; the HTTP status is 200 wherever Phoenix's is.
import { one } from "../../../transports/http/request.ts";
import type { HttpAnswer, RequestAsked } from "../../../transports/http/request.ts";

/** Of every answer in JSON (LP23). A page of any origin may read it: which pages may ask is decided before. */
const JSON_HEADERS = {
  "content-type": "application/json; charset=utf-8",
  "access-control-allow-origin": "*",
  "cache-control": "no-store",
};
/** Of those without a body, as Phoenix's (LP21, LP22). */
const BARE_HEADERS = {
  "access-control-allow-origin": "*",
  "cache-control": "max-age=0, private, must-revalidate",
};

const inJson = (text: string, status = 200): HttpAnswer => ({ status, headers: JSON_HEADERS, text });
const bare = (status: number, more: Readonly<Record<string, string>> = {}): HttpAnswer => ({
  status,
  headers: { ...BARE_HEADERS, ...more },
  text: "",
});

/** What came before the token, as Phoenix orders it. */
const polled = (status: number, token: string, messages: string): HttpAnswer =>
  inJson(`{"messages":[${messages}],"status":${status},"token":"${token}"}`);

/** A session has begun: phoenix.js takes 410 for an open connection (LP1). */
export const begun = (token: string): HttpAnswer => polled(410, token, "");
/** Frames, each a string in JSON. */
export const told = (token: string, frames: readonly string[]): HttpAnswer =>
  polled(200, token, frames.length === 1 ? frames[0]! : frames.join(","));
export const nothing = (token: string): HttpAnswer => polled(204, token, "");

/** There is no such session (any more). */
export const GONE = inJson('{"status":410}');
/**
 * The same for a poll (LP25). 410 would do for phoenix.js from 1.8.2 on; one before goes on with a new session, and believes
 * its channels joined, which are not. After 500 each begins anew, and joins again.
 */
export const OVER = inJson('{"status":500}');
export const TAKEN = inJson('{"status":200}');
export const FORBIDDEN = inJson('{"status":403}');
/** The batch was not done within the window. */
export const TIMED_OUT = inJson('{"status":408}');
/** A POST that cannot be taken: the client gives its connection up, and begins a new one. */
export const refused = (status: 400 | 408 | 413 | 429): HttpAnswer => inJson(`{"status":${status}}`, status);

export const WRONG_METHOD = bare(400);
/** phoenix.js tries again later after 0 and 500 alone, and reads no body as 0 (LP41). Phoenix's own has no headers. */
export const FAILED: HttpAnswer = { status: 500, headers: {}, text: "" };
export const UNAVAILABLE = bare(503);

/** A browser asks whether a page of another origin may (LP22). */
export const preflight = ({ headers }: RequestAsked): HttpAnswer =>
  bare(200, {
    "access-control-allow-headers": one(headers["access-control-request-headers"]) ?? "",
    "access-control-allow-methods": "get, post, options",
    "access-control-max-age": "3600",
  });
