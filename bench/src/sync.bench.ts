// State sync: twenty clients of one list make 500 small changes each at once. How long until everybody has everything,
// what it costs the server, what crosses the wire. Every delivery is checked, and at the end a newcomer must be shown the
// fold of all that was said, in the order in which it was heard.
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { answerIn } from "./answers.ts";
import { Crowd, until } from "./crowd.ts";
import { dialectOf } from "./dialects.ts";
import { firstItems, moved } from "./fixtures.ts";
import { median } from "./median.ts";
import { Peer } from "./peer.ts";
import type { Assignment, Measured } from "./scenarios.ts";
import { ServerProcess, watch } from "./server-process.ts";

const assignment = JSON.parse(process.argv[2] ?? "{}") as Assignment;
const dialect = dialectOf(assignment.system);
const wrong = (why: string): never => {
  process.stderr.write(`${assignment.system}, sync: ${why}\n`);
  process.exit(1);
};

const CLIENTS = 20;
const EACH = 500;
const TOPIC = "list:0";
const BURSTS = assignment.quick ? 1 : 3;
const WARM_UP = assignment.quick ? 1 : 2;
/** Calla's clients have at most `maxInFlight` messages without an outcome, the others any number. */
const WINDOW = dialect.protocol === undefined ? EACH : 256;

const server = new ServerProcess(dialect.server, assignment, wrong);
const port = await server.port();
const crowd = new Crowd({ dialect, topic: "list:", topics: 1, peers: CLIENTS, follow: true, wrong });
await crowd.arrive(port);
const check = crowd.checks[0]!;
const items = [...firstItems()];
let due = 0;
let converged: () => void;
check.complete = (messages) => {
  for (const { from, n } of messages) {
    const { item, x, y } = moved(from, n);
    items[item] = { ...items[item]!, x, y };
  }
  if (check.deliveries === due) converged();
};

const measured: Measured[] = [];
for (let burst = 1; burst <= WARM_UP + BURSTS; burst++) {
  await sleep(100);
  await server.stats("stats-after-gc");
  if (assignment.profile !== undefined && burst === WARM_UP + 1) await server.ask("profile");
  const bytesBefore = crowd.peers.reduce((sum, { bytes }) => sum + bytes, 0);
  due += CLIENTS * CLIENTS * EACH;
  crowd.quota = burst * EACH;
  const all = new Promise<void>((resolve) => (converged = resolve));
  const before = await server.stats();
  const [began, watched] = [performance.now(), watch()];
  crowd.start(WINDOW, CLIENTS);
  await all;
  const took = performance.now() - began;
  const cpu = (await server.stats()).cpu - before.cpu;
  const { elapsed: _, ...busy } = watched(cpu);
  await crowd.settle();
  const bytes = crowd.peers.reduce((sum, one) => sum + one.bytes, 0) - bytesBefore;
  const updates = CLIENTS * EACH;
  if (burst > WARM_UP) measured.push({ took, cpu: cpu / updates, bytes: bytes / updates / CLIENTS, ...busy });
}
if (assignment.profile !== undefined) await server.ask("profiled");

let shown: readonly unknown[] | undefined;
const newcomer = new Peer(CLIENTS, {
  frame(peer, bytes, start, end) {
    shown ??= answerIn(dialect, peer, Buffer.from(bytes.subarray(start, end)), wrong)?.items;
  },
  read: () => undefined,
  closed: (_peer, why) => wrong(why),
});
await newcomer.open(port, dialect.path, dialect.protocol);
newcomer.send(dialect.opening(newcomer, TOPIC, true));
await until("the whole list", () => shown !== undefined, wrong);
if (!isDeepStrictEqual(shown, items)) wrong("the server's list is not the fold of what was said");
newcomer.close();
crowd.close();
await server.stop();

const middle = (key: keyof Measured): number => median(measured.map((one) => one[key]!));
const told: Measured = {
  took: middle("took"),
  cpu: middle("cpu"),
  bytes: middle("bytes"),
  serverBusy: middle("serverBusy"),
  loadBusy: middle("loadBusy"),
  others: middle("others"),
};
process.send!(told, () => process.exit());
