// From one order of a list to another, one step after the other: each says where things stand when it is taken.
import type { Matched } from "./match-items.ts";

export type Step =
  | { readonly op: "remove"; readonly at: number }
  | { readonly op: "add"; readonly at: number; readonly item: number }
  | { readonly op: "move"; readonly from: number; readonly at: number };

/**
 * The steps: removes from the last to the first, so that none shifts another; then moves and adds from the first to the last.
 * An item is put behind the one that it follows at the end. What waits to be moved lies where it lay, between those that
 * stay; so a place is the number of those that are at theirs, and of those that wait, before it.
 */
export function* listSteps({ head, before, sources, stays }: Matched): Generator<Step> {
  const kept = new Uint8Array(before);
  for (const i of sources) if (i >= 0) kept[i] = 1;
  for (let i = before - 1; i >= 0; i--) if (kept[i] === 0) yield { op: "remove", at: head + i };
  const waiting = new Waiting(before);
  const staying: number[] = [];
  // Of each place before: how many lie before it that stay.
  const ranks = new Int32Array(before + 1);
  for (let j = 0; j < sources.length; j++) {
    const i = sources[j]!;
    if (stays[j] === 1) {
      staying.push(j);
      ranks[i + 1] = 1;
    } else if (i >= 0) waiting.add(i, 1);
  }
  for (let i = 0; i < before; i++) ranks[i + 1]! += ranks[i]!;
  // Of those that stay, how many have been passed, and where the last one of them lay.
  let passed = 0;
  let last = -1;
  for (let j = 0; j < sources.length; j++) {
    const i = sources[j]!;
    if (stays[j] === 1) {
      passed++;
      last = i;
      continue;
    }
    if (i < 0) {
      yield { op: "add", at: head + j + waiting.before(last), item: head + j };
      continue;
    }
    const rank = ranks[i]!;
    const placed = rank < passed ? staying[rank]! : j + rank - passed;
    const from = placed + waiting.before(i);
    waiting.add(i, -1);
    const at = j + waiting.before(last);
    if (from !== at) yield { op: "move", from: head + from, at: head + at };
  }
}

/** Which places wait; how many do before a place is a sum in a tree (P. M. Fenwick, Software 24 (1994) 327–336). */
class Waiting {
  readonly #sums: Int32Array;
  #count = 0;

  constructor(places: number) {
    this.#sums = new Int32Array(places + 1);
  }

  add(place: number, count: number): void {
    this.#count += count;
    for (let at = place + 1; at < this.#sums.length; at += at & -at) this.#sums[at]! += count;
  }

  before(place: number): number {
    if (this.#count === 0) return 0;
    let sum = 0;
    for (let at = place; at > 0; at -= at & -at) sum += this.#sums[at]!;
    return sum;
  }
}
