// How Calla connects to a Postgres, whichever library does it.
import { messageOf } from "@calla/shared";

/** Where a server is. */
export interface PostgresConnection {
  /** `postgres://user:password@host:5432/database`. Default: what the variables PGHOST, PGUSER … say. */
  readonly url?: string | undefined;
  /** Where to listen, if `url` leads to a PgBouncer in transaction mode, which forgets who listens. Default: `url`. */
  readonly listenUrl?: string | undefined;
  /** How many connections there may be, besides the one that listens. Default 8. */
  readonly connections?: number;
  /**
   * Milliseconds after which the server itself ends a statement; a little less than Calla waits. Left out where a pooler
   * refuses the setting: set it for the database's user. Default 9,000.
   */
  readonly statementTimeout?: number;
  /** Milliseconds until a connection must stand. Default 5,000. */
  readonly connectTimeout?: number;
  /** More settings, as the library names them, say `{ ssl: true }`. */
  readonly config?: object;
}

export const connectionSettings = ({
  url,
  connections = 8,
  statementTimeout = 9_000,
  connectTimeout = 5_000,
  config = {},
}: PostgresConnection) => ({ url, connections, statementTimeout, connectTimeout, config });

/**
 * Who answers. The library knows who took the connection; a pooler says a number of its own there. Behind one nothing may be
 * prepared: any connection may answer the next call, and those of PgBouncer before 1.21 do not know what another one prepared.
 */
export const WHO_ANSWERS = "select pg_backend_pid() as pid";

/** PgBouncer refuses connections that bring a setting which it does not know. */
export const isUnsupportedSetting = (error: unknown): boolean =>
  messageOf(error).includes("unsupported startup parameter");
