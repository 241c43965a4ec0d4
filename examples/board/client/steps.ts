// Where an arrow key takes a card.
import { columns } from "../shared/wiring.ts";
import type { Card } from "../shared/wiring.ts";

export interface Place {
  readonly column: Card["column"];
  readonly before: string | null;
}

/** Columns to the side, and which neighbour the card then comes before, counted from where it was. */
export const steps: Readonly<Record<string, readonly [aside: number, down: number]>> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 2],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

/** Where an arrow key takes a card; undefined at an edge. */
export function placeBeside(cards: readonly Card[], card: Card, key: string): Place | undefined {
  const [aside, down] = steps[key] ?? [0, 0];
  const column = columns[columns.indexOf(card.column) + aside];
  const there = cards.filter((other) => other.column === column);
  const at = cards.filter((other) => other.column === card.column).indexOf(card) + down;
  if (!column || (aside === 0 && (at < 0 || at > there.length))) return undefined;
  return { column, before: there[at]?.id ?? null };
}

/** The card after this one in its column. */
export function nextTo(cards: readonly Card[], card: Card): string | null {
  const there = cards.filter(({ column }) => column === card.column);
  return there[there.indexOf(card) + 1]?.id ?? null;
}
