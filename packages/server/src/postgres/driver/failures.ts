// What goes wrong between Calla and a Postgres, as errors of Calla's that say what to do.
import { CallaError, messageOf } from "@calla/shared";

/** Postgres's five characters, or what the network or the library calls it: `ECONNREFUSED`, `CONNECTION_CLOSED`. */
const stateOf = (error: unknown): string | undefined => {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
};

/** The statement was surely not done, and may go at once: a deadlock, a lost race, a time-out, no connection free, a lock. */
const REPEATED = new Set(["40P01", "40001", "57014", "53300", "55P03"]);
export const isRepeatable = (error: unknown): boolean => REPEATED.has(stateOf(error) ?? "");

/** A primary has become a standby: other connections may lead to the new primary. */
export const isReadOnly = (error: unknown): boolean => stateOf(error) === "25006";

const CURES: Readonly<Record<string, string>> = {
  "28P01": "The password is wrong: look at the url.",
  "28000": "This user may not come in: look at the url, and at the server's pg_hba.conf.",
  "3D000": "There is no such database: create it, or look at the url.",
  "42501": "The user lacks a right: grant it.",
  "53300": "The server has no connection left: lower `connections`, or raise its max_connections.",
  "53100": "The server's disk is full: make room.",
  "25006": "The server is read-only, a standby: the url must lead to the primary.",
  "57P05": "The server ends connections that are idle: set its idle_session_timeout to 0 for this user.",
  "57014": "The statement took longer than `statementTimeout`.",
  ECONNREFUSED: "Nothing listens there: start the server, or look at the url.",
  ENOTFOUND: "There is no such host: look at the url.",
};

/** What a call rejects with. `details.code`: Postgres's state, the network's code, `deadline`, `closed` or `unknown`. */
export function failure(error: unknown): CallaError<"storage"> {
  const code = stateOf(error) ?? "unknown";
  const message = messageOf(error);
  const cure = CURES[code];
  return new CallaError(
    "storage",
    { code, message },
    `Postgres: ${message || code} (${code}).${cure === undefined ? "" : ` ${cure}`}`,
  );
}

/** A line that has never heard what is notified. */
export const deafFailure = (channel: string): CallaError<"storage"> =>
  new CallaError(
    "storage",
    { code: "deaf", message: "not heard" },
    `Postgres: a connection listens to ${JSON.stringify(channel)} and does not hear what this node notifies (deaf). It leads through a pooler that shares connections by transaction, or to another database: give the driver \`listenUrl\`, the address of the database itself.`,
  );

/** A line that did hear. */
export const silentFailure = (channel: string): CallaError<"storage"> =>
  new CallaError(
    "storage",
    { code: "silent", message: "no longer heard" },
    `Postgres: the connection that listens to ${JSON.stringify(channel)} no longer hears (silent). It is made anew.`,
  );

/** @see failure */
export const deadlineFailure = (milliseconds: number): CallaError<"storage"> =>
  new CallaError(
    "storage",
    { code: "deadline", message: "no answer" },
    `Postgres: no answer within ${milliseconds} ms. Whether it was done is unknown.`,
  );
