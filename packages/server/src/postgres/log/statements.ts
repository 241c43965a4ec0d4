// Every statement of the log: one call of a function of its schema each (schema/functions.ts). $1 is what the caller was told
// when it found the log there.
import { quoted } from "../schema/names.ts";

/** What is not text is made of text, so that no library has to know its type. */
const args = (types: readonly string[]): string =>
  types.map((type, i) => (type === "text" ? `$${i + 2}` : `$${i + 2}::text::${type}`)).join(", ");

const HEADS =
  "text[] bigint[] bigint[] bigint[] bigint[] bigint[] double_precision[] double_precision[] boolean[]";
const RECORDS =
  "int[] bigint[] bigint[] bigint[] double_precision[] text[] text[] bigint[] text[] text[] text[]";
const CLIENTS = "int[] text[] bigint[] bigint[] bigint[] text[] smallint[] bigint[] text[]";
const APPEND = `${HEADS} ${RECORDS} ${CLIENTS} bigint`.split(" ").map((type) => type.replace("_", " "));

const calls = {
  open: ["text"],
  read: ["text", "bigint", "bigint", "bigint"],
  moved: ["text[]", "bigint[]", "bigint[]"],
  client: ["text", "text"],
  history: ["text", "bigint", "bigint"],
  snapshot_at: ["text", "bigint"],
  list: ["text", "text", "text", "bigint"],
  bytes: [],
  append: APPEND,
  save: ["text", "bigint", "bigint", "bigint", "double precision", "text", "bigint"],
  remove: ["text", "double precision", "double precision", "boolean"],
  touch: ["text[]", "double precision"],
  expire_targets: ["text", "double precision", "double precision", "bigint"],
  expire_clients: ["double precision", "bigint"],
  expire_consumers: ["double precision", "bigint"],
  sweep: [],
  changes: ["bigint", "bigint", "bigint", "bigint"],
  claim: ["text", "text", "double precision", "double precision", "boolean", "boolean"],
  advance: ["text", "text", "bigint", "bigint", "bigint", "double precision"],
  drop_consumer: ["text"],
  consumers_known: [],
  secret: [],
} satisfies Record<string, readonly string[]>;

export type CallName = keyof typeof calls;
export type Statements = Readonly<Record<CallName, string>>;

/** A function that gives one value gives it in a column of its own name. */
export const statementsIn = (schema: string): Statements =>
  Object.fromEntries(
    Object.entries(calls).map(([name, types]) => [
      name,
      `SELECT * FROM ${quoted(schema)}.${name}(${["$1", ...(types.length === 0 ? [] : [args(types)])].join(", ")})`,
    ]),
  ) as Statements;
