// A Postgres for tests and benchmarks, on a port and in a folder of its own, gone at the end.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensurePostgres } from "./binaries.mjs";
import { startKept } from "./kept.mjs";

/**
 * @typedef {object} Engine
 * @property {string} url as its superuser; `postgres` is its database
 * @property {string} version
 * @property {string} from where its programs are from
 * @property {number | undefined} pid undefined where it was there before
 * @property {(signal: EngineEnd) => Promise<void>} down ends the server, not its data. Only of one of our own
 * @property {() => Promise<void>} up starts it again, at the same url
 * @property {() => Promise<void>} stop
 */
/** @typedef {"SIGINT" | "SIGQUIT" | "SIGKILL"} EngineEnd as `pg_ctl stop` in its modes fast and immediate; and no mode at all */

const notOurs = () => Promise.reject(new Error("The engine is the user's: it is not ended here."));

/**
 * The one that `CALLA_POSTGRES_URL` names, or one of our own. Unless `settings` say otherwise it does not flush to the
 * disk: killed it loses nothing, but power must not fail.
 * @param {{ major?: string | undefined, settings?: Record<string, string>, own?: boolean, standbyOf?: string }} [options]
 *   `own`: not the one that the user names. `standbyOf`: it begins as a copy of the server at that url and follows it.
 * @returns {Promise<Engine | undefined>} undefined where there is none and none could be had, or, for a standby, no pg_basebackup
 */
export const startPostgres = async ({ major, settings = {}, own = false, standbyOf } = {}) => {
  const named = process.env.CALLA_POSTGRES_URL;
  if (named && !own && standbyOf === undefined)
    return {
      url: named,
      version: "as it is",
      from: "CALLA_POSTGRES_URL",
      pid: undefined,
      down: notOurs,
      up: notOurs,
      stop: async () => undefined,
    };
  const binaries = await ensurePostgres(major);
  if (binaries === undefined) return undefined;
  if (standbyOf !== undefined && !existsSync(join(binaries.bin, "pg_basebackup"))) return undefined;
  const kept = await startKept(new URL("keeper.mjs", import.meta.url), { ...binaries, settings, standbyOf });
  if (kept === undefined) return undefined;
  const { url, pid } = /** @type {{ url: string, pid: number }} */ (kept.told);
  return {
    url,
    pid,
    version: binaries.version,
    from: binaries.from,
    down: (signal) => kept.ask(`down ${signal}`),
    up: () => kept.ask("up"),
    stop: kept.stop,
  };
};
