// What Calla needs of Postgres: two methods, so that any client library fits. Those shipped: pg-driver.ts,
// postgres-js-driver.ts, pglite-driver.ts. Deadlines and repeats are not theirs: calls.ts.

/** A row as every driver gives it: each column as Postgres writes it, in text, or null. */
export type PostgresRow = Readonly<Record<string, string | null>>;

/**
 * A way to a Postgres. Values go out and come back as text, for that is what all client libraries carry alike:
 * `postgresText` makes it. A statement casts what is not text, a number or an array from text (`$1::text::boolean`).
 *
 * @example
 * const driver: PostgresDriver = pgDriver({ url: process.env.DATABASE_URL });
 * const rows = await driver.query("select $1::bigint + 1 as next", ["9007199254740993"]); // [{ next: "9007199254740994" }]
 */
export interface PostgresDriver {
  /** What is beneath it, for reports, say `"pg"`. */
  readonly name: string;
  /**
   * Runs one statement, which is one transaction, in one round trip. Rejects with what the library throws: Postgres's own
   * errors have its five characters as `code`. Where `signal` aborts, nobody waits any more: the driver gives up the
   * connection, which may hang.
   */
  query(
    text: string,
    values: readonly (string | null)[],
    signal?: AbortSignal,
  ): Promise<readonly PostgresRow[]>;
  /**
   * Listens to a channel on a line of its own, and resolves once it hears. A line is not mended: it says `lost` once, and
   * whoever wants another one asks for it. Where `signal` aborts before it hears, nobody waits any more: the driver gives up
   * the connection, which may hang.
   */
  listen(channel: string, line: PostgresLineEvents, signal?: AbortSignal): Promise<PostgresLine>;
  /** Lets go of all connections, so that the next call makes new ones. Called where a server has become read-only. */
  renew?(): void;
  /** Ends what the driver has opened; an app's own pool stays. */
  close?(): Promise<void>;
}

/** What comes of a line. */
export interface PostgresLineEvents {
  /** Somebody notified the channel. */
  heard(payload: string): void;
  /** Nothing will be heard any more. Said once; not of a line that was closed. */
  lost(why: unknown): void;
}

/** One connection that listens. */
export interface PostgresLine {
  /** Ends it. Does not throw, and waits for nobody. */
  close(): void;
}
