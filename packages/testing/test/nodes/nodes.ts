// Equal server processes over one Postgres. Each dies at some point of its work, or when it is told to, and another begins in
// its place; it may also stand still for longer than anybody waits for it.
import type { HistoryEvent, SeededRandom } from "../../src/index.ts";
import { POINTS } from "../kill/points.ts";
import type { Death, Point } from "../kill/points.ts";
import type { Order, Word } from "../kill/server.ts";
import { reported } from "../kill/verdict.ts";
import { ServerProcess } from "../processes.ts";

export interface NodesOptions {
  readonly bundle: string;
  /** Of the Postgres. */
  readonly url: string;
  readonly random: SeededRandom;
  readonly record: (event: HistoryEvent) => void;
}

interface Node {
  readonly process: ServerProcess<Order, Word>;
  readonly port: number;
  /** Where its work ends it; undefined: nowhere. */
  readonly death: Death | undefined;
}

const NODES = 3;
/** Milliseconds until another process takes the place of one that has died. */
const LONGEST_GAP = 300;
/** Lives that hear nobody's rings: they are only slower. */
const DEAF = 0.2;

export class Nodes {
  readonly died = new Map<Point, number>();
  deaf = 0;
  readonly #options: NodesOptions;
  readonly #now: (Node | undefined)[] = Array.from({ length: NODES });
  readonly #still = new Set<Node>();
  readonly #places: Promise<void>[] = [];
  readonly #started = new Set<ServerProcess<Order, Word>>();
  #next: ServerProcess<Order, Word>;
  #dying = true;
  #over = false;

  constructor(options: NodesOptions) {
    this.#options = options;
    this.#next = this.#loaded();
  }

  async begin(): Promise<void> {
    // One makes the schema; how they do it at once is a test of the log's.
    for (let place = 0; place < NODES; place++) {
      await this.#begin(place);
      this.#places.push(this.#keep(place));
    }
  }

  /** Where somebody comes to: to any, whatever has become of it. */
  port = (): number => this.#options.random.pick(this.#now)?.port ?? 1;

  /** SIGKILL for one. */
  async kill(): Promise<void> {
    await this.#options.random.pick(this.#running)?.process.dead(0);
  }

  /** One stands still for so long. There is always another one. */
  async stop(milliseconds: number): Promise<void> {
    const [node] = this.#options.random.shuffle(this.#running.filter((one) => !this.#still.has(one)));
    if (node === undefined || this.#still.size > 0) return;
    this.#still.add(node);
    node.process.pause();
    await wait(milliseconds);
    node.process.resume();
    this.#still.delete(node);
  }

  /** From now on nobody dies. Resolves once all are there. */
  async calm(): Promise<void> {
    this.#dying = false;
    for (const node of this.#running) if (node.death !== undefined) await node.process.dead(0);
    while (this.#now.some((node) => node === undefined)) await wait(10);
  }

  /** What each of them has of these; then they stop. */
  async read(pads: readonly string[]): Promise<readonly Extract<Word, { type: "models" }>[]> {
    this.#over = true;
    const said: Extract<Word, { type: "models" }>[] = [];
    for (const { process } of this.#running) {
      process.say({ type: "end", pads });
      const models = await process.hear("models");
      if (models === undefined) throw new Error("A node ended before it said what it had.");
      said.push(models);
    }
    await Promise.all(this.#places);
    return said;
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(Array.from(this.#started, (process) => process.dead(0)));
    await Promise.all(this.#places);
  }

  get #running(): readonly Node[] {
    return this.#now.filter((node) => node !== undefined);
  }

  /** A life after the other. */
  async #keep(place: number): Promise<void> {
    const { random, record } = this.#options;
    for (;;) {
      const { process, death } = this.#now[place]!;
      await process.ended();
      this.#now[place] = undefined;
      for (const word of process.all("reported")) record(reported(word));
      if (this.#over) return;
      if (process.exitCode !== null)
        record({ type: "reported", by: "node", error: new Error(`it ended with ${process.exitCode}`) });
      const point = process.wasKilled ? "any time" : (death?.point ?? "any time");
      this.died.set(point, (this.died.get(point) ?? 0) + 1);
      if (this.#dying) await wait(random.int(0, LONGEST_GAP));
      if (this.#over) return;
      await this.#begin(place);
      if (this.#now[place] === undefined) return;
    }
  }

  #death(): Death {
    const { random } = this.#options;
    const point = random.pick(POINTS);
    const calls = point.startsWith("snapshot") ? random.int(5, 40) : random.int(20, 200);
    return { point, calls, into: random.int(0, 30) / 10, lies: false };
  }

  #loaded(): ServerProcess<Order, Word> {
    const process = new ServerProcess<Order, Word>(this.#options.bundle);
    this.#started.add(process);
    return process;
  }

  async #begin(place: number): Promise<void> {
    const { url, random } = this.#options;
    const process = this.#next;
    this.#next = this.#loaded();
    await process.hear("loaded");
    const death = this.#dying ? this.#death() : undefined;
    const deaf = random.chance(DEAF);
    if (deaf) this.deaf++;
    process.say({ type: "begin", kept: { url, deaf }, death });
    const port = (await process.hear("listening"))?.port;
    if (port !== undefined) this.#now[place] = { process, port, death };
    else if (!this.#over) throw new Error("A node ended before it listened.");
  }
}

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
