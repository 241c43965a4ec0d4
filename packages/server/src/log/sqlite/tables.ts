// What a SQLite log's file looks like, and how files of older Callas become so. docs/sqlite.md explains it to people.
// A change of the tables is a new migration at the end; a migration that was released is never changed.

/** Marks a file as Calla's ("Cala"), so that no other database is written into by mistake. */
export const APPLICATION_ID = 0x43_61_6c_61;

/** Milliseconds that a client row's `day` counts in. */
export const DAY = 86_400_000;

/**
 * The first version (`PRAGMA user_version`) that is taken. What a file of version 1 holds, which no release wrote, would be
 * folded by other rules than it was written by.
 */
export const OLDEST = 2;

/** The version of a file whose log goes on in another storage ("move"): no Calla writes to it, and none opens it. */
export const MOVED = 0x6d_6f_76_65;

/** The first one makes version OLDEST of an empty file, each other one the next version of the one before. */
export const MIGRATIONS: readonly string[] = [
  `
  -- One row per topic or session that has a history. Times are milliseconds since 1970.
  CREATE TABLE targets (
    id INTEGER PRIMARY KEY,
    -- A topic's id; '@' and a client's id for a session. Null: it has expired, and its records are still to be deleted.
    name TEXT UNIQUE,
    -- The head: place, slice version and time of the last record.
    sequence INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at REAL NOT NULL,
    -- When it was last written to, touched or removed.
    used REAL NOT NULL,
    -- 1: a tombstone.
    removed INTEGER NOT NULL DEFAULT 0,
    -- Records up to here are not part of the history any more: gone, or to be deleted.
    base_sequence INTEGER NOT NULL DEFAULT 0,
    base_mark INTEGER NOT NULL DEFAULT 0,
    -- The name, once it has expired.
    former TEXT
  ) STRICT;
  CREATE INDEX sessions_by_use ON targets (used) WHERE name >= '@' AND name < 'A' AND removed = 0;
  CREATE INDEX tombstones_by_age ON targets (used) WHERE removed = 1;

  -- What was accepted, in one order of all targets. author: the client's id, null for the server itself. messages: JSON,
  -- an array. model: JSON, only where a whole model stands in place of messages.
  CREATE TABLE records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    target INTEGER NOT NULL REFERENCES targets (id),
    sequence INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at REAL NOT NULL,
    author TEXT,
    user TEXT,
    mid INTEGER NOT NULL,
    id TEXT NOT NULL,
    messages TEXT NOT NULL,
    model TEXT,
    UNIQUE (target, sequence)
  ) STRICT;

  -- Saved models, as JSON: the newest, and those that the records kept begin at or will begin at next.
  CREATE TABLE snapshots (
    target INTEGER NOT NULL REFERENCES targets (id),
    sequence INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at REAL NOT NULL,
    model TEXT NOT NULL,
    UNIQUE (target, sequence)
  ) STRICT;

  -- What a target remembers of each client ('#' and a key for a keyed dispatch of the server), by the target's name.
  --
  -- One row is the client's own (mid: the largest integer): last and settled; outcomes: JSON, or '': all that are not settled
  -- where those are few and short, as most clients' are, otherwise the oldest of them at most. at: of the append that wrote
  -- it; day: that in whole days, for the index (it may be of an earlier append). more: not 0, there may be other rows.
  --
  -- Another holds nothing but the outcomes that one append decided, up to mid, and is written once. It lies beside the
  -- client's own row, behind which there is nothing of it: so most appends write to one page (with tables of their own 250
  -- outcomes that were not settled cost each append 4 pages, not 1.8).
  --
  -- Outcomes up to settled count no more.
  CREATE TABLE clients (
    target TEXT NOT NULL,
    client TEXT NOT NULL,
    mid INTEGER NOT NULL,
    outcomes TEXT NOT NULL,
    last INTEGER,
    settled INTEGER,
    more INTEGER,
    at REAL,
    day INTEGER,
    PRIMARY KEY (target, client, mid)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX clients_by_age ON clients (day) WHERE day IS NOT NULL;

  -- Outcomes go once the client has settled them, some at a time, for the oldest lie in another page; and with the client.
  -- Triggers, for most appends have nothing to delete, and would pay for a statement.
  CREATE TRIGGER clients_settle AFTER UPDATE OF settled ON clients
    WHEN old.more AND (new.more < 2 OR new.settled / 32 > old.settled / 32)
  BEGIN
    DELETE FROM clients WHERE target = new.target AND client = new.client
      AND mid <= CASE WHEN new.more < 2 THEN old.last ELSE new.settled END;
  END;
  CREATE TRIGGER clients_expire AFTER DELETE ON clients WHEN old.more BEGIN
    DELETE FROM clients WHERE target = old.target AND client = old.client;
  END;

  -- Targets that were removed or have expired, as readers are told it; in the order of records.
  CREATE TABLE gone (
    position INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('removed', 'expired')),
    sequence INTEGER NOT NULL,
    at REAL NOT NULL
  ) STRICT;

  -- Named readers of that order: where each is, and who reads in its name until when.
  CREATE TABLE readers (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    owner TEXT NOT NULL,
    until REAL NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Targets with records that are to be deleted once no reader needs them; position: of the first of these.
  CREATE TABLE garbage (target INTEGER PRIMARY KEY REFERENCES targets (id), position INTEGER NOT NULL) STRICT;
  CREATE INDEX garbage_by_position ON garbage (position);

  -- secret: what signs clients' identities, in hexadecimal.
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  -- identity: a name of this log by chance, which a copy of it has too and no other log.
  INSERT INTO settings (name, value) VALUES ('identity', lower(hex(randomblob(16))));
  `,
];
