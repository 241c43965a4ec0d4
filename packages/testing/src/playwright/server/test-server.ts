// The server of one test: always on the same port, with a database of its own, whatever happens to it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Complaints } from "../errors/complaints.ts";
import { startProcess } from "./process.ts";
import type { RunningServer, ServerOptions, ServerPlace, StopSignal } from "./server-options.ts";

/** What a restart may say. */
export interface RestartOptions {
  /** How it is stopped. Default: `SIGTERM`. */
  readonly signal?: StopSignal;
  /** It begins with another database: what was there is lost. Default: false. */
  readonly empty?: boolean;
}

/**
 * Your server, as a test has it: it runs when the test begins, and is gone after it, with its database.
 *
 * @example
 * await server.restart({ signal: "SIGKILL" }); // where it was, with what it had
 * await server.restart({ empty: true }); // its database is lost
 */
export class TestServer {
  /** What it printed: lines of its stdout. */
  readonly output: string[] = [];
  readonly #complaints = new Complaints();
  readonly #options: ServerOptions;
  readonly #onStop: () => void;
  readonly #folder = mkdtempSync(join(tmpdir(), "calla-test-"));
  #running: RunningServer | undefined;
  #port = 0;
  #databases = 0;

  /** `onStop` is called before each stop: from now on browsers have reason to complain. */
  constructor(options: ServerOptions, onStop: () => void = () => undefined) {
    this.#options = options;
    this.#onStop = onStop;
  }

  /**
   * What it had to complain about, without what was allowed: lines of its stderr, or what it reported, and that it ended by
   * itself. A test fails that ends with one.
   */
  get errors(): string[] {
    return this.#complaints.errors;
  }
  /** What matches is no error, before and from now on. */
  allow(pattern: RegExp): void {
    this.#complaints.allow(pattern);
  }

  /** The same across restarts; 0 until it has run once. */
  get port(): number {
    return this.#port;
  }
  /** Where it is without any person's line, without a slash at its end. */
  get url(): string {
    return `http://localhost:${this.#port}`;
  }
  get running(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves when it is ready. Does nothing if it runs. */
  async start(): Promise<void> {
    if (this.#running) return;
    const place: ServerPlace = {
      port: this.#port,
      database: join(this.#folder, `${this.#databases}.db`),
      report: (error) => void this.#complaints.add(textOf(error)),
    };
    this.#running =
      "start" in this.#options
        ? await this.#options.start(place)
        : await startProcess(this.#options, place, (line) => void this.output.push(line));
    this.#port = this.#running.port;
  }

  /** Resolves when it is gone. Does nothing if it does not run. */
  async stop(signal: StopSignal = "SIGTERM"): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (!running) return;
    this.#onStop();
    await running.stop(signal);
  }

  /** Stops it and starts it again, where it was. */
  async restart({ signal, empty = false }: RestartOptions = {}): Promise<void> {
    await this.stop(signal);
    if (empty) this.forget();
    await this.start();
  }

  /** The next start is with an empty database, as where a disk was lost. */
  forget(): void {
    this.#databases++;
  }

  /** Nothing of it is left. */
  async end(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
