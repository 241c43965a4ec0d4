// The same as load.bench.ts for one client of Calla's own: schema, prediction, outbox, rebase and all. It checks that
// outcomes come in order, one for each message, and that what it shows at the end is what it said.
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@calla/client";
import { webSocket } from "@calla/client/websocket";
import { WebSocket } from "ws";
import { until, WARM_PATIENCE } from "./crowd.ts";
import { room, said, serialiser, wiring } from "./fixtures.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Assignment, Measured } from "./scenarios.ts";
import { ServerProcess, watch } from "./server-process.ts";

const assignment = JSON.parse(process.argv[2] ?? "{}") as Assignment;
const scenario = SCENARIOS.find(({ name }) => name === assignment.scenario)!;
const wrong = (why: unknown): never => {
  process.stderr.write(`${assignment.system}, ${scenario.name}: ${String(why)}\n`);
  process.exit(1);
};

const { speaks } = scenario;
const window = speaks.how === "window" ? speaks.window : wrong("this work is not for a single client");
const server = new ServerProcess(["server-calla"], assignment, wrong);
const url = `ws://127.0.0.1:${await server.port()}/ws`;
const client = createClient({
  wiring,
  serialiser,
  transport: webSocket({ url, WebSocket }),
  strict: false,
  onError: wrong,
});
const topic = client.topic(room, "0");
const live = new Promise<void>((resolve) => {
  topic.onChange(({ status }) => status === "live" && resolve());
});
await live;

let spoken = 0;
let applied = 0;
let stopped: (() => void) | undefined;
function say(): void {
  if (stopped !== undefined) {
    if (applied === spoken) stopped();
    return;
  }
  spoken++;
  topic.dispatch(said(0, spoken)).applied.then(({ sequence }) => {
    if (sequence !== ++applied) wrong(`outcome ${sequence} after ${applied - 1}`);
    say();
  }, wrong);
}

for (let i = 0; i < window; i++) say();
await sleep(assignment.quick ? 200 : 1_000);
const warm = assignment.quick ? 0 : (scenario.warmUpCount ?? 0);
await until("the warm-up", () => applied >= warm, wrong, WARM_PATIENCE);
if (assignment.profile !== undefined) await server.ask("profile");
const before = await server.stats();
const [count, watched] = [applied, watch()];
await sleep(assignment.quick ? 500 : 1_000 * scenario.seconds);
const after = await server.stats();
const done = applied - count;
const cpu = after.cpu - before.cpu;
const { elapsed, ...busy } = watched(cpu);
if (assignment.profile !== undefined) await server.ask("profiled");
await new Promise<void>((resolve) => (stopped = resolve));
await sleep(50);
const { model, pending } = topic.state;
if (model?.count !== applied || pending.length > 0) wrong(`${model?.count} of ${applied} shown`);
await client.close();
await server.stop();
const measured: Measured = {
  rate: (1_000_000 * done) / elapsed,
  cpu: cpu / done,
  loadCpu: (busy.loadBusy * elapsed) / done,
  ...busy,
};
process.send!(measured, () => process.exit());
