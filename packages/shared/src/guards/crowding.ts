// Numbers as members of a Set and keys of a Map. V8 hashes them without a seed, so whoever knows the function finds as
// many as they like that share a bucket, and each of those is compared with all before it: 65,000 numbers, 500 KB, made a
// Set in 2 to 8 s. Here V8's hash is computed once more and the comparisons are counted before such a Set is made. Nothing
// but the hash tells these numbers from random ones, and a mere limit would have to be at some hundred members, which
// honest sets have. Measured for 100,000 members: counting 2.4 ms, making the Set 15. Whether the engine that runs hashes
// so still is tested (crowding.test.ts); with a seeded hash this costs its time and refuses what nobody sends by chance.
// Texts are seeded everywhere, and objects are hashed by identity.

import { DEV } from "#dev/switch";
import { WalkRefusal } from "../values/refusal.ts";

/** A smaller one costs a few microseconds, whatever is in it. */
const SMALL = 128;
/**
 * Comparisons for each member. Random numbers need one, the worst of many arithmetic progressions 4.4; what was made to
 * stay below this at each size that a growing Set has was 2 times as slow as random numbers.
 */
const MOST = 8;

/**
 * Whether the numbers and bigints among the members of a Set, or the keys of a Map, crowd in few places of an engine's
 * table: then adding and finding one takes as long as looking at all. `size`: how many there are.
 *
 * @example
 * if (isCrowded(map.keys(), map.size)) refuse();
 */
export function isCrowded(members: Iterable<unknown>, size: number): boolean {
  if (size < SMALL) return false;
  // V8 has a bucket for each two members it has room for, and doubles the room.
  const buckets = 2 ** Math.ceil(Math.log2(size) - 1);
  let filled: Uint32Array | undefined;
  let comparisons = 0;
  for (const member of members) {
    if (typeof member !== "number" && typeof member !== "bigint") continue;
    filled ??= new Uint32Array(buckets);
    const bucket = hashOf(member) & (buckets - 1);
    comparisons += filled[bucket]!++;
  }
  return comparisons > MOST * size;
}

function hashOf(member: number | bigint): number {
  if (typeof member === "bigint") {
    // Of its lowest 64 bits without the sign.
    const digit = member < 0n ? -member : member;
    return hash64(Number(BigInt.asUintN(32, digit >> 32n)), Number(BigInt.asUintN(32, digit)));
  }
  if ((member | 0) === member) return hash32(member);
  double[0] = member;
  return hash64(words[1 - low]!, words[low]!);
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const low = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

/** V8's ComputeUnseededHash, of what fits in 32 bits. */
function hash32(key: number): number {
  let hash = (~key + (key << 15)) | 0;
  hash ^= hash >>> 12;
  hash = (hash + (hash << 2)) | 0;
  hash ^= hash >>> 4;
  hash = Math.imul(hash, 2057);
  return hash ^ (hash >>> 16);
}

/** V8's ComputeLongHash, of 64 bits in two halves; the lower half of what it gives. */
function hash64(upper: number, lower: number): number {
  let [high, bits] = [upper, lower];
  // hash = ~hash + (hash << 18)
  let sum = (~bits >>> 0) + ((bits << 18) >>> 0);
  high = (~high + ((high << 18) | (bits >>> 14)) + (sum > MAX_UINT32 ? 1 : 0)) >>> 0;
  bits = sum >>> 0;
  // hash ^= hash >>> 31
  bits = (bits ^ ((high << 1) | (bits >>> 31))) >>> 0;
  high = (high ^ (high >>> 31)) >>> 0;
  // hash *= 21
  const product = bits * 21;
  high = (Math.imul(high, 21) + Math.floor(product / (MAX_UINT32 + 1))) >>> 0;
  bits = product >>> 0;
  // hash ^= hash >>> 11
  bits = (bits ^ ((high << 21) | (bits >>> 11))) >>> 0;
  high = (high ^ (high >>> 11)) >>> 0;
  // hash += hash << 6
  sum = bits + ((bits << 6) >>> 0);
  high = (high + ((high << 6) | (bits >>> 26)) + (sum > MAX_UINT32 ? 1 : 0)) >>> 0;
  bits = sum >>> 0;
  // hash ^= hash >>> 22
  return bits ^ ((high << 10) | (bits >>> 22));
}

const MAX_UINT32 = 0xffff_ffff;

/** These members of a Set, or keys of a Map. @throws WalkRefusal: they were chosen to collide. */
export function evenly<Members extends readonly unknown[]>(members: Members): Members {
  if (!isCrowded(members, members.length)) return members;
  throw new WalkRefusal(
    DEV &&
      "has numbers that were chosen to collide, or bigints with the same 64 bits: an engine would take seconds to tell them apart. Use texts.",
  );
}
