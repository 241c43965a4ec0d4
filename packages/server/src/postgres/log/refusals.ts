// Why a database is not taken for the log, as errors of Calla's that say what to do.
import { CallaError } from "@calla/shared";

/** `details.code` of the errors of a Postgres log that are not Postgres's own five characters. */
export type PostgresLogProblem =
  | "other"
  | "newer"
  | "foreign"
  | "half-moved"
  | "replaced"
  | "encoding"
  | "isolation"
  | "outdated"
  | "standby"
  | "durability"
  | "held-back";

const CURES: Readonly<Record<PostgresLogProblem, string>> = {
  other:
    "Lead the url to the right database, or restore a backup of it; to go on with what is there, restart the server without `identity`.",
  newer: "A newer Calla has changed it: run that version, or restore a backup from before.",
  foreign: "Nothing was written: name a schema that is empty, or that is not there yet.",
  "half-moved": "Let the move end first: run `calla-move` again, it goes on where it was.",
  replaced: "",
  encoding: "Nothing was written: create the database with ENCODING 'UTF8'.",
  isolation:
    "Nothing was written: set default_transaction_isolation = 'read committed', for the server, this database or this user.",
  outdated: "Use Postgres 13 or later.",
  standby: "The url must lead to the primary.",
  durability: "",
  "held-back": "",
};

/** What a call is rejected with, or what is told and keeps nothing from working. `todo`: in place of the usual cure. */
export function refusal(
  code: PostgresLogProblem,
  schema: string,
  message: string,
  todo: string = CURES[code],
): CallaError<"storage"> {
  return new CallaError(
    "storage",
    { code, schema },
    `The log in the schema ${schema} (${code}): ${message}. ${todo}`.trimEnd(),
  );
}
