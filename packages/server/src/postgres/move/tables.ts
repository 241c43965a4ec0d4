// What is copied: for each table of the schema, what its rows are in the file.

type ColumnType = "text" | "bigint" | "smallint" | "double precision" | "boolean";

export interface CopiedColumn {
  readonly name: string;
  /** What it is in the file, as SQL. */
  readonly from: string;
  readonly type: ColumnType;
}

export interface CopiedTable {
  readonly name: string;
  readonly columns: readonly CopiedColumn[];
  /** How many of the first columns tell its rows apart. Both sides have the same order by them. */
  readonly keys: number;
  /** Columns, the last ones, that are as the others say: not compared. */
  readonly unlooked: number;
  /** The rows in the file. */
  readonly rows: string;
}

const column =
  (type: ColumnType) =>
  (name: string, from = name): CopiedColumn => ({ name, from, type });
const text = column("text");
const whole = column("bigint");
const small = column("smallint");
const time = column("double precision");
const yes = column("boolean");

/** The `mid` of a client's own row. */
const OWN = "9223372036854775807";

/** A record's position is what the number of its transaction would be: so one order goes on (consuming.ts). */
export const RECORDS: CopiedTable = {
  name: "records",
  rows: "records WHERE true",
  keys: 1,
  unlooked: 0,
  columns: [
    whole("tx", "position"),
    whole("target"),
    whole("sequence"),
    whole("mark"),
    whole("version"),
    time("at"),
    text("author"),
    text("usr", "user"),
    whole("mid"),
    text("id"),
    text("messages"),
    text("model"),
  ],
};

/** Written over and over in the file, so it is copied whole, and last. */
export const TARGETS: CopiedTable = {
  name: "targets",
  rows: "targets WHERE true",
  keys: 1,
  unlooked: 0,
  columns: [
    whole("id"),
    text("name"),
    whole("sequence"),
    whole("mark"),
    whole("version"),
    time("at"),
    time("used"),
    time("aged", "used"),
    yes("removed"),
    whole("base_sequence"),
    whole("base_mark"),
    text("former"),
  ],
};

/** A mark tells models apart. */
const SNAPSHOTS: CopiedTable = {
  name: "snapshots",
  rows: "snapshots WHERE true",
  keys: 2,
  unlooked: 1,
  columns: [whole("target"), whole("sequence"), whole("mark"), whole("version"), time("at"), text("model")],
};

const CLIENTS: CopiedTable = {
  name: "clients",
  rows: `clients WHERE mid = ${OWN}`,
  keys: 2,
  unlooked: 0,
  columns: [
    text("target"),
    text("client"),
    whole("last"),
    whole("settled"),
    text("outcomes"),
    small("more"),
    time("at"),
    time("aged", "at"),
  ],
};

const OUTCOMES: CopiedTable = {
  name: "outcomes",
  rows: `clients WHERE mid < ${OWN}`,
  keys: 3,
  unlooked: 0,
  columns: [text("target"), text("client"), whole("mid"), text("outcomes")],
};

const GONE: CopiedTable = {
  name: "gone",
  rows: "gone WHERE true",
  keys: 1,
  unlooked: 0,
  columns: [
    whole("tx", "position"),
    whole("target", "0"),
    whole("sequence"),
    text("name", "target"),
    text("why"),
    time("at"),
  ],
};

/** Who has had everything up to a position stands before all that is behind it. */
const CONSUMERS: CopiedTable = {
  name: "consumers",
  rows: "readers WHERE true",
  keys: 1,
  unlooked: 0,
  columns: [
    text("name"),
    whole("tx", "position + 1"),
    whole("target", "0"),
    whole("sequence", "0"),
    text("owner"),
    time("until"),
  ],
};

/** What may be copied while the file is written to, and is then copied again where it differs. */
export const MUTABLE: readonly CopiedTable[] = [SNAPSHOTS, CLIENTS, OUTCOMES, GONE, CONSUMERS];
