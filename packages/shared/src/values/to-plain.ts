// How the wire writes the value domain: as a tree that JSON and MessagePack both carry faithfully. Most values are
// such a tree already and stay what they are; the rest become `{ "$": tag, "v": … }`. One place for both formats, so
// that they cannot disagree.
import { DEV } from "#dev/switch";
import { toBase64 } from "./base64.ts";
import type { ValueClass } from "./known-classes.ts";
import { kindOf } from "./kind.ts";
import { BIGINT } from "./values.ts";
import { WalkRefusal } from "./refusal.ts";
import { deeper, mapFields, mapItems, startWalk } from "./walk.ts";
import type { WalkFields, PlainOptions, WalkStep, Walk } from "./walk.ts";

/**
 * The value as a tree for a format: null, booleans, finite numbers except -0, well-formed strings, arrays, objects
 * without a key `$` or `__proto__`, tagged objects for all else. Returns the same reference for what needs no change.
 * It is for values that `normalise` or `fromPlain` made, and models of such: fields named by symbols are overlooked
 * (looking for them is a fifth of its time), and a getter may be read again by the format.
 *
 * @throws CallaError `invalid-value`: something in it cannot be carried; `details.path` says where.
 * @example
 * toPlain({ due: new Date(1763) }); // { due: { $: "date", v: 1763 } }
 */
export const toPlain = (value: unknown, options: PlainOptions = {}): unknown =>
  startWalk(value, plain, options, "invalid-value");

export const plain: WalkStep = (value, depth, walk) => {
  switch (typeof value) {
    case "string":
      return isCarried(value) ? value : tagged("text", JSON.stringify(value));
    case "boolean":
      return value;
    case "number":
      if (value === 0 ? 1 / value > 0 : Number.isFinite(value)) return value;
      return tagged("number", value === 0 ? "-0" : String(value));
    case "undefined":
      return { $: "undefined" };
    case "bigint": {
      const digits = String(value);
      if (BIGINT.test(digits)) return tagged("bigint", digits);
      throw new WalkRefusal(DEV && "is a bigint of more than 1000 digits; send it as a Uint8Array.");
    }
    case "object":
      return value === null ? value : plainObject(value, depth, walk);
    default:
      throw new WalkRefusal(DEV && `is a ${typeof value}; messages and models are data.`);
  }
};

const tagged = ($: string, v: unknown): unknown => ({ $, v });

function plainObject(value: object, depth: number, walk: Walk): unknown {
  const kind = kindOf(value);
  if (kind === "date") {
    const time = (value as Date).getTime();
    return tagged(kind, Number.isNaN(time) ? null : time);
  }
  if (kind === "bytes") {
    return walk.base64 ? tagged(kind, toBase64(value as Uint8Array)) : value;
  }
  const inside = deeper(depth, walk);
  switch (kind) {
    case "array":
      return mapItems(value as readonly unknown[], plain, inside, walk);
    case "object":
      return plainFields(value as WalkFields, inside, walk);
    case "map":
      return tagged(kind, mapItems([...(value as ReadonlyMap<unknown, unknown>)], plainEntry, inside, walk));
    case "set":
      return tagged(kind, mapItems([...(value as ReadonlySet<unknown>)], plain, inside, walk));
    case "instance": {
      const defined = classIn(value, walk);
      return tagged(defined.name, plain(defined.encode(value), inside, walk));
    }
  }
}

const plainEntry: WalkStep = (entry, depth, walk) =>
  mapItems(entry as readonly unknown[], plain, depth, walk);

function plainFields(fields: WalkFields, depth: number, walk: Walk): unknown {
  // Measured: 90 ns an object, the price of not losing such a field silently.
  if (walk.copies && Object.getOwnPropertySymbols(fields).length > 0) {
    throw new WalkRefusal(DEV && "has a field named by a symbol; name it by a string.");
  }
  const keys = Object.keys(fields);
  for (const key of keys) if (!isCarriedKey(key)) return taggedFields(fields, depth, walk);
  return mapFields(fields, keys, plain, depth, walk);
}

/** Fields with a name that a format, or a reader, would take for something else. */
const taggedFields: WalkStep = (fields, depth, walk) => {
  const entries = Object.entries(fields as WalkFields).filter(([, field]) => field !== undefined);
  return tagged("object", mapItems(entries, plainEntry, depth, walk));
};

const isCarriedKey = (key: string): boolean => key !== "$" && key !== "__proto__" && isCarried(key);

/**
 * Whether both formats give this text back as it is. Lone surrogates do not survive UTF-8, and the TextDecoder
 * that @msgpack/msgpack uses for long strings drops a leading byte order mark.
 */
const isCarried = (text: string): boolean => text.charCodeAt(0) !== 0xfe_ff && isWellFormed(text);

/** ES2024, in every engine this runs on; the expression (2 to 5 times slower) only keeps older ones correct. */
const isWellFormed = (text: string): boolean =>
  (text as { isWellFormed?(): boolean }).isWellFormed?.() ?? !/\p{Surrogate}/u.test(text);

/** The definition of the instance's own class. */
function classIn(instance: object, { classes }: Walk): ValueClass {
  const defined = classes?.byPrototype.get(Object.getPrototypeOf(instance) as object);
  if (defined !== undefined) return defined;
  const { constructor: type } = instance as { constructor?: { name?: unknown } };
  throw new WalkRefusal(
    DEV && `is an instance of ${String(type?.name)}, of which the wire knows nothing; register its class.`,
  );
}
