// The load: one process that starts a server, is all of its clients, measures, and checks every delivery. Started by
// run.bench.ts with an assignment, it tells what it measured and ends.
import { setTimeout as sleep } from "node:timers/promises";
import { Crowd, until, WARM_PATIENCE } from "./crowd.ts";
import { dialectOf } from "./dialects.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Assignment, Measured, Paced } from "./scenarios.ts";
import { ServerProcess, watch } from "./server-process.ts";
import { updateAlone } from "./trip.ts";

const assignment = JSON.parse(process.argv[2] ?? "{}") as Assignment;
const scenario = SCENARIOS.find(({ name }) => name === assignment.scenario)!;
const dialect = dialectOf(assignment.system);

const wrong = (why: string): never => {
  process.stderr.write(`${assignment.system}, ${scenario.name}: ${why}\n`);
  process.exit(1);
};

/** Says one message at a time, at its time; tells how long each took to the last subscriber, or to its outcome. */
async function pace(crowd: Crowd, { perSecond, speakers }: Paced, milliseconds: number): Promise<number[]> {
  const began = new Map<string, number>();
  const took: number[] = [];
  const came = (from: number, n: number): void => {
    const message = `${from}:${n}`;
    took.push(performance.now() - began.get(message)!);
    began.delete(message);
  };
  if (scenario.follow)
    crowd.checks[0]!.complete = (messages) => messages.forEach(({ from, n }) => came(from, n));
  else crowd.outcome = ({ number, decided }) => came(number, decided);
  const start = performance.now();
  const count = Math.floor((milliseconds * perSecond) / 1_000);
  for (let i = 0; i < count; i++) {
    await sleep(Math.max(0, start + (i * 1_000) / perSecond - performance.now()));
    const speaker = crowd.peers[i % speakers]!;
    began.set(`${speaker.number}:${speaker.sent + 1}`, performance.now());
    crowd.say(speaker, 1);
  }
  await until("the last message", () => took.length === count, wrong);
  return took.toSorted((a, b) => a - b);
}

async function idle(crowd: Crowd, server: ServerProcess, port: number): Promise<Measured> {
  const before = await server.stats("stats-after-gc");
  const watched = watch();
  await crowd.arrive(port);
  const arrived = await server.stats();
  const { elapsed: _, ...busy } = watched(arrived.cpu - before.cpu);
  await sleep(assignment.quick ? 100 : 1_000);
  const after = await server.stats("stats-after-gc");
  return {
    memory: (after.rss - before.rss) / 1_024 / crowd.peers.length,
    cpu: (arrived.cpu - before.cpu) / crowd.peers.length,
    ...busy,
  };
}

async function busy(crowd: Crowd, server: ServerProcess): Promise<Measured> {
  const { speaks, counted, seconds } = scenario;
  const milliseconds = assignment.quick ? 500 : 1_000 * seconds;
  const counter = (): number => (counted === "deliveries" ? crowd.deliveries : crowd.decided);
  const warmUp = assignment.quick ? 200 : 1_000 * (scenario.warmUp ?? 1);
  let latencies: number[] | undefined;
  if (speaks.how === "window")
    crowd.start(lone ? speaks.window * speaks.speakers : speaks.window, speaks.speakers);
  else if (speaks.how === "paced") await pace(crowd, speaks, warmUp);
  if (speaks.how === "window") await sleep(warmUp);
  const warm = assignment.quick ? 0 : (scenario.warmUpCount ?? 0);
  await until("the warm-up", () => counter() >= warm, wrong, WARM_PATIENCE);
  if (assignment.profile !== undefined) await server.ask("profile");

  const before = await server.stats();
  const [count, watched] = [counter(), watch()];
  if (speaks.how === "paced") latencies = await pace(crowd, speaks, milliseconds);
  else await sleep(milliseconds);
  const after = await server.stats();
  const done = counter() - count;
  const cpu = after.cpu - before.cpu;
  const { elapsed, ...busy } = watched(cpu);

  if (assignment.profile !== undefined) await server.ask("profiled");
  await crowd.settle();
  return {
    cpu: cpu / done,
    loadCpu: (busy.loadBusy * elapsed) / done,
    ...busy,
    ...(latencies === undefined
      ? { rate: (1_000_000 * done) / elapsed }
      : {
          p50: latencies[Math.floor(latencies.length / 2)]!,
          p99: latencies[Math.floor(0.99 * (latencies.length - 1))]!,
        }),
  };
}

const server = new ServerProcess(dialect.server, assignment, wrong);
const port = await server.port();
// One client has one POST under way, with all that waits in it.
const lone = assignment.system === "calla-packets";
const crowd = new Crowd({ topic: "room:", ...scenario, ...(lone && { peers: 1 }), dialect, wrong });
let measured: Measured;
if (scenario.speaks.how === "not") measured = await idle(crowd, server, port);
else {
  await crowd.arrive(port);
  measured = await busy(crowd, server);
}
crowd.close();
await server.stop();
if (scenario.topic === "records:") measured = { ...measured, update: updateAlone("records", 6_400) };
process.send!(measured, () => process.exit());
