// What JSON has by itself: null, booleans, texts, finite numbers but -0, arrays, and plain objects without a field
// `__proto__`. `plain` (wire/plain-serialiser.ts) carries these values and no others; a walk looks for the first that is
// none of them. Not here: the value domain (to-plain.ts, from-plain.ts).
import { jsonProblem } from "#dev/json-problem";
import { DEV } from "#dev/switch";
import { isObject, kindOf } from "./kind.ts";
import { below, hostile, isHostile, tooDeep, WalkRefusal } from "./refusal.ts";
import { DEFAULT_MAX_DEPTH } from "./values.ts";

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
      return value === null || (isObject(value) && /^(array|object)$/.test(kindOf(value)));
  }
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
