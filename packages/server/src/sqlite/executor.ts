// Who writes: holds the one writing connection and carries jobs out, many in one transaction. It runs in this thread or
// is sent to a worker as text, which no bundler can lose as it would lose a file; so it is closed: no imports but types,
// no name from outside of itself.
import type BetterSqlite3 from "better-sqlite3";

export type Parameter = string | number | null;
export type Step = readonly [statement: number, ...parameters: Parameter[]];
/** The guard decides whether the steps are taken. */
export interface Group {
  readonly guard: Step;
  readonly steps: readonly Step[];
}
/** Groups that share a transaction. */
export type Job = readonly Group[];
/** For each group what its guard gave, null if nothing; or why nothing of the job was done. */
export type JobResult = { readonly given: Given } | { readonly failed: Failure };
export type Given = readonly (number | null)[];
/** What SQLite (`SQLITE_…`) or the executor (`CALLA_…`) says; plain, to cross threads. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

export interface ExecutorOptions {
  readonly file: string;
  readonly applicationId: number;
  readonly migrations: readonly string[];
  /** Those "of an id" get what the guard gave before their own parameters. */
  readonly statements: readonly { readonly sql: string; readonly of?: "id" }[];
  /** Run on the connection after its journal is set up. */
  readonly pragmas: readonly string[];
  /** Milliseconds to wait for another process's transaction. */
  readonly busyTimeout: number;
  readonly check: "quick" | "full" | "off";
}

export interface Executor {
  readonly db: BetterSqlite3.Database;
  /** Never throws. */
  run(jobs: readonly Job[]): readonly JobResult[];
  close(): void;
}

/** @throws Error with a `code`: the file cannot be used. */
export function executor(
  library: new (file: string, options: { timeout: number }) => BetterSqlite3.Database,
  options: ExecutorOptions,
): Executor {
  const { file, applicationId, migrations } = options;
  const error = (code: string, message: string): Error => Object.assign(new Error(message), { code });
  const failure = (thrown: unknown): Failure => {
    const { code, message } = thrown as { code?: unknown; message?: unknown };
    const text = String(message ?? thrown).replace(/[.]$/, "");
    return { code: String(code ?? "CALLA_BUG"), message: text };
  };

  const connect = (): BetterSqlite3.Database => {
    try {
      return new library(file, { timeout: options.busyTimeout });
    } catch (thrown) {
      // Of a folder that is not there better-sqlite3 tells no code.
      const { code, message } = failure(thrown);
      throw error(code === "CALLA_BUG" ? "SQLITE_CANTOPEN" : code, message);
    }
  };
  const db = connect();
  const one = (pragma: string): unknown => db.pragma(pragma, { simple: true });
  const tooNew = (version: unknown): Error =>
    error("CALLA_NEWER", `its tables have version ${String(version)}, this Calla knows ${migrations.length}`);

  /** At one moment: another process may be making the tables. */
  const recognise = db.transaction(() => {
    const theirs = one("application_id");
    const tables = db.prepare("SELECT count(*) FROM sqlite_master").pluck().get();
    if (theirs !== applicationId && (theirs !== 0 || tables !== 0))
      throw error("CALLA_FOREIGN", "another program's database");
    const version = one("user_version") as number;
    if (version > migrations.length) throw tooNew(version);
  });
  const inspect = (): void => {
    if (options.check === "off") return;
    const found = one(options.check === "quick" ? "quick_check(1)" : "integrity_check(1)");
    if (found !== "ok") throw error("SQLITE_CORRUPT", String(found).replaceAll("\n", " "));
  };
  const journal = (): void => {
    // SQLite does not wait here for another process that is just doing the same.
    for (let attempt = 0; ; attempt++) {
      try {
        const mode = one("journal_mode = WAL");
        if (mode === "wal" || mode === "memory") return;
        throw error("CALLA_NO_WAL", `its journal mode stays ${String(mode)}`);
      } catch (thrown) {
        if (!failure(thrown).code.startsWith("SQLITE_BUSY") || attempt > 50) throw thrown;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      }
    }
  };
  const migrate = (): void => {
    if (one("user_version") === migrations.length) return;
    db.transaction(() => {
      for (let version = one("user_version") as number; version < migrations.length; version++)
        db.exec(migrations[version]!);
      db.pragma(`application_id = ${applicationId}`);
      db.pragma(`user_version = ${migrations.length}`);
    }).immediate();
  };
  try {
    recognise();
    inspect();
    journal();
    for (const pragma of options.pragmas) db.pragma(pragma);
    migrate();
  } catch (thrown) {
    db.close();
    throw thrown;
  }

  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const version = db.prepare("PRAGMA user_version").pluck();
  const prepared: (BetterSqlite3.Statement<unknown[]> | undefined)[] = [];
  const prepare = (index: number) => (prepared[index] ??= db.prepare(options.statements[index]!.sql));

  const carryOut = ({ guard: [index, ...parameters], steps }: Group): number | null => {
    const found = prepare(index).get(...parameters) as { id: number } | undefined;
    if (found === undefined) return null;
    for (const [step, ...more] of steps) {
      if (options.statements[step]!.of === undefined) prepare(step).run(...more);
      else prepare(step).run(found.id, ...more);
    }
    return found.id;
  };
  const attempt = (jobs: readonly Job[]): readonly JobResult[] => {
    begin.run();
    try {
      // A newer Calla may have changed the tables while this one runs.
      if (version.get() !== migrations.length) throw tooNew(version.get());
      const results = jobs.map((job) => ({ given: job.map(carryOut) }));
      commit.run();
      return results;
    } catch (thrown) {
      if (db.inTransaction) rollback.run();
      throw thrown;
    }
  };
  /** What the file or the disk is to blame for, and what every other job would meet too. */
  const ofAll =
    /^(CALLA_|SQLITE_(BUSY|LOCKED|FULL|READONLY|IOERR|CORRUPT|NOTADB|CANTOPEN|NOMEM|PROTOCOL|PERM))/;
  const run = (jobs: readonly Job[]): readonly JobResult[] => {
    try {
      return attempt(jobs);
    } catch (thrown) {
      const failed = failure(thrown);
      if (jobs.length === 1 || ofAll.test(failed.code)) return jobs.map(() => ({ failed }));
      return jobs.flatMap((job) => run([job]));
    }
  };
  return { db, run, close: () => void db.close() };
}
