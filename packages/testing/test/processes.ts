// Servers in processes of their own, told what to do and heard by words. Bundled once, so that a life begins within
// milliseconds.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { build } from "esbuild";
import { currentMutant, mutantPlugin } from "../mutants/plugin.mjs";

/** Beside the sources, so that the packages it leaves out are found. */
export async function bundled(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["calla-source", "module", "development"],
    external: ["better-sqlite3", "pg", "postgres", "ws"],
    logLevel: "error",
    plugins: [mutantPlugin(currentMutant())],
  });
}

interface AnyWord {
  readonly type: string;
}

export class ServerProcess<Order extends AnyWord, Word extends AnyWord> {
  readonly #child: ChildProcess;
  readonly #heard: Word[] = [];
  #waiting: (() => void) | undefined;
  #gone = false;
  #killed = false;

  /** `told` hears every word as it comes. */
  constructor(bundle: string, told: (word: Word) => void = () => {}) {
    this.#child = fork(bundle, { serialization: "advanced", stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (word: Word) => {
      this.#heard.push(word);
      told(word);
      this.#waiting?.();
    });
    this.#child.once("exit", () => {
      this.#gone = true;
      this.#waiting?.();
    });
  }

  /** 0: it ended by itself and in good order. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Whether it ended by `dead`. */
  get wasKilled(): boolean {
    return this.#killed;
  }

  say(order: Order): void {
    this.#child.send(order, () => {}); // one that is gone hears nothing; its exit tells
  }

  /** The first word of a type, or undefined if it dies before it says it. */
  async hear<T extends Word["type"]>(type: T): Promise<Extract<Word, { type: T }> | undefined> {
    for (;;) {
      const found = this.#heard.find((word): word is Extract<Word, { type: T }> => word.type === type);
      if (found !== undefined || this.#gone) return found;
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
  }

  all<T extends Word["type"]>(type: T): readonly Extract<Word, { type: T }>[] {
    return this.#heard.filter((word): word is Extract<Word, { type: T }> => word.type === type);
  }

  /** SIGTERM: it is to end by itself, in good order. */
  terminate(): void {
    this.#child.kill("SIGTERM");
  }

  /** It stands still: neither it nor whoever waits for it knows. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }
  /** It goes on, as if no time had passed. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** Resolves once it is gone. */
  async ended(): Promise<void> {
    if (!this.#gone) await new Promise((resolve) => this.#child.once("exit", resolve));
  }

  /** Resolves once it is gone, by itself or after so many milliseconds by SIGKILL. */
  async dead(within: number): Promise<"itself" | "killed"> {
    if (this.#gone) return "itself";
    const timer = setTimeout(() => {
      this.#killed = true;
      this.#child.kill("SIGKILL");
    }, within);
    await this.ended();
    clearTimeout(timer);
    return this.#killed ? "killed" : "itself";
  }
}
