// Every statement that writes, by name. A guard says whether its group applies: it gives an id (a target's, unless said
// otherwise), or nothing, and then nothing of the group is done. Where `of: "id"`, the id is the first parameter; where
// `must: "change"`, the group is undone if it changes nothing.
import type { Statement } from "./executor.ts";

/** Where the consumer stands that is furthest behind: what is after it is kept. */
const FLOOR = `coalesce((SELECT min(position) FROM readers), 9007199254740991)`;
/** The position of what came last. */
export const LAST = `coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'records'), 0)`;

/** The `mid` of a client's own row. */
export const OWN = `9223372036854775807`;

/** How a client's own row is written, as its column `more` has it: 0 says that there are no outcomes but its own. */
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

/** How many records the statement `records` takes. */
export const RECORDS = 16;
const RECORD = `records (target, sequence, mark, version, at, author, user, mid, id, messages, model)`;

const statements = {
  /** A target's first append. */
  begin: {
    sql: `INSERT INTO targets (name, sequence, mark, version, at, used) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING RETURNING id`,
  },
  /** Compares the head and moves it. From a tombstone only a whole model goes on (the last parameter). */
  append: {
    sql: `UPDATE targets SET sequence = ?, mark = ?, version = ?, at = ?, used = ?, removed = 0
      WHERE name = ? AND sequence = ? AND mark = ? AND (removed = 0 OR ?) RETURNING id`,
  },
  /** The head is there, and stays. */
  stay: { sql: `SELECT id FROM targets WHERE name = ? AND sequence = ? AND mark = ?` },
  /** The target never was. It gives no target's id. */
  never: { sql: `SELECT 0 AS id WHERE NOT EXISTS (SELECT 1 FROM targets WHERE name = ?)` },
  record: { of: "id", sql: `INSERT INTO ${RECORD} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)` },
  /** Many at once, which cost a third less each. */
  records: {
    of: "id",
    sql: `INSERT INTO ${RECORD} SELECT given.id, many.* FROM (SELECT ? AS id) AS given
      CROSS JOIN (VALUES ${Array(RECORDS).fill("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").join(", ")}) AS many`,
  },
  /**
   * Unless another node has answered the client since. What it had not settled stays. The day is left as it was: see
   * `freshen`.
   */
  client: {
    must: "change",
    sql: `INSERT INTO clients (target, client, mid, last, settled, outcomes, more, at, day)
      VALUES (?, ?, ${OWN}, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (target, client, mid) DO UPDATE SET
        outcomes = CASE WHEN excluded.more < ${ROW.more} THEN excluded.outcomes ELSE clients.outcomes END,
        more = CASE WHEN excluded.more = ${ROW.same} THEN clients.more ELSE excluded.more END,
        last = excluded.last, settled = max(clients.settled, excluded.settled), at = excluded.at
      WHERE clients.last = ?`,
  },
  outcomes: { sql: `INSERT OR REPLACE INTO clients (target, client, mid, outcomes) VALUES (?, ?, ?, ?)` },
  /** The model that brings a removed target back is its snapshot: where nothing is left, base and tombstone are one. */
  revive: {
    of: "id",
    sql: `WITH given (target, sequence, mark, version, at, model, after, after_mark)
        AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?))
      INSERT INTO snapshots (target, sequence, mark, version, at, model)
      SELECT id, given.sequence, given.mark, given.version, given.at, given.model
      FROM given JOIN targets ON id = given.target
      WHERE base_sequence > 0 AND base_sequence = after AND base_mark = after_mark
      ON CONFLICT DO NOTHING`,
  },

  /** Only a record that is still there can vouch for a snapshot. */
  save: {
    sql: `WITH given (name, sequence, mark) AS (VALUES (?, ?, ?))
      SELECT id FROM given JOIN targets USING (name)
      WHERE given.sequence > base_sequence
        AND given.sequence > coalesce((SELECT max(sequence) FROM snapshots WHERE target = id), 0)
        AND given.mark = (SELECT mark FROM records WHERE target = targets.id AND sequence = given.sequence)`,
  },
  /** Of the snapshots after the one that the records begin at, the first is the next to begin at. Others go. */
  thin: {
    of: "id",
    sql: `WITH given (id) AS (VALUES (?))
      DELETE FROM snapshots WHERE target = (SELECT id FROM given) AND sequence > (
        SELECT min(sequence) FROM snapshots
        WHERE target = (SELECT id FROM given)
          AND sequence > (SELECT base_sequence FROM targets WHERE id = (SELECT id FROM given)))`,
  },
  snapshot: {
    of: "id",
    sql: `INSERT INTO snapshots (target, sequence, mark, version, at, model) VALUES (?, ?, ?, ?, ?, ?)`,
  },
  /** Records begin at the newest snapshot that leaves enough of them. */
  rebase: {
    of: "id",
    sql: `WITH given (id, most) AS (VALUES (?, ?))
      UPDATE targets SET base_sequence = begins.sequence, base_mark = begins.mark
      FROM (SELECT sequence, mark FROM snapshots
        WHERE target = (SELECT id FROM given) AND sequence <= (SELECT most FROM given)
        ORDER BY sequence DESC LIMIT 1) AS begins
      WHERE id = (SELECT id FROM given) AND begins.sequence > base_sequence`,
  },
  outdated: {
    of: "id",
    sql: `DELETE FROM snapshots AS old WHERE target = ?
      AND sequence < (SELECT base_sequence FROM targets WHERE id = old.target)`,
  },
  litter: {
    of: "id",
    sql: `INSERT INTO garbage (target, position)
      SELECT targets.id, position FROM targets JOIN records ON target = targets.id
      WHERE targets.id = ? AND records.sequence <= base_sequence ORDER BY records.sequence LIMIT 1
      ON CONFLICT DO NOTHING`,
  },

  remove: {
    sql: `UPDATE targets SET removed = 1, mark = (mark + 1) & 4294967295, used = ?,
        base_sequence = sequence, base_mark = (mark + 1) & 4294967295
      WHERE name = ? AND removed = 0 AND used < ? RETURNING id`,
  },
  forget: { of: "id", sql: `DELETE FROM snapshots WHERE target = ?` },
  /** Takes the next position in the order of records … */
  next: { sql: `UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'records'` },
  /** … for what became of a target. */
  gone: {
    of: "id",
    sql: `INSERT INTO gone (position, target, why, sequence, at)
      SELECT ${LAST}, coalesce(name, former), given.why, sequence, given.at
      FROM (SELECT ? AS id, ? AS why, ? AS at) AS given JOIN targets USING (id)`,
  },
  /** A session that nobody used is as if it had never been, but for what consumers have not had. */
  expireSession: {
    sql: `UPDATE targets SET former = name, name = NULL, base_sequence = sequence, base_mark = mark
      WHERE name = ? AND removed = 0 AND used < ? RETURNING id`,
  },
  expireTombstone: {
    sql: `UPDATE targets SET former = name, name = NULL, removed = 0
      WHERE name = ? AND removed = 1 AND used < ? RETURNING id`,
  },
  expireClient: {
    sql: `DELETE FROM clients WHERE target = ? AND client = ? AND mid = ${OWN} AND at < ? RETURNING 1 AS id`,
  },
  /** The day is made right when the row would go by it, so that an append does not write to the index. */
  freshen: {
    sql: `UPDATE clients SET day = CAST(at / 86400000 AS INTEGER)
      WHERE target = ? AND client = ? AND mid = ${OWN} RETURNING 1 AS id`,
  },
  expireConsumer: { sql: `DELETE FROM readers WHERE name = ? AND until < ? RETURNING 1 AS id` },
  touch: { sql: `UPDATE targets SET used = ? WHERE name = ? AND removed = 0 AND used < ? RETURNING id` },

  /** Gives the position at which a consumer stands. */
  claim: {
    sql: `INSERT INTO readers (name, position, owner, until) VALUES (?, CASE WHEN ? THEN ${LAST} ELSE 0 END, ?, ?)
      ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
        WHERE owner = excluded.owner OR until <= ?
      RETURNING position AS id`,
  },
  advance: {
    sql: `UPDATE readers SET position = max(position, ?), until = ? WHERE name = ? AND owner = ?
      RETURNING position AS id`,
  },
  drop: { sql: `DELETE FROM readers WHERE name = ? RETURNING 1 AS id` },

  /** A target that has records to be deleted. */
  dirty: { sql: `SELECT target AS id FROM garbage WHERE position <= ${FLOOR} ORDER BY position LIMIT 1` },
  /** Two thousand of its records. */
  sweep: {
    of: "id",
    sql: `WITH given (id) AS (VALUES (?))
      DELETE FROM records WHERE target = (SELECT id FROM given) AND position <= ${FLOOR}
        AND sequence <= (
          SELECT min(base_sequence, 1999 + (SELECT min(sequence) FROM records WHERE target = targets.id))
          FROM targets WHERE id = (SELECT id FROM given))`,
  },
  /** What is left of them, if anything is. */
  left: {
    of: "id",
    sql: `WITH given (id) AS (VALUES (?))
      UPDATE garbage SET position = (
        SELECT position FROM records WHERE target = garbage.target
          AND sequence <= (SELECT base_sequence FROM targets WHERE id = garbage.target)
        ORDER BY sequence LIMIT 1)
      WHERE target = (SELECT id FROM given) AND EXISTS (
        SELECT 1 FROM records WHERE target = garbage.target
          AND sequence <= (SELECT base_sequence FROM targets WHERE id = garbage.target))`,
  },
  swept: {
    of: "id",
    sql: `DELETE FROM garbage WHERE target = ? AND NOT EXISTS (
        SELECT 1 FROM records WHERE target = garbage.target
          AND sequence <= (SELECT base_sequence FROM targets WHERE id = garbage.target))`,
  },
  /** An expired target without records. */
  bury: {
    of: "id",
    sql: `DELETE FROM targets WHERE id = ? AND name IS NULL
      AND NOT EXISTS (SELECT 1 FROM records WHERE target = targets.id)`,
  },
  /** Any that all consumers have heard of. A new one may hear what is left of its records, and then hears of its end. */
  heard: {
    sql: `SELECT position AS id FROM gone WHERE position <= ${FLOOR}
      AND NOT EXISTS (SELECT 1 FROM garbage WHERE position <= ${FLOOR}) LIMIT 1`,
  },
  hush: {
    sql: `DELETE FROM gone WHERE position IN (SELECT position FROM gone WHERE position <= ${FLOOR} LIMIT 2000)`,
  },

  secret: {
    sql: `INSERT INTO settings (name, value) VALUES ('secret', ?) ON CONFLICT DO NOTHING RETURNING 1 AS id`,
  },
} satisfies Record<string, Statement>;

export type StatementName = keyof typeof statements;

const names = Object.keys(statements) as StatementName[];
/** In the order that `statement` counts. */
export const STATEMENTS: readonly Statement[] = Object.values(statements);
const numbers = new Map(names.map((name, number) => [name, number]));
/** A statement as jobs name it. */
export const statement = (name: StatementName): number => numbers.get(name)!;
