// Why a client is not listed with the meta that it gave: the code of an `Untracked`. What it was listed with before stays.
import { codeTable } from "./code-table.ts";

/** Why a client is not listed among the members of a topic with the meta it gave; an earlier one stays. */
export const untrackedCodes = codeTable({
  hook: {
    retryable: false,
    means: "presenceKey threw, or gave no key.",
    cure: "Mend presenceKey; the server's onError has the error.",
  },
  invalid: {
    retryable: false,
    means: "The meta does not match the slice's presence schema.",
    cure: "Details have the issues; mend the meta or the schema.",
  },
  missed: {
    retryable: true,
    means: "The client's last word on a topic's presence was lost on the way; it says it again.",
    cure: "Nothing.",
  },
  "no-presence": {
    retryable: false,
    means: "The server's slice lists nobody: it has no presence.",
    cure: "Give the slice definePresence(schema), and client and server the same wiring.",
  },
  "not-subscribed": {
    retryable: true,
    means: "The client has not subscribed to the topic, or no longer; it says it again when it has.",
    cure: "Nothing.",
  },
  rate: {
    retryable: true,
    means: "The client, its user or its address changes metas more often than limits allow.",
    cure: "Change the meta less often, or raise the rate that onRefused names.",
  },
  "too-large": {
    retryable: false,
    means: "The meta has more bytes than the limit.",
    cure: "Put what is large into a model and name it in the meta, or raise limits.maxPresenceBytes.",
  },
  "too-many-topics": {
    retryable: false,
    means: "The client is listed on as many topics as limits allow.",
    cure: "Be listed on fewer at a time, or raise limits.maxTopicsPerConnection.",
  },
});

/** Why a client is not listed with the meta it gave. */
export type UntrackedCode = keyof typeof untrackedCodes;
