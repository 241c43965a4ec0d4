// The options of a Postgres log, and its type for the app.
import type { SteadyClock } from "@calla/shared";
import type { LogStorage } from "../../log/log.ts";
import type { PostgresDriver } from "../driver/driver.ts";

/** What `postgresLog` takes; every option but the driver has a default (docs/postgres.md). */
export interface PostgresLogOptions {
  /** How Postgres is reached. The app closes it, after the server. */
  readonly driver: PostgresDriver;
  /** The schema, Calla's alone, made at first use. Two logs in one database have two. Default `"calla"`. */
  readonly schema?: string;
  /** Records kept behind a saved snapshot; `Infinity` keeps all. Default 10,000. */
  readonly retention?: number;
  /** Another choice for some topics, by topic pattern, or `session`. The first pattern that fits counts. */
  readonly topics?: Readonly<Record<string, { readonly retention?: number }>>;
  /**
   * The `identity()` of the log that must be there. Another one, or an empty schema, is refused: `storage`, `other`. Default:
   * whatever is there when it is first used, and from then on that one.
   */
  readonly identity?: string;
  /** Milliseconds after which a call is given up; nobody knows then whether it was done. Default 10,000. */
  readonly deadline?: number;
  /** Calls at once that append; what comes while all are busy is joined. Default 4. */
  readonly appending?: number;
  /**
   * Hears what takes something away from what is promised, once each: `fsync` or `synchronous_commit` is off, standbys are
   * asynchronous, a transaction of somebody else's holds consumers back. Default: it is printed.
   */
  readonly onError?: (error: unknown) => void;
  /** Where time comes from. Default: the machine's. */
  readonly clock?: SteadyClock;
}

/** A log in a Postgres database. */
export interface PostgresLog extends LogStorage {
  /**
   * Connects, and makes the schema where there is none, now instead of at the first use: to fail early.
   *
   * @throws CallaError `storage`: `details.code` is a `PostgresLogProblem`, Postgres's state or the network's code.
   */
  opened(): Promise<void>;
}
