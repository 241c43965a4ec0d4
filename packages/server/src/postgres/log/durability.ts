// What the settings of a server take away from what is promised: found when the log is found there, and told.
import type { CallaError } from "@calla/shared";
import type { PostgresRow } from "../driver/driver.ts";
import { refusal } from "./refusals.ts";
import { numberIn, textIn } from "./rows.ts";

/** Standbys are counted, for what else is known of them only a superuser may see. */
export const DURABILITY = `SELECT current_setting('fsync') AS fsync,
  current_setting('full_page_writes') AS pages,
  current_setting('synchronous_commit') AS commit,
  current_setting('synchronous_standby_names') AS names,
  (SELECT count(*) FROM pg_stat_replication) AS standbys`;

export function weaknessesOf(row: PostgresRow, schema: string): readonly CallaError<"storage">[] {
  const commit = textIn(row, "commit");
  const names = textIn(row, "names");
  const standbys = numberIn(row, "standbys");
  const found: (readonly [message: string, todo: string])[] = [];
  if (textIn(row, "fsync") === "off")
    found.push([
      "fsync is off: a loss of power may damage the whole database",
      "Set fsync = on in postgresql.conf and restart the server.",
    ]);
  if (textIn(row, "pages") === "off")
    found.push([
      "full_page_writes is off: a loss of power may damage the database",
      "Set full_page_writes = on in postgresql.conf and reload, unless the file system writes whole pages.",
    ]);
  if (commit === "off")
    found.push([
      "synchronous_commit is off: a loss of power, or a crash of the database, may lose the last acknowledged messages",
      "Set synchronous_commit = on, for the server, this database or this user.",
    ]);
  if (names !== "" && commit === "local")
    found.push([
      "synchronous_commit is local: a failover may lose the last acknowledged messages",
      "Set synchronous_commit = on, for the server, this database or this user.",
    ]);
  if (names === "" && standbys > 0)
    found.push([
      "its standbys are asynchronous: a failover may lose the last acknowledged messages",
      "Name standbys in synchronous_standby_names, and keep synchronous_commit = on; or accept it, and keep this error from `onError`.",
    ]);
  return found.map(([message, todo]) => refusal("durability", schema, message, todo));
}
