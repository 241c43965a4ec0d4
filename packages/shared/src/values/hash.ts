// 32-bit hashes of texts, the same on every machine. Not for secrets: whoever wants a collision finds one. Values are
// hashed in hash-value.ts.

/** Spreads every bit over all 32 (murmur3's finaliser). */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * One hash of two unsigned 32-bit hashes, in this order: `combine(a, b)` differs from `combine(b, a)`. Multiplied by
 * three of xxHash32's primes, then mixed by murmur3's finaliser.
 *
 * @example
 * combine(hashString("a"), hashString("b"));
 */
export function combine(a: number, b: number): number {
  return mix(Math.imul(a ^ (a >>> 15), 0x9e3779b1) + Math.imul(b, 0x85ebca77) + 0x165667b1);
}

/**
 * The unsigned 32-bit hash of a text, unit by unit, so lone surrogates count as what they are. Each unit is multiplied
 * in by xxHash32's first prime; murmur3's finaliser mixes the end.
 *
 * @example
 * hashString("board:42"); // an integer from 0 to 2^32 - 1
 */
export function hashString(text: string, seed = 0): number {
  let hash = seed ^ text.length;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return mix(hash);
}
