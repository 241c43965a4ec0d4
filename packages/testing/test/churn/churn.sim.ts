// A long run: clients connect, subscribe, dispatch, leave and are cut off, over WebSocket and HTTP, while the heap of their
// server stays flat, and nothing is left when all have gone. CALLA_CHURN is how many times as long as in every `npm test`
// it runs, then with five hundred of them; CALLA_FROM the seed. Its length is counted in what is done, not in seconds.
import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { People } from "./people.ts";
import type { Held, Word } from "./server.ts";

const TIMES = Number(process.env["CALLA_CHURN"] ?? 1);
const SEED = Number(process.env["CALLA_FROM"] ?? 1);
const PEOPLE = TIMES > 1 ? 500 : 120;
const ROOMS = PEOPLE / 6;
/** The heap is looked at so often, after so many steps of so many acts. */
const SAMPLES = 24;
/**
 * Bytes that the heap may grow by with each connection, once warm. A connection that is kept costs 10 KB and more; code
 * that is still being compiled shows as some hundred bytes in a long run, as some thousand in a short one.
 */
const MOST = TIMES > 1 ? 1_500 : 5_000;
const STEPS = 12 * TIMES;
/** Everybody does as much before the warm-up ends, however many they are. */
const ACTS = PEOPLE / 10;
/** Milliseconds between two steps. */
const STEP = 25;

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const sleep = (milliseconds: number): Promise<unknown> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

class ServerProcess {
  readonly #child;
  readonly #gone: Promise<number | null>;

  constructor(bundle: string, file: string) {
    this.#child = fork(bundle, [file], {
      execArgv: ["--expose-gc"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.#gone = new Promise((resolve) => this.#child.once("exit", resolve));
  }
  async #next(): Promise<Word> {
    const word = new Promise<Word>((resolve) => this.#child.once("message", resolve));
    const ended = this.#gone.then((code) => {
      throw new Error(`the server ended with ${code}`);
    });
    return Promise.race([word, ended]);
  }
  async port(): Promise<number> {
    const word = await this.#next();
    return "port" in word ? word.port : Number.NaN;
  }
  /** What it holds; `left`: with its sockets and answers counted. */
  async held(order: "held" | "left" = "held"): Promise<Held> {
    const told = this.#next();
    this.#child.send(order);
    const word = await told;
    if (!("held" in word)) throw new Error("it told something else");
    return word.held;
  }
  async stop(): Promise<void> {
    this.#child.send("stop");
    await this.#gone;
  }
  /** Whatever became of the test, nobody is left behind. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Least squares: how much y grows with each x. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([x]) => x), mean(([, y]) => y)];
  return mean(([a, b]) => (a - x) * (b - y)) / mean(([a]) => (a - x) ** 2);
}

test(
  `S24 [TR12] [HT12] [SV3] seed ${SEED}: ${PEOPLE} clients come and go and leave nothing behind`,
  { timeout: TIMES * 240_000 },
  async () => {
    // Beside the sources, so that what the bundle leaves out is found.
    const folder = await mkdtemp(here(".churned-"));
    let server: ServerProcess | undefined;
    try {
      await build({
        entryPoints: [here("server.ts")],
        outfile: join(folder, "server.mjs"),
        bundle: true,
        platform: "node",
        format: "esm",
        target: "node20",
        conditions: ["calla-source", "module", "production"],
        external: ["better-sqlite3", "ws", "zod", "@msgpack/msgpack"],
        logLevel: "error",
      });
      server = new ServerProcess(join(folder, "server.mjs"), join(folder, "log.db"));
      const port = await server.port();
      const nobody = await server.held("left");
      const people = new People(SEED, port, { people: PEOPLE, rooms: ROOMS });
      const samples: Held[] = [];
      while (people.open < 0.9 * PEOPLE) await sleep(50);
      while (samples.length < SAMPLES) {
        for (let step = 0; step < STEPS; step++) {
          for (let i = 0; i < ACTS; i++) people.act();
          await sleep(STEP);
        }
        samples.push(await server.held());
      }
      const { connected, accepted } = samples.at(-1)!;
      const steady = samples.slice(Math.floor(samples.length / (TIMES > 1 ? 3 : 2)));
      const growth = slope(steady.map(({ connected, heap }) => [connected, heap]));
      // oxlint-disable-next-line no-console -- reason: the run's figures are part of its result
      console.log(
        `churn: ${people.came} people, ${people.cuts} cut, ${connected} connections, ${people.said} said, ${accepted} accepted, ${people.open} open;`,
        `heap ${samples.map(({ heap }) => (heap / 1e6).toFixed(1)).join(" ")} MB; ${growth.toFixed(0)} bytes a connection`,
      );
      await people.leave();
      const gone = ({ inspection, sockets, answers }: Held): boolean =>
        inspection.targets.open + sockets + answers === nobody.sockets + nobody.answers;
      let left = await server.held("left");
      for (let i = 0; i < 50 && !gone(left); i++) {
        await sleep(200);
        left = await server.held("left");
      }
      await server.stop();
      expect(people.wrong).toEqual([]);
      // Said once, as of a proxy that is not listed: so many users do come from one address here (AU22).
      expect(left.errors).toEqual([expect.stringContaining("100 users have come from 127.0.0.1")]);
      expect(left.inspection.connections).toEqual({ all: 0, pending: 0, slow: 0, unwritten: 0 });
      expect(left.inspection.targets).toEqual({ open: 0, subscribed: 0, queued: 0 });
      expect([left.sockets, left.answers]).toEqual([nobody.sockets, nobody.answers]);
      expect(growth).toBeLessThan(MOST);
    } finally {
      server?.kill();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
