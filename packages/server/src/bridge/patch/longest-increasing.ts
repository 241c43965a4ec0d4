// A longest increasing subsequence in O(n log n): M. L. Fredman, "On computing the length of longest increasing
// subsequences", Discrete Mathematics 11 (1975) 29–35, with links back to tell which it is.

/**
 * Of each number 1 if it belongs to a longest subsequence that rises, else 0. Those below 0 are left out.
 *
 * @example
 * longestIncreasing(Int32Array.of(2, 0, -1, 1)); // 0, 1, 0, 1
 */
export function longestIncreasing(numbers: Int32Array): Uint8Array {
  const chosen = new Uint8Array(numbers.length);
  // Of each length the place of the least number that a subsequence of that length ends with.
  const ends = new Int32Array(numbers.length);
  const links = new Int32Array(numbers.length);
  let longest = 0;
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at]!;
    if (number < 0) continue;
    let low = 0;
    // Most lists have been moved about little: the end is tried first.
    if (longest > 0 && numbers[ends[longest - 1]!]! < number) low = longest;
    for (let high = longest; low < high;) {
      const half = (low + high) >>> 1;
      if (numbers[ends[half]!]! < number) low = half + 1;
      else high = half;
    }
    links[at] = low === 0 ? -1 : ends[low - 1]!;
    ends[low] = at;
    if (low === longest) longest++;
  }
  let at = longest === 0 ? -1 : ends[longest - 1]!;
  while (at >= 0) {
    chosen[at] = 1;
    at = links[at]!;
  }
  return chosen;
}
