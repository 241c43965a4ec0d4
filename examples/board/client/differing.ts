// Two who are at a board in one colour: one of them takes another, the same one for both, unless that one has chosen it.
import { freeColour, rivals } from "./colours.ts";
import { me, takeColour } from "./myself.ts";
import type { Somebody } from "./people.ts";

/** So long the other of two in one colour has time to take another. */
const PATIENCE = 2_000;

export interface Differing {
  /** To be told who else is here, each time that this changes. */
  from(others: readonly Somebody[], myKey: string): void;
  stop(): void;
}

export function differing(): Differing {
  let others: readonly Somebody[] = [];
  let patience: ReturnType<typeof setTimeout> | undefined;
  const takeFreeColour = (): void => {
    patience = undefined;
    const person = me();
    if (person && rivals(person.colour, others).length > 0) takeColour(freeColour(person.colour, others));
  };
  return {
    from(now, myKey) {
      others = now;
      const person = me();
      const same = person ? rivals(person.colour, others) : [];
      if (same.some(({ key }) => key < myKey)) takeFreeColour();
      else if (same.length > 0) patience ??= setTimeout(takeFreeColour, PATIENCE);
    },
    stop: () => clearTimeout(patience),
  };
}
