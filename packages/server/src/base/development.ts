// What a server prints about development and production when it starts, because nobody looks for what makes a server
// slow.
import { CallaError, DEV, isDevelopment } from "@calla/shared";
import type { Report } from "./contain.ts";

const SLOW =
  "calla: this server runs in development: it runs every update twice and checks what comes of it, which takes two to " +
  "five times as long. Where it is deployed, set NODE_ENV=production.\n";

/** It has been said in this process. */
let told = false;

/** Says once that this is development; a test run (`NODE_ENV=test`) is not told. */
export function sayDevelopment(strict: boolean | undefined, report: Report): void {
  if (strict === true && !DEV)
    report(
      new CallaError(
        "wiring",
        { strict },
        "createServer({ strict: true }) changes nothing: the condition production has left the checks out of this build.",
      ),
    );
  if (told || !isDevelopment() || process.env["NODE_ENV"] === "test") return;
  told = true;
  process.stderr.write(SLOW);
}

/**
 * Gives what prints a sentence about a client on the standard error output, once for each key and so many in all: where
 * an app is written, the console is what one looks at. In production and in test runs nothing is printed.
 */
export function consoleOnce(most: number): (key: string, sentence: () => string) => void {
  const told = new Set<string>();
  return (key, sentence) => {
    if (told.size >= most || told.has(key) || !isDevelopment() || process.env["NODE_ENV"] === "test") return;
    told.add(key);
    process.stderr.write(`calla: ${sentence()}\n`);
  };
}
