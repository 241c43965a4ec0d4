// What a log's schema holds, and how a schema of an older Calla becomes so. docs/postgres.md explains it to people.
// A change of the tables is a new migration at the end; a migration that was released is never changed. It may add, and must
// not rewrite a table: whoever reads with an older snapshot meanwhile would find that table empty.

/** The first one makes version 1 of an empty schema, each other one the next version of the one before. */
export const MIGRATIONS: readonly ((schema: string) => string)[] = [
  (s) => `
  -- identity: a name of this log by chance, which a copy of it has too and no other log. secret: what signs clients'
  -- identities, in hexadecimal. shift: what is added to a transaction's number, so that numbers go on rising where the log
  -- was restored into a cluster that counts from a lower one. Every Calla reads version and identity, older ones too.
  CREATE TABLE ${s}.settings (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    version integer NOT NULL,
    identity text NOT NULL,
    secret text NOT NULL,
    shift bigint NOT NULL
  );
  INSERT INTO ${s}.settings (version, identity, secret, shift) VALUES (
    1,
    replace(gen_random_uuid()::text, '-', ''),
    replace(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), '-', ''),
    0
  );

  -- One row per topic or session that has a history. Times are milliseconds since 1970. No index has a column that an
  -- append changes, so that most appends write to no index (fillfactor leaves them room in the page).
  CREATE TABLE ${s}.targets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A topic's id; '@' and a client's id for a session. Null: it has expired, and its records are still to be deleted.
    name text COLLATE "C" UNIQUE,
    -- The head: place, slice version and time of the last record.
    sequence bigint NOT NULL,
    mark bigint NOT NULL,
    version bigint NOT NULL,
    at double precision NOT NULL,
    -- When it was last written to, touched or removed; aged: that, or what it was at some time before.
    used double precision NOT NULL,
    aged double precision NOT NULL,
    -- A tombstone.
    removed boolean NOT NULL DEFAULT false,
    -- It has never had a record: only what is remembered of clients is written under its lock.
    bare boolean NOT NULL DEFAULT false,
    -- Records up to here are not part of the history any more: gone, or to be deleted.
    base_sequence bigint NOT NULL DEFAULT 0,
    base_mark bigint NOT NULL DEFAULT 0,
    -- The name, once it has expired.
    former text COLLATE "C"
  ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
  CREATE INDEX targets_by_age ON ${s}.targets (aged) WHERE removed OR bare OR (name >= '@' AND name < 'A');

  -- What was accepted. tx: the transaction that did, by which all targets' records have one order (tx, target, sequence).
  -- author: the client's id, null for the server itself. messages: JSON, an array. model: JSON, only where a whole model
  -- stands in place of messages.
  CREATE TABLE ${s}.records (
    target bigint NOT NULL,
    sequence bigint NOT NULL,
    tx bigint NOT NULL,
    mark bigint NOT NULL,
    version bigint NOT NULL,
    at double precision NOT NULL,
    author text,
    usr text,
    mid bigint NOT NULL,
    id text NOT NULL,
    messages text NOT NULL,
    model text,
    PRIMARY KEY (target, sequence)
  );
  CREATE INDEX records_in_order ON ${s}.records (tx, target, sequence);

  -- Saved models, as JSON: the newest, and those that the records kept begin at or will begin at next.
  CREATE TABLE ${s}.snapshots (
    target bigint NOT NULL,
    sequence bigint NOT NULL,
    mark bigint NOT NULL,
    version bigint NOT NULL,
    at double precision NOT NULL,
    model text NOT NULL,
    PRIMARY KEY (target, sequence)
  );

  -- What a target remembers of each client ('#' and a key for a keyed dispatch of the server), by the target's name.
  -- outcomes: JSON, or '': all that are not settled where those are few and short, as most clients' are, otherwise the oldest
  -- of them at most. more: not 0, there may be others, in the table after this one. at: of the append that wrote it; aged:
  -- that, or of an earlier one, for the index. Outcomes up to settled count no more.
  CREATE TABLE ${s}.clients (
    target text COLLATE "C" NOT NULL,
    client text COLLATE "C" NOT NULL,
    last bigint NOT NULL,
    settled bigint NOT NULL,
    outcomes text NOT NULL,
    more smallint NOT NULL,
    at double precision NOT NULL,
    aged double precision NOT NULL,
    PRIMARY KEY (target, client)
  ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
  CREATE INDEX clients_by_age ON ${s}.clients (aged);

  -- Outcomes that one append decided, up to mid: written once, so that those of a client that settles late are not written
  -- again with each append.
  CREATE TABLE ${s}.outcomes (
    target text COLLATE "C" NOT NULL,
    client text COLLATE "C" NOT NULL,
    mid bigint NOT NULL,
    outcomes text NOT NULL,
    PRIMARY KEY (target, client, mid)
  );

  -- Targets that were removed or have expired, as consumers are told it; in the order of records.
  CREATE TABLE ${s}.gone (
    tx bigint NOT NULL,
    target bigint NOT NULL,
    sequence bigint NOT NULL,
    name text NOT NULL,
    why text NOT NULL CHECK (why IN ('removed', 'expired')),
    at double precision NOT NULL,
    PRIMARY KEY (tx, target, sequence)
  );

  -- Named consumers of that order: up to where each has had it, and who reads in its name until when.
  CREATE TABLE ${s}.consumers (
    name text COLLATE "C" PRIMARY KEY,
    tx bigint NOT NULL,
    target bigint NOT NULL,
    sequence bigint NOT NULL,
    owner text NOT NULL,
    until double precision NOT NULL
  );

  -- Targets with records, up to a sequence, that are to be deleted once no consumer needs them; the rest is the place of the
  -- first of these in the order.
  CREATE TABLE ${s}.garbage (
    target bigint PRIMARY KEY,
    upto bigint NOT NULL,
    tx bigint NOT NULL,
    sequence bigint NOT NULL
  );
  CREATE INDEX garbage_in_order ON ${s}.garbage (tx, target, sequence);
  `,
];

/** The version of a schema that a log is being moved to ("move"): every Calla refuses it, those of before this was written too. */
export const HALF_MOVED = 0x6d_6f_76_65;

/** The version that this Calla makes and takes. */
export const NEWEST = MIGRATIONS.length;
