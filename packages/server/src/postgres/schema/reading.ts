// What reads. STABLE: all that one of them asks is of one moment, that of its call.
import { literal } from "./names.ts";

const RECORD = `r.sequence, r.mark, r.version, r.at, r.author, r.usr, r.mid, r.id, r.messages, r.model`;
export const RECORD_COLUMNS = `sequence bigint, mark bigint, version bigint, at double precision, author text, usr text,
  mid bigint, id text, messages text, model text`;

/** Without compiling to machine code, which takes longer than any of this. */
export const PLAIN = `SET jit = off`;
/**
 * For what takes arrays: planned once and not with each call, which took most of its time; by index for each element, whatever
 * size the tables had when it was planned. (Forbidding what reads whole tables would spoil the plan of `fit`, which does.)
 */
export const BY_INDEX = `${PLAIN} SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off`;

export const READING = (s: string): string => `
  CREATE FUNCTION ${s}.open(a_life text, a_name text) RETURNS TABLE (
    sequence bigint, mark bigint, version bigint, at double precision, removed boolean,
    saved_sequence bigint, saved_mark bigint, saved_version bigint, saved_at double precision, model text
  ) LANGUAGE plpgsql STABLE AS $f$
  #variable_conflict use_column
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN QUERY SELECT t.sequence, t.mark, t.version, t.at, t.removed, p.sequence, p.mark, p.version, p.at, p.model
      FROM ${s}.targets t LEFT JOIN LATERAL (
        SELECT * FROM ${s}.snapshots q WHERE q.target = t.id AND q.sequence <= t.sequence ORDER BY q.sequence DESC LIMIT 1
      ) p ON true WHERE t.name = a_name AND t.sequence > 0;
  END $f$;

  -- A status first, then records.
  CREATE FUNCTION ${s}.after(a_name text, a_sequence bigint, a_mark bigint, a_limit bigint)
  RETURNS TABLE (status text, ${RECORD_COLUMNS}) LANGUAGE plpgsql STABLE AS $f$
  #variable_conflict use_column
  DECLARE
    t record;
    found_mark bigint;
  BEGIN
    SELECT g.id, g.sequence, g.mark, g.base_sequence, g.base_mark INTO t FROM ${s}.targets g WHERE g.name = a_name;
    IF NOT FOUND THEN
      SELECT -1::bigint AS id, 0::bigint AS sequence, 0::bigint AS mark, 0::bigint AS base_sequence, 0::bigint AS base_mark INTO t;
    END IF;
    status := 'records';
    IF a_sequence = t.sequence AND a_mark = t.mark THEN
      RETURN NEXT;
      RETURN;
    END IF;
    IF a_sequence = 0 THEN
      found_mark := 0;
    ELSIF a_sequence = t.base_sequence THEN
      found_mark := t.base_mark;
    ELSIF a_sequence > t.base_sequence THEN -- deleted records may still lie below it
      found_mark := (SELECT r.mark FROM ${s}.records r WHERE r.target = t.id AND r.sequence = a_sequence);
    END IF;
    IF found_mark IS NULL AND a_sequence > 0 AND a_sequence < t.base_sequence THEN
      status := 'compacted';
    ELSIF found_mark IS DISTINCT FROM a_mark THEN
      status := 'other-history';
    ELSIF a_sequence < t.base_sequence THEN
      status := 'compacted';
    END IF;
    RETURN NEXT;
    IF status <> 'records' THEN
      RETURN;
    END IF;
    -- By a value and not by a join: so the index is read in order, and only up to the limit.
    RETURN QUERY SELECT NULL::text, ${RECORD} FROM ${s}.records r
      WHERE r.target = t.id AND r.sequence > a_sequence AND r.sequence <= t.sequence ORDER BY r.sequence LIMIT a_limit;
  END $f$;
  CREATE FUNCTION ${s}.read(a_life text, a_name text, a_sequence bigint, a_mark bigint, a_limit bigint)
  RETURNS TABLE (status text, ${RECORD_COLUMNS}) LANGUAGE plpgsql STABLE AS $f$
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN QUERY SELECT * FROM ${s}.after(a_name, a_sequence, a_mark, a_limit);
  END $f$;

  -- Which of them have moved, counted from 1.
  CREATE FUNCTION ${s}.moved(a_life text, a_name text[], a_sequence bigint[], a_mark bigint[])
  RETURNS TABLE (n bigint) LANGUAGE plpgsql STABLE ${BY_INDEX} AS $f$
  #variable_conflict use_column
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN QUERY SELECT u.n FROM unnest(a_name, a_sequence, a_mark) WITH ORDINALITY AS u (name, sequence, mark, n)
      LEFT JOIN ${s}.targets t ON t.name = u.name
      WHERE coalesce(t.sequence, 0) <> u.sequence OR coalesce(t.mark, 0) <> u.mark;
  END $f$;

  -- Where there are more outcomes than its own, a row of each part.
  CREATE FUNCTION ${s}.client(a_life text, a_name text, a_client text)
  RETURNS TABLE (last bigint, settled bigint, outcomes text) LANGUAGE plpgsql STABLE AS $f$
  #variable_conflict use_column
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN QUERY SELECT c.last, c.settled, c.outcomes FROM ${s}.clients c WHERE c.target = a_name AND c.client = a_client;
    RETURN QUERY SELECT NULL::bigint, NULL::bigint, o.outcomes FROM ${s}.outcomes o
      WHERE o.target = a_name AND o.client = a_client ORDER BY o.mid;
  END $f$;

  -- How far back it reaches first, then records, the newest first.
  CREATE FUNCTION ${s}.history(a_life text, a_name text, a_upto bigint, a_limit bigint)
  RETURNS TABLE (base bigint, ${RECORD_COLUMNS}) LANGUAGE plpgsql STABLE AS $f$
  #variable_conflict use_column
  DECLARE
    found_id bigint;
  BEGIN
    PERFORM ${s}.fit(a_life);
    SELECT t.id, t.base_sequence INTO found_id, base FROM ${s}.targets t WHERE t.name = a_name;
    base := coalesce(base, 0);
    RETURN NEXT;
    RETURN QUERY SELECT NULL::bigint, ${RECORD} FROM ${s}.records r
      WHERE r.target = found_id AND r.sequence > base AND r.sequence <= a_upto ORDER BY r.sequence DESC LIMIT a_limit;
  END $f$;

  CREATE FUNCTION ${s}.snapshot_at(a_life text, a_name text, a_sequence bigint)
  RETURNS TABLE (sequence bigint, mark bigint, version bigint, at double precision, model text) LANGUAGE plpgsql STABLE AS $f$
  #variable_conflict use_column
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN QUERY SELECT p.sequence, p.mark, p.version, p.at, p.model FROM ${s}.snapshots p
      WHERE p.target = (SELECT t.id FROM ${s}.targets t WHERE t.name = a_name) AND p.sequence <= a_sequence
      ORDER BY p.sequence DESC LIMIT 1;
  END $f$;

  CREATE FUNCTION ${s}.list(a_life text, a_from text, a_beyond text, a_after text, a_limit bigint)
  RETURNS TABLE (name text, sequence bigint, at double precision, used double precision, removed boolean)
  LANGUAGE plpgsql STABLE ${PLAIN} AS $f$
  #variable_conflict use_column
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN QUERY SELECT t.name, t.sequence, t.at, t.used, t.removed FROM ${s}.targets t
      WHERE t.name >= a_from AND t.name < a_beyond AND t.name > a_after AND t.sequence > 0 ORDER BY t.name LIMIT a_limit;
  END $f$;

  CREATE FUNCTION ${s}.bytes(a_life text) RETURNS bigint LANGUAGE plpgsql STABLE AS $f$
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
      WHERE c.relnamespace = (SELECT k.relnamespace FROM pg_class k WHERE k.oid = ${literal(`${s}.settings`)}::regclass)
        AND c.relkind = 'r');
  END $f$;
`;
