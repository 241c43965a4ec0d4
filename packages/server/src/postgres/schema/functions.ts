// All functions of a schema. They are the whole of what a node calls: each one statement, which is one transaction and one
// round trip, and each begins with `fit`. Not part of the migrations: the newest Calla puts its own in place of all.
import { APPENDING } from "./appending.ts";
import { CONSUMING } from "./consuming.ts";
import { KEEPING } from "./keeping.ts";
import { READING } from "./reading.ts";
import { STATE_UNFIT } from "./states.ts";

/** What a caller is told, of the settings `t`, and says with every call. */
export const LIFE = `concat_ws(' ', t.identity, t.version, t.tableoid,
      (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint)`;

/**
 * Whether what stands here is still what the caller found: the log's identity and version, the very table (restored, it is
 * another one) and the very run of the server (a failover, or a restart). So no call writes to another log or reads from one,
 * though a pooler changes connections without a word. Gives `shift`. Who has called it keeps migrations waiting.
 */
const FIT = (s: string): string => `
  CREATE FUNCTION ${s}.fit(a_life text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $f$
  DECLARE
    found_shift bigint;
  BEGIN
    SELECT t.shift INTO found_shift FROM ${s}.settings t
    WHERE ${LIFE} = a_life;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the log is another one, or stands elsewhere' USING ERRCODE = '${STATE_UNFIT}';
    END IF;
    RETURN found_shift;
  END $f$;
`;

/** They are called with the schema's name in SQL. */
export const functionsIn = (s: string): string =>
  [FIT, READING, APPENDING, KEEPING, CONSUMING].map((text) => text(s)).join("\n");
