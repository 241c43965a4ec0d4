// What JSON has by itself: null, booleans, texts, finite numbers but -0, arrays, and plain objects without a field
// `__proto__`. `plain` (wire/plain-serialiser.ts) carries these values and no others; a walk looks for the first that is
// none of them. Not here: the value domain (to-plain.ts, from-plain.ts).
import { jsonProblem } from "#dev/json-problem";
import { DEV } from "#dev/switch";
import { CallaError } from "../base/errors.ts";
import { isObject, kindOf, MAX_NESTING } from "./kind.ts";
import type { Kind } from "./kind.ts";
import { below, hostile, isHostile, tooDeep, WalkRefusal } from "./refusal.ts";
import { fieldsInOrder, sameItems } from "./same-parts.ts";
import type { FieldMap, Items } from "./same-parts.ts";
import { DEFAULT_MAX_DEPTH } from "./values.ts";

const isOfJson = (kind: Kind): boolean => kind === "array" || kind === "object";

/**
 * Whether JSON gives this value back as it was, whatever is in it.
 *
 * @example
 * isInJson(new Date()); // false: JSON makes a text of it
 */
export function isInJson(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return value === 0 ? 1 / value > 0 : Number.isFinite(value);
    default:
      return value === null || (isObject(value) && isOfJson(kindOf(value)));
  }
}

/**
 * Whether two of these values are the same in the same order, as `sameInOrder` says it of them. What JSON has not is the
 * same as itself only.
 *
 * @throws CallaError `too-deep`: both nested in more than 512 levels, or cycles.
 */
export const sameJson = (a: unknown, b: unknown): boolean => same(a, b, 0);

function same(a: unknown, b: unknown, depth: number): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  const kind = kindOf(a);
  if (kind !== kindOf(b) || !isOfJson(kind)) return false;
  if (depth >= MAX_NESTING) throw new CallaError("too-deep", { maxDepth: MAX_NESTING });
  return kind === "array"
    ? sameItems(a as Items, b as Items, depth + 1, same)
    : fieldsInOrder(a as FieldMap, b as FieldMap, depth + 1, same);
}

/** What else a walk refuses. */
export interface JsonRules {
  /** Fields by whose names a careless reader reaches a prototype: in messages. */
  readonly hostile: boolean;
  /** Fields named by symbols, which nothing that was decoded has. Measured: 90 ns an object. */
  readonly symbols: boolean;
}

/**
 * Walks down to the first value that JSON has not; a field that is undefined counts as left out.
 *
 * @throws WalkRefusal, with the path. `too-deep`: more than 64 levels, or a cycle. `hostile-key`: a field `__proto__`, which
 * no frame may have.
 */
export function checkJson(value: unknown, rules: JsonRules, depth = 0): void {
  if (!isInJson(value)) throw new WalkRefusal(jsonProblem(value));
  if (!isObject(value)) return;
  if (depth === DEFAULT_MAX_DEPTH) throw tooDeep(depth);
  if (rules.symbols && Object.getOwnPropertySymbols(value).length > 0)
    throw new WalkRefusal(DEV && "has a field named by a symbol; name it by a string.");
  let place: string | number = 0;
  try {
    if (Array.isArray(value)) {
      for (; place < value.length; place++) checkJson(value[place], rules, depth + 1);
      return;
    }
    for (place of Object.keys(value)) {
      if (place === "__proto__" || (rules.hostile && isHostile(place))) throw hostile(place);
      const field = (value as Readonly<Record<string, unknown>>)[place];
      if (field !== undefined) checkJson(field, rules, depth + 1);
    }
  } catch (thrown) {
    throw below(place, thrown);
  }
}
