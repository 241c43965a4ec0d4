// The nodes of examples/scaled with what stands before and below them, as processes of this machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startPostgres } from "../postgres/start.mjs";
import { root } from "../run.mjs";
import { findNginx, startNginx } from "./nginx.mjs";
import { withUs } from "./with-us.mjs";
import { startProxy } from "./proxy.mjs";

const pause = (/** @type {number} */ time) =>
  new Promise((resolve) => {
    setTimeout(resolve, time);
  });

/** One node: a process, and the next one on the same port whenever it is gone. */
class Node {
  port = 0;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #child;
  #wanted = true;
  #env;
  #say;

  /**
   * @param {NodeJS.ProcessEnv} env
   * @param {(line: string) => void} say
   */
  constructor(env, say) {
    this.#env = env;
    this.#say = say;
  }

  get pid() {
    return this.#child?.pid;
  }

  /** Resolves when it takes visitors. */
  async start() {
    const child = spawn(process.execPath, [join(root, "examples/scaled/dist/server/main.js")], {
      env: { ...this.#env, PORT: String(this.port) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    withUs(child);
    createInterface(child.stderr).on("line", this.#say);
    const port = new Promise((resolve) => {
      createInterface(child.stdout).on("line", (line) => {
        const found = /localhost:(\d+)/.exec(line)?.[1];
        if (found) resolve(Number(found));
      });
      child.once("exit", () => resolve(0));
    });
    child.once("exit", (code, signal) => {
      if (!this.#wanted || this.#child !== child) return;
      this.#say(`is gone (${signal ?? code}), and is started again`);
      void pause(500).then(() => (this.#wanted && this.#child === child ? this.start() : undefined));
    });
    this.port = (await port) || this.port;
    while (this.#wanted && this.#child === child && !(await this.ready())) await pause(50);
  }

  async ready() {
    return fetch(`http://127.0.0.1:${this.port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    this.#child?.kill(signal);
  }

  /**
   * Ends it; it is started again only by `start`.
   * @param {NodeJS.Signals} signal
   */
  async end(signal) {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
    clearTimeout(late);
  }

  async stop() {
    this.#wanted = false;
    await this.end("SIGINT");
  }
}

/**
 * @param {object} [options]
 * @param {number} [options.port] of the balancer. Default: any that is free.
 * @param {boolean} [options.fetch] whether Debian may be asked for nginx. Default: false.
 * @param {NodeJS.ProcessEnv} [options.env] of the nodes, beside this process's.
 * @param {(line: string) => void} [options.say] Hears what the nodes say on their standard error output.
 */
export const startCluster = async ({
  port = 0,
  fetch: mayFetch = false,
  env = {},
  say = console.log,
} = {}) => {
  // As in earnest: what is acknowledged is on the disk.
  const engine = await startPostgres({ settings: { fsync: "on", full_page_writes: "on" } });
  if (!engine)
    throw new Error("There is no Postgres, and none could be had. Name one: CALLA_POSTGRES_URL=postgres://…");
  const nodes = [1, 2, 3].map(
    (name) =>
      new Node({ ...process.env, DATABASE_URL: engine.url, TRUSTED_PROXIES: "127.0.0.1", ...env }, (line) =>
        say(`node ${name}: ${line}`),
      ),
  );
  /** @type {Awaited<ReturnType<typeof startProxy>> | undefined} */
  let balancer;
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await balancer?.stop();
    await engine.stop();
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
    if (nodes.some((node) => node.port === 0)) throw new Error("The nodes do not start.");
    const ports = nodes.map((node) => node.port);
    const nginx = findNginx(mayFetch);
    balancer = nginx ? await startNginx(nginx, ports, port) : await startProxy(ports, port);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port: balancer.port,
    balancer: balancer.name,
    database: engine.url,
    engine: `Postgres ${engine.version} (${engine.from})`,
    nodes,
    /** Replaces the nodes one by one; each drains, and the next one goes when it is ready again. */
    async roll() {
      for (const [at, node] of nodes.entries()) {
        say(`node ${at + 1}: drains`);
        await node.end("SIGTERM");
        await node.start();
        say(`node ${at + 1}: is ready again`);
      }
    },
    stop,
  };
};
