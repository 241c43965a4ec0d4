// PGlite makes its data anew each time, which takes seconds: it is made once and kept.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../run.mjs";
import { cache } from "./cache.mjs";

/** @returns {Promise<string>} an archive that `loadDataDir` takes */
export const ensurePgliteData = async () => {
  const server = createRequire(join(root, "packages", "server", "package.json"));
  const library = server.resolve("@electric-sql/pglite");
  const { version } = JSON.parse(readFileSync(join(dirname(library), "..", "package.json"), "utf8"));
  const kept = join(cache(), `pglite-${version}.tar`);
  if (existsSync(kept)) return kept;
  const { PGlite } = await import(pathToFileURL(join(dirname(library), "index.js")).href);
  const database = await PGlite.create();
  const data = await database.dumpDataDir("none");
  const fresh = `${kept}.${process.pid}`;
  writeFileSync(fresh, Buffer.from(await data.arrayBuffer()));
  renameSync(fresh, kept);
  await database.close();
  return kept;
};
