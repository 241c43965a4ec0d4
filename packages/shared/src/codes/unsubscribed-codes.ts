// Why a client has no subscription to a topic: the code of an `Unsubscribed`, which a topic shows as `state.code`.
import { codeTable } from "./code-table.ts";

/** Why a client has no subscription to a topic: `state.code` of a topic that is `refused`. */
export const unsubscribedCodes = codeTable({
  busy: {
    retryable: true,
    means: "The server has no room to open the topic, or to ask canSubscribe, now.",
    cure: "Nothing, if it is rare; else add nodes or memory, or raise limits.maxChecks.",
  },
  created: {
    retryable: true,
    means: "The topic that was missing is there now.",
    cure: "Nothing: the client subscribes at once.",
  },
  failed: {
    retryable: true,
    means: "The server met an error of its own while it brought the client up to date.",
    cure: "Look into the server's onError.",
  },
  "flush-only": {
    retryable: false,
    means: "A connection that only sends what a closed page has left subscribes to nothing.",
    cure: "Nothing: no topic of the app's meets this.",
  },
  forbidden: {
    retryable: false,
    means: "canSubscribe does not allow it, or the slice has no canSubscribe and is not public.",
    cure: "Show that there is no access. After a change of rights the server calls reauthorise(), and the client subscribes again.",
  },
  hook: {
    retryable: true,
    means: "canSubscribe threw or did not answer in time.",
    cure: "Mend canSubscribe; the server's onError has the error.",
  },
  "invalid-value": {
    retryable: false,
    means: "The topic's model holds what no format carries.",
    cure: "Look into the server's onError and repair the model by a message or remove().",
  },
  missing: {
    retryable: "either",
    means:
      "There is no such topic: only the server makes one of this slice. It becomes live by itself once there is.",
    cure: "Show that it does not exist (yet), or have the server make it.",
  },
  rate: {
    retryable: true,
    means: "The client subscribes more often than limits allow.",
    cure: "Keep topics that are shown again soon (linger), or raise limits.joinRate.",
  },
  removed: {
    retryable: false,
    means: "The server has removed the topic.",
    cure: "Show that it is gone. Only a dispatch of the server's brings it back.",
  },
  stopped: {
    retryable: true,
    means: "The server closes the topic for a moment (stop() or remove()).",
    cure: "Nothing.",
  },
  storage: {
    retryable: true,
    means: "The log of the topic cannot be read now.",
    cure: "Look into the server's onError.",
  },
  "too-many-topics": {
    retryable: false,
    means: "The client has as many subscriptions as limits allow.",
    cure: "Subscribe to fewer at a time (stop listening to what is not shown), or raise limits.maxTopicsPerConnection.",
  },
  topic: {
    retryable: false,
    means: "No slice of the server's wiring has a topic of this id.",
    cure: "Give client and server the same wiring.",
  },
  unhandled: {
    retryable: false,
    means: "The server has no handler for this slice.",
    cure: "Call server.handle(slice, { … }), or { public: true }.",
  },
  unsubscribed: {
    retryable: false,
    means: "The server's app has ended it by server.unsubscribe().",
    cure: "Show it; a new listener asks again.",
  },
  version: {
    retryable: true,
    means: "The topic's log is of a newer version than this node.",
    cure: "Reload the page (onVersionMismatch); deploy the newer version to all nodes.",
  },
});

/** Why a client has no subscription to a topic. */
export type UnsubscribedCode = keyof typeof unsubscribedCodes;
