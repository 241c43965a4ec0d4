// In which order the things that a connection hears may come: as they were recorded, but for those that float. Both keep the
// order among themselves; so of what is left two things may come next, at most.
import type { Hearing, Step } from "../recording/recording.ts";

/** A thing to hear, and between which deeds of the conversation it is heard. */
export interface Place {
  readonly hearing: Hearing;
  /** How many deeds stand before it. What floats stays among the things of the same number. */
  readonly stretch: number;
}

/** Of what is left, in order: what may come next. */
export function mayComeNext<P extends Place>(left: readonly P[]): readonly P[] {
  const [first] = left;
  if (first === undefined) return [];
  const floats = first.hearing.floats === true;
  for (const other of left) {
    if (other.stretch !== first.stretch) break;
    if ((other.hearing.floats === true) !== floats) return [first, other];
  }
  return [first];
}

/** Whether everything that must come has come. */
export const isComplete = (left: readonly Place[]): boolean => left.every(({ hearing }) => hearing.maybe);

/** The stretch of each step, by its index. */
export function stretchesOf(steps: readonly Step[]): readonly number[] {
  let deeds = 0;
  return steps.map((step) => {
    if ("do" in step) deeds += 1;
    return deeds;
  });
}
