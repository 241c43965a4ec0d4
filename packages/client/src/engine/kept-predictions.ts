// How many predicted models are kept between the first and the last (RB10). Each can be computed anew from the
// messages, so their memory is bounded: pending times model would exhaust a tab. Not here: the predictions (replica.ts).
import { roughSize } from "../base/size.ts";

/** Of one target. */
const MAX_MODELS = 64;
/** Of all targets of a client, in bytes, roughly. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Bytes weighed per model that asks, on the average: weighing a model costs in proportion to its bytes. */
const WEIGHED = 1_000;

/** What the targets of a client share. */
export interface Space {
  left: number;
}

/** One target's part of it. */
export interface PredictionRoom {
  /** Bytes that a model takes from now on; 0: there is no room for it. `grown`: of the message that made it. */
  take(model: unknown, grown: number): number;
  give(bytes: number): void;
}

export const createSpace = (): Space => ({ left: MAX_BYTES });

export function createRoom(space: Space): PredictionRoom {
  let count = 0;
  let weight = 0;
  /** It is weighed anew after so many, and when it may have doubled. */
  let uses = 0;
  let growth = 0;
  return {
    take(model, grown) {
      if (count >= MAX_MODELS) return 0;
      growth += grown;
      if (--uses < 0 || growth > weight) {
        weight = roughSize(model, MAX_BYTES + 1);
        uses = weight / WEIGHED;
        growth = 0;
      }
      const bytes = weight + growth;
      if (bytes > space.left) return 0;
      count++;
      space.left -= bytes;
      return bytes;
    },
    give(bytes) {
      if (bytes === 0) return;
      count--;
      space.left += bytes;
    },
  };
}
