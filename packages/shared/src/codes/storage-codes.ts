// Why a client's storage failed: `details.reason` of a CallaError `storage`. What SQLite says of a log is the server's.
import { codeTable } from "./code-table.ts";

/** `details.reason` of a client's `CallaError` `storage`. */
export const storageCodes = codeTable({
  aged: {
    retryable: false,
    means: "Messages that a closed page had left unsent were too old, and were dropped.",
    cure: "Tell the user; keepFor of tabStorage keeps them longer.",
  },
  blocked: {
    retryable: false,
    means: "The database did not open in time: another page keeps it. This page works without it.",
    cure: "Close or reload the other tabs, and then this one.",
  },
  corrupt: {
    retryable: false,
    means: "What is stored cannot be read. It is left as it is.",
    cure: "Keep the file for whoever looks into it, and name another.",
  },
  evicted: {
    retryable: true,
    means: "The browser has deleted what was stored.",
    cure: "Nothing: the next commit writes everything anew. indexedDb(name, { persist: true }) asks the browser not to.",
  },
  failed: {
    retryable: true,
    means: "It could not be read or written, for a reason that it did not tell apart.",
    cure: "Show that a reload would lose what is not sent; details.cause is what it said.",
  },
  "in-use": {
    retryable: false,
    means: "Another process uses the file.",
    cure: "Give each process a file of its own, or end the other one.",
  },
  locks: {
    retryable: false,
    means: "There are no Web Locks, so tabs cannot be told apart, and nothing is stored.",
    cure: "Serve the page by https, or from localhost.",
  },
  newer: {
    retryable: false,
    means: "A newer page has changed the form of what is stored.",
    cure: "Reload the page.",
  },
  quota: {
    retryable: true,
    means: "It is full. Stored models go first, messages are kept.",
    cure: "Subscribe to less at a time, or have the user make room.",
  },
  taken: {
    retryable: false,
    means: "Another page has taken this client over, or everything was forgotten.",
    cure: "Reload the page.",
  },
  unavailable: {
    retryable: false,
    means: "There is no storage, or it may not be used: private mode, settings, rights of the file.",
    cure: "Show that a reload would lose what is not sent.",
  },
});

/** Why a storage failed. */
export type StorageReason = keyof typeof storageCodes;
