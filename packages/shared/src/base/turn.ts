// Work that is done once per turn.
import type { Clock } from "./clock.ts";

/** A function that runs `work` once at the end of the turn, however often it is called in it. */
export function oncePerTurn(clock: Clock, work: () => void): () => void {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    clock.defer(() => {
      due = false;
      work();
    });
  };
}
