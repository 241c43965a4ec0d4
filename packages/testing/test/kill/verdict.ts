// What comes out of a round: all that was seen, judged by what the log has.
import { CallaError } from "@calla/shared";
import { checkHistory } from "../../src/index.ts";
import type { HistoryEvent, Quiet, Violation } from "../../src/index.ts";
import type { Word } from "./server.ts";
import type { Witness } from "./witness.ts";

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly records: number;
  /** How many outcomes people were told. */
  readonly told: number;
}

export function verdictOf(
  witness: Witness,
  events: readonly HistoryEvent[],
  quiet: Quiet,
  users: readonly string[],
): Verdict {
  const { archive } = witness;
  // What was appended is read after the death, so it stands first: that nothing is told too early is HC3 here, for
  // what was told and is not there when the next life begins was never durable.
  const appended = [...archive].map(([target, { paths }]): HistoryEvent => {
    return { type: "appended", target, path: 0, sequence: paths[0]!.places.length - 1 };
  });
  return {
    violations: [
      ...witness.violations,
      ...checkHistory({ events: [...appended, ...events], archive, quiet, users }),
    ],
    records: [...archive.values()].reduce((sum, { paths }) => sum + paths[0]!.places.length - 1, 0),
    told: events.filter(({ type }) => type === "told").length,
  };
}

/** What a server has told of its errors. */
export const reported = ({ code, error }: Extract<Word, { type: "reported" }>): HistoryEvent => ({
  type: "reported",
  by: "server",
  error: new CallaError(code as "storage", {} as never, error),
});
