// The schema that a log is moved to. Until the move is done it has a version that no Calla takes. Whatever is written says
// which run of the move does so, and is refused once another run goes on with it, or once it is done.
import type { PostgresCalls } from "../driver/calls.ts";
import type { PostgresRow } from "../driver/driver.ts";
import type { PostgresValue } from "../driver/text.ts";
import { refuseUnfit } from "../log/fitness.ts";
import { codeOf } from "../log/log-place.ts";
import { madeLock } from "../schema/locks.ts";
import { migrationOf } from "../schema/migration.ts";
import { literal, quoted } from "../schema/names.ts";
import { STATE_FOREIGN, STATE_TAKEN, STATE_USED } from "../schema/states.ts";
import { HALF_MOVED, NEWEST } from "../schema/tables.ts";
import { refuseMove } from "./refusals.ts";
import type { Cell, Row, Tally } from "./source.ts";
import type { CopiedTable } from "./tables.ts";

/** What stands in the schema of its move. */
export interface Moving {
  readonly move: string;
  /** The identity of the log that is moved. */
  readonly source: string;
  /** The schema's version, which is its own again when it is done. */
  readonly version: number;
  readonly done: boolean;
}

export interface TargetOptions {
  readonly calls: PostgresCalls;
  readonly schema: string;
  /** A name of this run, by chance. */
  readonly run: string;
}

export class MoveTarget {
  readonly #calls: PostgresCalls;
  readonly #s: string;
  readonly #schema: string;
  readonly #run: string;

  constructor({ calls, schema, run }: TargetOptions) {
    this.#calls = calls;
    this.#schema = schema;
    this.#s = quoted(schema);
    this.#run = run;
  }

  /** Rejects where no log can be. */
  fits(): Promise<void> {
    return refuseUnfit(this.#calls, this.#schema);
  }

  /** Undefined: no log was ever moved there. */
  async found(): Promise<Moving | undefined> {
    try {
      const [row] = await this.#ask(`SELECT move, source, version, completed FROM ${this.#s}.moving`);
      if (row === undefined) return undefined;
      const { move, source, version, completed } = row;
      return { move: move ?? "", source: source ?? "", version: Number(version), done: completed !== null };
    } catch (error) {
      if (!["42P01", "3F000"].includes(codeOf(error))) throw error;
      return undefined;
    }
  }

  /** Makes the schema, or goes on with it. No other run writes there from then on. */
  async begin(move: string, source: string): Promise<void> {
    const s = this.#s;
    await this.#ask(`DO $move$
    BEGIN
      PERFORM pg_advisory_xact_lock(${madeLock(s)});
      IF to_regclass(${literal(`${s}.moving`)}) IS NOT NULL THEN
        UPDATE ${s}.moving SET run = ${literal(this.#run)} WHERE completed IS NULL;
        RETURN;
      ELSIF to_regclass(${literal(`${s}.settings`)}) IS NOT NULL THEN
        RAISE EXCEPTION 'a log stands there' USING ERRCODE = '${STATE_USED}';
      END IF;
      EXECUTE $made$${migrationOf(this.#schema)}$made$;
      UPDATE ${s}.settings SET version = ${HALF_MOVED};
      -- completed: the transaction that ended the move.
      CREATE TABLE ${s}.moving (move text NOT NULL, source text NOT NULL, version integer NOT NULL, run text NOT NULL, completed text);
      INSERT INTO ${s}.moving VALUES (${literal(move)}, ${literal(source)}, ${NEWEST}, ${literal(this.#run)}, NULL);
      -- The end of the move waits for those that have asked.
      CREATE FUNCTION ${s}.copying(a_run text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $f$
      BEGIN
        PERFORM 1 FROM ${s}.moving m WHERE m.run = a_run AND m.completed IS NULL FOR SHARE;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'another run goes on with the move' USING ERRCODE = '${STATE_TAKEN}';
        END IF;
        RETURN true;
      END $f$;
    END $move$`);
  }

  /** The position up to which records have come; 0: none. */
  async position(): Promise<number> {
    const [row] = await this.#ask(`SELECT coalesce(max(tx), 0) AS position FROM ${this.#s}.records`);
    return Number(row?.["position"] ?? 0);
  }

  /** Rows behind a key and up to another one (undefined: all), without what is not compared. */
  async rows(
    table: CopiedTable,
    after: Row,
    upTo: Row | undefined,
  ): Promise<readonly (readonly (string | null)[])[]> {
    const { columns, unlooked, name } = table;
    const looked = columns.slice(0, columns.length - unlooked).map((column) => column.name);
    const bounds = [bound(table, ">", after, 1), bound(table, "<=", upTo ?? [], 1 + after.length)].filter(
      (one) => one !== "",
    );
    const where = bounds.length === 0 ? "" : `WHERE ${bounds.join(" AND ")}`;
    const rows = await this.#ask(`SELECT ${looked.join(", ")} FROM ${this.#s}.${name} ${where}`, [
      ...after,
      ...(upTo ?? []),
    ]);
    return rows.map((row) => looked.map((column) => row[column] ?? null));
  }

  /** In place of those that have their keys. */
  async put(table: CopiedTable, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const { name, columns } = table;
    const names = columns.map((column) => column.name);
    const key = primaryKeyOf(table);
    const others = names.filter((one) => !key.includes(one));
    const identity = table.name === "targets" ? "OVERRIDING SYSTEM VALUE" : "";
    await this.#write(
      `INSERT INTO ${this.#s}.${name} (${names.join(", ")}) ${identity}
      SELECT ${names.map((one) => `u.${one}`).join(", ")} FROM fit, ${unnested(table, names, 2)}
      ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${others.map((one) => `${one} = excluded.${one}`).join(", ")}`,
      names.map((_, i) => rows.map((row) => asSent(row[i]!, columns[i]!.type))),
    );
  }

  async remove(table: CopiedTable, keys: readonly (readonly (string | null)[])[]): Promise<void> {
    if (keys.length === 0) return;
    const names = table.columns.slice(0, table.keys).map(({ name }) => name);
    await this.#write(
      `DELETE FROM ${this.#s}.${table.name} t USING fit, ${unnested(table, names, 2)}
      WHERE ${names.map((one) => `t.${one} = u.${one}`).join(" AND ")}`,
      names.map((_, i) => keys.map((row) => row[i]!)),
    );
  }

  /** All rows go. */
  async empty(table: CopiedTable): Promise<void> {
    await this.#write(`DELETE FROM ${this.#s}.${table.name} USING fit`, []);
  }

  /** Of targets behind one and up to another (undefined: all). */
  async tallies(after: number, upTo: number | undefined): Promise<readonly Tally[]> {
    const rows = await this.#ask(
      `SELECT target, min(sequence) AS first, max(sequence) AS last, count(*) AS count, sum(tx) AS positions, sum(mark) AS marks
      FROM ${this.#s}.records WHERE target > $1::text::bigint AND target <= $2::text::bigint GROUP BY target`,
      [after, upTo ?? "9223372036854775807"],
    );
    return rows.map((row) => ({
      target: Number(row["target"]),
      first: Number(row["first"]),
      last: Number(row["last"]),
      count: Number(row["count"]),
      positions: row["positions"] ?? "",
      marks: row["marks"] ?? "",
    }));
  }

  /** Records of a target that are not between two sequences. */
  async removeRecords(target: number, first: number, last: number): Promise<void> {
    await this.#write(
      `DELETE FROM ${this.#s}.records r USING fit
      WHERE r.target = $2::text::bigint AND (r.sequence < $3::text::bigint OR r.sequence > $4::text::bigint)`,
      [target, first, last],
    );
  }

  /** Heads whose last record is not there, or is another one, though records are kept. */
  async looseHeads(): Promise<number> {
    const [row] = await this.#ask(
      `SELECT count(*) AS loose FROM ${this.#s}.targets t WHERE t.sequence > t.base_sequence AND NOT EXISTS (
        SELECT FROM ${this.#s}.records r WHERE r.target = t.id AND r.sequence = t.sequence AND r.mark = t.mark)`,
    );
    return Number(row?.["loose"] ?? 0);
  }

  /** What a log keeps beside what was copied: what is to be swept, and where its numbers of targets go on. */
  async settle(): Promise<void> {
    const s = this.#s;
    await this.#write(`DELETE FROM ${s}.garbage USING fit`, []);
    await this.#write(
      `INSERT INTO ${s}.garbage (target, upto, tx, sequence)
      SELECT t.id, t.base_sequence, r.tx, r.sequence FROM fit, ${s}.targets t CROSS JOIN LATERAL (
        SELECT q.tx, q.sequence FROM ${s}.records q WHERE q.target = t.id AND q.sequence <= t.base_sequence
        ORDER BY q.sequence LIMIT 1) r`,
      [],
    );
    await this.#write(
      `SELECT setval(pg_get_serial_sequence(${literal(`${s}.targets`)}, 'id'), (SELECT max(t.id) FROM ${s}.targets t)) FROM fit
      WHERE EXISTS (SELECT FROM ${s}.targets)`,
      [],
    );
  }

  /** From then on it is the log. One transaction: a node finds all of it or nothing. */
  async complete(identity: string, secret: string | undefined): Promise<void> {
    const s = this.#s;
    await this.#write(
      `, done AS (UPDATE ${s}.moving SET completed = (pg_current_xact_id()::text::bigint & 4294967295)::text FROM fit
        RETURNING version)
      UPDATE ${s}.settings SET version = done.version, identity = $2, secret = coalesce($3, secret) FROM done`,
      [identity, secret ?? null],
    );
  }

  /**
   * It is half-moved again, unless anything was written since it was whole. It waits for calls that are under way, and those
   * that come then are refused; a run that goes on with the move ends it no more.
   */
  async revert(): Promise<void> {
    const s = this.#s;
    const used = ["targets", "clients", "consumers"].map(
      (table) => `EXISTS (SELECT FROM ${s}.${table} t WHERE age(t.xmin) < age(ended::xid))`,
    );
    await this.#ask(`DO $move$
    DECLARE
      ended text;
    BEGIN
      LOCK TABLE ${s}.settings IN ACCESS EXCLUSIVE MODE;
      SELECT m.completed INTO ended FROM ${s}.moving m FOR UPDATE;
      IF ended IS NOT NULL AND (${used.join(" OR ")}) THEN
        RAISE EXCEPTION 'it has been written to' USING ERRCODE = '${STATE_USED}';
      END IF;
      UPDATE ${s}.settings SET version = ${HALF_MOVED};
      UPDATE ${s}.moving SET completed = NULL, run = ${literal(this.#run)};
    END $move$`);
  }

  #write(text: string, values: readonly PostgresValue[]): Promise<readonly PostgresRow[]> {
    const fit = `WITH fit AS MATERIALIZED (SELECT ${this.#s}.copying($1) AS fit)`;
    return this.#ask(`${fit} ${text}`, [this.#run, ...values]);
  }

  async #ask(text: string, values: readonly PostgresValue[] = []): Promise<readonly PostgresRow[]> {
    try {
      return await this.#calls.query(text, values);
    } catch (error) {
      const code = codeOf(error);
      const schema = this.#schema;
      if (code === STATE_TAKEN)
        throw refuseMove(
          "taken",
          `another run goes on with it, or has ended it, in the schema ${schema}`,
          "Let that one end, or run it again.",
        );
      if (code === STATE_USED)
        throw refuseMove(
          "used",
          `a log is in use in the schema ${schema}`,
          "Nothing of it was written over: name another schema, or go on with what is there.",
        );
      if (code === STATE_FOREIGN)
        throw refuseMove(
          "target",
          `the schema ${schema} holds tables that are not Calla's`,
          "Nothing was written: name a schema that is empty, or that is not there yet.",
        );
      throw error;
    }
  }
}

const bound = (table: CopiedTable, is: string, key: Row, from: number): string => {
  if (key.length === 0) return "";
  const names = table.columns.slice(0, table.keys);
  const values = names.map(({ type }, i) => `$${from + i}::text::${type}`);
  return `(${names.map(({ name }) => name).join(", ")}) ${is} (${values.join(", ")})`;
};

/** What the schema's index is over: a place is more than a position. */
const primaryKeyOf = ({ name, columns, keys }: CopiedTable): readonly string[] => {
  if (name === "records") return ["target", "sequence"];
  if (name === "gone") return ["tx", "target", "sequence"];
  return columns.slice(0, keys).map((column) => column.name);
};

/** Arrays, from this parameter on, as rows of `u`. */
const unnested = (table: CopiedTable, names: readonly string[], from: number): string => {
  const types = names.map((_, i) => table.columns[i]!.type);
  return `unnest(${types.map((type, i) => `$${from + i}::text::${type}[]`).join(", ")}) AS u (${names.join(", ")})`;
};

const asSent = (cell: Cell, type: string): Cell | boolean => (type === "boolean" ? cell === 1 : cell);
