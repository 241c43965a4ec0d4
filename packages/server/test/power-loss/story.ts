// What the process under load does, by number, so that whoever looks at the disk afterwards knows what must be there:
// each record of a target follows from its sequence alone, and each answer is written down when it came.
import {
  appendOf,
  recordsAfter,
  REMOVED_AT,
  revival,
  row,
  snapshot,
} from "../../src/testing/log-contract/kit.ts";
import type { Append, LogRecord } from "../../src/log/log.ts";

/** What the log has said is done. */
export type Told =
  | { readonly told: "appended"; readonly target: string; readonly sequence: number }
  | { readonly told: "saved"; readonly target: string; readonly sequence: number }
  | { readonly told: "removed"; readonly target: string; readonly sequence: number };

/** The model is the sum of the sequences: it folds what stands in the records. */
export const sumTo = (sequence: number): number => (sequence * (sequence + 1)) / 2;
export const fold = (sum: number, { messages, model }: LogRecord): number =>
  model === undefined
    ? messages.reduce((all, message) => all + (message as unknown as { n: number }).n, sum)
    : (model.value as { sum: number }).sum;

/** Its author settles late: some outcomes are written while those before them stay, and some go. */
export const appendTo = (target: string, from: number, count: number): Append => {
  const settled = Math.max(0, from - (from % 7));
  const outcomes = recordsAfter(from, count).map(({ mid, id, sequence }) => ({ mid, id, sequence }));
  return appendOf(target, from, count, {
    rows: [row("ann", from + count, { settled, outcomes })],
    was: from,
  });
};
export const snapshotOf = (sequence: number) => snapshot(sequence, { model: { sum: sumTo(sequence) } });
export { recordsAfter, REMOVED_AT, revival };
