// Slow consumers: a hundred subscribers of a busy topic join and then read nothing, ten others read everything. What the
// server holds for the hundred, after half of the messages and after all of them, and what the ten notice.
import { setTimeout as sleep } from "node:timers/promises";
import { Crowd, until } from "./crowd.ts";
import { dialectOf } from "./dialects.ts";
import { Peer } from "./peer.ts";
import type { Assignment, Measured } from "./scenarios.ts";
import { ServerProcess, watch } from "./server-process.ts";

const assignment = JSON.parse(process.argv[2] ?? "{}") as Assignment;
const dialect = dialectOf(assignment.system);
const wrong = (why: string): never => {
  process.stderr.write(`${assignment.system}, stuck: ${why}\n`);
  process.exit(1);
};

const STUCK = 100;
const READING = 10;
const MESSAGES = assignment.quick ? 1_000 : 8_000; // of 2 KB: more than the system's own buffers hold
const WINDOW = 16;

const server = new ServerProcess(dialect.server, assignment, wrong);
const port = await server.port();
const crowd = new Crowd({ dialect, topic: "room:bulk-", topics: 1, peers: READING, follow: true, wrong });
await crowd.arrive(port);
const { topic } = crowd.checks[0]!;
let stuck = 0;
const peers = Array.from(
  { length: STUCK },
  (_, i) =>
    new Peer(READING + i, {
      frame(peer, bytes, start, end) {
        if (dialect.shared(bytes, start)) return;
        dialect.personal(peer as Peer, topic, true, Buffer.from(bytes.subarray(start, end)), {
          joined() {
            stuck++;
            (peer as Peer).stick();
          },
          decided: () => undefined,
          wrong,
        });
      },
      read: () => undefined,
      closed: (_peer, why) => wrong(why),
    }),
);
await Promise.all(
  peers.map(async (peer) => {
    await peer.open(port, dialect.path, dialect.protocol);
    peer.send(dialect.opening(peer, topic, true));
  }),
);
await until("the stuck ones to join", () => stuck === STUCK, wrong);

/** Says so many more; resolves once all who read have them. */
async function say(count: number): Promise<void> {
  crowd.quota = crowd.peers[0]!.sent + count;
  crowd.start(WINDOW, 1);
  await until("outcomes", () => crowd.peers[0]!.decided === crowd.quota, wrong, 120_000);
  await crowd.settle();
}

const before = await server.stats("stats-after-gc");
const [began, watched] = [performance.now(), watch()];
await say(MESSAGES / 2);
let elapsed = performance.now() - began;
const half = await server.stats("stats-after-gc");
const resumed = performance.now();
await say(MESSAGES / 2);
elapsed += performance.now() - resumed;
const after = await server.stats("stats-after-gc");
const { elapsed: _, ...busy } = watched(after.cpu - before.cpu);
const MB = 1 << 20;
for (const peer of peers) peer.close();
crowd.close();
await sleep(50);
await server.stop();
const told: Measured = {
  memory: (after.rss - before.rss) / MB,
  growth: (after.rss - half.rss) / MB,
  unwritten: after.unwritten / 1_024 / STUCK,
  rate: (1_000 * MESSAGES) / elapsed,
  ...busy,
};
process.send!(told, () => process.exit());
