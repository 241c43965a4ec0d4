// Makes a schema, or brings one of an older Calla up to date: one statement, so one transaction, over any driver and pooler.
import { functionsIn } from "./functions.ts";
import { madeLock } from "./locks.ts";
import { literal, quoted } from "./names.ts";
import { STATE_FOREIGN, STATE_NEWER } from "./states.ts";
import { MIGRATIONS } from "./tables.ts";

/**
 * Nodes that begin at once wait for each other, and those that are behind find it done. It waits for the calls of older nodes
 * that are under way, and keeps new ones waiting, which then find the version changed.
 */
export function migrationOf(
  schema: string,
  migrations: readonly ((schema: string) => string)[] = MIGRATIONS,
): string {
  const s = quoted(schema);
  const newest = migrations.length;
  const steps = migrations.map(
    (migration, i) => `IF known < ${i + 1} THEN
    ${migration(s)}
  END IF;`,
  );
  return `DO $calla$
DECLARE
  known integer := 0;
  old record;
BEGIN
  PERFORM pg_advisory_xact_lock(${madeLock(s)});
  IF to_regnamespace(${literal(s)}) IS NULL THEN
    CREATE SCHEMA ${s};
  ELSIF to_regclass(${literal(`${s}.settings`)}) IS NOT NULL THEN
    LOCK TABLE ${s}.settings IN ACCESS EXCLUSIVE MODE;
    SELECT t.version INTO known FROM ${s}.settings t;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the settings are empty' USING ERRCODE = '${STATE_FOREIGN}';
    END IF;
  ELSIF EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = ${literal(s)}::regnamespace) THEN
    RAISE EXCEPTION 'the schema holds tables that are not Calla''s' USING ERRCODE = '${STATE_FOREIGN}';
  END IF;
  IF known > ${newest} THEN
    RAISE EXCEPTION 'the schema has version %, this Calla knows ${newest}', known USING ERRCODE = '${STATE_NEWER}';
  ELSIF known = ${newest} THEN
    RETURN;
  END IF;
  ${steps.join("\n  ")}
  FOR old IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = ${literal(s)}::regnamespace LOOP
    EXECUTE 'DROP FUNCTION ' || old.name;
  END LOOP;
  ${functionsIn(s)}
  UPDATE ${s}.settings SET version = ${newest};
END $calla$`;
}
