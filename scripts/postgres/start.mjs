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
 * @property {(signal: EngineEnd) => Promise<void>} down ends the server, not its data. Only of one of our own
 * @property {() => Promise<void>} up starts it again, at the same url
 * @property {() => Promise<void>} stop
 */
/** @typedef {"SIGINT" | "SIGQUIT" | "SIGKILL"} EngineEnd as `pg_ctl stop` in its modes fast and immediate; and no mode at all */

const notOurs = () => Promise.reject(new Error("The engine is the user's: it is not ended here."));

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
      down: notOurs,
      up: notOurs,
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
  const answers = createInterface(keeper.stdout);
  /** @returns {Promise<string | undefined>} its next word */
  const heard = () =>
    Promise.race([
      new Promise((resolve) => {
        answers.once("line", resolve);
      }),
      gone.then(() => undefined),
    ]);
  const ask = async (/** @type {string} */ order) => {
    const answer = heard();
    keeper.ref();
    keeper.stdin.write(`${order}\n`);
    const told = await answer;
    keeper.unref();
    if (told === undefined) throw new Error(`Postgres is gone: it was told "${order}".`);
  };
  const told = await heard();
  if (told === undefined) return undefined;
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
    down: (signal) => ask(`down ${signal}`),
    up: () => ask("up"),
    async stop() {
      keeper.ref();
      keeper.stdin.end();
      await gone;
    },
  };
};
