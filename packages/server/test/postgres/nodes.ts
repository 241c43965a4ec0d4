// Nodes over one schema of a Postgres log, and connections whose transactions a test holds open, so that a race goes one way.
import type { Clock, SteadyClock } from "@calla/shared";
import { Client } from "pg";
import { afterAll, afterEach, beforeEach, inject } from "vitest";
import type { PostgresDriver, PostgresRow } from "../../src/postgres/driver/driver.ts";
import { pgDriver } from "../../src/postgres/driver/pg-driver.ts";
import { postgresLog } from "../../src/postgres/log/create.ts";
import type { PostgresLog, PostgresLogOptions } from "../../src/postgres/log/options.ts";
import { quoted } from "../../src/postgres/schema/names.ts";
import { hasServer, ownDatabase } from "./engines.ts";

export type LogOptions = Omit<PostgresLogOptions, "driver">;

/** A node on a connection of its own, on which a test begins and ends transactions. */
export interface HeldNode {
  readonly log: PostgresLog;
  query(text: string): Promise<readonly PostgresRow[]>;
  /** How many the log has sent. */
  statements(): number;
  begin(): Promise<void>;
  commit(): Promise<void>;
}

export interface TestedNodes {
  /** A schema that nobody has used. */
  schema(): string;
  node(schema: string, options?: LogOptions): PostgresLog;
  /** It has looked for its schema, and swept. */
  held(schema: string, options?: LogOptions): Promise<HeldNode>;
  query(text: string, values?: readonly (string | null)[]): Promise<readonly PostgresRow[]>;
  /** Resolves once so many statements wait for a lock. */
  waiting(count?: number): Promise<void>;
}

/** What is told (settings of a server for tests, say) is nobody's trouble here. */
const quiet = { onError: () => undefined };

/** Milliseconds that a test waits for those of other files. */
const PATIENCE = 120_000;
/** A number that the files agree on. */
const HELD = 727_401;

/**
 * A transaction that a test holds open holds back what others read in order, in every database of the server. So while tests
 * of the one kind run, none of the other does (\`held\`: one at a time). Call it where tests are declared.
 */
export function apart(kind: "held" | "ordered"): void {
  if (!hasServer) return;
  let lock: Client | undefined;
  const shared = kind === "held" ? "" : "_shared";
  beforeEach(async () => {
    if (lock === undefined) {
      lock = new Client({ connectionString: inject("postgres") });
      await lock.connect();
    }
    await lock.query(`SELECT pg_advisory_lock${shared}(${HELD})`);
  }, PATIENCE);
  afterEach(async () => {
    await lock?.query(`SELECT pg_advisory_unlock${shared}(${HELD})`);
  });
  afterAll(async () => {
    await lock?.end();
  });
}

/** Call it where tests are declared: they share a database, which goes behind them. */
export function testedNodes(): TestedNodes {
  apart("held");
  const url = ownDatabase();
  const closing: (() => Promise<unknown> | undefined)[] = [];
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  });
  let pool: PostgresDriver | undefined;
  const driver = (): PostgresDriver => {
    if (pool === undefined) {
      const made = pgDriver({ url: url(), connections: 16 });
      pool = made;
      closing.push(() => made.close?.());
    }
    return pool;
  };
  let schemas = 0;
  return {
    schema: () => `s${schemas++}`,
    node: (schema, options) => postgresLog({ driver: driver(), schema, ...quiet, ...options }),
    async held(schema, options) {
      const client = new Client({ connectionString: url() });
      await client.connect();
      closing.push(() => client.end());
      const types = { getTypeParser: () => (text: string) => text };
      let statements = 0;
      const only: PostgresDriver = {
        name: "pg",
        async query(text, values) {
          statements++;
          const { rows } = await client.query({ text, values: [...values], types });
          return rows as PostgresRow[];
        },
        listen: () => Promise.reject(new Error("not here")),
      };
      const log = postgresLog({ driver: only, schema, ...quiet, ...options });
      await log.opened();
      // One connection, one after the other: what it swept at first is done.
      await log.consumers();
      await log.consumers();
      return {
        log,
        query: (text) => only.query(text, []),
        statements: () => statements,
        async begin() {
          await client.query("BEGIN");
        },
        async commit() {
          await client.query("COMMIT");
        },
      };
    },
    query: (text, values = []) => driver().query(text, values),
    async waiting(count = 1) {
      for (let found = 0; found < count;) {
        const [row] = await driver().query(
          `SELECT count(*) AS found FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
          [],
        );
        found = Number(row?.["found"]);
      }
    },
  };
}

/** Time that passes at once when somebody waits. */
export function hurriedClock(): SteadyClock & { readonly waited: () => number } {
  let now = 0;
  const clock: Clock & { monotonic(): number } = {
    now: () => now,
    monotonic: () => now,
    setTimeout(run, milliseconds) {
      // A deadline is not what passes here.
      if (milliseconds >= 10_000) return () => undefined;
      now += milliseconds;
      let open = true;
      queueMicrotask(() => void (open && run()));
      return () => void (open = false);
    },
    defer: (run) => void setImmediate(run),
  };
  return { ...clock, waited: () => now };
}

/** Where a table of a schema is. */
export const inSchema = (schema: string, table: string): string => `${quoted(schema)}.${table}`;
