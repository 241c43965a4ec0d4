// How many names of fields a frame has. A new name costs an engine far more than a known one: it is kept in the engine's
// own table, and an object that has it gets a shape of its own. Measured: 90,000 one-field objects with a name each,
// 1 MB of JSON, parse in 93 ms, the same with one name in 9.
import { CallaError } from "../base/errors.ts";

/** What one JSON text may hold, counted as `DecodeLimits` says. */
export interface NameLimits {
  /** Levels of a tree (`maxTreeDepth`). */
  readonly maxDepth: number;
  readonly maxEntries: number;
  readonly maxValues: number;
  readonly maxNames: number;
}

/** A power of two. Of each set the last few names are known; so about a thousand of a frame are. */
export const SETS = 256;
export const WAYS = 4;

export interface FrameNames {
  /** @throws CallaError `too-large`: one too many. */
  met(text: string, start: number, end: number): void;
}

/** undefined: a frame with no more than `most` fields cannot have too many. */
export const frameNames = ({ maxNames }: NameLimits, most: number): FrameNames | undefined =>
  most > maxNames ? new Counted(maxNames) : undefined;

/** Counts the names that are not among those known: new ones, and those that return after a thousand others. */
class Counted implements FrameNames {
  readonly #maxNames: number;
  #count = 0;
  /** Where a known name begins, plus one, and ends. */
  readonly #places = new Int32Array(2 * WAYS * SETS);

  constructor(maxNames: number) {
    this.#maxNames = maxNames;
  }

  met(text: string, start: number, end: number): void {
    let hash = end - start;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
    const places = this.#places;
    const first = 2 * WAYS * ((hash ^ (hash >>> 15)) & (SETS - 1));
    const last = first + 2 * WAYS;
    for (let at = first; at < last && places[at] !== 0; at += 2) {
      const known = places[at]! - 1;
      if (places[at + 1]! - known !== end - start) continue;
      let i = start;
      while (i < end && text.charCodeAt(i) === text.charCodeAt(known + i - start)) i++;
      if (i === end) return;
    }
    places.copyWithin(first + 2, first, last - 2);
    places[first] = start + 1;
    places[first + 1] = end;
    if (++this.#count > this.#maxNames) throw new CallaError("too-large", { maxNames: this.#maxNames });
  }
}
