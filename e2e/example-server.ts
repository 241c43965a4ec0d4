// An example's built server, as the tests start it.
import { fileURLToPath } from "node:url";
import type { CommandOptions } from "@calla/testing/playwright";

/** `database`: the variable that names its file. */
export const exampleServer = (example: string, database: string): CommandOptions => ({
  command: ["node", fileURLToPath(new URL(`../examples/${example}/dist/server/main.js`, import.meta.url))],
  database,
});
