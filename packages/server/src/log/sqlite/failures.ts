// What is wrong with a database, in Calla's words, and what to do about it.
import { CallaError } from "@calla/shared";
import type { Failure } from "./failure.ts";

/** `details.code` of the `storage` errors of a SQLite log. */
export type SqliteProblem =
  | "locked"
  | "corrupt"
  | "not-a-database"
  | "foreign"
  | "newer"
  | "older"
  | "moved"
  | "read-only"
  | "full"
  | "cannot-open"
  | "io"
  | "no-wal"
  | "gone"
  | "replaced"
  | "worker"
  | "other"
  | "failed";

/** By the beginning of SQLite's own code; the first that fits. */
const KNOWN: readonly (readonly [begins: string, problem: SqliteProblem, todo: string])[] = [
  [
    "SQLITE_BUSY",
    "locked",
    "Another process has held it locked for long; end that process or its transaction.",
  ],
  ["SQLITE_LOCKED", "locked", "Another connection holds it; end its transaction."],
  ["SQLITE_PROTOCOL", "locked", "Too many processes open it at once; try again."],
  [
    "SQLITE_CORRUPT",
    "corrupt",
    "Stop the server, keep the file with its -wal and -shm, and restore a backup, or try `sqlite3 FILE .recover`.",
  ],
  ["SQLITE_NOTADB", "not-a-database", "It is no SQLite database; name another file, or restore a backup."],
  [
    "CALLA_FOREIGN",
    "foreign",
    "It holds another program's tables and nothing was written; name another file.",
  ],
  [
    "CALLA_NEWER",
    "newer",
    "A newer Calla has changed it; run that version, or restore a backup from before.",
  ],
  [
    "CALLA_OLDER",
    "older",
    "Its records were written by other rules than this Calla reads by, so nothing was read; name another file, or run the Calla that wrote it.",
  ],
  [
    "CALLA_MOVED",
    "moved",
    "Nothing is written here any more: start the server over Postgres (docs/postgres.md); `calla-move --undo` takes the move back.",
  ],
  [
    "SQLITE_READONLY",
    "read-only",
    "Give the process the right to write to the file and to its folder, or mount the disk writable.",
  ],
  ["SQLITE_FULL", "full", "The disk is full; make room, and writing goes on by itself."],
  [
    "SQLITE_CANTOPEN",
    "cannot-open",
    "Its folder must exist, and the process must have the right to write there.",
  ],
  ["SQLITE_PERM", "cannot-open", "The process must have the right to write to it."],
  ["SQLITE_IOERR", "io", "The disk fails; look at the system's log before anything else."],
  ["CALLA_NO_WAL", "no-wal", "It must lie on a local disk: network file systems cannot hold it."],
  [
    "CALLA_GONE",
    "gone",
    "Put it back, or put a backup in its place: until then nothing is written, and the server makes no new file while it runs.",
  ],
  [
    "CALLA_REPLACED",
    "replaced",
    "What stands there now is opened next; what it lacks is lost, and clients are told. Replace a database while no server runs.",
  ],
  [
    "CALLA_OTHER",
    "other",
    "Put the right file there, or a backup of it; to go on with the one that is there, restart the server.",
  ],
  ["CALLA_WORKER", "worker", "The thread that writes has ended; a new one is started."],
];

/** A failure as the `storage` error that the log's methods reject with. */
export function storageFailure(file: string, { code, message }: Failure): CallaError {
  const [, problem, todo] = KNOWN.find(([begins]) => code.startsWith(begins)) ?? ["", "failed" as const, ""];
  return new CallaError(
    "storage",
    { code: problem, file, sqlite: code },
    `The database ${file} (${problem}): ${message}. ${todo}`.trimEnd(),
  );
}

/** What SQLite threw in this thread, as a failure. */
export const failureOf = (thrown: unknown): Failure => {
  const { code, message } = thrown as { readonly code?: unknown; readonly message?: unknown };
  return { code: String(code ?? "CALLA_BUG"), message: String(message ?? thrown).replace(/[.]$/, "") };
};
