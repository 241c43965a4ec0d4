// How many values a value is, counted as they stand in its JSON on the wire. What decoding, storing and keeping a value
// costs follows their number more closely than its bytes: 1 MB of empty arrays once became 147 MB of memory.
import { classOf } from "./classes.ts";
import { isObject, kindOf } from "./kind.ts";

/** An array or an object counts as so many: it costs about that much more than a number or a text does. */
export const PER_CONTAINER = 3;
/** `{ "$": tag, "v": … }` without what is in it. */
const PER_TAG = PER_CONTAINER + 1;

/**
 * The values of a value: each text, number, boolean and null is one, each array and object three, and what JSON has
 * not (a Date, a bigint, bytes, a Map, a Set, an instance of a registered class) as many as the tagged value that
 * stands for it on the wire. Names of fields are not counted. `known`, if given, remembers what was counted: parts
 * that two values share are counted once.
 *
 * @example
 * countValues({ cards: [{ id: "1", done: false }] }); // 3 + 3 + 3 + 1 + 1
 */
export function countValues(value: unknown, known?: WeakMap<object, number>): number {
  if (!isObject(value)) return ofScalar(value);
  const before = known?.get(value);
  if (before !== undefined) return before;
  const values = ofObject(value, known);
  known?.set(value, values);
  return values;
}

function ofScalar(value: unknown): number {
  switch (typeof value) {
    case "bigint":
      return PER_TAG + 1;
    case "undefined":
      return PER_TAG;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? 1 : PER_TAG + 1;
    default:
      return 1;
  }
}

function ofObject(value: object, known: WeakMap<object, number> | undefined): number {
  const kind = kindOf(value);
  let values = PER_CONTAINER;
  switch (kind) {
    case "array":
      for (const item of value as readonly unknown[]) values += countValues(item, known);
      return values;
    case "object":
      for (const key of Object.keys(value)) {
        const field = (value as Readonly<Record<string, unknown>>)[key];
        if (field !== undefined) values += countValues(field, known);
      }
      return values;
    case "map":
      values += PER_TAG;
      for (const [key, item] of value as ReadonlyMap<unknown, unknown>)
        values += PER_CONTAINER + countValues(key, known) + countValues(item, known);
      return values;
    case "set":
      values += PER_TAG;
      for (const member of value as ReadonlySet<unknown>) values += countValues(member, known);
      return values;
    case "date":
    case "bytes":
      return PER_TAG + 1;
    case "instance": {
      const defined = classOf(value);
      return PER_TAG + (defined === undefined ? 0 : countValues(defined.encode(value), known));
    }
  }
}
