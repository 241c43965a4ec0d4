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
 * Who is late is told so before anything is locked or written. Then each head is moved by one statement that compares it,
 * in the order of names, so that no two calls wait for each other; READ COMMITTED compares again after a wait, so exactly one
 * of those that race goes on. That what is compared was read before the transaction has its number is what keeps each target's
 * records in order by that number: see `changes`.
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
    ids bigint[] := array_fill(0::bigint, ARRAY[cardinality(a_name)]);
    fates text[] := array_fill('c'::text, ARRAY[cardinality(a_name)]);
    revived bigint[] := '{}';
    k int;
    found_id bigint;
    back boolean;
    late boolean;
    loose bigint[];
    this_tx bigint;
  BEGIN
    FOR k IN
      SELECT a.n FROM unnest(a_name, a_sequence, a_mark) WITH ORDINALITY AS a (name, sequence, mark, n)
      LEFT JOIN ${s}.targets t ON t.name = a.name
      WHERE coalesce(t.sequence, 0) = a.sequence AND coalesce(t.mark, 0) = a.mark
      ORDER BY a.name COLLATE "C"
    LOOP
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
          revived := revived || k::bigint;
        END IF;
      END IF;
    END LOOP;

    IF 'a' = ANY (fates) THEN
      IF cardinality(c_n) > 0 THEN
        SELECT bool_or(q.last <> c.was), array_agg(c.i) FILTER (WHERE q.more > 0) INTO late, loose
        FROM unnest(c_n, c_client, c_was) WITH ORDINALITY AS c (n, client, was, i)
        JOIN ${s}.clients q ON q.target = a_name[c.n] AND q.client = c.client WHERE ids[c.n] > 0;
        IF late THEN
          RAISE EXCEPTION 'another node has answered a client' USING ERRCODE = '${STATE_ROW}';
        END IF;
      END IF;
      IF cardinality(r_n) > 0 THEN
        this_tx := pg_current_xact_id()::text::bigint + found_shift;
        INSERT INTO ${s}.records (target, sequence, tx, mark, version, at, author, usr, mid, id, messages, model)
        SELECT ids[r.n], r.sequence, this_tx, r.mark, r.version, r.at, r.author, r.usr, r.mid, r.id, r.messages, r.model
        FROM unnest(r_n, r_sequence, r_mark, r_version, r_at, r_author, r_user, r_mid, r_id, r_messages, r_model)
          AS r (n, sequence, mark, version, at, author, usr, mid, id, messages, model)
        WHERE ids[r.n] > 0;
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
        SELECT a_name[c.n], c.client, c.last, c.settled, c.outcomes, c.more, a_now[c.n], a_now[c.n]
        FROM unnest(c_n, c_client, c_last, c_settled, c_outcomes, c_more) AS c (n, client, last, settled, outcomes, more)
        WHERE ids[c.n] > 0
        ON CONFLICT (target, client) DO UPDATE SET last = excluded.last, settled = greatest(q.settled, excluded.settled),
          outcomes = CASE WHEN excluded.more < ${ROW.more} THEN excluded.outcomes ELSE q.outcomes END,
          more = CASE WHEN excluded.more = ${ROW.same} THEN q.more ELSE excluded.more END, at = excluded.at;
        IF cardinality(array_remove(c_apart, NULL)) > 0 THEN
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
