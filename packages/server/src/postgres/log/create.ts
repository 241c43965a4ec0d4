// A Postgres log from its options.
import type { TargetKey } from "@calla/shared";
import { refuseOption } from "../../log/sqlite/refuse-option.ts";
import { storageOf } from "../../log/sqlite/topics.ts";
import { problemOfSchema } from "../schema/names.ts";
import type { PostgresLog, PostgresLogOptions } from "./options.ts";
import { PostgresLogStorage } from "./postgres-log.ts";

const refuse = (option: string, problem: string): never => refuseOption(option, problem, "postgresLog");

/**
 * A log in a Postgres database, which any number of equal nodes share: what was acknowledged is committed there. Makes its
 * schema by itself. docs/postgres.md has what it promises under which settings.
 *
 * @example
 * const driver = pgDriver({ url: process.env.DATABASE_URL });
 * const server = createServer({ wiring, serialiser, log: postgresLog({ driver }) });
 * @throws CallaError `wiring`: an option is wrong; the message says which.
 */
export function postgresLog(options: PostgresLogOptions): PostgresLog {
  const { schema = "calla", retention = 10_000, topics = {}, deadline = 10_000, appending = 4 } = options;
  const problem = problemOfSchema(schema);
  if (problem !== undefined) refuse("schema", problem);
  if (!(deadline > 0 && deadline <= 600_000)) refuse("deadline", "must be milliseconds, at most ten minutes");
  if (!(Number.isSafeInteger(appending) && appending >= 1 && appending <= 64))
    refuse("appending", "must be a whole number from 1 to 64");
  const { of } = storageOf(retention, topics, "postgresLog");
  return new PostgresLogStorage(options, (target: TargetKey) => of(target).retention);
}
