// A 32-bit structural hash, the same on every machine. Consistent with `sameValue`: equal values have equal hashes. Not
// for secrets: collisions are easy to find.
import { classOf } from "./known-classes.ts";
import { CallaError } from "../base/errors.ts";
import { combine, hashString } from "./hash.ts";
import { kindOf, MAX_NESTING } from "./kind.ts";

// One number's bits. The low word's place depends on the machine; the hash must not.
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const low = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

/**
 * The hash of a value of the domain: an unsigned 32-bit number. Fields count in any order, an undefined field not
 * at all; entries of a Map and a Set count in any order.
 *
 * @throws CallaError `too-deep`: nested in more than 512 levels, or a cycle.
 * @example
 * hashValue({ a: 1, b: 2 }) === hashValue({ b: 2, a: 1 }); // true
 */
export function hashValue(value: unknown, seed = 0): number {
  return hashAny(value, seed | 0, 0);
}

// Every sort of value begins with a number of its own, so that 1, "1", [1] and { 1: 1 } differ.
const SORT = { nothing: 1, no: 2, yes: 3, number: 4, text: 5, bigint: 6, other: 7, null: 8 } as const;
const KIND = { array: 16, object: 17, date: 18, map: 19, set: 20, bytes: 21, instance: 22 } as const;

function hashAny(value: unknown, seed: number, depth: number): number {
  switch (typeof value) {
    case "string":
      return hashString(value, seed ^ SORT.text);
    case "number":
      return hashNumber(value, seed ^ SORT.number);
    case "object":
      return value === null ? combine(seed, SORT.null) : hashObject(value, seed, depth);
    case "boolean":
      return combine(seed, value ? SORT.yes : SORT.no);
    case "undefined":
      return combine(seed, SORT.nothing);
    case "bigint":
      return hashString(value.toString(36), seed ^ SORT.bigint);
    default:
      return combine(seed, SORT.other);
  }
}

function hashNumber(value: number, seed: number): number {
  double[0] = value === value ? value : Number.NaN; // a NaN has many bit patterns, and one hash
  return combine(combine(seed, words[low] as number), words[1 - low] as number);
}

function hashObject(value: object, seed: number, depth: number): number {
  if (depth >= MAX_NESTING) throw new CallaError("too-deep", { maxDepth: MAX_NESTING });
  const kind = kindOf(value);
  let hash = combine(seed, KIND[kind]);
  switch (kind) {
    case "array": {
      const items = value as readonly unknown[];
      for (let i = 0; i < items.length; i++) hash = combine(hash, hashAny(items[i], seed, depth + 1));
      return hash;
    }
    case "object":
      return combine(hash, hashFields(value, seed, depth));
    case "date":
      return hashNumber((value as Date).getTime(), hash);
    case "bytes":
      for (const byte of value as Uint8Array) hash = (Math.imul(hash ^ byte, 0x9e3779b1) ^ (hash >>> 15)) | 0;
      return combine(hash, (value as Uint8Array).length);
    case "map":
      return combine(hash, hashEntries(value as ReadonlyMap<unknown, unknown>, seed, depth + 1));
    case "set":
      return combine(hash, hashMembers(value as ReadonlySet<unknown>, seed, depth + 1));
    case "instance": {
      const defined = classOf(value);
      return combine(
        hash,
        defined === undefined
          ? hashFields(value, seed, depth)
          : hashAny(defined.encode(value), seed, depth + 1),
      );
    }
  }
}

// A sum does not know in which order it was made.
function hashEntries(entries: ReadonlyMap<unknown, unknown>, seed: number, depth: number): number {
  let sum = entries.size;
  for (const [key, item] of entries) {
    sum = (sum + combine(hashAny(key, seed, depth), hashAny(item, seed, depth))) | 0;
  }
  return sum;
}

function hashMembers(members: ReadonlySet<unknown>, seed: number, depth: number): number {
  let sum = members.size;
  for (const member of members) sum = (sum + combine(seed, hashAny(member, seed, depth))) | 0;
  return sum;
}

function hashFields(value: object, seed: number, depth: number): number {
  let sum = 0;
  for (const key of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[key];
    if (field !== undefined)
      sum = (sum + combine(hashString(key, seed), hashAny(field, seed, depth + 1))) | 0;
  }
  return sum;
}
