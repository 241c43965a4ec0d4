// The Postgres of this run (scripts/postgres/global-setup.mjs), and the ways to it that tests take.
import { openAsBlob } from "node:fs";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, inject } from "vitest";
import type { PostgresDriver } from "../../src/postgres/driver/driver.ts";
import { pgDriver } from "../../src/postgres/driver/pg-driver.ts";
import { pgliteDriver } from "../../src/postgres/driver/pglite-driver.ts";
import { postgresJsDriver } from "../../src/postgres/driver/postgres-js-driver.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** As a superuser, to a database that nobody uses. */
    postgres: string | undefined;
    /** The same through a PgBouncer in transaction mode. */
    pgBouncer: string | undefined;
    /** The data of a PGlite that is new. */
    pglite: string | undefined;
    /** The names of the ways that this project goes; some may be missing on this machine. */
    ways: readonly string[];
  }
}

const server = inject("postgres");
/** The title of what needs a server; where there is none it is skipped, and this says so. */
export const hasServer = server !== undefined;
const pooler = inject("pgBouncer");
export const hasPooler = pooler !== undefined;
const lite = inject("pglite");

let databases = 0;

/** A PGlite with nothing in it. */
const emptyPglite = async (data: string): Promise<PGlite> =>
  PGlite.create({ loadDataDir: await openAsBlob(data) });

/** A database of the file's own, made before its tests and dropped behind them. Call it where tests are declared. */
export function ownDatabase(): () => string {
  const name = `calla_test_${process.pid}_${Date.now()}_${databases++}`;
  const at = new URL(server ?? "postgres://nowhere/");
  at.pathname = `/${name}`;
  const administer = async (statement: string): Promise<void> => {
    const driver = pgDriver({ url: server, connections: 1 });
    await driver.query(statement, []);
    await driver.close?.();
  };
  if (hasServer) {
    beforeAll(() => administer(`create database ${name} template template0`));
    afterAll(() => administer(`drop database ${name} with (force)`));
  }
  return () => at.href;
}

/** The way to a database through the pooler. */
export function pooled(url: string): string {
  const through = new URL(pooler ?? "postgres://nowhere/");
  through.pathname = new URL(url).pathname;
  return through.href;
}

/** One of the ways to a Postgres. `make` may be called several times: nodes over one database. */
export interface TestedEngine {
  readonly name: string;
  readonly skipped: boolean;
  make(): PostgresDriver;
}

/** Each of the ways, over a database of the file's own. What `make` gave is closed behind the file's tests. */
export function testedEngines(): readonly TestedEngine[] {
  const url = ownDatabase();
  const drivers: PostgresDriver[] = [];
  let database: PGlite | undefined;
  beforeAll(async () => {
    if (lite !== undefined) database = await emptyPglite(lite);
  }, 60_000);
  const kept = (driver: PostgresDriver): PostgresDriver => {
    drivers.push(driver);
    return driver;
  };
  afterAll(async () => {
    for (const driver of drivers) await driver.close?.();
    await database?.close();
  });
  const all = [
    { name: "pg", skipped: !hasServer, make: () => kept(pgDriver({ url: url() })) },
    { name: "postgres", skipped: !hasServer, make: () => kept(postgresJsDriver({ url: url() })) },
    { name: "pglite", skipped: lite === undefined, make: () => kept(pgliteDriver(database!)) },
    {
      name: "pg through PgBouncer",
      skipped: !hasPooler,
      make: () => kept(pgDriver({ url: pooled(url()), listenUrl: url() })),
    },
    {
      name: "postgres through PgBouncer",
      skipped: !hasPooler,
      make: () => kept(postgresJsDriver({ url: pooled(url()), listenUrl: url() })),
    },
  ];
  return all.filter(({ name }) => inject("ways").includes(name));
}
