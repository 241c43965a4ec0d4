// Before the tests that need a Postgres (vitest.config.ts): starts one and tells them where it is. CALLA_POSTGRES_VERSION
// asks for a major version.
import { ensurePgliteData } from "./pglite.mjs";
import { startPostgres } from "./start.mjs";

/** @param {import("vitest/node").TestProject} project */
export const setup = async (project) => {
  const major = process.env.CALLA_POSTGRES_VERSION;
  const engine = await startPostgres({ major });
  const { url, version = "none", from = "to be had" } = engine ?? {};
  console.log(`Postgres: ${version} (${from}).`);
  project.provide("postgres", url);
  project.provide("pglite", await ensurePgliteData());
  return engine?.stop;
};
