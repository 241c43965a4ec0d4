// The history checker: all rules over one history. spec/history.md has them in words.
import { LogFaultError } from "@calla/server/testing";
import { CallaError } from "@calla/shared";
import { checkConsumed } from "./check-consumed.ts";
import { checkGuests } from "./check-guests.ts";
import { checkLog } from "./check-log.ts";
import { checkOutcomes } from "./check-outcomes.ts";
import { checkViews } from "./check-views.ts";
import type { History, Violation } from "./history.ts";

/** Errors that a run with faults and throwing updates is expected to report. */
const EXPECTED = new Set(["storage", "update-threw", "transport"]);

/**
 * Every rule that a history breaks; none, if it is right.
 *
 * @example
 * expect(checkHistory(report.history)).toEqual([]);
 */
export function checkHistory(history: History): readonly Violation[] {
  // An older node that meets a newer one's record says so, and goes on with the rest (VE4).
  const versions = [...history.archive.values()].some(({ slices }) => slices.length > 1);
  const found = [
    ...checkLog(history),
    ...checkOutcomes(history),
    ...checkViews(history),
    ...checkGuests(history),
    ...checkConsumed(history),
  ];
  for (const event of history.events) {
    if (event.type !== "reported") continue;
    if (event.error instanceof LogFaultError) continue;
    const code = event.error instanceof CallaError ? (event.error.code as string) : "";
    if (EXPECTED.has(code) || (versions && code === "version")) continue;
    found.push({ rule: "HC15", what: `${event.by} reported ${String(event.error)}` });
  }
  for (const { by, target, expected, listed } of history.quiet?.present ?? [])
    if (expected.join() !== listed.join())
      found.push({
        rule: "HC19",
        what: `${by} lists [${listed.join()}] on ${target}, where [${expected.join()}] are`,
      });
  if (history.quiet?.problem !== undefined) found.push({ rule: "HC16", what: history.quiet.problem });
  return found;
}
