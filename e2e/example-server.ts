// An example's built server as a process of its own, on a port that stays the same across restarts.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export class ExampleServer {
  #process: ChildProcess | undefined;
  readonly #main: string;
  readonly #file: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "example-"));
  #files = 0;
  /** 0 until it has run once. */
  port = 0;
  /** What it had to complain about. */
  readonly errors: string[] = [];

  /** `file`: the variable that names the example's database. */
  constructor(example: string, file: string) {
    this.#main = fileURLToPath(new URL(`../examples/${example}/dist/server/main.js`, import.meta.url));
    this.#file = file;
  }

  async start(): Promise<void> {
    const file = join(this.#folder, `${this.#files}.db`);
    // Strict as in development, without its notice.
    const env = { ...process.env, NODE_ENV: "test", PORT: String(this.port), [this.#file]: file };
    const child = spawn(process.execPath, [this.#main], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    child.stderr.on("data", (text) => this.errors.push(String(text)));
    const lines = createInterface(child.stdout);
    const exited = once(child, "exit").then(() => {
      throw new Error(`The server ended: ${this.errors.join("")}`);
    });
    exited.catch(() => undefined);
    const [line] = (await Promise.race([once(lines, "line"), exited])) as [string];
    const url = /http:\S+/.exec(line)?.[0];
    if (url === undefined) throw new Error(`The server said no URL but: ${line}`);
    this.port = Number(new URL(url).port);
  }

  /** `SIGTERM` asks it to stop in an orderly way, `SIGKILL` does not ask. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  /** The next one begins with an empty database: others of the same names. */
  forget(): void {
    this.#files++;
  }
  /** Nothing of it is left. */
  async end(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.stop(signal);
    await this.start();
  }
}
