// The end of a file that goes on elsewhere. It is a version of tables that no Calla makes: every writer of every Calla looks
// at the version in each of its transactions, those of before this file was written too, so none of them writes any more.
import type BetterSqlite3 from "better-sqlite3";
import { APPLICATION_ID, MIGRATIONS, MOVED, OLDEST } from "./tables.ts";

/** The version that this Calla makes and takes. */
const NEWEST = OLDEST + MIGRATIONS.length - 1;

/** What a file that has been moved says of it. */
export interface Fence {
  /** The name of the move, which stands where it went, too. */
  readonly move: string;
  /** Where it went, for people. */
  readonly to: string;
}

/** Of what it is: a log that can be moved or was, or why it is none. */
export type FileKind = "log" | "moved" | "foreign" | "older" | "newer";

export function kindOf(db: BetterSqlite3.Database): FileKind {
  const theirs = db.pragma("application_id", { simple: true });
  const version = db.pragma("user_version", { simple: true }) as number;
  if (theirs !== APPLICATION_ID) return "foreign";
  if (version === MOVED) return "moved";
  return version === NEWEST ? "log" : version < NEWEST ? "older" : "newer";
}

/** Undefined: it has not been moved. */
export function fenceOf(db: BetterSqlite3.Database): Fence | undefined {
  if (kindOf(db) !== "moved") return undefined;
  const note = db.prepare<[], string>(`SELECT value FROM settings WHERE name = 'moved'`).pluck().get();
  return note === undefined ? undefined : (JSON.parse(note) as Fence);
}

/** In one transaction that waits for the writer: what is appended before it is there, and nothing is after it. */
export const fence = (db: BetterSqlite3.Database, note: Fence): void =>
  db
    .transaction(() => {
      const kind = kindOf(db);
      if (kind !== "log" && kind !== "moved") throw new Error(`It has become ${kind} meanwhile.`);
      db.prepare(`INSERT OR REPLACE INTO settings (name, value) VALUES ('moved', ?)`).run(
        JSON.stringify(note),
      );
      db.pragma(`user_version = ${MOVED}`);
    })
    .immediate();

/** It takes appends again. */
export const unfence = (db: BetterSqlite3.Database): void =>
  db
    .transaction(() => {
      if (kindOf(db) !== "moved") return;
      db.exec(`DELETE FROM settings WHERE name = 'moved'`);
      db.pragma(`user_version = ${NEWEST}`);
    })
    .immediate();
