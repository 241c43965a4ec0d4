// The server's process seen from the load's, and who used the machine meanwhile.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { Answer, Places, Question, Stats } from "./control.ts";
import type { Dialect } from "./dialects.ts";
import { PIN } from "./scenarios.ts";
import type { Assignment, Measured } from "./scenarios.ts";

/** A server under measurement. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #wrong: (why: string) => never;
  #waiting: ((answer: Answer) => void) | undefined;

  constructor(
    [file, ...args]: Dialect["server"],
    { serverCore, profile }: Pick<Assignment, "serverCore" | "profile">,
    wrong: (why: string) => never,
  ) {
    this.#wrong = wrong;
    const bundle = fileURLToPath(new URL(`${file}.mjs`, import.meta.url));
    const command = [process.execPath, "--expose-gc", bundle, ...args];
    if (serverCore !== undefined) command.unshift(...PIN, String(serverCore));
    if (profile !== undefined) command.push(`--profile=${profile}`);
    this.#child = spawn(command[0]!, command.slice(1), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.#child.on("message", (answer: Answer) => this.#waiting?.(answer));
    this.#child.on("exit", (code) => code !== 0 && wrong(`the server ended with ${code}`));
  }

  ask(question?: Question): Promise<Answer> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      if (question !== undefined) this.#child.send(question);
    });
  }
  async port(): Promise<number> {
    const answer = await this.ask();
    return "port" in answer ? answer.port : this.#wrong("the server told no port");
  }
  async stats(question: "stats" | "stats-after-gc" = "stats"): Promise<Stats> {
    const answer = await this.ask(question);
    return "stats" in answer ? answer.stats : this.#wrong("the server told nothing");
  }
  async places(): Promise<Places> {
    const answer = await this.ask("places");
    return "places" in answer ? answer.places : this.#wrong("the server told no places");
  }
  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.send("stop" satisfies Question);
    await gone;
  }
}

/** Begins to watch who uses the machine; what it gives ends that, given the CPU of the server in between. */
export function watch(): (
  serverCpu: number,
) => Pick<Measured, "serverBusy" | "loadBusy" | "others"> & { elapsed: number } {
  const machine = (): number =>
    1_000 *
    cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, stolen());
  const [began, own, all] = [performance.now(), process.cpuUsage(), machine()];
  return (serverCpu) => {
    const elapsed = 1_000 * (performance.now() - began);
    const { user, system } = process.cpuUsage(own);
    return {
      elapsed,
      serverBusy: serverCpu / elapsed,
      loadBusy: (user + system) / elapsed,
      others: Math.max(0, machine() - all - serverCpu - user - system) / elapsed / cpus().length,
    };
  };
}

/** Milliseconds that a virtual machine's host gave to others, where the kernel says so: it is load like any other. */
function stolen(): number {
  try {
    const all = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]!.split(/\s+/);
    return 10 * Number(all[8] ?? 0); // in ticks of 10 ms; user nice system idle iowait irq softirq steal
  } catch {
    return 0; // no Linux
  }
}
