// Structural equality over the value domain. Values share structure, so identity answers most of the time.
import { classOf } from "./known-classes.ts";
import { CallaError } from "../base/errors.ts";
import { isObject, kindOf, MAX_NESTING } from "./kind.ts";
import { fieldsInOrder, sameItems } from "./same-parts.ts";
import type { FieldMap, Items, Same } from "./same-parts.ts";

/**
 * Whether two values are the same value. Numbers as `Object.is` (NaN is NaN, -0 is not 0); fields in any order, an
 * undefined one as if absent; Map and Set by what they hold, in any order; Date by time; instances of a class by
 * what their registered codec makes of them, otherwise by their own fields (having none, by identity).
 *
 * @throws CallaError `too-deep`: both nested in more than 512 levels, or cycles.
 * @example
 * sameValue({ a: 1, b: undefined }, { a: 1 }); // true
 */
export const sameValue = (a: unknown, b: unknown): boolean => anyOrder(a, b, 0);

/**
 * Whether two values are the same value in the same order: as `sameValue`, but fields, Map and Set count in the order
 * they stand in. An update may go by that order (the oldest entry of a Map), and every format carries it; so only such a
 * value can stand for another one that more is folded over.
 *
 * @throws CallaError `too-deep`: both nested in more than 512 levels, or cycles.
 * @example
 * sameInOrder(new Set([1, 2]), new Set([2, 1])); // false
 */
export const sameInOrder = (a: unknown, b: unknown): boolean => inOrder(a, b, 0);

/**
 * The same comparison; what it throws for (a cycle, too many levels) is not the same.
 *
 * @example
 * comparing(sameInOrder)(cyclic, alsoCyclic); // false
 */
export const comparing =
  (same: (a: unknown, b: unknown) => boolean) =>
  (a: unknown, b: unknown): boolean => {
    try {
      return same(a, b);
    } catch {
      return false;
    }
  };

type Members = ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>;

/** Equality by what is said of that which has an order that may count or not. */
function equality(
  fields: (a: FieldMap, b: FieldMap, depth: number, same: Same) => boolean,
  members: (a: Members, b: Members, depth: number, same: Same) => boolean,
): Same {
  const same: Same = (a, b, depth) => {
    if (Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b)) return false;
    const kind = kindOf(a);
    if (kind !== kindOf(b)) return false;
    if (depth >= MAX_NESTING) throw new CallaError("too-deep", { maxDepth: MAX_NESTING });
    const inside = depth + 1;
    switch (kind) {
      case "array":
      case "bytes":
        return sameItems(a as Items, b as Items, inside, same);
      case "object":
        return fields(a as FieldMap, b as FieldMap, inside, same);
      case "date":
        return Object.is((a as Date).getTime(), (b as Date).getTime());
      case "map":
      case "set":
        return members(a as Members, b as Members, inside, same);
      case "instance": {
        if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
        const defined = classOf(a);
        if (defined !== undefined) return same(defined.encode(a), defined.encode(b), inside);
        // Without own fields nothing can be seen of what is inside.
        return Object.keys(a).length > 0 && fields(a as FieldMap, b as FieldMap, inside, same);
      }
    }
  };
  return same;
}

function sameFields(a: FieldMap, b: FieldMap, depth: number, same: Same): boolean {
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

function membersInOrder(a: Members, b: Members, depth: number, same: Same): boolean {
  if (a.size !== b.size) return false;
  const [keys, values] = [b.keys(), b.values()];
  // An item of a Set is its own key.
  const own = "get" in a ? a.values() : undefined;
  for (const key of a.keys()) {
    if (!same(key, keys.next().value, depth)) return false;
    if (own && !same(own.next().value, values.next().value, depth)) return false;
  }
  return true;
}
const inOrder = /* @__PURE__ */ equality(fieldsInOrder, membersInOrder);

/**
 * Whether the members can be paired, equal with equal: first those with the very same key, then the others. Any
 * pairing will do, for equality is an equivalence; digests keep it from trying each with each.
 */
function sameMembers(a: Members, b: Members, depth: number, same: Same): boolean {
  if (a.size !== b.size) return false;
  const matched = new Set<unknown>();
  const unmatched: Entry[] = [];
  for (const entry of a.entries()) {
    const [key, item] = entry;
    // An item of a Set is its own key.
    if (b.has(key) && same(item, "get" in b ? b.get(key) : item, depth)) matched.add(key);
    else if (isObject(key)) unmatched.push(entry);
    else return false;
  }
  const others = new Map<string, Entry[]>();
  for (const entry of b.entries()) {
    if (matched.has(entry[0])) continue;
    const text = digest(entry);
    const alike = others.get(text);
    if (alike === undefined) others.set(text, [entry]);
    else alike.push(entry);
  }
  return unmatched.every((entry) => {
    const alike = others.get(digest(entry)) ?? [];
    const found = alike.findIndex((other) => same(entry, other, depth));
    return found >= 0 && alike.splice(found, 1).length === 1;
  });
}

const anyOrder = /* @__PURE__ */ equality(sameFields, sameMembers);

type Entry = readonly [unknown, unknown];

/** A text that equal values share, and others hardly ever do. */
const digest = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return `${part}n`;
    if (!isObject(part) || Array.isArray(part)) return part;
    const defined = classOf(part);
    if (defined !== undefined) return digest(defined.encode(part));
    const kind = kindOf(part);
    if (kind === "map" || kind === "set") return [...(part as Members).entries()].map(digest).toSorted();
    const keys = Object.keys(part).toSorted();
    return Object.fromEntries(keys.map((key) => [key, (part as FieldMap)[key]]));
  });
