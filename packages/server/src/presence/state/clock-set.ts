// A set of one replica's clocks, as ranges: sorted, apart, and never touching. So the context (all clocks from 1 to here)
// is the first range, the cloud (what is known beyond it) the others, and the set is compact after every step (PN5).

/** Whole numbers from the first to the last, both included. */
export type ClockRange = readonly [from: number, to: number];

export class ClockSet {
  #ranges: ClockRange[] = [];

  /** The highest clock up to which all are in the set; 0: not even the first. */
  get context(): number {
    const [first] = this.#ranges;
    return first?.[0] === 1 ? first[1] : 0;
  }

  get ranges(): readonly ClockRange[] {
    return this.#ranges;
  }

  has(clock: number): boolean {
    const at = firstEndingAt(this.#ranges, clock);
    return at < this.#ranges.length && this.#ranges[at]![0] <= clock;
  }

  /** O(log ranges); to close a gap in the middle also moves the ranges behind it. */
  add(from: number, to: number = from): void {
    const ranges = this.#ranges;
    const last = ranges.at(-1);
    // Nearly always: the next clock, or more of what is known.
    if (last !== undefined && from >= last[0] && from <= last[1] + 1) {
      if (to > last[1]) ranges[ranges.length - 1] = [last[0], to];
      return;
    }
    const begin = firstEndingAt(ranges, from - 1);
    let end = begin;
    let [low, high] = [from, to];
    for (; end < ranges.length && ranges[end]![0] <= to + 1; end++) {
      low = Math.min(low, ranges[end]![0]);
      high = Math.max(high, ranges[end]![1]);
    }
    ranges.splice(begin, end - begin, [low, high]);
  }
}

/** The first range that ends at a clock or beyond it; their number, if none does. */
function firstEndingAt(ranges: readonly ClockRange[], clock: number): number {
  let low = 0;
  for (let high = ranges.length; low < high;) {
    const middle = (low + high) >> 1;
    if (ranges[middle]![1] < clock) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many clocks the ranges have. */
export const sizeOf = (ranges: readonly ClockRange[]): number =>
  ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);

/** Whether a clock is in one of the ranges, which are sorted. */
export function within(ranges: readonly ClockRange[], clock: number): boolean {
  const range = ranges[firstEndingAt(ranges, clock)];
  return range !== undefined && range[0] <= clock;
}

/** The ranges without some clocks of theirs; both are sorted. */
export function without(ranges: readonly ClockRange[], clocks: readonly number[]): ClockRange[] {
  const left: ClockRange[] = [];
  let at = 0;
  for (const [from, to] of ranges) {
    let begin = from;
    for (; at < clocks.length && clocks[at]! <= to; at++) {
      const clock = clocks[at]!;
      if (clock < begin) continue;
      if (clock > begin) left.push([begin, clock - 1]);
      begin = clock + 1;
    }
    if (begin <= to) left.push([begin, to]);
  }
  return left;
}
