// What somebody who takes all he can get does to another one's write: a server at default limits over SQLite, one client
// that writes every 20 ms, alone and beside each kind of greedy visitor, by turns.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "./median.ts";
import { message, rawClient, subscription } from "./raw-client.ts";
import type { Micro } from "./report.ts";
import { ServerProcess } from "./server-process.ts";

/** Who, and how many times as long another one's write may take beside them. */
const KINDS = [
  { kind: "new-topics", who: "one connection, packets of 2,000 messages to new topics", most: 1.5 },
  { kind: "packets", who: "one connection, packets of 2,000 messages to one topic", most: 1.5 },
  { kind: "reconnects", who: "reconnects, each with a burst", most: 1.5 },
  { kind: "http", who: "HTTP packets of 2,000 messages", most: 1.5 },
  { kind: "joins", who: "reconnects that follow 990 new topics each", most: 1.5 },
  { kind: "user", who: "50 connections of one user", most: 1.5 },
  { kind: "address", who: "900 connections of one address, each at its rate", most: 3 },
] as const;

const quick = process.argv[2] === "quick";
const SECONDS = quick ? 1 : 4;
const ROUNDS = quick ? 1 : 3;
const folder = mkdtempSync(join(process.env["CALLA_BENCH_FOLDER"] ?? tmpdir(), "calla-greedy-"));
const wrong = (why: string): never => {
  process.stderr.write(`greedy: ${why}\n`);
  process.exit(1);
};

/** Milliseconds of each write for so long: said, decided, durable, and back at its author. */
async function writes(port: number, user: string, seconds: number): Promise<number[]> {
  const topic = `room:victim-${user}`;
  const client = (await rawClient(port, { token: user, targets: [subscription(topic)] }))!;
  while (client.count.Settled === undefined) await client.heard();
  const took: number[] = [];
  const end = performance.now() + 1_000 * seconds;
  for (let mid = 1; performance.now() < end; mid++) {
    const began = performance.now();
    client.say(message(topic, mid));
    while ((client.count.TopicUpdate ?? 0) < mid) {
      if (client.closed) wrong("the one who writes was closed");
      await client.heard();
    }
    took.push(performance.now() - began);
    await sleep(20);
  }
  client.end();
  return took;
}

const at = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
const rows = [["beside", "alone ms", "beside ms", "95 % ms", "server busy", "ratio", "must be", ""]];
let writers = 0;
for (const { kind, who, most } of KINDS) {
  const ratios: number[] = [];
  const [alone, beside, worst, busy]: number[][] = [[], [], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    const server = new ServerProcess(
      ["greedy-server", join(folder, `${kind}-${round}.db`)],
      {} as never,
      wrong,
    );
    const port = await server.port();
    await writes(port, `w${++writers}`, 0.5);
    const quiet = await writes(port, `w${++writers}`, SECONDS);
    const visitor = spawn(
      process.execPath,
      [fileURLToPath(new URL("greedy-visitor.mjs", import.meta.url)), String(port), kind],
      { stdio: ["ignore", "inherit", "inherit", "ipc"] },
    );
    await new Promise((resolve) => visitor.once("message", resolve));
    await sleep(quick ? 100 : 500);
    const before = await server.stats();
    const began = performance.now();
    const loud = await writes(port, `w${++writers}`, SECONDS);
    const { cpu } = await server.stats();
    busy!.push((cpu - before.cpu) / 1_000 / (performance.now() - began));
    const gone = new Promise((resolve) => visitor.once("exit", resolve));
    visitor.kill("SIGKILL");
    await gone;
    await server.stop();
    alone!.push(median(quiet));
    beside!.push(median(loud));
    worst!.push(at(loud, 0.95));
    ratios.push(median(loud) / median(quiet));
  }
  const ratio = median(ratios);
  rows.push([
    who,
    ...[alone!, beside!, worst!].map((all) => median(all).toFixed(2)),
    `${(100 * median(busy!)).toFixed(0)} %`,
    ratio.toFixed(2),
    `≤ ${most}`,
    ratio <= most ? "met" : "**missed**",
  ]);
  process.stdout.write(`${rows.at(-1)!.join(", ")}\n`);
}
rmSync(folder, { recursive: true, force: true });
const micro: Micro = [
  { title: "Another one's write over SQLite, at default limits, beside a greedy visitor", rows },
];
process.send?.(micro, () => process.exit());
