// How long a message takes from a client of one node to a client of another, over one Postgres: beside an append and a ring
// alone, which it cannot do without, and beside Socket.IO with its Postgres adapter, which keeps nothing. All by turns on the
// same server, one message at a time, each node a process of its own.
import { setTimeout as sleep } from "node:timers/promises";
import { pgDriver, postgresLog, postgresPubSub } from "@calla/server/postgres";
import { ATTACHMENTS, DATABASE, SCHEMA } from "./control.ts";
import { dialectOf } from "./dialects.ts";
import { flushingPostgres, tell } from "./flushing-postgres.ts";
import { median } from "./median.ts";
import { twoNodes } from "./two-nodes.ts";
import { turns } from "./turns.ts";

const quick = process.argv[2] === "quick";
const ROUNDS = quick ? 1 : 15;
const EACH = quick ? 50 : 200;
/** Before that, without pauses: a server that runs has its code compiled. */
const WARM = quick ? 50 : 1_000;
/** Between two messages: what the one before has left is done. */
const PAUSE = 2;

const wrong = (why: string): never => {
  process.stderr.write(`${why}\n`);
  process.exit(1);
};

const engine = await flushingPostgres();
process.env[DATABASE] = engine.url;
const drivers = [pgDriver({ url: engine.url }), pgDriver({ url: engine.url })] as const;
const [driver] = drivers;
await driver.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`, []);
await driver.query(
  `CREATE TABLE IF NOT EXISTS ${ATTACHMENTS}
   (id bigserial UNIQUE, created_at timestamptz DEFAULT now(), payload bytea)`,
  [],
);
const log = postgresLog({ driver, schema: SCHEMA });
await log.opened();
// On a channel of their own, so that no node hears them.
const [one, two] = drivers.map((each) => postgresPubSub(each, { channel: "calla_bench_alone" }));
if (one === undefined || two === undefined) throw new Error("no pubsubs");
await Promise.all([one.ready(), two.ready()]);

const alone = turns(1, 1, "alone");
async function appended(): Promise<void> {
  const results = await log.append(alone());
  if (results.some(({ status }) => status !== "appended")) wrong(JSON.stringify(results));
}
let heard = (): void => undefined;
two.subscribe("target:room:0", () => heard());
const rung = (): Promise<void> =>
  new Promise((resolve) => {
    heard = resolve;
    one.publish("target:room:0", { node: "0123456789abcdef", kind: "appended" });
  });

const calla = await twoNodes({ ...dialectOf("calla"), server: ["server-calla", "postgres"] }, wrong);
const socketIo = await twoNodes(
  { ...dialectOf("socket.io"), server: ["server-socket-io", "postgres"] },
  wrong,
);

type Call = () => Promise<void>;
const calls = {
  delivery: () => calla.deliver(),
  append: appended,
  ring: rung,
  emit: () => socketIo.deliver(),
} satisfies Record<string, Call>;
type Times = Readonly<Record<keyof typeof calls, readonly number[]>>;

/** Each for a stretch, so that a process is as warm for the one as for the other. */
async function round(): Promise<Times> {
  const times: Record<keyof typeof calls, number[]> = { delivery: [], append: [], ring: [], emit: [] };
  for (const [name, call] of Object.entries(calls) as [keyof typeof calls, Call][]) {
    for (let i = 0; i < EACH; i++) {
      const began = performance.now();
      await call();
      times[name].push(performance.now() - began);
      await sleep(PAUSE);
    }
    times[name].sort((a, b) => a - b);
  }
  return times;
}

for (const call of Object.values(calls)) for (let i = 0; i < WARM; i++) await call();
const rounds: Times[] = [];
for (let n = 0; n < ROUNDS; n++) rounds.push(await round());

const at = (sorted: readonly number[], part: number): number =>
  sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
const of = (value: (times: Times) => number): string => median(rounds.map(value)).toFixed(2);
const part = (name: keyof typeof calls, share: number) => (times: Times) => at(times[name], share);
const beside = (share: number): string => {
  const sum = (times: Times): number => part("append", share)(times) + part("ring", share)(times);
  const ratio = (times: Times): number => part("delivery", share)(times) / sum(times);
  const [append, ring] = [of(part("append", share)), of(part("ring", share))];
  return `${of(part("delivery", share))} ÷ (${append} + ${ring}) = ${of(ratio)}`;
};

await Promise.all([calla.close(), socketIo.close(), one.close(), two.close()]);
await log.close();
await driver.query(`DROP SCHEMA ${SCHEMA} CASCADE`, []);
await driver.query(`DROP TABLE ${ATTACHMENTS}`, []);
for (const each of drivers) await each.close?.();
await engine.stop();
tell([
  {
    title: "A message from one node to another over Postgres, flushed to the disk, ms",
    rows: [
      ["figure", ""],
      [
        "From a client of one node to a client of the other, beside an append and a ring alone, p50 (≤ 1.3)",
        beside(0.5),
      ],
      ["the same, p99", beside(0.99)],
      [
        "Socket.IO with its Postgres adapter, p50: it keeps no log, so who was away misses it",
        of(part("emit", 0.5)),
      ],
      ["the same, p99", of(part("emit", 0.99))],
    ],
  },
]);
