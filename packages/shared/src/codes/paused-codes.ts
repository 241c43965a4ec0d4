// Why a message is not decided yet: the code of a `Paused`. The client sends it again by itself; apps see nothing of it,
// `observe` does.
import { codeTable } from "./code-table.ts";

/** Why the server has not decided a message yet: the client sends it again by itself. */
export const pausedCodes = codeTable({
  busy: {
    retryable: true,
    means: "More messages wait for this target, or for checks of the app, than limits allow.",
    cure: "Nothing, if it is rare; else look at the log's speed and at canSubscribe.",
  },
  draining: { retryable: true, means: "This node is about to end, or the topic is.", cure: "Nothing." },
  gap: {
    retryable: true,
    means: "An earlier message of the same client has not arrived; the client sends that one first.",
    cure: "Nothing.",
  },
  "in-flight": {
    retryable: true,
    means: "The client has as many messages without a recorded outcome as limits allow.",
    cure: "Nothing.",
  },
  rate: {
    retryable: true,
    means: "The client, its user or its address dispatches more than limits allow.",
    cure: "Dispatch less often, or raise the rate that onRefused names.",
  },
  storage: {
    retryable: true,
    means: "The log cannot be read or written now.",
    cure: "Look into the server's onError.",
  },
  version: {
    retryable: true,
    means: "The target's log is of a newer version than this node.",
    cure: "Deploy the newer version to all nodes.",
  },
});

/** Why a message is not decided yet. */
export type PausedCode = keyof typeof pausedCodes;
