// A PgBouncer before a Postgres for tests: in transaction mode, on a port and in a folder of its own, gone at the end.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { installFromDebian } from "./binaries.mjs";
import { startKept } from "./kept.mjs";

/** @returns {{ path: string, version: string } | undefined} */
const findPgBouncer = () => {
  // Debian has it where not everybody looks.
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/opt/homebrew/bin"];
  for (const path of folders.map((folder) => join(folder, "pgbouncer")).filter((file) => existsSync(file)))
    try {
      const told = execFileSync(path, ["--version"], { encoding: "utf8" });
      return { path, version: /(\d+\.\d+\.\d+)/.exec(told)?.[1] ?? "unknown" };
    } catch {
      // Not for this machine.
    }
  return undefined;
};

/**
 * @param {string} url of the server behind it
 * @returns {Promise<{ url: string, version: string, stop: () => Promise<void> } | undefined>}
 *   undefined where there is none and none could be had
 */
export const startPgBouncer = async (url) => {
  let found = findPgBouncer();
  if (found === undefined) {
    console.log("No PgBouncer found: installing one.");
    await installFromDebian("pgbouncer");
    found = findPgBouncer();
  }
  if (found === undefined) return undefined;
  const kept = await startKept(new URL("pgbouncer-keeper.mjs", import.meta.url), { path: found.path, url });
  return kept && { url: String(kept.told.url), version: found.version, stop: kept.stop };
};
