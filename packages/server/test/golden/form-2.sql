PRAGMA application_id = 1130458209;
PRAGMA user_version = 2;
CREATE TABLE targets (
    id INTEGER PRIMARY KEY,
    name TEXT UNIQUE,
    sequence INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at REAL NOT NULL,
    used REAL NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    base_sequence INTEGER NOT NULL DEFAULT 0,
    base_mark INTEGER NOT NULL DEFAULT 0,
    former TEXT
  ) STRICT;
CREATE INDEX sessions_by_use ON targets (used) WHERE name >= '@' AND name < 'A' AND removed = 0;
CREATE INDEX tombstones_by_age ON targets (used) WHERE removed = 1;
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
CREATE TABLE snapshots (
    target INTEGER NOT NULL REFERENCES targets (id),
    sequence INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at REAL NOT NULL,
    model TEXT NOT NULL,
    UNIQUE (target, sequence)
  ) STRICT;
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
CREATE TRIGGER clients_settle AFTER UPDATE OF settled ON clients
    WHEN old.more AND (new.settled >= old.last OR new.settled / 32 > old.settled / 32)
  BEGIN
    DELETE FROM clients WHERE target = new.target AND client = new.client AND mid <= new.settled;
  END;
CREATE TRIGGER clients_expire AFTER DELETE ON clients WHEN old.more BEGIN
    DELETE FROM clients WHERE target = old.target AND client = old.client;
  END;
CREATE TABLE gone (
    position INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('removed', 'expired')),
    sequence INTEGER NOT NULL,
    at REAL NOT NULL
  ) STRICT;
CREATE TABLE readers (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    owner TEXT NOT NULL,
    until REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
CREATE TABLE garbage (target INTEGER PRIMARY KEY REFERENCES targets (id), position INTEGER NOT NULL) STRICT;
CREATE INDEX garbage_by_position ON garbage (position);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO targets ("id", "name", "sequence", "mark", "version", "at", "used", "removed", "base_sequence", "base_mark", "former") VALUES (1, 'list:1', 8, 1007, 1, 5007.0, 5007.0, 0, 0, 0, NULL);
INSERT INTO targets ("id", "name", "sequence", "mark", "version", "at", "used", "removed", "base_sequence", "base_mark", "former") VALUES (2, 'list:2', 1, 1002, 1, 5002.0, 5002.0, 0, 0, 0, NULL);
INSERT INTO records ("position", "target", "sequence", "mark", "version", "at", "author", "user", "mid", "id", "messages", "model") VALUES (1, 1, 1, 1000, 1, 5000.0, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'ada@example.org', 1, 'AbCdEfGhIjK', '[{"type":"stamped"}]', NULL);
INSERT INTO records ("position", "target", "sequence", "mark", "version", "at", "author", "user", "mid", "id", "messages", "model") VALUES (2, 1, 2, 1001, 1, 5001.0, 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'eve', 1, 'AbCdEfGhIjK', '[{"type":"stamped"}]', NULL);
INSERT INTO records ("position", "target", "sequence", "mark", "version", "at", "author", "user", "mid", "id", "messages", "model") VALUES (3, 1, 3, 1002, 1, 5002.0, '0123456789abcdef0123456789abcdef', NULL, 1, 'AbCdEfGhIjK', '[{"type":"stamped"}]', NULL);
INSERT INTO records ("position", "target", "sequence", "mark", "version", "at", "author", "user", "mid", "id", "messages", "model") VALUES (4, 1, 4, 1003, 1, 5003.0, 'ffffffffffffffffffffffffffffffff', NULL, 1, 'AbCdEfGhIjK', '[{"type":"stamped"}]', NULL);
INSERT INTO records ("position", "target", "sequence", "mark", "version", "at", "author", "user", "mid", "id", "messages", "model") VALUES (5, 1, 5, 1004, 1, 5004.0, NULL, NULL, 0, 'AbCdEfGhIjK', '[{"type":"stamped"}]', NULL);
INSERT INTO records ("position", "target", "sequence", "mark", "version", "at", "author", "user", "mid", "id", "messages", "model") VALUES (6, 1, 6, 1005, 1, 5005.0, NULL, NULL, 0, '#order', '[{"type":"stamped"}]', NULL);
INSERT INTO records ("position", "target", "sequence", "mark", "version", "at", "author", "user", "mid", "id", "messages", "model") VALUES (7, 1, 7, 1006, 1, 5006.0, '0123456789abcdef0123456789abcdef', NULL, 2, 'm-1~uada', '[{"type":"stamped"}]', NULL);
INSERT INTO records ("position", "target", "sequence", "mark", "version", "at", "author", "user", "mid", "id", "messages", "model") VALUES (8, 1, 8, 1007, 1, 5007.0, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'ada@example.org', 2, '"\"<b>''"', '[{"type":"stamped"}]', NULL);
INSERT INTO records ("position", "target", "sequence", "mark", "version", "at", "author", "user", "mid", "id", "messages", "model") VALUES (9, 2, 1, 1002, 1, 5002.0, '0123456789abcdef0123456789abcdef', NULL, 1, 'AbCdEfGhIjK', '[{"type":"stamped"}]', NULL);
