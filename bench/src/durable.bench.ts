// What durability costs: the SQLite log beside the memory log and beside bare better-sqlite3 loops, in one process and
// one run. First the log alone, then a whole server without sockets, then what a start, a message and the event loop pay.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer, memoryLog } from "@calla/server";
import type { Append, Connection, LogRecord, LogStorage } from "@calla/server";
import { sqlite } from "@calla/server/sqlite";
import { PROTOCOL_VERSION } from "@calla/shared";
import Database from "better-sqlite3";
import { idOf, room, said, serialiser, wiring } from "./fixtures.ts";
import { median } from "./median.ts";
import type { Micro } from "./report.ts";
import { author, recordOf } from "./turns.ts";

const quick = process.argv[2] === "quick";
const SECONDS = quick ? 0.3 : 2;
const ROUNDS = quick ? 1 : 3;
const folder = mkdtempSync(join(process.env["CALLA_BENCH_FOLDER"] ?? tmpdir(), "calla-durable-"));
let files = 0;
const fresh = (): string => join(folder, `${++files}.db`);
const micros = (milliseconds: number): string => (1_000 * milliseconds).toFixed(1);
const whole = (n: number): string => n.toLocaleString("en", { maximumFractionDigits: 0 });
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

// ---------------------------------------------------------------------------------------------------- the log alone

/** Elapsed milliseconds per message of batches of so many, over a while. */
async function perMessage(size: number, batch: () => Promise<void> | void): Promise<number> {
  for (let i = 0; i < 20; i++) await batch();
  let count = 0;
  const began = performance.now();
  while (performance.now() - began < 1_000 * SECONDS) {
    await batch();
    count += size;
  }
  return (performance.now() - began) / count;
}

/** Batches of one target's records by as many clients, as a turn makes them. */
function appends(size: number): () => Append {
  let sequence = 0;
  return () => {
    const expected = sequence === 0 ? { sequence: 0, mark: 0 } : recordOf(sequence);
    const records = Array.from({ length: size }, (_, i) => recordOf(sequence + i + 1));
    sequence += size;
    const rows = records.map(({ mid, id, sequence }, i) => ({
      clientId: `${author.clientId}${i}`,
      was: Math.max(0, mid - size),
      last: mid,
      settled: mid - 1,
      outcomes: [{ mid, id, sequence }],
    }));
    return { target: "room:1", expected, records, rows, at: records.at(-1)!.at };
  };
}

async function logCost(log: LogStorage, size: number): Promise<number> {
  const next = appends(size);
  const cost = await perMessage(size, async () => {
    const [result] = await log.append([next()]);
    if (result?.status !== "appended") throw new Error(result?.status);
  });
  await log.close();
  return cost;
}

/** The same rows written by a loop that somebody could write by hand; `split`: a transaction for each message. */
async function loopCost(size: number, split: boolean): Promise<number> {
  const db = new Database(fresh());
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(`CREATE TABLE head (name TEXT PRIMARY KEY, sequence INTEGER, mark INTEGER, at REAL);
    CREATE TABLE records (position INTEGER PRIMARY KEY, target INTEGER, sequence INTEGER, mark INTEGER, version INTEGER,
      at REAL, author TEXT, user TEXT, mid INTEGER, id TEXT, messages TEXT, UNIQUE (target, sequence));
    CREATE TABLE clients (target TEXT, client TEXT, last INTEGER, settled INTEGER, outcomes TEXT,
      PRIMARY KEY (target, client)) WITHOUT ROWID;`);
  const head = db.prepare(`INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)`);
  const insert = db.prepare(`INSERT INTO records VALUES (NULL, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const client = db.prepare(`INSERT OR REPLACE INTO clients VALUES (?, ?, ?, ?, ?)`);
  const next = appends(size);
  const write = db.transaction((target: string, records: readonly LogRecord[], rows: Append["rows"]) => {
    const { sequence, mark, at } = records.at(-1)!;
    head.run(target, sequence, mark, at);
    for (const { sequence, mark, version, at, author, mid, id, messages } of records) {
      const { clientId, userId } = author!;
      insert.run(sequence, mark, version, at, clientId, userId, mid, id, JSON.stringify(messages));
    }
    for (const { clientId, last, settled, outcomes } of rows)
      client.run(target, clientId, last, settled, JSON.stringify(outcomes));
  });
  const cost = await perMessage(size, () => {
    const { target, records, rows } = next();
    if (!split) return write.immediate(target, records, rows);
    for (const [i, record] of records.entries()) write.immediate(target, [record], [rows[i]!]);
    return undefined;
  });
  db.close();
  return cost;
}

async function logs(): Promise<Micro[number]> {
  const rows = [
    [
      "messages in a batch",
      "memory log",
      "loop, a transaction each",
      "loop, one a batch",
      "SQLite log",
      "SQLite log / loop, one a batch",
      "must be",
    ],
  ];
  for (const size of [1, 16, 256]) {
    const measured: number[][] = [];
    for (let round = 0; round < ROUNDS; round++)
      measured.push([
        await logCost(memoryLog(), size),
        await loopCost(size, true),
        await loopCost(size, false),
        await logCost(sqlite(fresh()), size),
      ]);
    const medians = [0, 1, 2, 3].map((i) => median(measured.map((one) => one[i]!)));
    const ratio = median(measured.map(([, , loop, log]) => log! / loop!));
    rows.push([
      String(size),
      ...medians.map(micros),
      ratio.toFixed(2),
      ratio <= 1.5 ? "≤ 1.5: met" : "≤ 1.5: **missed**",
    ]);
  }
  return { title: "The log alone: elapsed µs per message, flushed to the disk", rows };
}

// ----------------------------------------------------------------------------------------------------- a whole server

interface Writer {
  say(): void;
}

/** A server with so many writers, each with one message under way, and a peer that follows. */
class Stage {
  readonly server;
  readonly target = "room:1";
  readonly outcomes: number[] = [];
  readonly updates: number[] = [];
  readonly writers: Writer[] = [];
  done = 0;
  again = true;
  readonly #sent = new Map<string, number>();

  constructor(log: LogStorage) {
    this.server = createServer({
      wiring,
      serialiser,
      log,
      authenticate: () => ({ id: "user" }),
      limits: {
        maxConnectionsPerUser: Infinity,
        messageRate: Infinity,
        topicMessageRate: Infinity,
        joinRate: Infinity,
      },
      strict: false,
    });
    this.server.handle(room, { canSubscribe: () => true, canDispatch: ({ text }) => text.length > 0 });
  }

  /** Resolves once the server knows the client. */
  async #connect(
    follow: boolean,
    heard: (frames: readonly Record<string, unknown>[]) => void,
  ): Promise<(frames: unknown) => void> {
    let connected: () => void;
    const known = new Promise<void>((resolve) => (connected = resolve));
    const connection: Connection = {
      send: ({ bytes }) => {
        const packet = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
        const frames = Array.isArray(packet) ? (packet as Record<string, unknown>[]) : [packet];
        if (frames[0]?.["type"] === "Connected") connected();
        heard(frames);
      },
      close: (_code, reason) => {
        if (reason !== "stopping") throw new Error(`closed: ${reason}`);
      },
      bufferedAmount: () => 0,
    };
    const request = { url: "/", headers: {}, remoteAddress: undefined };
    const incoming = this.server.connect({ connection, request, format: "json" });
    const say = (frames: unknown): void => incoming.incoming(JSON.stringify(frames));
    const targets = follow ? [{ target: this.target, ref: 1, settled: 0, sent: 0 }] : [];
    say({ type: "Hello", protocol: PROTOCOL_VERSION, slices: wiring.versions(), targets });
    await known;
    return say;
  }

  async arrive(writers: number): Promise<void> {
    await this.#connect(true, (frames) => {
      const now = performance.now();
      for (const { type, records } of frames)
        if (type === "TopicUpdate")
          for (const [, , , id] of records as [number, number, number, string][]) {
            const sent = this.#sent.get(id);
            if (sent !== undefined) this.updates.push(now - sent);
            this.#sent.delete(id);
          }
    });
    for (let from = 0; from < writers; from++) {
      let mid = 0;
      let began = 0;
      const say = await this.#connect(false, (frames) => {
        for (const { type } of frames) {
          if (type !== "Acknowledge") continue;
          this.outcomes.push(performance.now() - began);
          this.done++;
          if (this.again) writer.say();
        }
      });
      const writer: Writer = {
        say: () => {
          mid++;
          const id = idOf(from, mid);
          began = performance.now();
          this.#sent.set(id, began);
          say({
            type: "TopicMessage",
            target: this.target,
            mid,
            id,
            settled: mid - 1,
            messages: [said(from, mid)],
          });
        },
      };
      this.writers.push(writer);
    }
    await sleep(100);
  }

  forget(): void {
    this.outcomes.length = this.updates.length = this.done = 0;
  }
}

interface Figures {
  readonly rate: number;
  readonly outcome50: number;
  readonly outcome99: number;
  readonly update50: number;
  readonly update99: number;
}

async function serve(log: LogStorage, writers: number): Promise<Figures> {
  const stage = new Stage(log);
  await stage.arrive(writers);
  for (const writer of stage.writers) writer.say();
  await sleep(300 * SECONDS);
  stage.forget();
  const began = performance.now();
  await sleep(1_000 * SECONDS);
  const elapsed = performance.now() - began;
  const rate = (1_000 * stage.done) / elapsed;
  stage.again = false;
  await sleep(100);
  await stage.server.stop();
  const outcomes = stage.outcomes.toSorted((a, b) => a - b);
  const updates = stage.updates.toSorted((a, b) => a - b);
  return {
    rate,
    outcome50: at(outcomes, 0.5),
    outcome99: at(outcomes, 0.99),
    update50: at(updates, 0.5),
    update99: at(updates, 0.99),
  };
}

async function servers(): Promise<Micro[number]> {
  const rows = [
    [
      "writers",
      "log",
      "acknowledged messages/s",
      "to memory",
      "outcome p50 ms",
      "p99",
      "a peer's update p50 ms",
      "p99",
    ],
  ];
  const kinds = {
    memory: () => memoryLog(),
    "SQLite, power-loss": () => sqlite(fresh()),
    "SQLite, process-crash": () => sqlite(fresh(), { durability: "process-crash" }),
  };
  for (const writers of [1, 16, 256]) {
    const all = new Map<string, Figures[]>();
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, make] of Object.entries(kinds))
        all.set(name, [...(all.get(name) ?? []), await serve(make(), writers)]);
    const middle = (name: string, key: keyof Figures): number =>
      median(all.get(name)!.map((one) => one[key]));
    for (const name of all.keys()) {
      const ratio = median(all.get(name)!.map(({ rate }, i) => rate / all.get("memory")![i]!.rate));
      const times = (["outcome50", "outcome99", "update50", "update99"] as const).map((key) =>
        middle(name, key).toFixed(2),
      );
      rows.push([String(writers), name, whole(middle(name, "rate")), ratio.toFixed(2), ...times]);
    }
  }
  return { title: "A server without sockets, each writer with one message under way", rows };
}

// -------------------------------------------------------------------------------------------------------------- rest

async function starts(): Promise<Micro[number]> {
  const count = quick ? 5_000 : 100_000;
  const file = fresh();
  const log = sqlite(file);
  const next = appends(500);
  const append = (): Append => ({ ...next(), rows: [] });
  for (let n = 0; n < count; n += 500) await log.append([append()]);
  await log.close();
  const bytes = statSync(file).size / count;
  const start = async (): Promise<number> => {
    const began = performance.now();
    const server = createServer({ wiring, serialiser, log: sqlite(file), strict: false });
    const { sequence } = await server.topic(room, "1").read();
    const took = performance.now() - began;
    if (sequence !== count) throw new Error(`at ${sequence}`);
    await server.stop();
    return took;
  };
  const without = await start(); // and saves none, for nothing came
  const again = sqlite(file);
  const last = recordOf(count);
  const model = { count, last: [] };
  await again.saveSnapshot("room:1", { ...last, model });
  await again.close();
  const rows = [
    ["figure", ""],
    [`start with ${whole(count)} records, no snapshot: ms to the first read`, without.toFixed(0)],
    [`start with ${whole(count)} records and a snapshot: ms to the first read`, (await start()).toFixed(0)],
    ["bytes of the file per message (of 105 bytes as JSON)", bytes.toFixed(0)],
  ];
  for (const thread of ["auto", "worker", "main"] as const) rows.push(...(await delay(thread)));
  return { title: "Start, size, event loop", rows };
}

const WRITING = { auto: "wherever it is quick", worker: "in a worker", main: "in the server's thread" };

/** How long the event loop is held up while 2,000 messages a second are made durable. */
async function delay(thread: "auto" | "worker" | "main"): Promise<string[][]> {
  const stage = new Stage(sqlite(fresh(), { thread }));
  stage.again = false;
  await stage.arrive(20);
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  const seconds = quick ? 1 : 5;
  const began = performance.now();
  let sent = 0;
  let warm = false;
  while (performance.now() - began < 1_000 * (seconds + 1)) {
    const due = Math.floor(2 * (performance.now() - began));
    while (sent < due) stage.writers[sent++ % stage.writers.length]!.say();
    await sleep(1);
    if (!warm && performance.now() - began > 1_000) {
      warm = true;
      stage.forget();
      histogram.enable();
    }
  }
  histogram.disable();
  const rate = stage.done / seconds;
  await sleep(100);
  await stage.server.stop();
  const [p50, p99, most] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map((n) =>
    (n / 1e6 - 1).toFixed(1),
  );
  return [
    [
      `event loop delay at ${whole(rate)} messages/s, writing ${WRITING[thread]}: ms at p50, p99${thread === "auto" ? " (≤ 5)" : ""}, most`,
      `${p50}, ${p99}, ${most}`,
    ],
  ];
}

const micro: Micro = [await logs(), await servers(), await starts()];
rmSync(folder, { recursive: true, force: true });
process.send?.(micro, () => process.exit());
if (process.send === undefined) process.stdout.write(`${JSON.stringify(micro, null, 1)}\n`);
