// The schema that a log is in: found, made, and watched. What is told of it when it is found goes with every call, and a
// call that finds something else there does nothing and looks anew.
import { CallaError } from "@calla/shared";
import type { PostgresRow } from "../driver/driver.ts";
import type { PostgresCalls } from "../driver/calls.ts";
import type { PostgresValue } from "../driver/text.ts";
import { LIFE } from "../schema/functions.ts";
import { migrationOf } from "../schema/migration.ts";
import { quoted } from "../schema/names.ts";
import { STATE_FOREIGN, STATE_NEWER, STATE_UNFIT } from "../schema/states.ts";
import { HALF_MOVED, NEWEST } from "../schema/tables.ts";
import { DURABILITY, weaknessesOf } from "./durability.ts";
import { refuseUnfit } from "./fitness.ts";
import { refusal } from "./refusals.ts";
import { numberIn, textIn } from "./rows.ts";
import { statementsIn } from "./statements.ts";
import type { CallName } from "./statements.ts";

/** Where Postgres says that something is not there (a function, a table, a schema, a column): another database, or an emptied one. */
const NOT_THERE = new Set([STATE_UNFIT, "42883", "42P01", "3F000", "42703"]);

/**
 * These are asked with a place in the one order. What is there after a failover may have lost what lay before that place, and
 * gives out the same numbers anew: whoever went on from it would skip them.
 */
const OF_ONE_LIFE: ReadonlySet<CallName> = new Set<CallName>(["changes", "advance"]);

/** Postgres's five characters, or what else a call was rejected with. */
export const codeOf = (error: unknown): string =>
  error instanceof CallaError && error.code === "storage"
    ? String((error.details as { readonly code?: unknown }).code)
    : "";

export interface LogPlaceOptions {
  readonly calls: PostgresCalls;
  readonly schema: string;
  /** The name of the log that must be there. */
  readonly identity: string | undefined;
  /** Hears what takes something away from what is promised, each once. */
  readonly tell: (error: CallaError<"storage">) => void;
  /** What is there now may be of another history than what was read before. */
  readonly replaced: () => void;
}

interface Found {
  readonly identity: string;
  /** Goes with every call. */
  readonly life: string;
}

export class LogPlace {
  readonly #options: LogPlaceOptions;
  readonly #statements: ReturnType<typeof statementsIn>;
  #finding: Promise<Found> | undefined;
  /** What was there last. */
  #last: Found | undefined;
  readonly #told = new Set<string>();

  constructor(options: LogPlaceOptions) {
    this.#options = options;
    this.#statements = statementsIn(options.schema);
  }

  async identity(): Promise<string> {
    await this.call("secret", []); // whether it is still there
    return (await this.#found()).identity;
  }

  /** One function of the schema, one round trip; the first call looks whether it is the right schema, and makes it. */
  async call(name: CallName, values: readonly PostgresValue[]): Promise<readonly PostgresRow[]> {
    const told = this.#last;
    const finding = this.#found();
    const current = this.#finding; // before anything is waited for
    const { life } = await finding;
    this.#refuseOutlived(name, told?.life ?? life, life);
    const text = this.#statements[name];
    try {
      return await this.#options.calls.query(text, [life, ...values]);
    } catch (error) {
      if (!NOT_THERE.has(codeOf(error))) throw error;
      if (this.#finding === current) this.#finding = undefined;
      const again = await this.#found();
      this.#refuseOutlived(name, life, again.life);
      return this.#options.calls.query(text, [again.life, ...values]);
    }
  }

  #refuseOutlived(name: CallName, told: string, life: string): void {
    if (OF_ONE_LIFE.has(name) && told !== life)
      throw refusal(
        "replaced",
        this.#options.schema,
        "it was restarted, restored or replaced since its place was read",
      );
  }

  /** Finds it, unless it is found. */
  async found(): Promise<void> {
    await this.#found();
  }

  /** A statement that is no function of the schema. */
  query(text: string): Promise<readonly PostgresRow[]> {
    return this.#options.calls.query(text);
  }

  async #found(): Promise<Found> {
    if (this.#finding === undefined) {
      const finding = this.#find();
      this.#finding = finding;
      // What was in the way may be gone at the next call.
      finding.catch(() => {
        if (this.#finding === finding) this.#finding = undefined;
      });
    }
    return this.#finding;
  }

  async #find(): Promise<Found> {
    const { calls, schema, identity = this.#last?.identity, tell, replaced } = this.#options;
    const s = quoted(schema);
    await refuseUnfit(calls, schema);
    let row = await this.#settings();
    if (row === undefined && identity !== undefined)
      throw refusal("other", schema, `it is empty, and not the log ${identity}`);
    if (row === undefined || numberIn(row, "version") < NEWEST) {
      if (row !== undefined) this.#refuseOther(row, identity);
      await this.#make();
      row = await this.#settings();
    }
    if (row === undefined) throw refusal("other", schema, "it went while it was being made");
    const version = numberIn(row, "version");
    if (version === HALF_MOVED) throw refusal("half-moved", schema, "a log is being moved here");
    if (version > NEWEST)
      throw refusal("newer", schema, `its tables have version ${version}, this Calla knows ${NEWEST}`);
    this.#refuseOther(row, identity);
    await calls.query(`SELECT ${s}.rebase()`);
    const [durability] = await calls.query(DURABILITY);
    for (const weakness of durability === undefined ? [] : weaknessesOf(durability, schema)) {
      if (this.#told.has(weakness.message)) continue;
      this.#told.add(weakness.message);
      tell(weakness);
    }
    const found: Found = { identity: textIn(row, "identity"), life: textIn(row, "life") };
    const last = this.#last;
    this.#last = found;
    if (last !== undefined && last.life !== found.life) queueMicrotask(replaced);
    return found;
  }

  #refuseOther(row: PostgresRow, identity: string | undefined): void {
    const found = textIn(row, "identity");
    if (identity !== undefined && identity !== found)
      throw refusal("other", this.#options.schema, `it is the log ${found}, and not ${identity}`);
  }

  /** Undefined: there are none. */
  async #settings(): Promise<PostgresRow | undefined> {
    const { calls, schema } = this.#options;
    try {
      const [row] = await calls.query(
        `SELECT t.version, t.identity, ${LIFE} AS life FROM ${quoted(schema)}.settings t`,
      );
      return row;
    } catch (error) {
      if (!["42P01", "3F000"].includes(codeOf(error))) throw error;
      return undefined;
    }
  }

  async #make(): Promise<void> {
    const { calls, schema } = this.#options;
    try {
      await calls.query(migrationOf(schema));
    } catch (error) {
      const code = codeOf(error);
      if (code === STATE_FOREIGN) throw refusal("foreign", schema, "it holds tables that are not Calla's");
      // Another node has made it newer just now: said below, of what is there.
      if (code !== STATE_NEWER) throw error;
    }
  }
}
