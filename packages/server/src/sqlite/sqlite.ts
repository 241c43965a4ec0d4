// The public entry of @calla/server/sqlite: a durable log in one file, for one machine. docs/sqlite.md tells what it
// promises and what its tables hold.
import { resolve } from "node:path";
import type { Random } from "@calla/shared";
import { systemRandom } from "../clock.ts";
import { memoryLog } from "../log-memory.ts";
import type { LogStorage } from "../log.ts";
import type { ExecutorOptions } from "./executor.ts";
import { FileLog } from "./file-log.ts";
import { laneByPace } from "./lane-by-pace.ts";
import { laneHere, laneInWorker } from "./lane.ts";
import type { Lane } from "./lane.ts";

import { refuseOption } from "./refuse-option.ts";
import { splitLog } from "./split-log.ts";
import { STATEMENTS } from "./statements.ts";
import { APPLICATION_ID, MIGRATIONS } from "./tables.ts";
import { storageOf } from "./topics.ts";
import type { TopicStorage } from "./topics.ts";

export type { SqliteProblem } from "./failures.ts";
export type { TopicStorage } from "./topics.ts";

export interface SqliteOptions {
  /**
   * What an acknowledged message survives. `"power-loss"`: each commit is flushed to the disk (fsync) before anything is
   * acknowledged (`synchronous = FULL`). `"process-crash"`: commits are handed to the operating system, which writes them
   * when it likes (`synchronous = NORMAL`): a killed process loses nothing, a machine that goes down may lose the last
   * ones; the file stays sound. Default `"power-loss"`.
   */
  readonly durability?: "power-loss" | "process-crash";
  /** Records kept behind a saved snapshot; `Infinity` keeps all. Default 10,000. */
  readonly retention?: number;
  /** Other choices for some topics, by topic pattern, or `session`. The first pattern that fits counts. */
  readonly topics?: Readonly<Record<string, TopicStorage>>;
  /**
   * Whether other processes of this machine may have the file open: then refusals wait for a look at the head, and
   * followed topics are looked at every `maxStaleness`. Default true: a deploy may overlap.
   */
  readonly shared?: boolean;
  /**
   * What is checked when the file is opened: `"quick"` reads all of it (`quick_check`), `"full"` compares indexes too
   * (`integrity_check`). Default `"quick"`.
   */
  readonly check?: "quick" | "full" | "off";
  /** Milliseconds that a write waits for another process's transaction. Then: `storage`, `locked`. Default 5,000. */
  readonly busyTimeout?: number;
  /**
   * Where it writes: in a worker, so that no flush holds up the event loop; in the server's own thread, which costs less
   * where the disk is quick; or, with `"auto"`, in a worker until 128 commits in a row have taken at most 2 ms on average
   * and then here, until they take longer or more than one in 128 takes over 4 ms. Default `"auto"`; `:memory:` is always
   * here.
   */
  readonly thread?: "auto" | "worker" | "main";
  readonly random?: Random;
}

export interface SqliteLog extends LogStorage {
  /**
   * Opens the file now instead of at the first use, to fail early.
   *
   * @throws CallaError `storage`: `details.code` is a `SqliteProblem`, the message says what to do.
   */
  opened(): Promise<void>;
}

/**
 * A log in a SQLite file: what was acknowledged is there after a crash. Needs the package `better-sqlite3`.
 *
 * @example
 * const log = sqlite("calla.db", { topics: { "cursor-trails:*": { durability: "memory" } } });
 * await log.opened();
 * const server = createServer({ wiring, serialiser, log });
 * @throws CallaError `wiring`: an option is wrong; the message says which.
 */
export const sqlite = (file: string, options: SqliteOptions = {}): SqliteLog => sqliteWith(file, options, []);

const LANES = { auto: laneByPace, worker: laneInWorker, main: laneHere };

/** What the executor is told. */
export const executorOptions = (
  file: string,
  { durability, check, busyTimeout }: Required<Pick<SqliteOptions, "durability" | "check" | "busyTimeout">>,
  pragmas: readonly string[],
): ExecutorOptions => ({
  file,
  applicationId: APPLICATION_ID,
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
  const log = new FileLog({
    executor: executorOptions(transient ? file : resolve(file), { durability, check, busyTimeout }, pragmas),
    shared: shared && !volatile,
    lane: lane ?? (transient ? laneHere : LANES[thread]),
    storageOf: of,
    random,
  });
  if (!volatile) return log;
  const memory = memoryLog({ retention: Math.min(retention, 1_000) });
  const split = splitLog(log, memory, (target) => of(target).durability === "memory");
  return { ...split, opened: () => log.opened() };
}
