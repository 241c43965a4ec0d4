// A server that is a program: its process, its words, its port.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { ended, GROUPS, kill } from "./process-group.ts";
import { answers, freePort } from "./readiness.ts";
import type { CommandOptions, RunningServer, ServerPlace } from "./server-options.ts";

const URL_OF = /https?:[/][/][^\s/]+:(\d+)/;

/** `place.report` hears each line of its stderr; `said` each of its stdout. */
export async function startProcess(
  options: CommandOptions,
  place: ServerPlace,
  said: (line: string) => void,
): Promise<RunningServer> {
  const { command, cwd, env, ready = "url", startTimeout = 30_000, stopTimeout = 10_000, allow } = options;
  const [program, ...args] = command;
  const wanted = place.port === 0 && ready !== "url" ? await freePort() : place.port;
  const child = spawn(program === "node" ? process.execPath : program, args, {
    cwd,
    env: {
      ...process.env,
      NODE_ENV: "test",
      [options.port ?? "PORT"]: String(wanted),
      ...(options.database !== undefined && { [options.database]: place.database }),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    // So that what it starts itself (npx, tsx and npm do) can be killed with it.
    detached: GROUPS,
  });
  const gone = new AbortController();
  const endWithUs = (): void => kill(child);
  process.once("exit", endWithUs);
  let stopping = false;
  const complaints: string[] = [];
  createInterface(child.stderr).on("line", (line) => {
    complaints.push(line);
    // By search: a pattern with the flag g would go on from where it matched last.
    if (!allow || line.search(allow) < 0) place.report(line);
  });
  child.once("error", (error) => complaints.push(String(error)));
  // Behind its last words, which `exit` need not be.
  child.once("close", (code, signal) => {
    process.off("exit", endWithUs);
    // Where the server itself is still there, it would keep the port and the database.
    kill(child);
    gone.abort();
    if (!stopping) place.report(`The server ended by itself, with ${signal ?? `code ${code}`}.`);
  });
  const printed = new Promise<number>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      said(line);
      // Playwright has its processes print in colours, within an address too.
      const port = URL_OF.exec(stripVTControlCharacters(line))?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
  const stop: RunningServer["stop"] = async (signal) => {
    stopping = true;
    if (await ended(child, signal, stopTimeout)) return;
    place.report(`The server has not ended ${stopTimeout / 1000} s after ${signal}.`);
    await ended(child, "SIGKILL", stopTimeout);
  };
  const late = AbortSignal.timeout(startTimeout);
  const failed = once(AbortSignal.any([gone.signal, late]), "abort").then((): never => {
    const why = gone.signal.aborted ? "ended" : `is not ready after ${startTimeout / 1000} s${hint(ready)}`;
    throw new Error(`The server (${command.join(" ")}) ${why}. ${complaints.join("\n")}`);
  });
  try {
    const there = ready === "url" ? printed : answers(wanted, ready, AbortSignal.any([gone.signal, late]));
    return { port: await Promise.race([there, failed]), stop };
  } catch (error) {
    await stop("SIGKILL");
    throw error;
  }
}

const hint = (ready: CommandOptions["ready"]): string =>
  ready === "url" || ready === undefined
    ? ': it has printed no URL with a port. If it prints none, say `ready: "port"`'
    : "";
