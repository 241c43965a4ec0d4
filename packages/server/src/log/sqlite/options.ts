// The options of a SQLite log, and its type for the app.
import type { Random } from "@calla/shared";
import type { LogStorage } from "../log.ts";
import type { TopicStorage } from "./topics.ts";

/** What `sqlite` takes; every option has a default (docs/sqlite.md). */
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
   * subscribed topics are looked at every `maxStaleness`. Default true: a deploy may overlap.
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
   * where the disk is quick; or, with `"auto"`, in a worker until 128 commits in a row have taken at most 2.5 ms on average
   * and then here, until they take longer or more than one in 128 takes over 4 ms. Default `"auto"`; `:memory:` is always
   * here.
   */
  readonly thread?: "auto" | "worker" | "main";
  /**
   * The `identity()` of the log that must be in the file. Another one, or a new file, is refused: `storage`, `other`. Default:
   * whatever is there when it is opened, and from then on that one.
   */
  readonly identity?: string;
  /** Where the secret comes from. Default: cryptographic chance. */
  readonly random?: Random;
}

/** A log in a SQLite file. */
export interface SqliteLog extends LogStorage {
  /**
   * Opens the file now instead of at the first use, to fail early.
   *
   * @throws CallaError `storage`: `details.code` is a `SqliteProblem`, the message says what to do.
   */
  opened(): Promise<void>;
}
