// A SQLite log from its options. Not here: what the log does (file-log.ts).
import { resolve } from "node:path";
import { systemRandom } from "../../base/clock.ts";
import { memoryLog } from "../memory/memory-log.ts";
import type { ExecutorOptions } from "./executor.ts";
import { FileLog } from "./file-log.ts";
import { library } from "./library.ts";
import { laneByPace } from "./adaptive-writer.ts";
import { laneHere, laneInWorker } from "./writer.ts";
import type { Lane } from "./writer.ts";
import type { SqliteLog, SqliteOptions } from "./options.ts";
import { refuseOption } from "./refuse-option.ts";
import { splitLog } from "./split-log.ts";
import { STATEMENTS } from "./statements.ts";
import { APPLICATION_ID, MIGRATIONS, MOVED, OLDEST } from "./tables.ts";
import { storageOf } from "./topics.ts";

/** Milliseconds between looks whether the file is still there, where a look would cost more than a commit. */
const LOOK = 1_000;
const LANES = { auto: laneByPace, worker: laneInWorker, main: laneHere };

/** What the executor is told. */
export const executorOptions = (
  file: string,
  { durability, check, busyTimeout }: Required<Pick<SqliteOptions, "durability" | "check" | "busyTimeout">>,
  pragmas: readonly string[],
): ExecutorOptions => ({
  file,
  applicationId: APPLICATION_ID,
  oldest: OLDEST,
  moved: MOVED,
  migrations: MIGRATIONS,
  statements: STATEMENTS,
  pragmas: [
    `synchronous = ${durability === "power-loss" ? "FULL" : "NORMAL"}`,
    // Without it a Mac's fsync leaves the data in the disk's own cache.
    `fullfsync = ${durability === "power-loss" ? "ON" : "OFF"}`,
    // After a burst the write-ahead log is cut back to this.
    "journal_size_limit = 67108864",
    // Nothing that a record refers to is ever deleted.
    "foreign_keys = OFF",
    ...pragmas,
  ],
  busyTimeout,
  check,
  ...(durability === "power-loss" ? {} : { lookEvery: LOOK }),
});

/** With pragmas run last, and a way to write: how tests get full, read-only, careless and fickle databases. */
export function sqliteWith(
  file: string,
  options: SqliteOptions,
  pragmas: readonly string[],
  lane?: (options: ExecutorOptions) => Lane,
): SqliteLog {
  const {
    durability = "power-loss",
    retention = 10_000,
    topics = {},
    check = "quick",
    busyTimeout = 5_000,
    thread = "auto",
    random = systemRandom,
  } = options;
  const transient = file === ":memory:" || file === "";
  const { shared = !transient } = options;
  if (!(busyTimeout >= 0 && busyTimeout <= 600_000))
    refuseOption("busyTimeout", "must be milliseconds, at most ten minutes");
  if (!Object.hasOwn(LANES, thread)) refuseOption("thread", 'must be "auto", "worker" or "main"');
  const { of, volatile } = storageOf(retention, topics);
  if (volatile && options.shared === true)
    refuseOption("topics", "cannot be in memory where other processes share the file (shared: true)");
  library();
  const log = new FileLog({
    executor: executorOptions(transient ? file : resolve(file), { durability, check, busyTimeout }, pragmas),
    shared: shared && !volatile,
    lane: lane ?? (transient ? laneHere : LANES[thread]),
    storageOf: of,
    random,
    identity: options.identity,
  });
  if (!volatile) return log;
  const memory = memoryLog({ retention: Math.min(retention, 1_000) });
  const split = splitLog(log, memory, (target) => of(target).durability === "memory");
  return { ...split, opened: () => log.opened() };
}
