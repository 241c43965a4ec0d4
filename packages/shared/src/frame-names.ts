// How many names of fields a frame has. A new name costs an engine far more than a known one: it is kept in the engine's
// own table, and an object that has it gets a shape of its own. Measured: 90,000 one-field objects with a name each,
// 1 MB of JSON, parse in 93 ms, the same with one name in 9.
import { CallaError } from "./errors.ts";

export interface ScanLimits {
  /** Levels of a tree (`maxTreeDepth`). */
  readonly maxDepth: number;
  readonly maxEntries: number;
  readonly maxValues: number;
  readonly maxNames: number;
}

/** A power of two. Most frames have fewer names than that, and each of theirs is looked up once. */
const SLOTS = 1_024;

export interface FrameNames {
  /** @throws CallaError `too-large`: one too many. */
  met(text: string, start: number, end: number): void;
}

/** undefined: a frame with no more than `most` fields cannot have too many. */
export const frameNames = ({ maxNames }: ScanLimits, most: number): FrameNames | undefined =>
  most > maxNames ? new Counted(maxNames) : undefined;

class Counted implements FrameNames {
  readonly #maxNames: number;
  /** Where the name in a slot begins, plus one, and ends. A name that is not in its slot is looked for in all. */
  readonly #slots = new Int32Array(2 * SLOTS);
  readonly #all = new Set<string>();

  constructor(maxNames: number) {
    this.#maxNames = maxNames;
  }

  met(text: string, start: number, end: number): void {
    let hash = end - start;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
    const slot = 2 * ((hash ^ (hash >>> 15)) & (SLOTS - 1));
    const slots = this.#slots;
    const known = slots[slot]! - 1;
    if (known >= 0 && slots[slot + 1]! - known === end - start) {
      let i = start;
      while (i < end && text.charCodeAt(i) === text.charCodeAt(known + i - start)) i++;
      if (i === end) return;
    }
    slots[slot] = start + 1;
    slots[slot + 1] = end;
    this.#all.add(text.slice(start, end));
    if (this.#all.size > this.#maxNames) throw new CallaError("too-large", { maxNames: this.#maxNames });
  }
}
