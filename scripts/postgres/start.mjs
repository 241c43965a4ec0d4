// A Postgres for tests and benchmarks, on a port and in a folder of its own, gone at the end.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ensurePostgres } from "./binaries.mjs";

/**
 * @typedef {object} Engine
 * @property {string} url as its superuser; `postgres` is its database
 * @property {string} version
 * @property {string} from where its programs are from
 * @property {number | undefined} pid undefined where it was there before
 * @property {() => Promise<void>} stop
 */

/**
 * The one that `CALLA_POSTGRES_URL` names, or one of our own. Unless `settings` say otherwise it does not flush to the
 * disk: killed it loses nothing, but power must not fail.
 * @param {{ major?: string | undefined, settings?: Record<string, string>, own?: boolean }} [options]
 *   `own`: not the one that the user names.
 * @returns {Promise<Engine | undefined>} undefined where there is none and none could be had
 */
export const startPostgres = async ({ major, settings = {}, own = false } = {}) => {
  const named = process.env.CALLA_POSTGRES_URL;
  if (named && !own)
    return {
      url: named,
      version: "as it is",
      from: "CALLA_POSTGRES_URL",
      pid: undefined,
      stop: async () => undefined,
    };
  const binaries = await ensurePostgres(major);
  if (binaries === undefined) return undefined;
  const keeper = spawn(
    process.execPath,
    [fileURLToPath(new URL("keeper.mjs", import.meta.url)), JSON.stringify({ ...binaries, settings })],
    { stdio: ["pipe", "pipe", "inherit"], detached: true },
  );
  const gone = new Promise((resolve) => {
    keeper.once("exit", resolve);
  });
  const told = await Promise.race([
    new Promise((resolve) => {
      createInterface(keeper.stdout).once("line", resolve);
    }),
    gone.then(() => undefined),
  ]);
  if (typeof told !== "string") return undefined;
  // Neither its process nor its pipes keep this one alive.
  keeper.unref();
  for (const pipe of [keeper.stdin, keeper.stdout])
    /** @type {{ unref?: () => void }} */ (/** @type {unknown} */ (pipe)).unref?.();
  const { url, pid } = JSON.parse(told);
  return {
    url,
    pid,
    version: binaries.version,
    from: binaries.from,
    async stop() {
      keeper.ref();
      keeper.stdin.end();
      await gone;
    },
  };
};
