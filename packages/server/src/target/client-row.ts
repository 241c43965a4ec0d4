// What a target remembers of one client, and the one decision made of it: is this mid new, known, early or stale? Rows
// are immutable values outside a batch; within one, a draft per touched row is changed in place. The log is given only
// what is new in it, so that an outcome is written once, however late its client settles it.
import type { ClientRow, Outcome, RowWrite } from "../log/log.ts";
import { weigh } from "../base/weight.ts";

/** A row being changed within one batch. */
export interface RowDraft {
  readonly clientId: string;
  /** `last` before this batch. */
  readonly was: number;
  last: number;
  settled: number;
  readonly outcomes: Outcome[];
  /** About the bytes of what its outcomes hold besides names and numbers. */
  weight: number;
  /** How many of them, the last ones, are of this batch. */
  fresh: number;
}

export const emptyRow = (clientId: string): ClientRow => ({ clientId, last: 0, settled: 0, outcomes: [] });

/** Nothing was ever decided of its client. */
export const isEmpty = (row: ClientRow | undefined): boolean => row === undefined || row.last === 0;

export const draftOf = ({ clientId, last, settled, outcomes }: ClientRow): RowDraft => ({
  clientId,
  was: last,
  last,
  settled,
  outcomes: outcomes.slice(),
  weight: outcomes.reduce((sum, outcome) => sum + weightOf(outcome), 0),
  fresh: 0,
});

/** The row once the batch has landed. */
export const rowOf = ({ clientId, last, settled, outcomes }: RowDraft): ClientRow => ({
  clientId,
  last,
  settled,
  outcomes,
});

/** So many acknowledgements are written again rather than apart: most clients have no more under way. */
const FEW = 6;

/** What the log is to write. */
export function writeOf({ clientId, was, last, settled, outcomes, weight, fresh }: RowDraft): RowWrite {
  if (weight === 0 && outcomes.length <= FEW)
    return { clientId, was, last, settled, outcomes: outcomes.slice(), whole: true };
  return { clientId, was, last, settled, outcomes: outcomes.slice(outcomes.length - fresh) };
}

/** The client has stored its outcomes up to `settled`: they need not be remembered (TE3). */
export function settle(row: RowDraft, settled: number): void {
  if (settled <= row.settled) return;
  row.settled = settled;
  let known = 0;
  while (known < row.outcomes.length && row.outcomes[known]!.mid <= settled)
    row.weight -= weightOf(row.outcomes[known++]!);
  if (known > 0) row.outcomes.splice(0, known);
  row.fresh = Math.min(row.fresh, row.outcomes.length);
  if (row.last < settled) row.last = settled;
}

export function remember(row: RowDraft, outcome: Outcome): void {
  row.last = outcome.mid;
  row.outcomes.push(outcome);
  row.weight += weightOf(outcome);
  row.fresh++;
}

/** Remembered: a client that settles late is weighed anew in each batch. */
const weights = new WeakMap<Outcome, number>();

function weightOf(outcome: Outcome): number {
  const held = "code" in outcome ? outcome.details : outcome.messages;
  if (held === undefined) return 0;
  let weight = weights.get(outcome);
  if (weight === undefined) weights.set(outcome, (weight = weigh(held)));
  return weight;
}

/** What a mid is to a row. Only `next` is taken. */
export type Dedupe =
  | { readonly is: "next" }
  | { readonly is: "known"; readonly outcome: Outcome }
  /** Known under another message id, or so old that its outcome is forgotten: never acknowledged (TE5). */
  | { readonly is: "conflict" }
  /** A mid before it is missing. */
  | { readonly is: "early"; readonly from: number };

const NEXT: Dedupe = { is: "next" };
const CONFLICT: Dedupe = { is: "conflict" };

export function dedupe(row: RowDraft, mid: number, id: string): Dedupe {
  if (mid === row.last + 1) return NEXT;
  if (mid > row.last) return { is: "early", from: row.last + 1 };
  // Outcomes are few and the searched one is near the end: from the back.
  for (let i = row.outcomes.length - 1; i >= 0; i--) {
    const outcome = row.outcomes[i]!;
    if (outcome.mid === mid) return outcome.id === id ? { is: "known", outcome } : CONFLICT;
  }
  return CONFLICT;
}
