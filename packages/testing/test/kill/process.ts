// Servers' processes: one lives, one is loaded and waits. Bundled once, so that a life begins within milliseconds.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Order, Word } from "./server.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Beside the sources, so that the packages it leaves out are found. */
export async function bundled(outfile: string): Promise<void> {
  await build({
    entryPoints: [here("server.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["calla-source", "module", "development"],
    external: ["better-sqlite3", "ws"],
    logLevel: "error",
  });
}

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #heard: Word[] = [];
  #waiting: (() => void) | undefined;
  #gone = false;

  constructor(bundle: string) {
    this.#child = fork(bundle, { serialization: "advanced", stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (word: Word) => {
      this.#heard.push(word);
      this.#waiting?.();
    });
    this.#child.once("exit", () => {
      this.#gone = true;
      this.#waiting?.();
    });
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

  get reported(): readonly Extract<Word, { type: "reported" }>[] {
    return this.#heard.filter((word) => word.type === "reported");
  }

  /** Resolves once it is gone, by itself or after so many milliseconds by SIGKILL. */
  async dead(within: number): Promise<"itself" | "killed"> {
    if (this.#gone) return "itself";
    let how: "itself" | "killed" = "itself";
    const timer = setTimeout(() => {
      how = "killed";
      this.#child.kill("SIGKILL");
    }, within);
    await new Promise((resolve) => this.#child.once("exit", resolve));
    clearTimeout(timer);
    return how;
  }
}
