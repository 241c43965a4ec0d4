// Why a server ends a connection: the code of a `Closing`, which a client shows as `status.reason`.
import { codeTable } from "./code-table.ts";

/** Why a server ends a connection: `status.reason` of a client, in the server's words. */
export const closingCodes = codeTable({
  "authentication-failed": {
    retryable: true,
    means: "authenticate() threw, gave no user or did not answer in time.",
    cure: "Mend authenticate(); the server's onError has the error. Clients come back by themselves.",
  },
  busy: {
    retryable: true,
    means: "The server has more to do than its limits allow.",
    cure: "Nothing, if it is rare; else add nodes, or raise the limit that onRefused names.",
  },
  disconnected: {
    retryable: "either",
    means: "The server's app has sent this client away by server.disconnect(), without a code of its own.",
    cure: "Show it to the user; client.connect() tries again.",
  },
  draining: {
    retryable: true,
    means: "This node is about to end and sends its clients to the others.",
    cure: "Nothing.",
  },
  failed: {
    retryable: true,
    means: "The server met an error of its own while it heard this client.",
    cure: "Look into the server's onError.",
  },
  "hello-timeout": {
    retryable: true,
    means: "The client did not say who it is in time, or authenticate() took that long.",
    cure: "Look at how long authenticate() takes, and at limits.helloTimeout.",
  },
  "hostile-key": {
    retryable: false,
    means: "A frame has a field that could reach a prototype.",
    cure: "Calla's own client writes none: look which program sends it.",
  },
  identity: {
    retryable: true,
    means:
      "The client's identity has expired or is of another server; the next connection gives it a fresh one.",
    cure: "Nothing; if it is frequent, see that all nodes have one secret.",
  },
  "in-use": {
    retryable: true,
    means: "The client's own page is connected, so no other page sends what it has stored.",
    cure: "Nothing: that page sends it.",
  },
  "mid-conflict": {
    retryable: true,
    means:
      "Too many topics have met messages of another life of this client; it begins anew with a fresh identity.",
    cure: "Nothing; it happens where a computer or its storage was copied.",
  },
  "not-here": {
    retryable: true,
    means: "A request over HTTP needs the client's stream, and that is on another node, or has ended.",
    cure: "Nothing; sticky sessions spare the detour (docs/http.md).",
  },
  protocol: {
    retryable: false,
    means: "The client sent something that is no frame, or a frame at the wrong time.",
    cure: "See that nothing on the way changes what is sent, and that client and server are of one version.",
  },
  rate: {
    retryable: true,
    means: "The client, its user or its address sends more than limits allow.",
    cure: "Dispatch less often (one message for a drag, not one per pixel), or raise the rate that onRefused names.",
  },
  slow: {
    retryable: true,
    means: "The connection takes in less than it is sent and did not catch up in time.",
    cure: "Nothing; if all are slow, send less or look at the network.",
  },
  stopping: {
    retryable: true,
    means: "This node ends.",
    cure: "Nothing.",
  },
  storage: {
    retryable: true,
    means: "The server could not read what it signs identities with.",
    cure: "Look into the server's onError: the log cannot be read.",
  },
  superseded: {
    retryable: false,
    means: "The same client has connected once more, and the newer connection counts.",
    cure: "Nothing in a page. Give each of two processes a storage and an identity of its own.",
  },
  "token-expired": {
    retryable: true,
    means: "The token has expired, and the client gave no newer one in time.",
    cure: "See that createClient({ token }) gives a fresh one each time it is called.",
  },
  "too-deep": {
    retryable: false,
    means: "A frame is nested more deeply than the limit.",
    cure: "Dispatch flatter messages.",
  },
  "too-large": {
    retryable: "either",
    means: "A frame is larger than the limit; the client splits a Hello that is too large.",
    cure: "Dispatch smaller messages, give a shorter token, or raise limits.maxFrameBytes or maxHelloBytes.",
  },
  "too-many-connections": {
    retryable: true,
    means: "The user or the address has as many connections as limits allow.",
    cure: "Close some, or raise limits.maxConnectionsPerUser or maxConnectionsPerAddress; behind a proxy name it in trustedProxies.",
  },
  "too-slow": {
    retryable: true,
    means: "A frame of the client's did not arrive whole in time.",
    cure: "Nothing; on slow networks dispatch smaller messages, or raise limits.frameTimeout.",
  },
  transport: {
    retryable: true,
    means: "The server could not write to the socket.",
    cure: "Nothing.",
  },
  unauthenticated: {
    retryable: "either",
    means: "authenticate() knows no user for this token, or the user was signed out.",
    cure: "Sign the user in, then client.connect().",
  },
  undecodable: {
    retryable: false,
    means: "The server could not decode what the client sent.",
    cure: "Give client and server the same serialiser; see that nothing on the way changes what is sent.",
  },
  "user-changed": {
    retryable: false,
    means: "The newer token is another user's; an outbox and models belong to one user.",
    cure: "Close this client and create one for the new user.",
  },
  version: {
    retryable: "either",
    means: "Client and server have different versions of the protocol or of a slice.",
    cure: "Reload an older page: onVersionMismatch with reloadOnce(). A newer page finds a newer node by itself.",
  },
});

/** Why a server ends a connection. */
export type ClosingCode = keyof typeof closingCodes;

/** The app's own code of `server.disconnect`, marked as such: it is never one of Calla's. */
export type AppCode = `app:${string}`;
