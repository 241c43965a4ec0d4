// Why a request is answered by a status of HTTP, before there is a connection: `reason` to the transport's host and in
// `onRefused`, `code` in the answer's JSON. A client that meets one shows `unreachable` and the status (`status.text`);
// of `origin` and `host` a WebSocket's client is told, and stays away.
import { codeTable } from "./code-table.ts";

/** Why a request was refused before there was a connection. */
export const requestCodes = codeTable({
  aborted: {
    retryable: true,
    means: "The body of a POST did not come whole (408).",
    cure: "Nothing: it is sent again.",
  },
  "body-read": {
    retryable: true,
    means: "Something in front of Calla's handler has read the body (500).",
    cure: "Put the handler before the body parser, or leave application/calla.* to it.",
  },
  busy: {
    retryable: true,
    means: "Too much is under way to this server (503).",
    cure: "Nothing, if it is rare; else raise limits.maxUnfinishedBytes, or add nodes.",
  },
  "cross-site": {
    retryable: true,
    means: "A page of another site sent the request, by a form or without CORS (403).",
    cure: "Nothing: that page tried to act as the browser's user.",
  },
  failed: {
    retryable: true,
    means: "allowsOrigin or connect threw (500).",
    cure: "Look into the server's onError.",
  },
  format: {
    retryable: true,
    means: "The server does not know this format (WebSocket 400, HTTP 415).",
    cure: "Give client and server, and each node, the same serialiser.",
  },
  host: {
    retryable: "either",
    means: "The server does not answer under this name (403).",
    cure: "Add the name to createServer({ hosts }).",
  },
  method: {
    retryable: true,
    means: "Only POST is answered here (405).",
    cure: "See that nothing on the way changes the method.",
  },
  origin: {
    retryable: "either",
    means: "Pages of this origin may not connect (403).",
    cure: "Name the origin in createServer({ origins }).",
  },
  path: {
    retryable: true,
    means: "A Calla client sent a request to another path than the server's (404).",
    cure: "Give client and transport the same path.",
  },
  stopping: { retryable: true, means: "This node ends (503).", cure: "Nothing." },
  "too-large": {
    retryable: true,
    means: "The body is larger than the limit (413); what can be is sent in parts.",
    cure: "Dispatch smaller messages, or raise limits.maxFrameBytes.",
  },
  "too-slow": {
    retryable: true,
    means: "The body of a POST did not come in time (408).",
    cure: "Nothing: it is sent again.",
  },
});

/** Why a request was refused before there was a connection. */
export type RequestCode = keyof typeof requestCodes;
