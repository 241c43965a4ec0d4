// What only the server's `onRefused` and `observe` hear, besides all that clients are told.
import { codeTable } from "./code-table.ts";

/** What only the server's `onRefused` and `observe` hear, and no client. */
export const observedCodes = codeTable({
  diverged: {
    retryable: true,
    means: "A client found by a digest that its model differs from the server's, and got the server's.",
    cure: "An update is not pure, or client and server have different code: find which.",
  },
  foreign: {
    retryable: true,
    means:
      "A client presented an identity that this server has not signed for this user; it was given a fresh one.",
    cure: "See that all nodes have one secret; otherwise it is an attempt to speak for somebody else.",
  },
  "not-subscribed": {
    retryable: false,
    means: "A message to an ephemeral topic came from a client without a subscription; it was dropped.",
    cure: "Listen to the topic before dispatching to it.",
  },
});

/** What only the server's `onRefused` and `observe` hear. */
export type ObservedCode = keyof typeof observedCodes;
