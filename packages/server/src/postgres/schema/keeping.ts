// What keeps targets: snapshots, removals, ages, and deleting what is no longer part of a history.
//
// Whatever makes a change (a removal, a session's end) compares like an append: it reads the head, and only then writes, which
// gives the transaction its number. An unconditional write would take a number, wait for an append with a later one, and
// stand before it in `changes`.

import { keptLock } from "./locks.ts";

const HIGHEST = "9223372036854775807";

export const KEEPING = (s: string): string => `
  -- What may be deleted, once no consumer needs it.
  CREATE FUNCTION ${s}.litter(a_id bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $f$
  BEGIN
    -- The row is locked in any case, and says up to where: a sweep that is just finishing with it must notice.
    INSERT INTO ${s}.garbage AS g (target, upto, tx, sequence)
    SELECT t.id, t.base_sequence, r.tx, r.sequence FROM ${s}.targets t JOIN ${s}.records r ON r.target = t.id
    WHERE t.id = a_id AND r.sequence <= t.base_sequence ORDER BY r.sequence LIMIT 1
    ON CONFLICT (target) DO UPDATE SET upto = excluded.upto;
  END $f$;

  -- Only a record that is still there can vouch for a snapshot. The head's lock is taken only where it may be saved.
  CREATE FUNCTION ${s}.save(
    a_life text, a_name text, a_sequence bigint, a_mark bigint, a_version bigint, a_at double precision, a_model text, a_most bigint
  ) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $f$
  DECLARE
    found_id bigint;
    from_sequence bigint;
    begins record;
  BEGIN
    PERFORM ${s}.fit(a_life);
    SELECT t.id INTO found_id FROM ${s}.targets t WHERE t.name = a_name AND a_sequence > t.base_sequence
      AND a_sequence > coalesce((SELECT max(p.sequence) FROM ${s}.snapshots p WHERE p.target = t.id), 0)
      AND a_mark = (SELECT r.mark FROM ${s}.records r WHERE r.target = t.id AND r.sequence = a_sequence);
    IF NOT FOUND THEN
      RETURN false;
    END IF;
    PERFORM 1 FROM ${s}.targets t WHERE t.id = found_id FOR NO KEY UPDATE;
    SELECT t.base_sequence INTO from_sequence FROM ${s}.targets t WHERE t.id = found_id AND t.name = a_name AND a_sequence > t.base_sequence
      AND a_sequence > coalesce((SELECT max(p.sequence) FROM ${s}.snapshots p WHERE p.target = t.id), 0)
      AND a_mark = (SELECT r.mark FROM ${s}.records r WHERE r.target = t.id AND r.sequence = a_sequence);
    IF NOT FOUND THEN
      RETURN false;
    END IF;
    -- Of the snapshots after the one that the records begin at, the first is the next to begin at. Others go.
    DELETE FROM ${s}.snapshots p WHERE p.target = found_id AND p.sequence > (
      SELECT min(q.sequence) FROM ${s}.snapshots q WHERE q.target = found_id AND q.sequence > from_sequence);
    INSERT INTO ${s}.snapshots (target, sequence, mark, version, at, model)
    VALUES (found_id, a_sequence, a_mark, a_version, a_at, a_model);
    -- Records begin at the newest one that leaves enough of them.
    SELECT p.sequence, p.mark INTO begins FROM ${s}.snapshots p
    WHERE p.target = found_id AND p.sequence <= a_most AND p.sequence > from_sequence ORDER BY p.sequence DESC LIMIT 1;
    IF FOUND THEN
      UPDATE ${s}.targets t SET base_sequence = begins.sequence, base_mark = begins.mark WHERE t.id = found_id;
      DELETE FROM ${s}.snapshots p WHERE p.target = found_id AND p.sequence < begins.sequence;
      PERFORM ${s}.litter(found_id);
    END IF;
    RETURN true;
  END $f$;

  -- 'done', 'nothing' to do, or 'again': it was written to meanwhile. alone: nobody else writes to any target meanwhile,
  -- so it is done; for a target that is written to all the time.
  CREATE FUNCTION ${s}.remove(a_life text, a_name text, a_at double precision, a_since double precision, a_alone boolean)
  RETURNS text LANGUAGE plpgsql VOLATILE AS $f$
  DECLARE
    found_shift bigint := ${s}.fit(a_life);
    t record;
  BEGIN
    IF a_alone THEN
      LOCK TABLE ${s}.targets IN SHARE ROW EXCLUSIVE MODE; -- no transaction has a number by this alone
    END IF;
    SELECT g.id, g.sequence, g.mark INTO t FROM ${s}.targets g
    WHERE g.name = a_name AND NOT g.removed AND g.sequence > 0 AND g.used < a_since;
    IF NOT FOUND THEN
      RETURN 'nothing';
    END IF;
    UPDATE ${s}.targets g SET removed = true, mark = (g.mark + 1) & 4294967295, used = a_at, aged = a_at,
      base_sequence = g.sequence, base_mark = (g.mark + 1) & 4294967295
    WHERE g.id = t.id AND g.name = a_name AND g.sequence = t.sequence AND g.mark = t.mark AND NOT g.removed AND g.used < a_since;
    IF NOT FOUND THEN
      RETURN 'again';
    END IF;
    INSERT INTO ${s}.gone (tx, target, sequence, name, why, at)
    VALUES (pg_current_xact_id()::text::bigint + found_shift, t.id, t.sequence, a_name, 'removed', a_at);
    DELETE FROM ${s}.snapshots p WHERE p.target = t.id;
    PERFORM ${s}.litter(t.id);
    RETURN 'done';
  END $f$;

  -- In the order of names, as appends go.
  CREATE FUNCTION ${s}.touch(a_life text, a_name text[], a_at double precision) RETURNS void LANGUAGE plpgsql VOLATILE AS $f$
  DECLARE
    found_id bigint;
  BEGIN
    PERFORM ${s}.fit(a_life);
    FOR found_id IN SELECT t.id FROM unnest(a_name) AS u (name) JOIN ${s}.targets t ON t.name = u.name
      WHERE NOT t.removed AND t.sequence > 0 AND t.used < a_at ORDER BY t.name LOOP
      UPDATE ${s}.targets t SET used = a_at WHERE t.id = found_id AND t.name IS NOT NULL AND NOT t.removed AND t.used < a_at;
    END LOOP;
  END $f$;

  -- A target that nobody can reach any more and that has no records.
  CREATE FUNCTION ${s}.bury(a_id bigint) RETURNS void LANGUAGE sql VOLATILE AS $f$
    DELETE FROM ${s}.targets t WHERE t.id = a_id AND t.name IS NULL
      AND NOT EXISTS (SELECT FROM ${s}.records r WHERE r.target = t.id);
  $f$;

  -- Of sessions, tombstones ('removed') or what never had a record ('bare'), those too old. Where some of what it looks at
  -- was used since, that alone is noted and it says so ('again', in a row without a name): their ages are then right, and
  -- the heads of the others are read anew, by a transaction that has no number yet.
  CREATE FUNCTION ${s}.expire_targets(a_life text, a_kind text, a_before double precision, a_at double precision, a_limit bigint)
  RETURNS TABLE (again boolean, name text) LANGUAGE plpgsql VOLATILE AS $f$
  #variable_conflict use_column
  DECLARE
    found_shift bigint := ${s}.fit(a_life);
    old record;
    page record;
  BEGIN
    IF a_kind = 'session' THEN
      SELECT array_agg(t.id) AS ids, coalesce(bool_or(t.used >= a_before), false) AS fresh INTO page FROM (
        SELECT g.id, g.used FROM ${s}.targets g
        WHERE g.name >= '@' AND g.name < 'A' AND NOT g.removed AND NOT g.bare AND g.aged < a_before ORDER BY g.aged LIMIT a_limit) t;
    ELSIF a_kind = 'removed' THEN
      SELECT array_agg(t.id) AS ids, false AS fresh INTO page FROM (
        SELECT g.id FROM ${s}.targets g
        WHERE g.removed AND g.name IS NOT NULL AND g.used < a_before AND g.aged < a_before ORDER BY g.aged LIMIT a_limit) t;
    ELSE
      SELECT array_agg(t.id) AS ids, coalesce(bool_or(t.used >= a_before), false) AS fresh INTO page FROM (
        SELECT g.id, CASE WHEN EXISTS (SELECT FROM ${s}.clients c WHERE c.target = g.name) THEN a_at ELSE g.used END AS used
        FROM ${s}.targets g WHERE g.bare AND g.aged < a_before ORDER BY g.aged LIMIT a_limit) t;
    END IF;
    IF page.fresh THEN
      FOR old IN SELECT t.id, t.name FROM ${s}.targets t WHERE t.id = ANY (page.ids) ORDER BY t.name LOOP
        UPDATE ${s}.targets t SET aged = CASE WHEN t.bare THEN a_at ELSE greatest(t.aged, t.used) END WHERE t.id = old.id;
      END LOOP;
      again := true;
      RETURN NEXT;
      RETURN;
    END IF;
    FOR old IN SELECT t.id, t.name, t.sequence, t.mark FROM ${s}.targets t WHERE t.id = ANY (page.ids) ORDER BY t.name LOOP
      UPDATE ${s}.targets t SET former = t.name, name = NULL, removed = false, bare = false,
        base_sequence = CASE WHEN a_kind = 'session' THEN t.sequence ELSE t.base_sequence END,
        base_mark = CASE WHEN a_kind = 'session' THEN t.mark ELSE t.base_mark END
      WHERE t.id = old.id AND t.name = old.name AND t.sequence = old.sequence AND t.mark = old.mark AND t.used < a_before
        AND t.removed = (a_kind = 'removed') AND t.bare = (a_kind = 'bare');
      CONTINUE WHEN NOT FOUND;
      IF a_kind = 'session' THEN
        INSERT INTO ${s}.gone (tx, target, sequence, name, why, at)
        VALUES (pg_current_xact_id()::text::bigint + found_shift, old.id, old.sequence, old.name, 'expired', a_at);
        DELETE FROM ${s}.snapshots p WHERE p.target = old.id;
        PERFORM ${s}.litter(old.id);
      END IF;
      PERFORM ${s}.bury(old.id);
      again := false;
      name := old.name;
      RETURN NEXT;
    END LOOP;
  END $f$;

  -- How many went, and whether some were written since, which is noted now. It waits for nobody: who writes one just now
  -- writes a younger one.
  CREATE FUNCTION ${s}.expire_clients(a_life text, a_before double precision, a_limit bigint)
  RETURNS TABLE (went bigint, again boolean) LANGUAGE plpgsql VOLATILE AS $f$
  DECLARE
    c record;
  BEGIN
    PERFORM ${s}.fit(a_life);
    went := 0;
    again := false;
    FOR c IN SELECT q.target, q.client, q.at FROM ${s}.clients q WHERE q.aged < a_before ORDER BY q.aged LIMIT a_limit
      FOR UPDATE SKIP LOCKED LOOP
      IF c.at >= a_before THEN
        UPDATE ${s}.clients q SET aged = q.at WHERE q.target = c.target AND q.client = c.client;
        again := true;
      ELSE
        DELETE FROM ${s}.clients q WHERE q.target = c.target AND q.client = c.client;
        DELETE FROM ${s}.outcomes o WHERE o.target = c.target AND o.client = c.client;
        went := went + 1;
      END IF;
    END LOOP;
    RETURN NEXT;
  END $f$;

  -- Deletes some of what is no longer part of a history and that all consumers have had. Says whether there may be more.
  CREATE FUNCTION ${s}.sweep(a_life text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $f$
  DECLARE
    f record;
    g record;
    first record;
  BEGIN
    PERFORM ${s}.fit(a_life);
    IF NOT pg_try_advisory_xact_lock(${keptLock(s)}) THEN
      RETURN false; -- another node does, or somebody begins
    END IF;
    SELECT c.tx, c.target, c.sequence INTO f FROM ${s}.consumers c ORDER BY c.tx, c.target, c.sequence LIMIT 1;
    IF NOT FOUND THEN
      SELECT ${HIGHEST} AS tx, ${HIGHEST} AS target, ${HIGHEST} AS sequence INTO f;
    END IF;
    SELECT * INTO g FROM ${s}.garbage q WHERE (q.tx, q.target, q.sequence) <= (f.tx, f.target, f.sequence)
      ORDER BY q.tx, q.target, q.sequence LIMIT 1;
    IF FOUND THEN
      DELETE FROM ${s}.records r WHERE r.target = g.target AND r.sequence <= least(g.upto, g.sequence + 1999)
        AND (r.tx, r.target, r.sequence) <= (f.tx, f.target, f.sequence);
      SELECT r.tx, r.sequence INTO first FROM ${s}.records r WHERE r.target = g.target AND r.sequence <= g.upto
        ORDER BY r.sequence LIMIT 1;
      IF FOUND THEN
        UPDATE ${s}.garbage q SET tx = first.tx, sequence = first.sequence WHERE q.target = g.target;
      ELSE
        DELETE FROM ${s}.garbage q WHERE q.target = g.target AND q.upto = g.upto;
        PERFORM ${s}.bury(g.target);
      END IF;
      RETURN true;
    END IF;
    -- Behind their records: a new consumer may hear what is left of those, and then hears of their end.
    DELETE FROM ${s}.gone o WHERE o.ctid = ANY (ARRAY(
      SELECT d.ctid FROM ${s}.gone d WHERE (d.tx, d.target, d.sequence) <= (f.tx, f.target, f.sequence)
      ORDER BY d.tx, d.target, d.sequence LIMIT 2000));
    RETURN FOUND;
  END $f$;
`;
