// The writer by itself, over tables of the test's own. What a log makes of it is in sqlite.test.ts.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { appendOf, row } from "../../testing/log-contract/kit.ts";
import { executor } from "./executor.ts";
import type { Executor, ExecutorOptions, ExecutorStep, Job, Statement } from "./executor.ts";
import type { FilePlace } from "./file-place.ts";
import { appendGroup } from "./jobs.ts";
import { executorOptions } from "./sqlite-with.ts";
import { plainText } from "../text.ts";

const folder = mkdtempSync(join(tmpdir(), "calla-executor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = (): string => join(folder, `${++files}.db`);

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** Another process's connection, as far as SQLite is concerned. */
const other = (file: string): Database.Database => {
  const db = new Database(file, { timeout: 0 });
  closing.push(() => db.close());
  return db;
};

/** Counts its transactions, and the connections that are open. */
let begun = 0;
let open = 0;
class Counted extends Database {
  constructor(file: string, options: Database.Options) {
    super(file, options);
    open++;
  }
  override prepare(sql: string): never {
    const statement = super.prepare(sql);
    if (sql !== "BEGIN IMMEDIATE") return statement as never;
    const run = (): unknown => {
      begun++;
      return statement.run();
    };
    return { run } as never;
  }
  override close(): this {
    open--;
    return super.close();
  }
}

const STATEMENTS: readonly Statement[] = [
  { sql: "SELECT id FROM jars WHERE name = ?" },
  { sql: "INSERT INTO jars (name) VALUES (?) ON CONFLICT DO NOTHING RETURNING id" },
  { sql: "INSERT INTO beans (jar, count) VALUES (?, ?)", of: "id" },
  { sql: "UPDATE jars SET opened = 1 WHERE name = ? AND opened = 0", must: "change" },
  { sql: "INSERT INTO notes (text) VALUES (?)" },
];
const [FIND, MAKE, PUT, OPEN, NOTE] = [0, 1, 2, 3, 4] as const;
const TABLES = [
  `CREATE TABLE jars (id INTEGER PRIMARY KEY, name TEXT UNIQUE, opened INTEGER NOT NULL DEFAULT 0) STRICT;
   CREATE TABLE beans (jar INTEGER NOT NULL, count INTEGER NOT NULL) STRICT;`,
  "CREATE TABLE notes (text TEXT NOT NULL) STRICT",
];
const optionsOf = (file: string, more: Partial<ExecutorOptions> = {}): ExecutorOptions => ({
  file,
  applicationId: 77,
  oldest: 3,
  migrations: TABLES,
  statements: STATEMENTS,
  pragmas: ["synchronous = OFF"],
  busyTimeout: 0,
  check: "quick",
  ...more,
});
function opened(file = fresh(), more: Partial<ExecutorOptions> = {}, place?: FilePlace): Executor {
  const made = executor(Counted, optionsOf(file, more), place);
  closing.push(() => made.close());
  begun = 0;
  return made;
}
const refusal = (run: () => unknown): { readonly code: string; readonly message: string } => {
  try {
    run();
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error("nothing was thrown");
};
const group = (guard: ExecutorStep, ...steps: ExecutorStep[]) => ({ guard, steps });
const beans = ({ db }: Executor): unknown[] =>
  db.prepare("SELECT name, count FROM beans JOIN jars ON id = jar ORDER BY beans.rowid").raw().all();
const fill = (name: string, count: number | string): Job => [group([MAKE, name], [PUT, count])];

describe("opening", () => {
  test("[MV3] a file that another process has changed since it was looked at is not brought up to date", () => {
    const file = fresh();
    opened(file, { migrations: TABLES.slice(0, 1) }).close();
    /** Another process is quick as this one prepares to write. */
    class Late extends Database {
      override pragma(source: string, options?: Database.PragmaOptions): unknown {
        if (source.startsWith("journal_mode")) {
          const other = new Database(file);
          other.pragma("user_version = 99");
          other.close();
        }
        return super.pragma(source, options);
      }
    }
    const { code } = refusal(() => executor(Late, optionsOf(file, { moved: 99 })));
    expect(code).toBe("CALLA_MOVED");
    const db = new Database(file);
    expect(db.pragma("user_version", { simple: true })).toBe(99);
    db.close();
  });

  test("[SQ5] an empty file gets the tables, and is marked as ours with the newest version", () => {
    const { db } = opened();
    expect(
      ["application_id", "user_version", "journal_mode", "synchronous"].map((name) =>
        db.pragma(name, { simple: true }),
      ),
    ).toEqual([77, 4, "wal", 0]);
  });

  test("[SQ5] an older file gets the migrations that it lacks, each once, and keeps what it holds", () => {
    const file = fresh();
    const before = opened(file, { migrations: TABLES.slice(0, 1) });
    expect(before.db.pragma("user_version", { simple: true })).toBe(3);
    before.run([fill("a", 1)]);
    before.close();
    for (let times = 0; times < 2; times++) {
      const after = opened(file);
      expect([after.db.pragma("user_version", { simple: true }), beans(after)]).toEqual([4, [["a", 1]]]);
      after.close();
    }
    const newest = [...TABLES, "ALTER TABLE notes ADD COLUMN by TEXT"];
    expect(opened(file, { migrations: newest }).db.pragma("user_version", { simple: true })).toBe(5);
  });

  test("[SQ5] a migration that fails leaves the file as it was", () => {
    const file = fresh();
    opened(file, { migrations: TABLES.slice(0, 1) }).close();
    const broken = [TABLES[0]!, "CREATE TABLE notes (text TEXT); CREATE TABLE jars (again TEXT)"];
    expect(refusal(() => opened(file, { migrations: broken })).message).toMatch(/already exists/);
    expect(other(file).pragma("user_version", { simple: true })).toBe(3);
    expect(other(file).prepare("SELECT name FROM sqlite_master WHERE name = 'notes'").all()).toEqual([]);
  });

  test.each<[string, (db: Database.Database) => void, string, RegExp]>([
    [
      "another program's tables",
      (db) => db.exec("CREATE TABLE theirs (x)"),
      "CALLA_FOREIGN",
      /another program/,
    ],
    ["another program's mark", (db) => db.pragma("application_id = 78"), "CALLA_FOREIGN", /another program/],
    [
      "a newer version",
      (db) => db.exec("PRAGMA application_id = 77; PRAGMA user_version = 5"),
      "CALLA_NEWER",
      /have version 5, this Calla knows 4/,
    ],
    [
      "a version before the oldest",
      (db) => db.exec("PRAGMA application_id = 77; PRAGMA user_version = 2"),
      "CALLA_OLDER",
      /have version 2, .* takes 3 and later/,
    ],
  ])("[SQ5] %s: refused, nothing is written, and no connection stays open", (_, spoil, code, message) => {
    const file = fresh();
    const db = new Database(file);
    spoil(db);
    const version = db.pragma("user_version", { simple: true });
    db.close();
    const before = open;
    const refused = refusal(() => opened(file));
    expect(refused.code).toBe(code);
    expect(refused.message).toMatch(message);
    expect(open).toBe(before);
    const now = other(file);
    expect([
      now.pragma("user_version", { simple: true }),
      now.pragma("journal_mode", { simple: true }),
    ]).toEqual([version, "delete"]);
  });

  test("[SQ5] another program's empty file is nobody's yet", () => {
    const file = fresh();
    new Database(file).exec("PRAGMA user_version = 4; PRAGMA user_version = 0").close();
    expect(opened(file).db.pragma("application_id", { simple: true })).toBe(77);
  });

  test("[SQ5] no database, no folder, or a file that must be there and is not: refused by its code, and none is made", () => {
    const text = fresh();
    writeFileSync(text, "no database at all, only longer than a header would be ".repeat(40));
    expect(refusal(() => opened(text)).code).toBe("SQLITE_NOTADB");
    expect(refusal(() => opened(join(folder, "none", "a.db")))).toMatchObject({
      code: "SQLITE_CANTOPEN",
      message: expect.not.stringMatching(/[.]$/) as string,
    });
    const gone = fresh();
    expect(refusal(() => opened(gone, { mustExist: true })).code).toBe("SQLITE_CANTOPEN");
    expect(existsSync(gone)).toBe(false);
  });

  test("[SQ13] a connection that cannot write is refused; one whose turn it only is not is taken", () => {
    const file = fresh();
    opened(file).close();
    class ReadOnly extends Counted {
      constructor(name: string, options: Database.Options) {
        super(name, { ...options, readonly: true });
      }
    }
    const before = open;
    expect(refusal(() => executor(ReadOnly, optionsOf(file))).code).toBe("SQLITE_READONLY");
    expect(open).toBe(before);
    const writing = other(file);
    writing.exec("BEGIN IMMEDIATE");
    const made = opened(file);
    expect(made.db.inTransaction).toBe(false);
    expect(made.run([fill("a", 1)])).toMatchObject([{ failed: { code: "SQLITE_BUSY" } }]);
    writing.exec("COMMIT");
    expect(made.run([fill("a", 1)])).toEqual([{ given: [1] }]);
  });

  test("[SQ5] a check finds damage before anything is written; without one it is found later", () => {
    const pragmas: string[] = [];
    class Damaged extends Counted {
      override pragma(text: string, options?: Database.PragmaOptions): unknown {
        pragmas.push(text);
        return text.includes("_check") ? "row 1 missing\nfrom index" : super.pragma(text, options);
      }
    }
    for (const [check, asked] of [
      ["quick", "quick_check(1)"],
      ["full", "integrity_check(1)"],
    ] as const) {
      const refused = refusal(() => executor(Damaged, optionsOf(fresh(), { check })));
      expect(refused).toMatchObject({ code: "SQLITE_CORRUPT", message: "row 1 missing from index" });
      expect(pragmas).toContain(asked);
      expect(pragmas.some((one) => one.startsWith("journal_mode"))).toBe(false);
      pragmas.length = 0;
    }
    executor(Damaged, optionsOf(fresh(), { check: "off" })).close();
  });

  test("a journal that is no write-ahead log is refused; SQLite is asked again while others set theirs up", () => {
    let busy = 0;
    let mode: unknown = "delete";
    let thrown: Error | undefined;
    class Journal extends Counted {
      override pragma(text: string, options?: Database.PragmaOptions): unknown {
        if (text !== "journal_mode = WAL") return super.pragma(text, options);
        if (thrown !== undefined) throw thrown;
        if (busy-- > 0) throw Object.assign(new Error("busy"), { code: "SQLITE_BUSY_RECOVERY" });
        return mode;
      }
    }
    expect(refusal(() => executor(Journal, optionsOf(fresh())))).toMatchObject({
      code: "CALLA_NO_WAL",
      message: "its journal mode stays delete",
    });
    [busy, mode] = [2, "wal"];
    executor(Journal, optionsOf(fresh())).close();
    expect(busy).toBe(-1);
    thrown = Object.assign(new Error("disk"), { code: "SQLITE_IOERR" });
    expect(refusal(() => executor(Journal, optionsOf(fresh()))).code).toBe("SQLITE_IOERR");
  });
});

describe("[SQ3] jobs", () => {
  test("what a guard gives goes to the steps that want it, and a guard that gives nothing does nothing", () => {
    const made = opened();
    const job = [
      group([MAKE, "a"], [PUT, 1], [PUT, 2], [NOTE, "a"]),
      group([FIND, "b"], [PUT, 9], [NOTE, "b"]),
      group([MAKE, "b"], [PUT, 3]),
      group([FIND, "b"]),
      group([MAKE, "b"], [NOTE, "again"]),
    ];
    expect(made.run([job])).toEqual([{ given: [1, null, 2, 2, null] }]);
    expect(beans(made)).toEqual([
      ["a", 1],
      ["a", 2],
      ["b", 3],
    ]);
    expect(made.db.prepare("SELECT text FROM notes").pluck().all()).toEqual(["a"]);
  });

  test("all jobs of a call are one transaction, each with its own result", () => {
    const made = opened();
    expect(made.run([fill("a", 1), [], fill("b", 2)])).toEqual([
      { given: [1] },
      { given: [] },
      { given: [2] },
    ]);
    expect(begun).toBe(1);
    expect(made.run([])).toEqual([]);
  });

  test("a step that must change something undoes its own group, whole, and is tried once more, not once each", () => {
    const made = opened();
    made.run([fill("a", 1), fill("b", 2)]);
    made.run([[group([FIND, "a"], [OPEN, "a"])]]);
    begun = 0;
    const results = made.run([
      [group([FIND, "b"], [PUT, 3]), group([FIND, "a"], [PUT, 4], [OPEN, "a"], [PUT, 5])],
      [group([FIND, "b"], [OPEN, "b"], [PUT, 6])],
    ]);
    expect(results).toEqual([{ given: [2, null] }, { given: [2] }]);
    expect(begun).toBe(2);
    expect(beans(made).slice(2)).toEqual([
      ["b", 3],
      ["b", 6],
    ]);
    expect(made.db.inTransaction).toBe(false);
  });

  test("one that fails for a reason of its own does not fail the others; alone it is reported as it is", () => {
    const made = opened();
    const results = made.run([fill("a", 1), fill("b", "many"), fill("c", 3)]);
    expect(results).toEqual([
      { given: [1] },
      { failed: { code: "SQLITE_CONSTRAINT_DATATYPE", message: expect.stringContaining("beans") as string } },
      { given: [2] },
    ]);
    expect(beans(made)).toEqual([
      ["a", 1],
      ["c", 3],
    ]);
    begun = 0;
    expect(made.run([fill("d", "many")])).toMatchObject([{ failed: { code: "SQLITE_CONSTRAINT_DATATYPE" } }]);
    expect(begun).toBe(1);
  });

  test("[SQ6] what every job would meet is not tried for each of them", () => {
    const file = fresh();
    const made = opened(file);
    const writing = other(file);
    writing.exec("BEGIN IMMEDIATE");
    const results = made.run([fill("a", 1), fill("b", 2), fill("c", 3)]);
    expect(results).toEqual(
      ["a", "b", "c"].map(() => ({ failed: { code: "SQLITE_BUSY", message: "database is locked" } })),
    );
    expect(begun).toBe(1);
    writing.exec("COMMIT");
    expect(made.run([fill("a", 1)])).toEqual([{ given: [1] }]);
  });

  test("[SQ5] nothing is written to a file that a newer Calla has changed meanwhile", () => {
    const file = fresh();
    const made = opened(file);
    other(file).pragma("user_version = 5");
    expect(made.run([fill("a", 1), fill("b", 2)])).toMatchObject([
      { failed: { code: "CALLA_NEWER" } },
      { failed: { code: "CALLA_NEWER" } },
    ]);
    expect([begun, made.db.inTransaction, beans(made)]).toEqual([1, false, []]);
  });

  test("a mistake of ours is reported as one, and the connection goes on", () => {
    const made = opened();
    expect(made.run([[group([99])]])).toMatchObject([{ failed: { code: "CALLA_BUG" } }]);
    expect(made.run([fill("a", 1)])).toEqual([{ given: [1] }]);
  });
});

describe("[SQ12] the file's place", () => {
  const placed = () => {
    const asked: string[] = [];
    const place = {
      settled: undefined as { code: string; message: string } | undefined,
      seen: undefined as { code: string; message: string } | undefined,
      settle() {
        asked.push("settle");
        return place.settled;
      },
      look() {
        asked.push("look");
        return place.seen;
      },
    };
    return { place, asked };
  };

  test("a file that is another one than before it was opened is not used", () => {
    const { place } = placed();
    place.settled = { code: "CALLA_REPLACED", message: "another file stands there" };
    const before = open;
    expect(refusal(() => opened(fresh(), {}, place))).toMatchObject(place.settled);
    expect(open).toBe(before);
  });

  test("is looked at after each commit and before that is acknowledged; what was committed elsewhere is a failure of all", () => {
    const { place, asked } = placed();
    const made = opened(fresh(), {}, place);
    made.run([fill("a", 1)]);
    expect(asked).toEqual(["settle", "look"]);
    place.seen = { code: "CALLA_GONE", message: "gone" };
    expect(made.run([fill("b", 2), fill("c", 3)])).toEqual([{ failed: place.seen }, { failed: place.seen }]);
    expect(asked).toEqual(["settle", "look", "look"]);
    // It is in the file, wherever that is.
    expect(beans(made)).toHaveLength(3);
    // What came to nothing is not looked after.
    made.run([fill("d", "many")]);
    expect(asked).toHaveLength(3);
  });

  test("where a look would cost more than a commit, it is looked at now and then", () => {
    const seldom = placed();
    const made = opened(fresh(), { lookEvery: 1e9 }, seldom.place);
    for (const name of ["a", "b"]) made.run([fill(name, 1)]);
    expect(seldom.asked).toEqual(["settle"]);
    const often = placed();
    const other = opened(fresh(), { lookEvery: 0 }, often.place);
    for (const name of ["a", "b"]) other.run([fill(name, 1)]);
    expect(often.asked).toEqual(["settle", "look", "look"]);
  });
});

test("[SQ3] its text is whole: a worker that is sent nothing else has all that it calls", () => {
  const alone = new Function(`return (${String(executor)})`)() as typeof executor;
  const made = alone(Database, optionsOf(fresh()));
  expect(made.run([fill("a", 1), fill("b", "many")])).toMatchObject([
    { given: [1] },
    { failed: { code: "SQLITE_CONSTRAINT_DATATYPE" } },
  ]);
  made.close();
});

test("[SQ3] many that another node was faster than cost their transaction one more run, not one each", () => {
  const made = { durability: "process-crash", check: "off", busyTimeout: 0 } as const;
  const writer = executor(Counted, executorOptions(fresh(), made, []));
  const jobOf = (sequence: number, was: (i: number) => number) =>
    Array.from({ length: 40 }, (_, i) =>
      appendGroup(
        appendOf(`t${i}`, sequence, 1, { rows: [row("ann", sequence + 1)], was: was(i) }),
        plainText(),
      ),
    );
  writer.run([jobOf(0, () => 0)]);
  begun = 0;
  const [result] = writer.run([jobOf(1, (i) => (i % 2 === 0 ? 1 : 7))]);
  expect(result).toMatchObject({
    given: Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? expect.any(Number) : null)),
  });
  expect(begun).toBe(2);
  const heads = writer.db.prepare("SELECT sequence FROM targets ORDER BY id").pluck().all();
  expect(heads).toEqual(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 2 : 1)));
  writer.close();
});
