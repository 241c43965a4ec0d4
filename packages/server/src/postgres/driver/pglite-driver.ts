// PGlite: a Postgres inside this process, for tests and for trying things out.
import type { PostgresDriver, PostgresRow } from "./driver.ts";

/** What Calla uses of a `PGlite` of the package `@electric-sql/pglite`. */
export interface PgliteDatabase {
  /** Runs one statement. */
  query(text: string, values: (string | null)[], options: object): Promise<{ readonly rows: unknown[] }>;
  /** By the number of a type; complete once `waitReady` has resolved. */
  readonly parsers: Readonly<Record<number, unknown>>;
  readonly serializers: Readonly<Record<number, unknown>>;
  readonly waitReady: Promise<void>;
  /** Hears a channel. Resolves to the undo. */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>;
}

const sameText = (text: unknown): unknown => text;
const allSame = (types: Readonly<Record<number, unknown>>): object =>
  Object.fromEntries(Object.keys(types).map((type) => [type, sameText]));

/**
 * A driver over a PGlite of the app's, which the app closes. It has one connection.
 *
 * @example
 * const driver = pgliteDriver(new PGlite());
 */
export const pgliteDriver = (database: PgliteDatabase): PostgresDriver => ({
  name: "pglite",
  query: async (text, values) => {
    await database.waitReady;
    const asText = { parsers: allSame(database.parsers), serializers: allSame(database.serializers) };
    const { rows } = await database.query(text, [...values], asText);
    return rows as PostgresRow[];
  },
  async listen(channel, { heard }) {
    let open = true;
    const silence = await database.listen(quoted(channel), (payload) => void (open && heard(payload)));
    return {
      close() {
        if (!open) return;
        open = false;
        silence().catch(() => undefined);
      },
    };
  },
});

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
