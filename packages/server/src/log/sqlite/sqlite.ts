// The public entry of @calla/server/sqlite: a durable log in one file, for one machine. docs/sqlite.md tells what it
// promises and what its tables hold.
import type { SqliteLog, SqliteOptions } from "./options.ts";
import { sqliteWith } from "./sqlite-with.ts";

export type { SqliteProblem } from "./failures.ts";
export type { TopicStorage } from "./topics.ts";
export type { SqliteLog, SqliteOptions } from "./options.ts";

/**
 * A log in a SQLite file: what was acknowledged is there after a crash. Needs the package `better-sqlite3`.
 *
 * @example
 * const log = sqlite("calla.db", { topics: { "cursor-trails:*": { durability: "memory" } } });
 * await log.opened();
 * const server = createServer({ wiring, serialiser, log });
 * @throws CallaError `wiring`: an option is wrong, or the package is not installed; the message says which.
 */
export const sqlite = (file: string, options: SqliteOptions = {}): SqliteLog => sqliteWith(file, options, []);
