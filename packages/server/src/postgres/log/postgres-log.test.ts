import { afterEach, describe, test } from "vitest";
import { testedEngines } from "../../../test/postgres/engines.ts";
import { apart } from "../../../test/postgres/nodes.ts";
import { logContract } from "../../testing/log-contract/index.ts";
import type { LogStorage } from "../../log/log.ts";
import type { PostgresDriver } from "../driver/driver.ts";
import { quoted } from "../schema/names.ts";
import { postgresLog } from "./create.ts";
import type { PostgresLogOptions } from "./options.ts";

const TABLES = ["targets", "records", "snapshots", "clients", "outcomes", "gone", "consumers", "garbage"];

/** Making a schema takes longer than most checks, so they share a few, emptied in between. */
function sharedSchemas(title: string, driver: () => PostgresDriver, options: Partial<PostgresLogOptions>) {
  const logs = new Map<LogStorage, string>();
  const free: string[] = [];
  const used: string[] = [];
  let made = 0;
  const open = (schema: string): LogStorage => {
    const log = postgresLog({ driver: driver(), schema, onError: () => undefined, ...options });
    logs.set(log, schema);
    return log;
  };
  return {
    async create(): Promise<LogStorage> {
      const known = free.pop();
      const schema = known ?? `contract ${title} ${++made}`;
      used.push(schema);
      if (known !== undefined)
        await driver().query(
          `DO $$ BEGIN ${TABLES.map((table) => `DELETE FROM ${quoted(schema)}.${table};`).join(" ")} END $$`,
          [],
        );
      return open(schema);
    },
    reopen: (log: LogStorage) => open(logs.get(log)!),
    async end(): Promise<void> {
      await Promise.all([...logs.keys()].map((log) => log.close()));
      logs.clear();
      free.push(...used.splice(0));
    },
  };
}

/** What a driver, or an engine, could do differently; `pg` has all checks. */
const OF_VALUES = /LG(6|7|10|11|60|39|41)\]/;

const ways: readonly [title: string, engine: string, options: Partial<PostgresLogOptions>, only?: RegExp][] =
  [
    ["by pg", "pg", {}],
    ["without retention", "pg", { retention: 0 }, /LG(16|17|37|32|40|23)\]/],
    ["by postgres", "postgres", {}, OF_VALUES],
    ["by pglite", "pglite", {}, OF_VALUES],
    ["by pg through PgBouncer", "pg through PgBouncer", {}],
    ["by postgres through PgBouncer", "postgres through PgBouncer", {}, OF_VALUES],
  ];
const engines = testedEngines();
describe("[PL1] a Postgres log keeps the contract of logs", () => {
  apart("ordered");
  for (const [title, engine, options, only] of ways) {
    const found = engines.find(({ name }) => name === engine);
    if (found === undefined) continue;
    const { skipped, make } = found;
    let driver: PostgresDriver | undefined;
    describe.skipIf(skipped)(title, () => {
      const schemas = sharedSchemas(title, () => (driver ??= make()), options);
      afterEach(() => schemas.end());
      for (const { name, run } of logContract)
        if (only === undefined || only.test(name)) test(name, () => run(schemas));
    });
  }
});
