// The package `pg`.
import { peer } from "../../base/peer.ts";
import type { PostgresDriver, PostgresLine, PostgresLineEvents, PostgresRow } from "./driver.ts";
import { connectionSettings, isUnsupportedSetting } from "./settings.ts";
import type { PostgresConnection } from "./settings.ts";
import { isLostStatement, StatementNames } from "./statement-names.ts";

/** What Calla uses of a `Pool` of the package `pg`. */
export interface PgPool {
  /** Calls back at once when it has a connection, which is the caller's until it is released. */
  connect(taken: (error: Error | undefined, client: PgPoolClient | undefined) => void): void;
  /** Ends all connections. Not called for an app's pool. */
  end(): Promise<void>;
  /** Hears of idle connections that broke. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** How it connects, for the line that listens. */
  readonly options: object;
}

/** What Calla uses of a client of such a pool. */
export interface PgPoolClient {
  /** Runs one statement. */
  query(statement: object): Promise<{ readonly rows: unknown[] }>;
  /** Gives it back, or ends it. */
  release(destroy?: boolean): void;
  /** Hears that it broke between two statements. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Hears no more. */
  off(event: "error", listener: (error: Error) => void): unknown;
}

interface PgClient {
  connect(): Promise<unknown>;
  query(statement: string): Promise<unknown>;
  end(): Promise<void>;
  /** The way to its socket that the pool of `pg` goes, too. */
  readonly connection?: { readonly stream?: { destroySoon?(): void } };
  on(event: string, listener: (told: { readonly payload?: string }) => void): unknown;
}

interface Library {
  readonly Pool: new (config: object) => PgPool;
  readonly Client: new (config: object) => PgClient;
}

/** What `pgDriver` takes: where the server is, or a pool. */
export interface PgDriverOptions extends PostgresConnection {
  /** A pool of the app's, which it closes itself. Default: one made from `url`. */
  readonly pool?: PgPool;
  /**
   * Whether statements have names, so that a connection prepares each one once. Default true: where a pooler loses them, the
   * driver finds it out and goes on without.
   */
  readonly prepare?: boolean;
}

const library = (): Library => peer({ name: "pg", version: 8, neededBy: "@calla/server/postgres" });

/** As Postgres writes it. */
const asText = { getTypeParser: () => (text: string) => text };
// What a connection says beside its calls comes out at its next call; an error event without a listener ends the process.
const ignored = (): void => undefined;

/**
 * A driver over the package `pg`, version 8, which an app installs.
 *
 * @example
 * const driver = pgDriver({ url: process.env.DATABASE_URL, listenUrl: process.env.DIRECT_URL });
 * @throws CallaError `wiring`: the package is not installed.
 */
export function pgDriver(options: PgDriverOptions = {}): PostgresDriver {
  const { Pool, Client } = library();
  let timeouts = true;
  let closed = false;
  let { prepare = true } = options;
  const names = new StatementNames();
  const own = (): PgPool => {
    const { connections, config, ...rest } = connectionSettings(options);
    return new Pool({
      ...(rest.url !== undefined && { connectionString: rest.url }),
      max: connections,
      keepAlive: true,
      connectionTimeoutMillis: rest.connectTimeout,
      ...(timeouts && { statement_timeout: rest.statementTimeout }),
      ...config,
    });
  };
  let pool: PgPool | undefined;
  const pooled = (): PgPool => {
    if (pool === undefined) {
      pool = options.pool ?? own();
      pool.on("error", ignored);
    }
    return pool;
  };
  const renew = (): void => {
    if (options.pool !== undefined) return; // Its connections go one by one, as they fail.
    // Calls that are under way end on the former pool.
    pool?.end().catch(ignored);
    pool = undefined;
  };

  /** Of another pool, where the one that was asked was left meanwhile: it serves nobody who waits. */
  async function connected(): Promise<PgPoolClient> {
    const asked = pooled();
    try {
      return await taken(asked);
    } catch (error) {
      if (closed || options.pool !== undefined) throw error;
      if (asked === pool) {
        if (!timeouts || !isUnsupportedSetting(error)) throw error;
        // It has let nobody in, so there is nothing to end; who waits for it hears the same.
        timeouts = false;
        pool = undefined;
      }
      return taken(pooled());
    }
  }

  async function run(statement: object, signal: AbortSignal | undefined): Promise<readonly PostgresRow[]> {
    const client = await connected();
    let held = true;
    const release = (destroy: boolean): void => {
      if (!held) return;
      held = false;
      client.release(destroy);
      client.off("error", ignored);
    };
    const giveUp = (): void => release(true);
    if (signal?.aborted) {
      release(false); // It was given up before it had a connection, which is whole.
      throw new Error("The call was given up.");
    }
    signal?.addEventListener("abort", giveUp);
    try {
      const { rows } = await client.query(statement);
      release(false);
      return rows as PostgresRow[];
    } catch (error) {
      // An error of a statement leaves its connection whole, a server that only reads does not help.
      const { code, severity } = error as { readonly code?: string; readonly severity?: string };
      release(severity !== "ERROR" || code === "25006");
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  return {
    name: "pg",
    async query(text, values, signal) {
      // Without values several statements may be in one text, which no name can stand for.
      const name = prepare && values.length > 0 ? names.of(text) : undefined;
      const statement = { text, values, types: asText };
      try {
        return await run({ ...statement, name }, signal);
      } catch (error) {
        if (name === undefined || !isLostStatement(error)) throw error;
        prepare = false;
        return run(statement, signal);
      }
    },
    listen(channel, events, signal) {
      const { url, connectTimeout, config } = connectionSettings(options);
      const where = options.listenUrl ?? url;
      const client = new Client({
        ...(options.pool !== undefined && options.listenUrl === undefined && options.pool.options),
        ...(where !== undefined && { connectionString: where }),
        keepAlive: true,
        connectionTimeoutMillis: connectTimeout,
        ...config,
      });
      return listening(client, channel, events, signal);
    },
    renew,
    async close() {
      if (options.pool !== undefined) return;
      closed = true;
      const last = pool;
      pool = undefined;
      await last?.end();
    },
  };
}

/**
 * A connection of the pool's, which is heard from the moment that the pool no longer hears it: a server that ends says so
 * right behind what made it ready, and a promise's turn comes later.
 */
const taken = (pool: PgPool): Promise<PgPoolClient> =>
  new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      if (client === undefined) return reject(error ?? new Error("The pool gave no connection."));
      client.on("error", ignored);
      resolve(client);
    });
  });

async function listening(
  client: PgClient,
  channel: string,
  { heard, lost }: PostgresLineEvents,
  signal: AbortSignal | undefined,
): Promise<PostgresLine> {
  let open = true;
  const end = (): void => {
    if (!open) return;
    open = false;
    // It says goodbye and would wait for the answer: a line that hangs has none.
    client.end().catch(ignored);
    client.connection?.stream?.destroySoon?.();
  };
  const over = (why: unknown): void => {
    if (open) {
      end();
      lost(why);
    }
  };
  client.on("notification", ({ payload = "" }) => {
    if (open) heard(payload);
  });
  client.on("error", over);
  client.on("end", () => over(new Error("The connection has ended.")));
  signal?.addEventListener("abort", end);
  try {
    await client.connect();
    await client.query(`listen "${channel.replaceAll('"', '""')}"`);
  } catch (error) {
    end();
    throw error;
  } finally {
    signal?.removeEventListener("abort", end);
  }
  return { close: end };
}
