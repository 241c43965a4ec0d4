// Mistakes with a log that many nodes share in Postgres. As in mutants.mjs.

const schema = "server/src/postgres/schema";
const log = "server/src/postgres/log";

/** @type {readonly import("./mutants.mjs").Mutant[]} */
export const postgresLogMutants = [
  {
    name: "remove from Postgres whatever the head has become",
    file: `${schema}/keeping.ts`,
    from: `AND g.name = a_name AND g.sequence = t.sequence AND g.mark = t.mark AND NOT g.removed`,
    to: `AND g.name = a_name AND NOT g.removed`,
    breaks: "PL7",
    by: `${schema}/keeping.test.ts > [PL7] a removal that waited for an append goes on`,
  },
  {
    name: "end a session in Postgres whatever was written to it since",
    file: `${schema}/keeping.ts`,
    from: `AND t.name = old.name AND t.sequence = old.sequence AND t.mark = old.mark AND t.used < a_before`,
    to: `AND t.name = old.name AND t.used < a_before`,
    breaks: "PL7",
    by: `${schema}/keeping.test.ts > [PL7] a session that is written to while its end waits`,
  },
  {
    name: "read the heads of Postgres's sessions when the transaction has its number",
    file: `${schema}/keeping.ts`,
    from: `FOR old IN SELECT t.id, t.name, t.sequence, t.mark FROM \${s}.targets t WHERE t.id = ANY (page.ids) ORDER BY t.name LOOP
      UPDATE`,
    to: `FOR old IN SELECT t.id, t.name, t.sequence, t.mark FROM \${s}.targets t WHERE t.id = ANY (page.ids) ORDER BY t.name LOOP
      SELECT t.id, t.name, t.sequence, t.mark INTO old FROM \${s}.targets t WHERE t.id = old.id;
      UPDATE`,
    breaks: "PL7",
    by: `${schema}/keeping.test.ts > [PL7] a session that was written to while another one's end waited`,
  },
  {
    name: "save a snapshot in Postgres by a look from before the wait",
    file: `${schema}/keeping.ts`,
    from: `    IF NOT FOUND THEN
      RETURN false;
    END IF;
    -- Of the snapshots after`,
    to: `    -- Of the snapshots after`,
    breaks: "PL7",
    by: `${schema}/keeping.test.ts > [PL7] of two snapshots that race`,
  },
  {
    name: "forget in Postgres what is let go while a sweep is finishing",
    file: `${schema}/keeping.ts`,
    from: `ON CONFLICT (target) DO UPDATE SET upto = excluded.upto;`,
    to: `ON CONFLICT (target) DO NOTHING;`,
    breaks: "PL9",
    by: `${schema}/keeping.test.ts > [PL9] what is let go while it is just being swept`,
  },
  {
    name: "show consumers what is committed in Postgres at once",
    file: `${schema}/consuming.ts`,
    from: `WHERE (r.tx, r.target, r.sequence) > (a_tx, a_target, a_sequence) AND r.tx < bound`,
    to: `WHERE (r.tx, r.target, r.sequence) > (a_tx, a_target, a_sequence)`,
    breaks: "PL6",
    by: `${schema}/consuming.test.ts > [PL6] what commits late`,
  },
  {
    name: "begin a consumer behind what is under way in Postgres",
    file: `${schema}/consuming.ts`,
    from: `INTO begins FROM (SELECT pg_snapshot_xmin(`,
    to: `INTO begins FROM (SELECT pg_snapshot_xmax(`,
    breaks: "PL6",
    by: `${schema}/consuming.test.ts > [PL6] a consumer that begins now`,
  },
  {
    name: "make a consumer in Postgres while garbage is being deleted",
    file: `${schema}/consuming.ts`,
    from: `PERFORM pg_advisory_xact_lock(\${keptLock(s)});`,
    to: `PERFORM 1;`,
    breaks: "PL9",
    by: `${schema}/consuming.test.ts > [PL9] a consumer begins behind what is just being deleted`,
  },
  {
    name: "go on counting from where a restored Postgres counts",
    file: `${schema}/consuming.ts`,
    from: `IF needed IS NULL OR next_tx + found_shift >= needed THEN`,
    to: `IF true THEN`,
    breaks: "PL10",
    by: `${schema}/consuming.test.ts > [PL10] in a cluster`,
  },
  {
    name: "let two nodes begin one target in Postgres",
    file: `${schema}/appending.ts`,
    from: `aged = excluded.aged, bare = false
          WHERE t.sequence = 0`,
    to: `aged = excluded.aged, bare = false`,
    breaks: "PL4",
    by: `${schema}/appending.test.ts > [PL4] that race for what never was`,
  },
  {
    name: "move heads in Postgres in the order in which they are named",
    file: `${schema}/appending.ts`,
    from: `ORDER BY a.name COLLATE "C"`,
    to: `ORDER BY a.n`,
    breaks: "PL4",
    by: `${schema}/appending.test.ts > [PL4] of the same targets, named in opposite order`,
  },
  {
    name: "write a client's row in Postgres over another node's",
    file: `${schema}/appending.ts`,
    from: `IF late THEN`,
    to: `IF false THEN`,
    breaks: "PL5",
    by: `${schema}/appending.test.ts > [PL5] that answer one client`,
  },
  {
    name: "call a function of Postgres on whatever table is there",
    file: `${schema}/functions.ts`,
    from: `t.version, t.tableoid,`,
    to: `t.version,`,
    breaks: "PL12",
    by: `${log}/log-place.test.ts > [PL12] that was restored from a copy`,
  },
  {
    name: "change Postgres's tables under a call that is under way",
    file: `${schema}/migration.ts`,
    from: `LOCK TABLE \${s}.settings IN ACCESS EXCLUSIVE MODE;`,
    to: ``,
    breaks: "PL11",
    by: `${log}/log-place.test.ts > [PL11] waits, when it is brought up to date`,
  },
  {
    name: "make a schema in Postgres in place of the one that was in use",
    file: `${log}/log-place.ts`,
    from: `identity = this.#last?.identity, tell`,
    to: `identity, tell`,
    breaks: "PL12",
    by: `${log}/log-place.test.ts > [PL12] that is emptied`,
  },
  {
    name: "take another log in Postgres for the one that was in use",
    file: `${log}/log-place.ts`,
    from: `if (identity !== undefined && identity !== found)`,
    to: `if (false as boolean)`,
    breaks: "PL12",
    by: `${log}/log-place.test.ts > [PL12] in whose place another log's stands`,
  },
  {
    name: "send two appends of one target to Postgres at once",
    file: `${log}/append-queue.ts`,
    from: `if (full || passed.has(name)) {`,
    to: `if (full) {`,
    breaks: "PL3",
    by: `${log}/append-queue.test.ts > of one target go one after the other`,
  },
  {
    name: "wait a second for a transaction that holds consumers back, each time",
    file: `${log}/patience.ts`,
    from: `return held < LONGEST;`,
    to: `return true;`,
    breaks: "PL6",
    by: `${log}/patience.test.ts > there is none any more`,
  },
  {
    name: "tell again and again of a transaction that holds consumers back",
    file: `${log}/patience.ts`,
    from: `      this.#told = true;
`,
    to: ``,
    breaks: "PL14",
    by: `${log}/patience.test.ts > there is none any more`,
  },
  {
    name: "let one value that Postgres refuses fail its whole call",
    file: `${log}/postgres-log.ts`,
    from: `if (code !== STATE_ROW && !OF_A_VALUE.test(code)) throw error;`,
    to: `if (code !== STATE_ROW) throw error;`,
    breaks: "PL5",
    by: `${schema}/appending.test.ts > [PL5] a value that Postgres cannot hold`,
  },
];
