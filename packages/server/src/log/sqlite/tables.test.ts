// The form of the file, which outlives the program that wrote it. Files as each form was written are in golden.test.ts.
import { readFileSync } from "node:fs";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { APPLICATION_ID, DAY, MIGRATIONS, OLDEST } from "./tables.ts";

let db: Database.Database;
beforeEach(() => {
  db = new Database(":memory:");
  // As the log has it: nothing that a record refers to is ever deleted.
  db.pragma("foreign_keys = OFF");
  for (const migration of MIGRATIONS) db.exec(migration);
});
afterEach(() => db.close());

const all = (sql: string): unknown[] => db.prepare(sql).raw().all();
const tables = (): string[] =>
  db
    .prepare<[], string>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .pluck()
    .all();
const columns = (table: string): string =>
  db
    .prepare<[], { name: string; type: string; notnull: number; pk: number }>(`PRAGMA table_info(${table})`)
    .all()
    .map(({ name, type, notnull, pk }) => `${name} ${type}${notnull || pk ? "" : "?"}`)
    .join(", ");

test("[SQ5] a file is marked as Calla's by four letters; there are as many versions as migrations", () => {
  expect(Buffer.from(APPLICATION_ID.toString(16), "hex").toString()).toBe("Cala");
  expect([OLDEST, MIGRATIONS.length]).toEqual([2, 2]);
  expect(DAY).toBe(24 * 60 * 60 * 1_000);
});

test("[SQ4] the tables and their columns are these: who changes them writes a migration, and keeps the first as it is", () => {
  expect(Object.fromEntries(tables().map((table) => [table, columns(table)]))).toEqual({
    targets:
      "id INTEGER, name TEXT?, sequence INTEGER, mark INTEGER, version INTEGER, at REAL, used REAL, removed INTEGER, base_sequence INTEGER, base_mark INTEGER, former TEXT?",
    records:
      "position INTEGER, target INTEGER, sequence INTEGER, mark INTEGER, version INTEGER, at REAL, author TEXT?, user TEXT?, mid INTEGER, id TEXT, messages TEXT, model TEXT?",
    snapshots: "target INTEGER, sequence INTEGER, mark INTEGER, version INTEGER, at REAL, model TEXT",
    clients:
      "target TEXT, client TEXT, mid INTEGER, outcomes TEXT, last INTEGER?, settled INTEGER?, more INTEGER?, at REAL?, day INTEGER?",
    gone: "position INTEGER, target TEXT, why TEXT, sequence INTEGER, at REAL",
    readers: "name TEXT, position INTEGER, owner TEXT, until REAL",
    garbage: "target INTEGER, position INTEGER",
    settings: "name TEXT, value TEXT",
  });
});

test("[SQ4] docs/sqlite.md explains every table", () => {
  const page = readFileSync(new URL("../../../../../docs/sqlite.md", import.meta.url), "utf8");
  const explained = Array.from(page.matchAll(/^[|] `([a-z]+)` [|]/gm), ([, name]) => name!);
  expect(tables().filter((table) => !explained.includes(table))).toEqual([]);
});

const TARGET = "INSERT INTO targets (name, sequence, mark, version, at, used) VALUES";
const RECORD = "INSERT INTO records (target, sequence, mark, version, at, mid, id, messages) VALUES";
const SNAPSHOT = "INSERT INTO snapshots VALUES";
const CLIENT = "INSERT INTO clients (target, client, mid, outcomes, last, settled, more, at, day) VALUES";

describe("what the file itself refuses", () => {
  test.each([
    ["a name twice", `${TARGET} ('t', 1, 1, 1, 1, 1), ('t', 2, 2, 1, 1, 1)`, /UNIQUE .*targets.name/],
    [
      "a place of a target twice",
      `${RECORD} (1, 1, 1, 1, 1, 1, 'a', '[]'), (1, 1, 2, 1, 1, 2, 'b', '[]')`,
      /UNIQUE/,
    ],
    ["a snapshot of a place twice", `${SNAPSHOT} (1, 1, 1, 1, 1, '1'), (1, 1, 2, 1, 1, '2')`, /UNIQUE/],
    [
      "a client's row twice",
      `${CLIENT} ('t', 'c', 9, '', 1, 1, 0, 1, 0), ('t', 'c', 9, '', 2, 1, 0, 1, 0)`,
      /UNIQUE/,
    ],
    ["a consumer twice", "INSERT INTO readers VALUES ('r', 1, 'o', 1), ('r', 2, 'o', 1)", /UNIQUE/],
    ["garbage of a target twice", "INSERT INTO garbage VALUES (1, 1), (1, 2)", /UNIQUE/],
    ["two secrets", "INSERT INTO settings VALUES ('secret', '01'), ('secret', '02')", /UNIQUE/],
    ["a text for a number", `${TARGET} ('t', 'one', 1, 1, 1, 1)`, /cannot store TEXT/],
    ["a record without messages", `${RECORD} (1, 1, 1, 1, 1, 1, 'a', NULL)`, /NOT NULL .*messages/],
    ["an end for another reason", "INSERT INTO gone VALUES (1, 't', 'lost', 1, 1)", /CHECK/],
  ])("%s", (_, sql, message) => {
    expect(() => db.exec(sql)).toThrow(message);
  });

  test("times may be fractions, and targets that have expired have no name, however many", () => {
    db.exec(`${TARGET} (NULL, 1, 1, 1, 1.5, 1.25), (NULL, 1, 1, 1, 1, 1)`);
    expect(all("SELECT at, used, removed, base_sequence, base_mark FROM targets")).toEqual([
      [1.5, 1.25, 0, 0, 0],
      [1, 1, 0, 0, 0],
    ]);
  });
});

test("[LG39] a position is given out once, whatever was deleted", () => {
  const add = (sequence: number) => db.exec(`${RECORD} (1, ${sequence}, 1, 1, 1, 1, 'a', '[]')`);
  add(1);
  add(2);
  db.exec("DELETE FROM records");
  add(3);
  expect(all("SELECT position FROM records")).toEqual([[3]]);
});

describe("[LG48] outcomes that are kept apart", () => {
  /** Two clients, each with its own row (mid 1000) and outcomes apart. */
  beforeEach(() => {
    for (const client of ["a", "b"]) {
      db.exec(`${CLIENT} ('t', '${client}', 1000, '', 50, 0, 2, 1, 0)`);
      for (const mid of [10, 31, 33, 50])
        db.exec(`INSERT INTO clients (target, client, mid, outcomes) VALUES ('t', '${client}', ${mid}, 'x')`);
    }
  });
  const apart = (client = "a") =>
    all(`SELECT mid FROM clients WHERE client = '${client}' AND last IS NULL ORDER BY mid`).flat();
  const settle = (settled: number, more = 2) =>
    db.exec(`UPDATE clients SET settled = ${settled}, more = ${more} WHERE client = 'a' AND mid = 1000`);

  test("go some at a time, as settled passes each 32nd mid, and no others than those up to it", () => {
    settle(31);
    expect(apart()).toEqual([10, 31, 33, 50]);
    settle(32);
    expect(apart()).toEqual([33, 50]);
    settle(63);
    expect(apart()).toEqual([33, 50]);
    settle(64);
    expect([apart(), apart("b")]).toEqual([[], [10, 31, 33, 50]]);
  });

  test("go up to the last that was decided before, where what comes now is all there is", () => {
    db.exec("INSERT INTO clients (target, client, mid, outcomes) VALUES ('t', 'a', 51, 'new')");
    settle(1, 1);
    expect([apart(), apart("b")]).toEqual([[51], [10, 31, 33, 50]]);
    settle(2, 0);
    expect(apart()).toEqual([51]);
  });

  test("cost a client that has none nothing", () => {
    db.exec("UPDATE clients SET more = 0 WHERE client = 'a' AND mid = 1000");
    settle(64, 0);
    expect(apart()).toEqual([10, 31, 33, 50]);
  });

  test("[LG35] go with their client's row, and with no other", () => {
    db.exec("DELETE FROM clients WHERE client = 'a' AND mid = 1000");
    expect([apart(), apart("b")]).toEqual([[], [10, 31, 33, 50]]);
  });
});
