// Runs commands for the other scripts: quietly with the output kept, or in the open with a sign of life.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));
const bin = fileURLToPath(new URL("../node_modules/.bin/", import.meta.url));

/** @param {NodeJS.ProcessEnv} env */
const withTools = (env) => ({ ...process.env, ...env, PATH: `${bin}:${process.env.PATH ?? ""}` });

/** @param {number} since */
export const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/**
 * Runs to the end and keeps what was printed.
 * @param {string} command a command line without quoting, split at blanks
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export const capture = (command, env = {}) =>
  new Promise((resolve) => {
    const [name = "", ...args] = command.split(" ");
    const child = spawn(name, args, { cwd: root, env: withTools({ NO_COLOR: "1", ...env }) });
    let output = "";
    const keep = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => resolve({ ok: false, output: `${output}${command}: ${error.message}\n` }));
    child.on("close", (code, signal) => {
      if (signal) output += `${command}: ended by ${signal}\n`;
      resolve({ ok: code === 0, output });
    });
  });

/**
 * Runs to the end with the output shown; says every ten seconds that it still runs.
 * @param {string} title
 * @param {string} command a command line without quoting, split at blanks
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<boolean>} whether it succeeded
 */
export const show = (title, command, env = {}) =>
  new Promise((resolve) => {
    const began = Date.now();
    console.log(`\n== ${title}: ${command}`);
    const [name = "", ...args] = command.split(" ");
    const child = spawn(name, args, { cwd: root, env: withTools(env), stdio: "inherit" });
    const life = setInterval(() => console.log(`   … ${title}, ${seconds(began)}`), 10_000);
    const end = (/** @type {boolean} */ ok) => {
      clearInterval(life);
      console.log(`== ${title}: ${ok ? "ok" : "FAILED"} in ${seconds(began)}`);
      resolve(ok);
    };
    child.on("error", (error) => {
      console.log(`${command}: ${error.message}`);
      end(false);
    });
    child.on("close", (code) => end(code === 0));
  });

/**
 * @typedef {{ name: string, command: string, after?: readonly string[] }} Step
 * A step that waits for others does not run where one of them failed.
 */

/**
 * Runs steps side by side, one per core, and prints each with its time; a failed one with its output.
 * @param {readonly Step[]} steps
 * @returns {Promise<{ failed: string[], took: { name: string, seconds: number }[] }>} the names of the steps that failed
 */
export const runSteps = async (steps) => {
  const waiting = new Set(steps);
  /** @type {Map<string, boolean>} */
  const done = new Map();
  /** @type {string[]} */
  const failed = [];
  /** @type {{ name: string, seconds: number }[]} */
  const took = [];
  const width = Math.max(...steps.map((step) => step.name.length));
  const next = () => [...waiting].find((step) => (step.after ?? []).every((name) => done.has(name)));

  /** @param {Step} step */
  const run = async (step) => {
    const missing = (step.after ?? []).filter((name) => done.get(name) === false);
    const began = Date.now();
    const { ok, output } =
      missing.length > 0
        ? { ok: false, output: `not run: it needs ${missing.join(", ")}\n` }
        : await capture(step.command);
    done.set(step.name, ok);
    took.push({ name: step.name, seconds: (Date.now() - began) / 1000 });
    if (!ok) failed.push(step.name);
    console.log(
      `${ok ? "ok  " : "FAIL"}  ${step.name.padEnd(width)}  ${seconds(began).padStart(7)}  ${step.command}`,
    );
    if (!ok) console.log(output.replace(/^/gm, "      "));
  };

  /** @type {Set<Promise<void>>} */
  const running = new Set();
  while (waiting.size > 0 || running.size > 0) {
    const step = running.size < Math.max(2, availableParallelism()) ? next() : undefined;
    if (step) {
      waiting.delete(step);
      const job = run(step).finally(() => running.delete(job));
      running.add(job);
    } else if (running.size > 0) {
      await Promise.race(running);
    } else {
      throw new Error(
        `steps that wait for steps not chosen: ${[...waiting].map(({ name }) => name).join(", ")}`,
      );
    }
  }
  return { failed, took };
};
