// Before the tests that run on the newest Postgres too (vitest.config.ts): npm's, whatever the machine has.
import { noteEngine } from "../reports.mjs";
import { NEWEST } from "./binaries.mjs";
import { startPostgres } from "./start.mjs";

/** @param {import("vitest/node").TestProject} project */
export const setup = async (project) => {
  const engine = await startPostgres({ major: NEWEST, own: true });
  noteEngine(
    engine
      ? `Tested in short on Postgres ${engine.version} (${engine.from}).`
      : `Not tested on Postgres ${NEWEST}: npm has none for this machine, or gave none.`,
  );
  project.provide("postgres", engine?.url);
  project.provide("pgBouncer", undefined);
  project.provide("pglite", undefined);
  project.provide("ways", ["pg", "postgres"]);
  return engine?.stop;
};
