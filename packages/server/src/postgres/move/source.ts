// The file that a log is moved from: pages of its tables, and its fence.
import type BetterSqlite3 from "better-sqlite3";
import { fence, fenceOf, kindOf, unfence } from "../../log/sqlite/fence.ts";
import type { Fence } from "../../log/sqlite/fence.ts";
import { library } from "../../log/sqlite/library.ts";
import { refuseMove } from "./refusals.ts";
import type { CopiedTable } from "./tables.ts";

export type Cell = string | number | null;
export type Row = readonly Cell[];

/** A page ends with so many rows, or with so many characters. */
const MOST_ROWS = 1_000;
const MOST_TEXT = 1_048_576;

export interface Page {
  readonly rows: readonly Row[];
  /** There are none behind it. */
  readonly last: boolean;
}

/** A target's records in short. */
export interface Tally {
  readonly target: number;
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Of their positions, and of their marks. */
  readonly positions: string;
  readonly marks: string;
}

export interface Source {
  readonly identity: string;
  fence(): Fence | undefined;
  setFence(note: Fence): void;
  unfence(): void;
  /** In hexadecimal; undefined: none was ever needed. */
  secret(): string | undefined;
  count(table: CopiedTable): number;
  page(table: CopiedTable, after: Row): Page;
  /** Of some targets behind this one, in order. */
  tallies(after: number): readonly Tally[];
  records(target: number, after: number): Page;
  close(): void;
}

const columnsOf = ({ columns }: CopiedTable): string => columns.map(({ from }) => from).join(", ");
const keysOf = ({ columns, keys }: CopiedTable): string =>
  columns
    .slice(0, keys)
    .map(({ from }) => from)
    .join(", ");

/** @throws CallaError `storage`, if there is no log that can be moved. */
export function openSource(file: string): Source {
  const db = openedFile(file);
  const kind = kindOf(db);
  if (kind !== "log" && kind !== "moved") {
    db.close();
    throw refuseMove("source", `${file} is no log of this Calla (${kind})`, WRONG_FILE[kind]);
  }
  const pageOf = (statement: BetterSqlite3.Statement<unknown[]>, values: Row): Page => {
    const rows: Row[] = [];
    let size = 0;
    for (const row of statement.raw().iterate(...values) as IterableIterator<Row>) {
      rows.push(row);
      for (const cell of row) size += typeof cell === "string" ? cell.length : 8;
      if (rows.length >= MOST_ROWS || size >= MOST_TEXT) return { rows, last: false };
    }
    return { rows, last: true };
  };
  const setting = (name: string): string | undefined =>
    db.prepare<[string], string>("SELECT value FROM settings WHERE name = ?").pluck().get(name);
  return {
    identity: setting("identity") ?? "",
    fence: () => fenceOf(db),
    setFence: (note) => fence(db, note),
    unfence: () => unfence(db),
    secret: () => setting("secret"),
    count: ({ rows }) => db.prepare<[], number>(`SELECT count(*) FROM ${rows}`).pluck().get() ?? 0,
    page(table, after) {
      const behind =
        after.length === 0 ? "" : `AND (${keysOf(table)}) > (${after.map(() => "?").join(", ")})`;
      const sql = `SELECT ${columnsOf(table)} FROM ${table.rows} ${behind} ORDER BY ${keysOf(table)}`;
      return pageOf(db.prepare(sql), after);
    },
    tallies: (after) =>
      db
        .prepare<[number, number], Tally>(
          `SELECT target, min(sequence) AS first, max(sequence) AS last, count(*) AS count,
            CAST(sum(position) AS TEXT) AS positions, CAST(sum(mark) AS TEXT) AS marks
          FROM records WHERE target > ? GROUP BY target ORDER BY target LIMIT ?`,
        )
        .all(after, MOST_ROWS),
    records: (target, after) =>
      pageOf(
        db.prepare(
          `SELECT position, target, sequence, mark, version, at, author, user, mid, id, messages, model
          FROM records WHERE target = ? AND sequence > ? ORDER BY sequence`,
        ),
        [target, after],
      ),
    close: () => void db.close(),
  };
}

const WRONG_FILE = {
  foreign: "Name the file that the server has.",
  older: "Start this version of Calla over it once, which brings it up to date; then move it.",
  newer: "Move it with the version that has changed it.",
};

/** What its fence writes survives the loss of power. */
function openedFile(file: string): BetterSqlite3.Database {
  const Library = library();
  try {
    const db = new Library(file, { fileMustExist: true, timeout: 30_000 });
    db.pragma("synchronous = FULL");
    db.pragma("fullfsync = ON");
    return db;
  } catch (error) {
    throw refuseMove("source", `${file} cannot be opened: ${String(error)}`, WRONG_FILE.foreign);
  }
}
