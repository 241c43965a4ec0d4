// The client rows of the memory log: apart from its targets, for they have ages of their own.
import type { TargetKey } from "@calla/shared";
import type { Append, ClientRow, Expiry, Outcome, RowWrite } from "../log.ts";

interface Kept {
  last: number;
  settled: number;
  readonly outcomes: Outcome[];
  /** Time of the append that wrote it. */
  at: number;
}

export class ClientRows {
  readonly #rows = new Map<TargetKey, Map<string, Kept>>();

  get(target: TargetKey, clientId: string): ClientRow | undefined {
    const kept = this.#rows.get(target)?.get(clientId);
    if (kept === undefined) return undefined;
    const { last, settled, outcomes } = kept;
    return { clientId, last, settled, outcomes: outcomes.slice() };
  }

  /** Whether another node has answered one of these clients since. */
  conflicts({ target, rows }: Append): boolean {
    const ofTarget = this.#rows.get(target);
    return (
      ofTarget !== undefined &&
      rows.some(({ clientId, was }) => (ofTarget.get(clientId)?.last ?? was) !== was)
    );
  }

  write({ target, rows, at }: Append): void {
    if (rows.length === 0) return;
    let ofTarget = this.#rows.get(target);
    if (ofTarget === undefined) this.#rows.set(target, (ofTarget = new Map()));
    for (const row of rows) {
      let kept = ofTarget.get(row.clientId);
      if (kept === undefined) ofTarget.set(row.clientId, (kept = { last: 0, settled: 0, outcomes: [], at }));
      change(kept, row, at);
    }
  }

  expire({ rows: before, limit }: Expiry): number {
    let count = 0;
    for (const [target, ofTarget] of this.#rows) {
      for (const [clientId, { at }] of ofTarget) {
        if (at >= before || count >= limit) continue;
        ofTarget.delete(clientId);
        count++;
      }
      if (ofTarget.size === 0) this.#rows.delete(target);
    }
    return count;
  }
}

function change(kept: Kept, { last, settled, outcomes, whole }: RowWrite, at: number): void {
  kept.last = last;
  kept.settled = Math.max(kept.settled, settled);
  kept.at = at;
  if (whole === true) kept.outcomes.length = 0;
  for (const outcome of outcomes) kept.outcomes.push(outcome);
  let gone = 0;
  while (gone < kept.outcomes.length && kept.outcomes[gone]!.mid <= kept.settled) gone++;
  if (gone > 0) kept.outcomes.splice(0, gone);
}
