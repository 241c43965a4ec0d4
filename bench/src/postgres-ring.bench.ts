// How long a ring over Postgres takes from one node to another, beside a bare NOTIFY over the same driver from one connection
// to another, by turns on the same server. Neither is flushed to the disk; the server flushes what is.
import { pgDriver, postgresPubSub } from "@calla/server/postgres";
import { flushingPostgres, tell } from "./flushing-postgres.ts";
import { median } from "./median.ts";

const quick = process.argv[2] === "quick";
const ROUNDS = quick ? 3 : 15;
const RINGS = quick ? 50 : 200;
const RING = { node: "0123456789abcdef", kind: "appended" };

const server = await flushingPostgres();
const bare = pgDriver({
  url: server.url,
  connections: 1,
  config: { options: "-c synchronous_commit=off" },
});
const drivers = [pgDriver({ url: server.url }), pgDriver({ url: server.url })];
const [one, two] = drivers.map((driver) => postgresPubSub(driver));
if (one === undefined || two === undefined) throw new Error("no nodes");
await Promise.all([one.ready(), two.ready()]);

let bareHeard = (): void => undefined;
let ringHeard = (): void => undefined;
await bare.listen("bare", { heard: () => bareHeard(), lost: () => undefined });
two.subscribe("target:board:1", () => ringHeard());

const payload = JSON.stringify(RING);
const notified = (): Promise<void> =>
  new Promise((resolve, reject) => {
    bareHeard = resolve;
    bare.query("select pg_notify($1, $2)", ["bare", payload]).catch(reject);
  });
const rung = (): Promise<void> =>
  new Promise((resolve) => {
    ringHeard = resolve;
    one.publish("target:board:1", RING);
  });

/** Milliseconds of each, one after the other. */
async function times(call: () => Promise<void>): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < RINGS; i++) {
    const began = performance.now();
    await call();
    all.push(performance.now() - began);
    // What has been said is acknowledged before the next is.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return all.toSorted((a, b) => a - b);
}

const at = (sorted: readonly number[], part: number): number =>
  sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
const rounds: { readonly notify: readonly number[]; readonly ring: readonly number[] }[] = [];
await times(notified);
await times(rung);
for (let round = 0; round < ROUNDS; round++)
  rounds.push({ notify: await times(notified), ring: await times(rung) });

const of = (part: number): string => {
  const notify = median(rounds.map((round) => at(round.notify, part)));
  const ring = median(rounds.map((round) => at(round.ring, part)));
  const ratio = median(rounds.map((round) => at(round.ring, part) / at(round.notify, part)));
  return `${ring.toFixed(2)} ÷ ${notify.toFixed(2)} = ${ratio.toFixed(2)}`;
};

/** Messages a second, published at once and all heard. */
async function burst(count: number): Promise<number> {
  const began = performance.now();
  let left = count;
  await new Promise<void>((resolve) => {
    ringHeard = () => void (--left === 0 && resolve());
    for (let i = 0; i < count; i++) one?.publish("target:board:1", RING);
  });
  return (1_000 * count) / (performance.now() - began);
}
const bursts: number[] = [];
for (let round = 0; round < ROUNDS; round++) bursts.push(await burst(10_000));

const rows: [string, string][] = [
  ["A ring heard by another node beside a bare NOTIFY, p50, ms (≤ 1.5)", of(0.5)],
  ["the same, p99", of(0.99)],
  ["10,000 rings published at once: rings a second, all heard", median(bursts).toFixed(0)],
];
await Promise.all([one.close(), two.close()]);
for (const driver of [bare, ...drivers]) await driver.close?.();
await server.stop();
tell([{ title: "Rings over Postgres's NOTIFY, between two nodes", rows: [["figure", ""], ...rows] }]);
