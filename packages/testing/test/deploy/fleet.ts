// The servers of a deploy: started and ended one by one, by SIGTERM. What one rings reaches the others, mostly. Clients
// go to any of them that listens.
import type { SeededRandom } from "../../src/index.ts";
import { ServerProcess } from "../processes.ts";
import type { Order, Word } from "./server.ts";

export interface Running {
  readonly version: 1 | 2;
  readonly process: ServerProcess<Order, Word>;
  readonly port: number;
}

/** Rings that get lost. */
const LOST = 0.2;

export class Fleet {
  readonly running: Running[] = [];
  readonly ended: ServerProcess<Order, Word>[] = [];
  rings = 0;
  readonly #bundle: string;
  readonly #file: string;
  readonly #random: SeededRandom;

  constructor(bundle: string, file: string, random: SeededRandom) {
    this.#bundle = bundle;
    this.#file = file;
    this.#random = random;
  }

  async start(version: 1 | 2): Promise<void> {
    const process: Running["process"] = new ServerProcess<Order, Word>(this.#bundle, (word) => {
      if (word.type !== "ring" || this.#random.chance(LOST)) return;
      this.rings++;
      for (const other of this.running) if (other.process !== process) other.process.say(word);
    });
    await process.hear("loaded");
    process.say({ type: "begin", file: this.#file, version });
    const { port } = (await process.hear("listening"))!;
    this.running.push({ version, process, port });
  }

  /** Says SIGTERM to the one that was started first, and waits for its end. It is found until it is gone. */
  async replaceFirst(): Promise<void> {
    const [{ process }] = this.running as [Running];
    process.terminate();
    const how = await process.dead(20_000);
    this.running.shift();
    this.ended.push(process);
    if (how !== "itself" || process.exitCode !== 0)
      throw new Error(`A drained server ended by ${how} with ${process.exitCode}.`);
  }

  /** Where a client goes: to any. None: nowhere. */
  url = (): string => {
    const all = this.running.map(({ port }) => port);
    return `ws://127.0.0.1:${all.length === 0 ? 1 : this.#random.pick(all)}/ws`;
  };

  async end(): Promise<void> {
    for (const { process } of this.running) await process.dead(0);
  }
}
