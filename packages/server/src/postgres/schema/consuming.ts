// One order of all that the log has taken, and its named consumers.
//
// A place in it is (tx, target, sequence). What commits late has a number that is long given out, so `changes` shows only
// what is before every transaction that is still under way (the snapshot's xmin): nothing can appear behind that any more.
// A target's own order is kept because each change was compared with a head that was read before its transaction had a
// number: whoever goes on from a record began after it was committed.
import { keptLock, madeLock } from "./locks.ts";
import { PLAIN, RECORD_COLUMNS } from "./reading.ts";

export const CONSUMING = (s: string): string => `
  -- A row without a name first: whether anything is held back, and up to which number nothing is; then what there is. What
  -- is behind the base of its target, or went, is shown where a consumer has not had it.
  CREATE FUNCTION ${s}.changes(a_life text, a_tx bigint, a_target bigint, a_sequence bigint, a_limit bigint)
  RETURNS TABLE (
    held boolean, bound bigint, tx bigint, target bigint, name text, why text, gone_at double precision, ${RECORD_COLUMNS}
  ) LANGUAGE plpgsql STABLE ${PLAIN} AS $f$
  #variable_conflict use_column
  DECLARE
    f record;
    found_shift bigint := ${s}.fit(a_life);
  BEGIN
    bound := pg_snapshot_xmin(pg_current_snapshot())::text::bigint + found_shift;
    held := EXISTS (SELECT FROM ${s}.records r WHERE r.tx >= bound) OR EXISTS (SELECT FROM ${s}.gone g WHERE g.tx >= bound);
    RETURN NEXT;
    SELECT c.tx, c.target, c.sequence INTO f FROM ${s}.consumers c ORDER BY c.tx, c.target, c.sequence LIMIT 1;
    IF NOT FOUND THEN
      SELECT bound AS tx, 0::bigint AS target, 0::bigint AS sequence INTO f;
    END IF;
    RETURN QUERY SELECT NULL::boolean, NULL::bigint, u.* FROM (
      (SELECT r.tx, r.target, coalesce(t.name, t.former), NULL::text, NULL::double precision,
        r.sequence, r.mark, r.version, r.at, r.author, r.usr, r.mid, r.id, r.messages, r.model
      FROM ${s}.records r JOIN ${s}.targets t ON t.id = r.target
      WHERE (r.tx, r.target, r.sequence) > (a_tx, a_target, a_sequence) AND r.tx < bound
        AND (r.sequence > t.base_sequence OR (r.tx, r.target, r.sequence) > (f.tx, f.target, f.sequence))
      ORDER BY r.tx, r.target, r.sequence LIMIT a_limit)
      UNION ALL
      (SELECT g.tx, g.target, g.name, g.why, g.at, g.sequence, 0, 0, 0, NULL, NULL, 0, '', '', NULL
      FROM ${s}.gone g
      WHERE (g.tx, g.target, g.sequence) > (a_tx, a_target, a_sequence) AND g.tx < bound
        AND (g.tx, g.target, g.sequence) > (f.tx, f.target, f.sequence)
      ORDER BY g.tx, g.target, g.sequence LIMIT a_limit)
    ) u (tx, target, name, why, gone_at, sequence, mark, version, at, author, usr, mid, id, messages, model)
    ORDER BY u.tx, u.target, u.sequence LIMIT a_limit;
  END $f$;

  -- 'held' and where it stands; 'taken' and until when; 'again': dropped, or made, meanwhile; 'wait': what begins now would
  -- hear what is committed already but held back (unless it insists).
  CREATE FUNCTION ${s}.claim(
    a_life text, a_name text, a_owner text, a_now double precision, a_until double precision, a_from_now boolean, a_insist boolean
  ) RETURNS TABLE (status text, until double precision, tx bigint, target bigint, sequence bigint) LANGUAGE plpgsql VOLATILE AS $f$
  #variable_conflict use_column
  DECLARE
    found_shift bigint := ${s}.fit(a_life);
    begins record;
  BEGIN
    UPDATE ${s}.consumers c SET owner = a_owner, until = a_until
    WHERE c.name = a_name AND (c.owner = a_owner OR c.until <= a_now)
    RETURNING 'held', c.until, c.tx, c.target, c.sequence INTO status, until, tx, target, sequence;
    IF NOT FOUND THEN
      SELECT 'taken', c.until INTO status, until FROM ${s}.consumers c WHERE c.name = a_name;
    END IF;
    IF NOT FOUND THEN
      -- Not while garbage is being deleted.
      PERFORM pg_advisory_xact_lock(${keptLock(s)});
      SELECT b.at AS at, EXISTS (SELECT FROM ${s}.records r WHERE r.tx >= b.at)
        OR EXISTS (SELECT FROM ${s}.gone g WHERE g.tx >= b.at) AS held
      INTO begins FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint + found_shift AS at) b;
      IF a_from_now AND begins.held AND NOT a_insist THEN
        status := 'wait';
      ELSE
        INSERT INTO ${s}.consumers AS c (name, tx, target, sequence, owner, until)
        VALUES (a_name, CASE WHEN a_from_now THEN begins.at ELSE 0 END, 0, 0, a_owner, a_until)
        ON CONFLICT DO NOTHING RETURNING 'held', c.until, c.tx, c.target, c.sequence INTO status, until, tx, target, sequence;
        IF NOT FOUND THEN
          status := 'again';
        END IF;
      END IF;
    END IF;
    RETURN NEXT;
  END $f$;

  CREATE FUNCTION ${s}.advance(
    a_life text, a_name text, a_owner text, a_tx bigint, a_target bigint, a_sequence bigint, a_until double precision
  ) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $f$
  BEGIN
    PERFORM ${s}.fit(a_life);
    UPDATE ${s}.consumers c SET until = a_until,
      tx = CASE WHEN (a_tx, a_target, a_sequence) > (c.tx, c.target, c.sequence) THEN a_tx ELSE c.tx END,
      target = CASE WHEN (a_tx, a_target, a_sequence) > (c.tx, c.target, c.sequence) THEN a_target ELSE c.target END,
      sequence = CASE WHEN (a_tx, a_target, a_sequence) > (c.tx, c.target, c.sequence) THEN a_sequence ELSE c.sequence END
    WHERE c.name = a_name AND c.owner = a_owner;
    RETURN FOUND;
  END $f$;

  CREATE FUNCTION ${s}.drop_consumer(a_life text, a_name text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $f$
  BEGIN
    PERFORM ${s}.fit(a_life);
    DELETE FROM ${s}.consumers c WHERE c.name = a_name;
    RETURN FOUND;
  END $f$;

  CREATE FUNCTION ${s}.expire_consumers(a_life text, a_before double precision, a_limit bigint) RETURNS TABLE (name text)
  LANGUAGE plpgsql VOLATILE AS $f$
  #variable_conflict use_column
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN QUERY DELETE FROM ${s}.consumers c WHERE c.until < a_before AND c.name = ANY (ARRAY(
      SELECT d.name FROM ${s}.consumers d WHERE d.until < a_before ORDER BY d.name LIMIT a_limit)) RETURNING c.name;
  END $f$;

  CREATE FUNCTION ${s}.consumers_known(a_life text) RETURNS SETOF ${s}.consumers LANGUAGE plpgsql STABLE AS $f$
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN QUERY SELECT * FROM ${s}.consumers c ORDER BY c.name;
  END $f$;

  CREATE FUNCTION ${s}.secret(a_life text) RETURNS text LANGUAGE plpgsql STABLE AS $f$
  BEGIN
    PERFORM ${s}.fit(a_life);
    RETURN (SELECT t.secret FROM ${s}.settings t);
  END $f$;

  -- Where the log was restored into a cluster whose transactions count from lower numbers, what is added to them is raised,
  -- so that nothing new stands behind a place that was given out. Says whether.
  CREATE FUNCTION ${s}.rebase() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $f$
  DECLARE
    next_tx bigint;
    needed bigint;
    found_shift bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(${madeLock(s)}); -- two that have read the settings would wait for each other below
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, t.shift, greatest(
      (SELECT max(r.tx) + 1 FROM ${s}.records r), (SELECT max(g.tx) + 1 FROM ${s}.gone g), (SELECT max(CASE WHEN c.target = 0 THEN c.tx ELSE c.tx + 1 END) FROM ${s}.consumers c))
    INTO next_tx, found_shift, needed FROM ${s}.settings t;
    IF needed IS NULL OR next_tx + found_shift >= needed THEN
      RETURN false;
    END IF;
    -- Whoever is writing has read the settings: all of them have ended once this is granted, and the rest waits.
    LOCK TABLE ${s}.settings IN ACCESS EXCLUSIVE MODE;
    UPDATE ${s}.settings t SET shift = needed - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    WHERE t.shift = found_shift;
    RETURN FOUND;
  END $f$;
`;
