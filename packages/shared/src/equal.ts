// Structural equality over the value domain. Values share structure, so identity answers most of the time.
import { classOf } from "./classes.ts";
import { CallaError } from "./errors.ts";
import { hashValue } from "./hash.ts";
import { kindOf, MAX_NESTING } from "./kind.ts";
import type { Kind } from "./kind.ts";

/**
 * Whether two values are the same value. Numbers as `Object.is` (NaN is NaN, -0 is not 0); fields in any order, an
 * undefined one as if absent; Map and Set by what they hold, in any order; Date by time; instances of a class by
 * what their registered codec makes of them, otherwise by their own fields (having none, by identity).
 *
 * @throws CallaError `too-deep`: both nested in more than 512 levels, or cycles.
 * @example
 * sameValue({ a: 1, b: undefined }, { a: 1 }); // true
 */
export function sameValue(a: unknown, b: unknown): boolean {
  return same(a, b, 0);
}

function same(a: unknown, b: unknown, depth: number): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return false;
  if (depth >= MAX_NESTING) throw new CallaError("too-deep", { maxDepth: MAX_NESTING });
  return sameOfKind(kind, a, b, depth + 1);
}

function sameOfKind(kind: Kind, a: object, b: object, depth: number): boolean {
  switch (kind) {
    case "array":
      return sameItems(a as readonly unknown[], b as readonly unknown[], depth);
    case "object":
      return sameFields(a as Fields, b as Fields, depth);
    case "date":
      return Object.is((a as Date).getTime(), (b as Date).getTime());
    case "bytes":
      return sameBytes(a as Uint8Array, b as Uint8Array);
    case "map":
      return sameMap(a as Entries, b as Entries, depth);
    case "set":
      return sameSet(a as ReadonlySet<unknown>, b as ReadonlySet<unknown>, depth);
    case "instance":
      return sameInstance(a, b, depth);
  }
}

type Fields = Readonly<Record<string, unknown>>;
type Entries = ReadonlyMap<unknown, unknown>;

function sameItems(a: readonly unknown[], b: readonly unknown[], depth: number): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!same(a[i], b[i], depth)) return false;
  return true;
}

function sameFields(a: Fields, b: Fields, depth: number): boolean {
  let left = 0;
  for (const key of Object.keys(a)) {
    if (a[key] === undefined) continue;
    // Own fields only: `{}` has no field `__proto__`, whatever reading it gives.
    if (!Object.hasOwn(b, key) || !same(a[key], b[key], depth)) return false;
    left++;
  }
  for (const key of Object.keys(b)) if (b[key] !== undefined) left--;
  return left === 0;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function sameInstance(a: object, b: object, depth: number): boolean {
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const defined = classOf(a);
  if (defined !== undefined) return same(defined.encode(a), defined.encode(b), depth);
  // Without own fields nothing can be seen of what is inside.
  return Object.keys(a).length > 0 && sameFields(a as Fields, b as Fields, depth);
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

function sameMap(a: Entries, b: Entries, depth: number): boolean {
  if (a.size !== b.size) return false;
  const unmatched: (readonly [unknown, unknown])[] = [];
  for (const entry of a) {
    const [key, value] = entry;
    if (b.has(key) && same(value, b.get(key), depth)) continue;
    if (!isObject(key)) return false;
    unmatched.push(entry);
  }
  if (unmatched.length === 0) return true;
  const others = [...b].filter(
    ([key, value]) => isObject(key) && !(a.has(key) && same(a.get(key), value, depth)),
  );
  return pairUp(unmatched, others, depth);
}

function sameSet(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>, depth: number): boolean {
  if (a.size !== b.size) return false;
  const unmatched: unknown[] = [];
  for (const item of a) {
    if (b.has(item)) continue;
    if (!isObject(item)) return false;
    unmatched.push(item);
  }
  if (unmatched.length === 0) return true;
  const others = [...b].filter((item) => isObject(item) && !a.has(item));
  return pairUp(unmatched, others, depth);
}

/**
 * Whether the two can be paired, equal with equal. Any pairing will do, for equality is an equivalence; hashes keep
 * it from being quadratic.
 */
function pairUp(unmatched: readonly unknown[], others: readonly unknown[], depth: number): boolean {
  if (unmatched.length !== others.length) return false;
  const byHash = new Map<number, unknown[]>();
  for (const other of others) {
    const hash = hashValue(other);
    const bucket = byHash.get(hash);
    if (bucket === undefined) byHash.set(hash, [other]);
    else bucket.push(other);
  }
  return unmatched.every((one) => {
    const bucket = byHash.get(hashValue(one)) ?? [];
    const found = bucket.findIndex((other) => same(one, other, depth));
    if (found < 0) return false;
    bucket.splice(found, 1);
    return true;
  });
}
