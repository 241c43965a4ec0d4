// What a client says of its connection by itself, as `status.reason`: the server has said nothing.
import { codeTable } from "./code-table.ts";

/** Why a connection is as it is where the server has said nothing: `status.reason` of a client, in its own words. */
export const connectionCodes = codeTable({
  closed: {
    retryable: false,
    means: "The app has closed the client.",
    cure: "Create another one.",
  },
  "connect-failed": {
    retryable: true,
    means: "The attempt could not be made: createClient({ token }) or the transport threw.",
    cure: "onError has the error.",
  },
  lost: {
    retryable: true,
    means: "The connection ended without a word.",
    cure: "Nothing: networks do this. status.text has what was heard.",
  },
  offline: {
    retryable: false,
    means: "The app has disconnected the client, or has not connected it yet.",
    cure: "client.connect().",
  },
  silent: {
    retryable: true,
    means: "The server does not answer. While it is `unsure` the connection is kept, then closed.",
    cure: "Show that what is typed waits.",
  },
  slots: {
    retryable: true,
    means: "The client could not count the connections of the browser's tabs to the server (HTTP).",
    cure: "Nothing, if it is rare: the Web Locks of the browser failed.",
  },
  timeout: {
    retryable: true,
    means: "The attempt took longer than connectTimeout.",
    cure: "Nothing; on slow networks a higher connectTimeout.",
  },
  unreachable: {
    retryable: true,
    means: "The client reached no Calla server.",
    cure: "Look at network, server and url. status.text has what was heard, onError what no retry mends.",
  },
  unreadable: {
    retryable: true,
    means: "The client could not decode what came from the server.",
    cure: "Give client and server the same serialiser; see that nothing on the way changes what is sent.",
  },
  upgrade: {
    retryable: true,
    means: "A WebSocket opens now, so the client leaves HTTP for it (auto()).",
    cure: "Nothing.",
  },
});

/** What a client says of its connection by itself. */
export type ConnectionCode = keyof typeof connectionCodes;
