// better-sqlite3, which an app installs beside Calla. It is asked for when a log is made: an import that fails could say only
// that it is not there, and not what to do.
import { createRequire } from "node:module";
import type BetterSqlite3 from "better-sqlite3";
import { CallaError } from "@calla/shared";

const NAME = "better-sqlite3";
const require = createRequire(import.meta.url);

/** @throws CallaError `wiring`: it is not installed. */
export function library(load: (name: string) => unknown = require): typeof BetterSqlite3 {
  try {
    return load(NAME) as typeof BetterSqlite3;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    const sentence = `@calla/server/sqlite needs the package ${NAME} 12: npm install ${NAME}.`;
    throw new CallaError("wiring", { missing: NAME, message: (error as Error).message }, sentence);
  }
}

/** Where it is, for a worker. */
export const libraryPath = (): string => require.resolve(NAME);
