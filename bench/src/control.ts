// What a server process and the load that started it say to each other.
import { setTimeout as sleep } from "node:timers/promises";
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector";

export interface Stats {
  /** Microseconds of CPU, user and system. */
  readonly cpu: number;
  readonly rss: number;
  /** Bytes that wait in the server to be written to its clients. */
  readonly unwritten: number;
}
export type Question = "stats" | "stats-after-gc" | "profile" | "profiled" | "stop";
export type Answer = { readonly port: number } | { readonly stats: Stats } | { readonly done: true };

/** Serves the questions of the load. `--profile=FILE` is where a profile goes. */
export function control(port: number, unwritten = (): number => 0): void {
  const file = process.argv.find((argument) => argument.startsWith("--profile="))?.slice(10);
  const answer = (given: Answer): void => void process.send?.(given);
  let session: Session | undefined;
  process.on("disconnect", () => process.exit());
  process.on("message", (question: Question) => {
    switch (question) {
      case "stats":
        return answer({ stats: stats(unwritten()) });
      case "stats-after-gc":
        return void afterGc().then(() => answer({ stats: stats(unwritten()) }));
      case "profile":
        session = new Session();
        session.connect();
        session.post("Profiler.enable");
        session.post("Profiler.setSamplingInterval", { interval: 200 });
        return session.post("Profiler.start", () => answer({ done: true }));
      case "profiled":
        return session?.post("Profiler.stop", (_error, { profile }) => {
          writeFileSync(file ?? "server.cpuprofile", JSON.stringify(profile));
          answer({ done: true });
        });
      case "stop":
        return process.exit();
      default:
        question satisfies never;
    }
  });
  answer({ port });
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
