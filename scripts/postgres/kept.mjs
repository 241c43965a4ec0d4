// Keepers: processes that each keep one server for tests and end it once their standard input ends, which it does however
// their parent dies. A keeper says a line of JSON when its server is there, and one in answer to each order.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @returns {Promise<number>} */
export const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });

/**
 * @typedef {object} Kept
 * @property {Record<string, unknown>} told what the keeper said of its server
 * @property {(order: string) => Promise<void>} ask
 * @property {() => Promise<void>} stop
 */

/**
 * @param {URL} script
 * @param {object} options for it
 * @returns {Promise<Kept | undefined>} undefined where the server did not start; its keeper has said why
 */
export const startKept = async (script, options) => {
  const keeper = spawn(process.execPath, [fileURLToPath(script), JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
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
  const told = await heard();
  if (told === undefined) return undefined;
  // Neither its process nor its pipes keep this one alive.
  keeper.unref();
  for (const pipe of [keeper.stdin, keeper.stdout])
    /** @type {{ unref?: () => void }} */ (/** @type {unknown} */ (pipe)).unref?.();
  return {
    told: JSON.parse(told),
    async ask(order) {
      const answer = heard();
      keeper.ref();
      keeper.stdin.write(`${order}\n`);
      const said = await answer;
      keeper.unref();
      if (said === undefined) throw new Error(`The server is gone: it was told "${order}".`);
    },
    async stop() {
      keeper.ref();
      keeper.stdin.end();
      await gone;
    },
  };
};

/**
 * The other side: what a keeper is told. Whatever ends it, `end` is called.
 * @param {{ end: (code: number) => void, order?: (line: string) => void }} hears
 */
export const keep = ({ end, order = () => undefined }) => {
  createInterface(process.stdin).on("line", order);
  process.stdin.resume();
  for (const over of ["end", "close", "error"]) process.stdin.on(over, () => end(0));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => end(0));
};
