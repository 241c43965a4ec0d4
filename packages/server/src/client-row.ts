// What a target remembers of one client, and the one decision made of it: is this mid new, known, early or stale?
// Rows are immutable values outside a batch; within one, a draft per touched row is changed in place.
import type { ClientRow, Outcome } from "./log.ts";
import { weigh } from "./weight.ts";

/** A row being changed within one batch. */
export interface RowDraft {
  readonly clientId: string;
  last: number;
  settled: number;
  outcomes: Outcome[];
}

export const emptyRow = (clientId: string): ClientRow => ({ clientId, last: 0, settled: 0, outcomes: [] });

/** Nothing was ever decided of its client. */
export const isEmpty = (row: ClientRow | undefined): boolean => row === undefined || row.last === 0;

export const draftOf = (row: ClientRow): RowDraft => ({ ...row, outcomes: row.outcomes.slice() });

/** The client has stored its outcomes up to `settled`: they need not be remembered (TE3). */
export function settle(row: RowDraft, settled: number): void {
  if (settled <= row.settled) return;
  row.settled = settled;
  let known = 0;
  while (known < row.outcomes.length && row.outcomes[known]!.mid <= settled) known++;
  if (known > 0) row.outcomes.splice(0, known);
  if (row.last < settled) row.last = settled;
}

/** About the bytes of what its outcomes hold besides names and numbers. */
export function weightOf({ outcomes }: ClientRow): number {
  let weight = 0;
  for (const outcome of outcomes) {
    const held = "code" in outcome ? outcome.details : outcome.message;
    if (held === undefined) continue;
    let own = weights.get(outcome);
    if (own === undefined) weights.set(outcome, (own = weigh(held)));
    weight += own;
  }
  return weight;
}

const weights = new WeakMap<Outcome, number>();

export function remember(row: RowDraft, outcome: Outcome): void {
  row.last = outcome.mid;
  row.outcomes.push(outcome);
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
