// Twenty of a system's own clients in this process, its own server in another, 500 changes by each: how long until all
// show what the server has, what it costs either process, whose connection was lost. Seen from outside, the same for all
// systems. A system that never gets there is stopped after a while, and the figures say so.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { profiling } from "../control.ts";
import type { Assignment, Measured } from "../scenarios.ts";
import { ServerProcess, watch } from "../server-process.ts";
import { agree, astray, mistake } from "./agreement.ts";
import type { Kept, RealSystem } from "./real-client.ts";

const CLIENTS = 20;
const EACH = 500;
/** In a burst so many changes by each between two turns of the event loop. */
const A_TURN = 10;
/** Changes a second of all clients together, where they are paced. */
const PACE = 1_000;
/** Milliseconds after the last change in which all have to have converged. */
const GIVE_UP = 150_000;
const POLL = 20;
/** Milliseconds in which all have to have joined. */
const JOIN = 30_000;

/** Does the work of the assignment and tells what it measured. */
export async function work(make: (kept: Kept) => RealSystem): Promise<void> {
  const assignment = JSON.parse(process.argv[2] ?? "{}") as Assignment;
  const [, mode, kept] = assignment.scenario.split("-") as ["clients", "burst" | "paced", Kept];
  const each = assignment.quick ? EACH / 20 : EACH;
  const wrong = (why: string): never => {
    process.stderr.write(`${assignment.system}, ${assignment.scenario}: ${why}\n`);
    process.exit(1);
  };
  const system = make(kept);
  const { profile, ...unprofiled } = assignment;
  const server = new ServerProcess(system.server, { ...unprofiled, profile: undefined }, wrong);
  const port = await server.port();
  let lost = 0;
  let over = false;
  const gone = (why: string): void => {
    if (over) return;
    // The first says what the others most likely say too.
    if (lost++ === 0) process.stderr.write(`${assignment.system}, ${assignment.scenario}: lost: ${why}\n`);
  };
  // Whoever started this has gone: so do this and, with it, the server.
  process.on("disconnect", () => process.exit());
  const late = setTimeout(() => wrong(`not all have joined in ${JOIN} ms`), JOIN);
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, number) => system.join(port, number, gone)),
  );
  clearTimeout(late);
  if (!agree(clients)) wrong("the clients do not begin with the same");
  await sleep(500);

  system.begin?.();
  const before = await server.stats();
  const stop = profile === undefined ? undefined : await profiling();
  const delay = monitorEventLoopDelay();
  delay.enable();
  const [began, own, watched] = [performance.now(), process.cpuUsage(), watch()];
  await (mode === "burst" ? burst : paced)(each, (from, n) => clients[from]!.change(n));
  const said = performance.now();
  let converged = performance.now();
  let stray = CLIENTS;
  while (stray > 0 && converged - said < GIVE_UP) {
    await sleep(POLL);
    converged = performance.now();
    // The server is asked only where the clients have come to the same, so asking costs it next to nothing.
    if (agree(clients)) stray = astray(clients, await server.places());
  }
  const { user, system: kernel } = process.cpuUsage(own);
  delay.disable();
  await stop?.(profile!);
  const cpu = (await server.stats()).cpu - before.cpu;
  const { elapsed: _, ...busy } = watched(cpu);
  const places = await server.places();
  // Until they agree nobody is counted.
  if (stray > 0) stray = astray(clients, places);
  const why = stray > 0 ? undefined : mistake(places, CLIENTS, each);
  if (why !== undefined) wrong(why);

  const updates = system.updates?.();
  over = true;
  for (const client of clients) await client.close();
  await server.stop();
  const changes = CLIENTS * each;
  const measured: Measured = {
    took: converged - began,
    late: converged - said,
    stray,
    lost,
    turn: delay.max / 1_000_000,
    cpu: cpu / changes,
    loadCpu: (user + kernel) / changes,
    ...(updates && {
      ran: updates.ran,
      had: updates.had,
      update: updates.each,
      overUpdates: (user + kernel) / (updates.had * updates.each),
      snapshots: updates.snapshots,
    }),
    ...busy,
  };
  process.send!(measured, () => process.exit());
}

type Change = (from: number, n: number) => void;

/** As fast as they can, all of them side by side, with a turn of the loop between whiles. */
async function burst(each: number, change: Change): Promise<void> {
  for (let done = 0; done < each; done += A_TURN) {
    for (let from = 0; from < CLIENTS; from++) {
      for (let n = done + 1; n <= Math.min(each, done + A_TURN); n++) change(from, n);
    }
    await turn();
  }
}

/** One after the other at their times. Whoever is late makes up for it: as many are made as were due. */
async function paced(each: number, change: Change): Promise<void> {
  const began = performance.now();
  for (let made = 0; made < each * CLIENTS;) {
    const due = Math.min(each * CLIENTS, Math.floor(((performance.now() - began) * PACE) / 1_000));
    for (; made < due; made++) change(made % CLIENTS, 1 + Math.floor(made / CLIENTS));
    await sleep(1);
  }
}
