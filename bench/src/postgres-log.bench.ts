// What a Postgres log costs: its calls beside bare INSERTs of the same messages, over the same driver, on the same server and
// in one run, one call at a time, by turns. The server flushes to the disk.
import { pgDriver, postgresLog } from "@calla/server/postgres";
import { SCHEMA } from "./control.ts";
import { flushingPostgres, tell } from "./flushing-postgres.ts";
import { median } from "./median.ts";
import { recordOf, turns } from "./turns.ts";

const quick = process.argv[2] === "quick";
const SECONDS = quick ? 0.3 : 1.5;
const ROUNDS = quick ? 1 : 5;

const server = await flushingPostgres();
const driver = pgDriver({ url: server.url });
const log = postgresLog({ driver, schema: SCHEMA, onError: () => undefined });
await driver.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`, []);
await log.opened();
await driver.query("DROP TABLE IF EXISTS bare_insert", []);
await driver.query("CREATE TABLE bare_insert (id bigserial PRIMARY KEY, target text, body text)", []);
const list = (texts: readonly string[]): string =>
  `{${texts.map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;

/** Calls a second, over a while. */
async function rate(call: () => Promise<void>): Promise<number> {
  for (let i = 0; i < 5; i++) await call();
  let count = 0;
  const began = performance.now();
  while (performance.now() - began < 1_000 * SECONDS) {
    await call();
    count++;
  }
  return (1_000 * count) / (performance.now() - began);
}

async function compare(
  targets: number,
  messages: number,
): Promise<readonly [bare: number, ours: number, ratio: number]> {
  const bare = turns(targets, messages, "bare");
  const ours = turns(targets, messages, `t${targets}x${messages}`);
  const rounds: (readonly [number, number, number])[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const insert = await rate(async () => {
      const batch = bare();
      const names = batch.flatMap(({ target, records }) => records.map(() => target));
      const bodies = batch.flatMap(({ records }) =>
        records.map(({ messages: body }) => JSON.stringify(body)),
      );
      await driver.query(
        "INSERT INTO bare_insert (target, body) SELECT * FROM unnest($1::text::text[], $2::text::text[])",
        [list(names), list(bodies)],
      );
    });
    const append = await rate(async () => {
      const results = await log.append(ours());
      if (results.some(({ status }) => status !== "appended")) throw new Error(JSON.stringify(results));
    });
    rounds.push([insert, append, append / insert]);
  }
  const middle = (of: 0 | 1 | 2): number => median(rounds.map((round) => round[of]));
  return [middle(0), middle(1), middle(2)];
}

/** Milliseconds of one `moved` over so many idle targets. */
async function moved(count: number): Promise<number> {
  const mark = recordOf(1).mark;
  await driver.query(
    `INSERT INTO ${SCHEMA}.targets (name, sequence, mark, version, at, used, aged)
     SELECT 'idle:' || i, 1, ${mark}, 1, 0, 0, 0 FROM generate_series(1, ${count}) AS i`,
    [],
  );
  const places = Array.from({ length: count }, (_, i) => [`idle:${i + 1}`, { sequence: 1, mark }] as const);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS + 1; round++) {
    const began = performance.now();
    const found = await log.moved!(places);
    if (found.length > 0) throw new Error("moved");
    times.push(performance.now() - began);
  }
  return median(times);
}

const cases: readonly (readonly [targets: number, messages: number, bar: number])[] = [
  [1, 1, 0.5],
  [1, 16, 0.4],
  [1, 256, 0.45],
  [16, 1, 0.4],
  [256, 1, 0.2],
];
const rows: [string, string][] = [];
for (const [targets, messages, bar] of cases) {
  const [bare, ours, ratio] = await compare(targets, messages);
  rows.push([
    `Postgres log, ${messages} message${messages === 1 ? "" : "s"} to ${targets} target${targets === 1 ? "" : "s"}: calls a second beside those of a bare INSERT (≥ ${bar})`,
    `${ours.toFixed(0)} ÷ ${bare.toFixed(0)} = ${ratio.toFixed(2)}`,
  ]);
}
rows.push([
  `Postgres log, \`moved\` over 10,000 idle targets: one call, ms`,
  (await moved(10_000)).toFixed(1),
]);
await log.close();
await driver.query("DROP TABLE bare_insert", []);
await driver.query(`DROP SCHEMA ${SCHEMA} CASCADE`, []);
await driver.close?.();
await server.stop();
tell([
  {
    title: "A Postgres log beside bare INSERTs: calls a second, flushed to the disk (ratio)",
    rows: [["figure", ""], ...rows],
  },
]);
