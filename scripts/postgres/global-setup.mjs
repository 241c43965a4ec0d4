// Before the tests that need a Postgres (vitest.config.ts): starts one and tells them where it is, and a PgBouncer before
// it. CALLA_POSTGRES_VERSION asks for a major version.
import { noteEngine } from "../reports.mjs";
import { ensurePgliteData } from "./pglite.mjs";
import { startPgBouncer } from "./pgbouncer.mjs";
import { startPostgres } from "./start.mjs";

const WAYS = ["pg", "postgres", "pglite", "pg through PgBouncer", "postgres through PgBouncer"];

/** @param {import("vitest/node").TestProject} project */
export const setup = async (project) => {
  const major = process.env.CALLA_POSTGRES_VERSION;
  const engine = await startPostgres({ major });
  if (major && !engine) throw new Error(`Postgres ${major} was asked for and could not be had.`);
  const pooler = engine && (await startPgBouncer(engine.url));
  const { version, from } = engine ?? { version: "none", from: "none could be had: its tests are skipped" };
  const pooled = pooler?.version ?? "none, for none could be had: its tests are skipped";
  noteEngine(`Tested on Postgres ${version} (${from}), PgBouncer ${pooled}, PGlite.`);
  project.provide("postgres", engine?.url);
  project.provide("pgBouncer", pooler?.url);
  project.provide("pglite", await ensurePgliteData());
  project.provide("ways", WAYS);
  return async () => {
    await pooler?.stop();
    await engine?.stop();
  };
};
