// The package `postgres` (Postgres.js).
import { CallaError } from "@calla/shared";
import { peer } from "../../base/peer.ts";
import type { PostgresDriver, PostgresRow } from "./driver.ts";
import { connectionSettings, isUnsupportedSetting, WHO_ANSWERS } from "./settings.ts";
import type { PostgresConnection } from "./settings.ts";

/** What Calla uses of an `sql` of the package `postgres`. */
export interface PostgresJsSql {
  /** Runs one statement whose text is given. */
  unsafe(text: string, values?: (string | null)[], options?: { prepare?: boolean }): PostgresJsQuery;
  /** Ends all connections, by force after so many seconds. Not called for an app's `sql`. */
  end(options?: { timeout?: number }): Promise<void>;
  /** How it connects, for the line that listens. */
  readonly options: object;
}

/** What Calla uses of a query of it. */
export interface PostgresJsQuery {
  /** Its rows as bytes. */
  raw(): PromiseLike<PostgresJsRows>;
  /** Asks the server to end it. */
  cancel(): unknown;
}

/** Rows as they came over the wire. */
export interface PostgresJsRows extends ReadonlyArray<readonly (Uint8Array | null)[]> {
  readonly columns: readonly { readonly name: string }[];
  /** Who took the connection that gave them. */
  readonly state?: { readonly pid: number | null };
}

/** What `postgresJsDriver` takes: where the server is, or an `sql`. */
export interface PostgresJsDriverOptions extends PostgresConnection {
  /** An `sql` of the app's, which it closes itself. Default: one made from `url`. */
  readonly sql?: PostgresJsSql;
  /**
   * Whether statements are prepared once for each connection; otherwise each costs a second round trip. Default: false where
   * `sql` says so or a pooler stands in between, which is found out; true otherwise.
   */
  readonly prepare?: boolean;
}

type Library = (where: string | object | undefined, options?: object) => PostgresJsSql;

const library = (): Library => peer({ name: "postgres", version: 3, neededBy: "@calla/server/postgres" });

const ignored = (): void => undefined;
const sameText = (text: unknown): unknown => text;
/** It would write these anew: a boolean is `false` to it unless it is `true` of JavaScript, JSON is quoted once more. */
const REWRITTEN = { boolean: 16, bytes: 17, json: 114, jsonb: 3802, date: 1082, time: 1114, moment: 1184 };
const types = Object.fromEntries(
  Object.entries(REWRITTEN).map(([name, oid]) => [
    name,
    { to: oid, from: [oid], serialize: sameText, parse: sameText },
  ]),
);

/**
 * A driver over the package `postgres`, version 3, which an app installs.
 *
 * @example
 * const driver = postgresJsDriver({ url: process.env.DATABASE_URL });
 * @throws CallaError `wiring`: the package is not installed, or `sql` transforms what comes.
 */
export function postgresJsDriver(options: PostgresJsDriverOptions = {}): PostgresDriver {
  const make = library();
  if (options.sql !== undefined && isRewriting(options.sql))
    throw new CallaError(
      "wiring",
      {},
      "postgresJsDriver: an `sql` that transforms the names of columns, or rows, gives Calla others than it asks for; give one without `transform`, or `url`.",
    );
  const { url, connections, statementTimeout, connectTimeout, config } = connectionSettings(options);
  let timeouts = true;
  const every = {
    connect_timeout: Math.max(1, Math.ceil(connectTimeout / 1_000)),
    fetch_types: false,
    onnotice: ignored,
    types,
  };
  const own = (): PostgresJsSql =>
    make(url, {
      ...every,
      max: connections,
      prepare: options.prepare ?? true,
      ...config,
      ...(timeouts && { connection: { statement_timeout: statementTimeout } }),
    });
  let current: PostgresJsSql | undefined;
  const sql = (): PostgresJsSql => (current ??= options.sql ?? own());
  const { prepare: ofApp } = (options.sql?.options ?? {}) as { readonly prepare?: boolean };
  const told = options.prepare ?? (ofApp === false ? false : undefined);
  let direct: boolean | undefined;
  let asking: Promise<boolean> | undefined;
  // Behind a pooler the library prepares anew whatever the next connection does not know, and leaves that behind each time:
  // it would work, and fill the server's memory.
  const isDirect = async (): Promise<boolean> => {
    const asked = (asking ??= (async () => {
      const rows = await sql().unsafe(WHO_ANSWERS, [], { prepare: false }).raw();
      return rowsOf(rows)[0]?.["pid"] === String(rows.state?.pid);
    })());
    try {
      const answer = await asked;
      if (asking === asked) direct = answer;
      return answer;
    } finally {
      if (asking === asked) asking = undefined;
    }
  };
  const renew = (): void => {
    if (options.sql !== undefined) return;
    direct = asking = undefined; // The next ones may lead elsewhere.
    // It cannot end one connection alone. What is under way on the former ones has until then.
    current?.end({ timeout: 5 }).catch(ignored);
    current = undefined;
  };

  async function run(
    text: string,
    values: readonly (string | null)[],
    signal: AbortSignal | undefined,
  ): Promise<PostgresRow[]> {
    let query: PostgresJsQuery | undefined;
    let used = sql();
    const giveUp = (): void => {
      // Others that hang may have been given up before, and its connections with them.
      if (options.sql !== undefined) query?.cancel();
      else if (used === current) renew();
    };
    signal?.addEventListener("abort", giveUp);
    try {
      const prepare = told ?? direct ?? (await isDirect());
      signal?.throwIfAborted();
      used = sql();
      query = used.unsafe(text, [...values], { prepare });
      return rowsOf(await query.raw());
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  return {
    name: "postgres",
    async query(text, values, signal) {
      const brought = timeouts;
      try {
        return await run(text, values, signal);
      } catch (error) {
        if (!brought || options.sql !== undefined || !isUnsupportedSetting(error)) throw error;
        // Others were refused at the same moment.
        if (timeouts) {
          timeouts = false;
          renew();
        }
        return run(text, values, signal);
      }
    },
    async listen(channel, { heard, lost }, signal) {
      let open = true;
      const line: { end?: () => void } = {};
      const settings = {
        ...every,
        ...config,
        max: 1,
        idle_timeout: null,
        max_lifetime: null,
        // Its own `listen` mends lines, and is deaf from then on where that fails: here whoever listens mends them.
        onnotify: (_: string, payload: string) => void (open && heard(payload)),
        onclose: () => {
          if (!open) return;
          line.end?.();
          lost(new Error("The connection has ended."));
        },
      };
      const near = options.listenUrl ?? url;
      const one =
        options.sql !== undefined && options.listenUrl === undefined
          ? make({ ...options.sql.options, ...settings })
          : make(near, settings);
      line.end = () => {
        open = false;
        one.end({ timeout: 1 }).catch(ignored);
      };
      const giveUp = (): void => line.end?.();
      signal?.addEventListener("abort", giveUp);
      const began = one.unsafe(`listen "${channel.replaceAll('"', '""')}"`).raw();
      try {
        await began;
      } catch (error) {
        line.end();
        throw error;
      } finally {
        signal?.removeEventListener("abort", giveUp);
      }
      return { close: () => void (open && line.end?.()) };
    },
    renew,
    async close() {
      if (options.sql !== undefined) return;
      const last = current;
      current = undefined;
      // A connection that was lost in a call never ends, to the library: this is how long it waits for that.
      await last?.end({ timeout: 1 });
    },
  };
}

/** `transform: postgres.camel`, say. Values that are transformed are not Calla's: it takes them raw. */
function isRewriting({ options }: PostgresJsSql): boolean {
  const { transform } = options as {
    readonly transform?: Readonly<Record<"column" | "row", { readonly from?: unknown } | undefined>>;
  };
  return transform?.column?.from !== undefined || transform?.row?.from !== undefined;
}

const decoder = new TextDecoder();

function rowsOf(rows: PostgresJsRows): PostgresRow[] {
  const names = rows.columns?.map(({ name }) => name) ?? [];
  return Array.from(rows, (row) =>
    Object.fromEntries(
      row.map((bytes, i) => [names[i] ?? "", bytes === null ? null : decoder.decode(bytes)]),
    ),
  );
}
