// The close codes of a WebSocket of the sync half, for docs/codes.md. They say little by themselves: 4001 and 4002 carry one
// of the closing codes as their reason, and a client goes by the frame that came before. `npm run check:codes` holds
// this table to the numbers in the sources.

/** What a WebSocket was closed with. `by`: who says so; what neither of Calla's sides says stands in no source. */
interface CloseCode {
  readonly by: "server" | "ws" | "nobody";
  readonly reason: string;
  readonly means: string;
  readonly cure: string;
}

export const closeCodes: Readonly<Record<number, CloseCode>> = {
  1000: {
    by: "ws",
    reason: "",
    means: "The client closed it: the page went, or called close() or disconnect().",
    cure: "Nothing.",
  },
  1001: {
    by: "server",
    reason: "closing",
    means: "The mount was closed (sockets.close()), or the page was left.",
    cure: "Nothing; drain the server first, and clients are told.",
  },
  1002: {
    by: "ws",
    reason: "",
    means: "Something on the way broke the WebSocket protocol.",
    cure: "See that no proxy changes what is sent.",
  },
  1006: {
    by: "nobody",
    reason: "",
    means: "No close came: the line broke, something cut it, or the other side was silent for too long.",
    cure: "Nothing: networks do this. If it comes at fixed times, raise the proxy's read timeout above 25 s.",
  },
  1007: {
    by: "ws",
    reason: "",
    means: "A text is not UTF-8.",
    cure: "See that nothing on the way changes what is sent.",
  },
  1009: {
    by: "server",
    reason: "too-large",
    means: "A message is larger than limits.maxFrameBytes. Without the reason a proxy said it.",
    cure: "Dispatch less at once, or raise the limit, the proxy's too.",
  },
  1011: {
    by: "server",
    reason: "failed",
    means: "Calla threw as the connection was wired in.",
    cure: "The server's onError has the error; please report it.",
  },
  4001: {
    by: "server",
    reason: "a closing code",
    means: "The client comes back by itself.",
    cure: "Look the reason up among the words of the server.",
  },
  4002: {
    by: "server",
    reason: "a closing code",
    means: "The client does not come back by itself.",
    cure: "Look the reason up among the words of the server; client.connect() tries again.",
  },
};
