// The one writer: holds the writing connection and carries jobs out, many in one transaction. It runs in this thread or
// is sent to a worker as text, because a bundler would lose a file; so it is closed: no imports but types, no name from
// outside.
import type BetterSqlite3 from "better-sqlite3";
import type { Failure } from "./failure.ts";
import type { FilePlace } from "./file-place.ts";

export type Parameter = string | number | null;
export type ExecutorStep = readonly [statement: number, ...parameters: Parameter[]];
/** The guard decides whether the steps are taken: all of them, or none if one that must change something does not. */
export interface Group {
  readonly guard: ExecutorStep;
  readonly steps: readonly ExecutorStep[];
}
/** Groups that share a transaction. */
export type Job = readonly Group[];
/** For each group what its guard gave, null if nothing was done; or why nothing of the job was done. */
export type JobResult = { readonly given: Given } | { readonly failed: Failure };
export type Given = readonly (number | null)[];

export interface Statement {
  readonly sql: string;
  /** It gets what the guard gave before its own parameters. */
  readonly of?: "id";
  /** Its group is not done if it changes nothing. */
  readonly must?: "change";
}

export interface ExecutorOptions {
  readonly file: string;
  /** Another connection has the file open: if it has gone since, no other is made in its place. */
  readonly mustExist?: boolean;
  readonly applicationId: number;
  /** The version of tables that the first migration makes; an older file is not taken. */
  readonly oldest: number;
  /** The version of a file whose log goes on in another storage. */
  readonly moved?: number;
  readonly migrations: readonly string[];
  readonly statements: readonly Statement[];
  /** Run on the connection after its journal is set up. */
  readonly pragmas: readonly string[];
  /** Milliseconds to wait for another process's transaction. */
  readonly busyTimeout: number;
  readonly check: "quick" | "full" | "off";
  /** Milliseconds between looks whether the files are still there. Default: with each commit, before it is acknowledged. */
  readonly lookEvery?: number;
}

export interface Executor {
  readonly db: BetterSqlite3.Database;
  /** Never throws. */
  run(jobs: readonly Job[]): readonly JobResult[];
  close(): void;
}

/**
 * What it calls is methods, not functions with names of their own: some bundlers put a helper around those, to keep the
 * names, and that would be missing in the worker.
 *
 * @throws Error with a `code`: the file cannot be used.
 */
export function executor(
  library: new (file: string, options: { timeout: number; fileMustExist: boolean }) => BetterSqlite3.Database,
  options: ExecutorOptions,
  place?: FilePlace,
): Executor {
  const { file, applicationId, oldest, migrations } = options;
  const newest = oldest + migrations.length - 1;
  const told = {
    error(code: string, message: string): Error {
      return Object.assign(new Error(message), { code });
    },
    tooNew(version: unknown): Error {
      if (version === options.moved) return told.error("CALLA_MOVED", "its log goes on in another storage");
      return told.error(
        "CALLA_NEWER",
        `its tables have version ${String(version)}, this Calla knows ${newest}`,
      );
    },
    tooOld(version: number): Error {
      return told.error(
        "CALLA_OLDER",
        `its tables have version ${version}, written by a Calla from before the first release; this one takes ${oldest} and later`,
      );
    },
    failure(thrown: unknown): Failure {
      const { code, message } = thrown as { code?: unknown; message?: unknown };
      const text = String(message ?? thrown).replace(/[.]$/, "");
      return { code: String(code ?? "CALLA_BUG"), message: text };
    },
  };

  let db: BetterSqlite3.Database;
  try {
    db = new library(file, { timeout: options.busyTimeout, fileMustExist: options.mustExist === true });
  } catch (thrown) {
    // Of a folder that is not there better-sqlite3 tells no code.
    const { code, message } = told.failure(thrown);
    throw told.error(code === "CALLA_BUG" ? "SQLITE_CANTOPEN" : code, message);
  }
  const opening = {
    one(pragma: string): unknown {
      return db.pragma(pragma, { simple: true });
    },
    /** At one moment: another process may be making the tables. */
    recognise(): void {
      const theirs = opening.one("application_id");
      const tables = db.prepare("SELECT count(*) FROM sqlite_master").pluck().get();
      if (theirs !== applicationId && (theirs !== 0 || tables !== 0))
        throw told.error("CALLA_FOREIGN", "another program's database");
      const version = opening.one("user_version") as number;
      if (version > newest) throw told.tooNew(version);
      if (version !== 0 && version < oldest) throw told.tooOld(version);
    },
    /** Of a file that it may not write to SQLite makes a connection that reads, without a word, and it stays one. */
    writes(): void {
      try {
        // To begin says nothing yet: such a connection begins to read.
        db.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${Number(opening.one("user_version"))}; ROLLBACK`);
      } catch (thrown) {
        if (db.inTransaction) db.exec("ROLLBACK");
        // That somebody else writes to it just now says that one may.
        if (!told.failure(thrown).code.startsWith("SQLITE_BUSY")) throw thrown;
      }
    },
    settle(): void {
      const failed = place?.settle();
      if (failed !== undefined) throw told.error(failed.code, failed.message);
    },
    inspect(): void {
      if (options.check === "off") return;
      const found = opening.one(options.check === "quick" ? "quick_check(1)" : "integrity_check(1)");
      if (found !== "ok") throw told.error("SQLITE_CORRUPT", String(found).replaceAll("\n", " "));
    },
    journal(): void {
      // SQLite does not wait here for another process that is just doing the same.
      for (let attempt = 0; ; attempt++) {
        try {
          const mode = opening.one("journal_mode = WAL");
          if (mode === "wal" || mode === "memory") return;
          throw told.error("CALLA_NO_WAL", `its journal mode stays ${String(mode)}`);
        } catch (thrown) {
          if (!told.failure(thrown).code.startsWith("SQLITE_BUSY") || attempt > 50) throw thrown;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        }
      }
    },
    migrate(): void {
      opening.recognise(); // another process may have changed it since
      const version = opening.one("user_version") as number;
      for (const migration of migrations.slice(version === 0 ? 0 : version - oldest + 1)) db.exec(migration);
      db.pragma(`application_id = ${applicationId}`);
      db.pragma(`user_version = ${newest}`);
    },
  };
  try {
    db.transaction(opening.recognise)();
    opening.writes();
    opening.inspect();
    opening.journal();
    for (const pragma of options.pragmas) db.pragma(pragma);
    if (opening.one("user_version") !== newest) db.transaction(opening.migrate).immediate();
    opening.settle();
  } catch (thrown) {
    db.close();
    throw thrown;
  }

  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const savepoint = db.prepare("SAVEPOINT one");
  const undo = db.prepare("ROLLBACK TO one");
  const release = db.prepare("RELEASE one");
  const version = db.prepare("PRAGMA user_version").pluck();
  const prepared: (BetterSqlite3.Statement<unknown[]> | undefined)[] = [];
  /** What the file or the disk is to blame for, and what every other job would meet too. */
  const ofAll =
    /^(CALLA_|SQLITE_(BUSY|LOCKED|FULL|READONLY|IOERR|CORRUPT|NOTADB|CANTOPEN|NOMEM|PROTOCOL|PERM))/;
  let lookedAt = performance.now();
  const made = {
    db,
    /** A commit to a file that nobody finds again is not acknowledged. */
    look(): void {
      if (place === undefined) return;
      if (options.lookEvery !== undefined) {
        const now = performance.now();
        if (now - lookedAt < options.lookEvery) return;
        lookedAt = now;
      }
      const failed = place.look();
      if (failed !== undefined) throw told.error(failed.code, failed.message);
    },
    prepare(index: number): BetterSqlite3.Statement<unknown[]> {
      return (prepared[index] ??= db.prepare(options.statements[index]!.sql));
    },
    carryOut(group: Group): number | null {
      const [index, ...parameters] = group.guard;
      const found = made.prepare(index).get(...parameters) as { id: number } | undefined;
      if (found === undefined) return null;
      for (const [step, ...more] of group.steps) {
        const { of, must } = options.statements[step]!;
        const statement = made.prepare(step);
        const { changes } = of === undefined ? statement.run(...more) : statement.run(found.id, ...more);
        if (changes === 0 && must === "change") throw Object.assign(new Error("undone"), { undone: true });
      }
      return found.id;
    },
    /** Null if it is undone. */
    carryOutOrUndo(group: Group): number | null {
      savepoint.run();
      let given: number | null = null;
      try {
        given = made.carryOut(group);
      } catch (thrown) {
        if ((thrown as { undone?: true }).undone !== true) throw thrown;
        undo.run();
      }
      release.run();
      return given;
    },
    attempt(jobs: readonly Job[], careful: boolean): readonly JobResult[] {
      begin.run();
      try {
        // A newer Calla may have changed the tables while this one runs.
        if (version.get() !== newest) throw told.tooNew(version.get());
        const carryOut = careful ? made.carryOutOrUndo : made.carryOut;
        const results = jobs.map((job) => ({ given: job.map(carryOut) }));
        commit.run();
        made.look();
        return results;
      } catch (thrown) {
        if (db.inTransaction) rollback.run();
        throw thrown;
      }
    },
    run(jobs: readonly Job[]): readonly JobResult[] {
      try {
        try {
          return made.attempt(jobs, false);
        } catch (thrown) {
          // Rare: heads are compared first. So all of it is done over, rather than with savepoints always; but only once.
          if ((thrown as { undone?: true }).undone !== true) throw thrown;
          return made.attempt(jobs, true);
        }
      } catch (thrown) {
        const failed = told.failure(thrown);
        if (jobs.length === 1 || ofAll.test(failed.code)) return jobs.map(() => ({ failed }));
        return jobs.flatMap((job) => made.run([job]));
      }
    },
    close(): void {
      db.close();
    },
  };
  return made;
}
