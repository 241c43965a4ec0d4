// What a server process and the load that started it say to each other.
import { setTimeout as sleep } from "node:timers/promises";
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector";

/** Where a node of several finds its database's url: a command line is for all of a machine to read. */
export const DATABASE = "CALLA_BENCH_DATABASE";
/** The schema of a log in it, which is the benchmarks' own: the database may be somebody's. */
export const SCHEMA = "calla_bench";
/** What Socket.IO's adapter calls its table, for the same reason. */
export const ATTACHMENTS = "calla_bench_attachments";

export interface Stats {
  /** Microseconds of CPU, user and system. */
  readonly cpu: number;
  readonly rss: number;
  /** Bytes that wait in the server to be written to its clients. */
  readonly unwritten: number;
}
export type Question = "stats" | "stats-after-gc" | "profile" | "profiled" | "places" | "stop";
/** Of each item `x` and `y`, in order. */
export type Places = readonly (readonly [x: number, y: number])[];
export type Answer =
  | { readonly port: number }
  | { readonly stats: Stats }
  | { readonly places: Places }
  | { readonly done: true };

/** Serves the questions of the load. `--profile=FILE` is where a profile goes. */
export function control(
  port: number,
  unwritten = (): number => 0,
  places: () => Places | Promise<Places> = () => [],
): void {
  const file = process.argv.find((argument) => argument.startsWith("--profile="))?.slice(10);
  const answer = (given: Answer): void => void process.send?.(given);
  let stop: (file: string) => Promise<void>;
  process.on("disconnect", () => process.exit());
  process.on("message", (question: Question) => {
    switch (question) {
      case "stats":
        return answer({ stats: stats(unwritten()) });
      case "stats-after-gc":
        return void afterGc().then(() => answer({ stats: stats(unwritten()) }));
      case "profile":
        return void profiling().then((begun) => {
          stop = begun;
          answer({ done: true });
        });
      case "profiled":
        return void stop(file ?? "server.cpuprofile").then(() => answer({ done: true }));
      case "places":
        return void Promise.resolve(places()).then((known) => answer({ places: known }));
      case "stop":
        return process.exit();
      default:
        question satisfies never;
    }
  });
  answer({ port });
}

/** Begins a profile of this process; what it gives ends it and writes it. */
export function profiling(): Promise<(file: string) => Promise<void>> {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.setSamplingInterval", { interval: 200 });
  const stop = (file: string): Promise<void> =>
    new Promise((resolve) =>
      session.post("Profiler.stop", (_error, { profile }) => {
        writeFileSync(file, JSON.stringify(profile));
        session.disconnect();
        resolve();
      }),
    );
  return new Promise((resolve) => session.post("Profiler.start", () => resolve(stop)));
}

function stats(unwritten: number): Stats {
  const { user, system } = process.cpuUsage();
  return { cpu: user + system, rss: process.memoryUsage.rss(), unwritten };
}

/** Collects until there is nothing more to find; finalisers run between. */
async function afterGc(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await sleep(100);
  }
}
