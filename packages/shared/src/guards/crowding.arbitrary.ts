// Numbers that V8 hashes alike: its two hashes, backwards.

/** Whole numbers of 32 bits; their hashes end in 15 zero bits. */
export const crowdedIntegers = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => {
    let hash = unshifted(i << 15, 16);
    hash = unshifted(Math.imul(hash, inverse(2057)), 4);
    hash = unshifted(Math.imul(hash, inverse(5)), 12);
    return Math.imul(hash + 1, inverse(2 ** 15 - 1));
  });

/** Fractions; their hashes end in 20 zero bits. */
export function crowdedFractions(count: number): number[] {
  const bits = new DataView(new ArrayBuffer(8));
  const found: number[] = [];
  for (let i = 1n; found.length < count; i++) {
    bits.setBigUint64(0, unhash64(i << 20n));
    const fraction = bits.getFloat64(0);
    if (Number.isFinite(fraction) && !Number.isInteger(fraction)) found.push(fraction);
  }
  return found;
}

/** Bigints, half of them negative; the hashes of their lowest 64 bits end in 20 zero bits. */
export const crowdedBigints = (count: number): bigint[] =>
  Array.from({ length: count }, (_, i) => (i % 2 ? -1n : 1n) * unhash64(BigInt(i + 1) << 20n));

/** Bigints with the same lowest 64 bits. */
export const alignedBigints = (count: number): bigint[] =>
  Array.from({ length: count }, (_, i) => (BigInt(i + 1) << 64n) + 1n);

function inverse(factor: number): number {
  let found = 1;
  for (let i = 0; i < 5; i++) found = Math.imul(found, 2 - Math.imul(factor, found));
  return found;
}
function unshifted(hash: number, by: number): number {
  let found = hash;
  for (let i = by; i < 32; i += by) found = hash ^ (found >>> by);
  return found;
}

const BITS = 2n ** 64n - 1n;
function inverse64(factor: bigint): bigint {
  let found = 1n;
  for (let i = 0; i < 6; i++) found = (found * (2n - factor * found)) & BITS;
  return found;
}
function unshifted64(hash: bigint, by: bigint): bigint {
  let found = hash;
  for (let i = by; i < 64n; i += by) found = hash ^ (found >> by);
  return found;
}
function unhash64(hash: bigint): bigint {
  let found = unshifted64(hash, 22n);
  found = unshifted64((found * inverse64(65n)) & BITS, 11n);
  found = unshifted64((found * inverse64(21n)) & BITS, 31n);
  return ((found + 1n) * inverse64(2n ** 18n - 1n)) & BITS;
}
