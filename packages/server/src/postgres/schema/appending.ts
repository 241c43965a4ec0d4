// The append: whatever a node's turn has for however many targets, in one call.
import { STATE_ROW } from "./states.ts";
import { BY_INDEX, RECORD_COLUMNS } from "./reading.ts";

/** How a client's row is written, as its column `more` has it: 0 says that there are no outcomes but its own. */
export const ROW = {
  /** Its outcomes are all there are. */
  whole: 0,
  /** Those that come apart are all there are. */
  other: 1,
  /** There are more, that come apart. */
  more: 2,
  /** There are no others than before. */
  same: 3,
};

/**
 * a_: the appends; r_ and c_: their records and clients' rows, with `n` the append's number, from 1.
 *
 * Each head is moved by a statement that compares it, and heads are locked in the order of names, so that no two calls wait
 * for each other; READ COMMITTED compares again after a wait, so exactly one of those that race goes on. Where all targets
 * have begun, one statement moves them all (for 256 of them the call takes a third of the time). Where one begins they go one
 * by one, after a read of all: a name that is new has no row to lock. Either way what is compared was read before the
 * transaction has its number, which keeps each target's records in order by that number: see `changes`.
 *
 * Elements are taken by their index: each column in an `unnest` is a scan of its own, and making these took a quarter of a
 * short append.
 *
 * First it gives a letter for each append, then what those missed that are late.
 */
export const APPENDING = (s: string): string => `
  CREATE FUNCTION ${s}.append(
    a_life text,
    a_name text[], a_sequence bigint[], a_mark bigint[], a_to bigint[], a_to_mark bigint[], a_version bigint[],
    a_at double precision[], a_now double precision[], a_whole boolean[],
    r_n int[], r_sequence bigint[], r_mark bigint[], r_version bigint[], r_at double precision[], r_author text[],
    r_user text[], r_mid bigint[], r_id text[], r_messages text[], r_model text[],
    c_n int[], c_client text[], c_was bigint[], c_last bigint[], c_settled bigint[], c_outcomes text[], c_more smallint[],
    c_mid bigint[], c_apart text[],
    a_missed bigint
  ) RETURNS TABLE (n int, status text, ${RECORD_COLUMNS}) LANGUAGE plpgsql VOLATILE ${BY_INDEX} AS $f$
  #variable_conflict use_column
  DECLARE
    found_shift bigint := ${s}.fit(a_life);
    size int := cardinality(a_name);
    ids bigint[] := array_fill(0::bigint, ARRAY[size]);
    fates text[] := array_fill('c'::text, ARRAY[size]);
    fitting int[];
    revived int[] := '{}';
    k int;
    found_id bigint;
    back boolean;
    late boolean;
    loose int[];
    this_tx bigint;
  BEGIN
    IF size > 1 AND NOT 0 = ANY (a_sequence) THEN -- rows alone leave a head as it is, under its lock
      FOR k, found_id, back IN
        UPDATE ${s}.targets t SET sequence = a_to[l.i], mark = a_to_mark[l.i], removed = t.removed AND NOT l.moves,
          version = CASE WHEN l.moves THEN a_version[l.i] ELSE t.version END,
          at = CASE WHEN l.moves THEN a_at[l.i] ELSE t.at END, used = CASE WHEN l.moves THEN a_at[l.i] ELSE t.used END
        FROM (
          SELECT q.id, i, a_to[i] > a_sequence[i] AS moves
          FROM generate_series(1, size) AS i JOIN ${s}.targets q ON q.name = a_name[i]
          WHERE q.sequence = a_sequence[i] AND q.mark = a_mark[i] AND (NOT q.removed OR a_whole[i] OR a_to[i] = a_sequence[i])
          ORDER BY q.name FOR NO KEY UPDATE OF q
        ) l WHERE t.id = l.id
        RETURNING l.i, t.id, l.moves AND t.base_sequence = a_sequence[l.i] AND t.base_mark = a_mark[l.i] AND a_whole[l.i]
      LOOP
        ids[k] := found_id;
        fates[k] := 'a';
        IF back THEN
          revived := revived || k;
        END IF;
      END LOOP;
    ELSE
      IF size = 1 AND a_sequence[1] > 0 THEN
        fitting := '{1}';
      ELSE
        SELECT coalesce(array_agg(i ORDER BY a_name[i] COLLATE "C"), '{}') INTO fitting
        FROM generate_series(1, size) AS i LEFT JOIN ${s}.targets t ON t.name = a_name[i]
        WHERE coalesce(t.sequence, 0) = a_sequence[i] AND coalesce(t.mark, 0) = a_mark[i];
      END IF;
      FOREACH k IN ARRAY fitting LOOP
        back := false;
        IF a_to[k] > a_sequence[k] AND a_sequence[k] > 0 THEN
          UPDATE ${s}.targets t SET sequence = a_to[k], mark = a_to_mark[k], version = a_version[k], at = a_at[k],
            used = a_at[k], removed = false
          WHERE t.name = a_name[k] AND t.sequence = a_sequence[k] AND t.mark = a_mark[k] AND (NOT t.removed OR a_whole[k])
          RETURNING t.id, t.base_sequence = a_sequence[k] AND t.base_mark = a_mark[k] AND a_whole[k] INTO found_id, back;
        ELSIF a_to[k] > 0 AND a_sequence[k] = 0 THEN
          INSERT INTO ${s}.targets AS t (name, sequence, mark, version, at, used, aged)
          VALUES (a_name[k], a_to[k], a_to_mark[k], a_version[k], a_at[k], a_at[k], a_at[k])
          ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence, mark = excluded.mark, version = excluded.version,
            at = excluded.at, used = excluded.used, aged = excluded.aged, bare = false
            WHERE t.sequence = 0
          RETURNING t.id INTO found_id;
        ELSIF a_sequence[k] > 0 THEN -- rows alone, under the head's lock
          SELECT t.id INTO found_id FROM ${s}.targets t
          WHERE t.name = a_name[k] AND t.sequence = a_sequence[k] AND t.mark = a_mark[k] FOR NO KEY UPDATE;
        ELSE -- what never was has no head whose lock could be taken: a bare one is made
          INSERT INTO ${s}.targets AS t (name, sequence, mark, version, at, used, aged, bare)
          VALUES (a_name[k], 0, 0, 0, 0, a_now[k], a_now[k], true)
          ON CONFLICT (name) DO UPDATE SET used = greatest(t.used, excluded.used) WHERE t.sequence = 0
          RETURNING t.id INTO found_id;
        END IF;
        IF found_id IS NOT NULL THEN
          ids[k] := found_id;
          fates[k] := 'a';
          IF back THEN
            revived := revived || k;
          END IF;
        END IF;
      END LOOP;
    END IF;

    IF 'a' = ANY (fates) THEN
      IF cardinality(c_n) > 0 THEN
        SELECT bool_or(q.last <> c_was[i]), array_agg(i) FILTER (WHERE q.more > 0) INTO late, loose
        FROM generate_series(1, cardinality(c_n)) AS i
        JOIN ${s}.clients q ON q.target = a_name[c_n[i]] AND q.client = c_client[i] WHERE ids[c_n[i]] > 0;
        IF late THEN
          RAISE EXCEPTION 'another node has answered a client' USING ERRCODE = '${STATE_ROW}';
        END IF;
      END IF;
      IF cardinality(r_n) > 0 THEN
        this_tx := pg_current_xact_id()::text::bigint + found_shift;
        INSERT INTO ${s}.records (target, sequence, tx, mark, version, at, author, usr, mid, id, messages, model)
        SELECT ids[r_n[i]], r_sequence[i], this_tx, r_mark[i], r_version[i], r_at[i], r_author[i], r_user[i], r_mid[i], r_id[i],
          r_messages[i], r_model[i]
        FROM generate_series(1, cardinality(r_n)) AS i WHERE ids[r_n[i]] > 0;
      END IF;
      -- The model that brings a removed target back is its snapshot: what was before is gone.
      IF cardinality(revived) > 0 THEN
        INSERT INTO ${s}.snapshots (target, sequence, mark, version, at, model)
        SELECT ids[r.n], r.sequence, r.mark, r.version, r.at, r.model
        FROM unnest(r_n, r_sequence, r_mark, r_version, r_at, r_model) AS r (n, sequence, mark, version, at, model)
        WHERE r.n = ANY (revived) AND r.sequence = a_sequence[r.n] + 1 AND a_sequence[r.n] > 0
        ON CONFLICT DO NOTHING;
      END IF;
      IF cardinality(c_n) > 0 THEN
        IF loose IS NOT NULL THEN
          DELETE FROM ${s}.outcomes o
          USING unnest(c_n, c_client, c_was, c_settled, c_more) WITH ORDINALITY AS c (n, client, was, settled, more, i)
          WHERE c.i = ANY (loose) AND o.target = a_name[c.n] AND o.client = c.client
            AND o.mid <= CASE WHEN c.more < ${ROW.more} THEN c.was ELSE c.settled END;
        END IF;
        INSERT INTO ${s}.clients AS q (target, client, last, settled, outcomes, more, at, aged)
        SELECT a_name[c_n[i]], c_client[i], c_last[i], c_settled[i], c_outcomes[i], c_more[i], a_now[c_n[i]], a_now[c_n[i]]
        FROM generate_series(1, cardinality(c_n)) AS i WHERE ids[c_n[i]] > 0
        ON CONFLICT (target, client) DO UPDATE SET last = excluded.last, settled = greatest(q.settled, excluded.settled),
          outcomes = CASE WHEN excluded.more < ${ROW.more} THEN excluded.outcomes ELSE q.outcomes END,
          more = CASE WHEN excluded.more = ${ROW.same} THEN q.more ELSE excluded.more END, at = excluded.at;
        IF cardinality(array_remove(c_mid, NULL)) > 0 THEN
          INSERT INTO ${s}.outcomes AS o (target, client, mid, outcomes)
          SELECT a_name[c.n], c.client, c.mid, c.outcomes
          FROM unnest(c_n, c_client, c_mid, c_apart) AS c (n, client, mid, outcomes)
          WHERE ids[c.n] > 0 AND c.outcomes IS NOT NULL
          ON CONFLICT (target, client, mid) DO UPDATE SET outcomes = excluded.outcomes;
        END IF;
      END IF;
    END IF;

    n := 0;
    status := array_to_string(fates, '');
    RETURN NEXT;
    IF 'c' = ANY (fates) THEN
      FOR k IN 1 .. cardinality(a_name) LOOP
        IF fates[k] = 'c' THEN
          RETURN QUERY SELECT k, m.* FROM ${s}.after(a_name[k], a_sequence[k], a_mark[k], a_missed) m;
        END IF;
      END LOOP;
    END IF;
  END $f$;
`;
