// How many values a value is, counted as they stand in its JSON on the wire. What decoding, storing and keeping a value
// costs follows their number more closely than its bytes: 1 MB of empty arrays once became 147 MB of memory.
import { classOf } from "./known-classes.ts";
import { isObject, kindOf } from "./kind.ts";
import { mayBeIndex } from "./sparse-fields.ts";

/** An array or an object counts as so many: it costs about that much more than a number or a text does. */
export const PER_CONTAINER = 3;
/** What a tagged value counts besides: an object is made of it, and then what it stands for. Measured: 38,000 Dates took 45 ms. */
export const PER_TAG = 5;
/** What bytes count besides that. Measured: 38,000 of one byte each took 60 to 80 ms. */
export const PER_BYTES = 5;
/** `{ "$": tag, "v": … }` without what is in it. */
const TAGGED = PER_CONTAINER + 1 + PER_TAG;
/** What an object counts besides, if a field's name begins with a digit: its table (sparse-fields.ts). Measured: 38,000 took 110 ms. */
export const PER_TABLE = 12;

/**
 * The values of a value: each text, number, boolean and null is one, each array and object three, and what JSON has
 * not (a Date, a bigint, bytes, a Map, a Set, an instance of a registered class) as many as the tagged value that
 * stands for it on the wire. A tagged value counts 5 more, bytes 10, and an object with names that begin with a digit
 * 12: that is what making them costs. Names of fields are not counted. `known`, if given, remembers what was counted: parts
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
      return TAGGED + 1;
    case "undefined":
      return TAGGED;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? 1 : TAGGED + 1;
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
      return values + ofFields(value as Readonly<Record<string, unknown>>, known);
    case "map":
      values += TAGGED;
      for (const [key, item] of value as ReadonlyMap<unknown, unknown>)
        values += PER_CONTAINER + countValues(key, known) + countValues(item, known);
      return values;
    case "set":
      values += TAGGED;
      for (const member of value as ReadonlySet<unknown>) values += countValues(member, known);
      return values;
    case "date":
      return TAGGED + 1;
    case "bytes":
      return TAGGED + 1 + PER_BYTES;
    case "instance": {
      const defined = classOf(value);
      return TAGGED + (defined === undefined ? 0 : countValues(defined.encode(value), known));
    }
  }
}

function ofFields(
  fields: Readonly<Record<string, unknown>>,
  known: WeakMap<object, number> | undefined,
): number {
  let values = 0;
  let tabled = false;
  for (const key of Object.keys(fields)) {
    const field = fields[key];
    if (field === undefined) continue;
    values += countValues(field, known);
    tabled ||= mayBeIndex(key);
  }
  return tabled ? values + PER_TABLE : values;
}
