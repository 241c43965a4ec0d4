// How the wire writes the value domain: as a tree that JSON and MessagePack both carry faithfully. Most values are
// such a tree already and stay what they are; the rest become `{ "$": tag, "v": … }`. One place for both formats, so
// that they cannot disagree.
import { toBase64 } from "./base64.ts";
import { fieldsBefore, kindOf, setField } from "./kind.ts";
import { below, refused } from "./refusal.ts";
import { checkDepth, primitive, registered } from "./values.ts";
import type { ValueOptions } from "./values.ts";

export interface PlainOptions extends ValueOptions {
  /** What becomes of a Uint8Array: "native" for a format that has bytes (by default), "base64" for one that has not. */
  readonly bytes?: "native" | "base64";
}

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
export function toPlain(value: unknown, options: PlainOptions = {}): unknown {
  try {
    return plain(value, 0, options);
  } catch (thrown) {
    throw refused(thrown, "invalid-value");
  }
}

function plain(value: unknown, depth: number, options: PlainOptions): unknown {
  switch (typeof value) {
    case "string":
      return isCarried(value) ? value : { $: "text", v: JSON.stringify(value) };
    case "boolean":
      return value;
    case "number":
      if (value === 0 ? 1 / value > 0 : Number.isFinite(value)) return value;
      return { $: "number", v: value === 0 ? "-0" : String(value) };
    case "undefined":
      return { $: "undefined" };
    case "object":
      return value === null ? null : plainObject(value, depth, options);
    default:
      return { $: "bigint", v: String(primitive(value)) };
  }
}

function plainObject(value: object, depth: number, options: PlainOptions): unknown {
  const kind = kindOf(value);
  if (kind === "date") {
    const time = (value as Date).getTime();
    return { $: "date", v: Number.isNaN(time) ? null : time };
  }
  if (kind === "bytes") {
    return options.bytes === "base64" ? { $: "bytes", v: toBase64(value as Uint8Array) } : value;
  }
  checkDepth(depth, options);
  switch (kind) {
    case "array":
      return plainItems(value as readonly unknown[], depth + 1, options);
    case "object":
      return plainFields(value as Record<string, unknown>, depth + 1, options);
    case "map":
      return { $: "map", v: plainEntries([...(value as ReadonlyMap<unknown, unknown>)], depth + 1, options) };
    case "set":
      return { $: "set", v: plainItems([...(value as ReadonlySet<unknown>)], depth + 1, options) };
    case "instance": {
      const defined = registered(value, options);
      return { $: defined.name, v: plain(defined.encode(value), depth + 1, options) };
    }
  }
}

function plainItems(items: readonly unknown[], depth: number, options: PlainOptions): readonly unknown[] {
  let changed: unknown[] | undefined;
  let i = 0;
  try {
    for (; i < items.length; i++) {
      const item = items[i];
      const result = plain(item, depth, options);
      if (changed === undefined && result !== item) changed = items.slice(0, i);
      changed?.push(result);
    }
  } catch (thrown) {
    throw below(i, thrown, "invalid-value");
  }
  return changed ?? items;
}

function plainFields(fields: Record<string, unknown>, depth: number, options: PlainOptions): unknown {
  const keys = Object.keys(fields);
  for (const key of keys) if (!isCarriedKey(key)) return tagFields(fields, depth, options);
  let changed: Record<string, unknown> | undefined;
  let key = "";
  try {
    for (key of keys) {
      const field = fields[key];
      const result = field === undefined ? undefined : plain(field, depth, options);
      if (changed === undefined && (result !== field || result === undefined))
        changed = fieldsBefore(fields, key);
      if (changed !== undefined && result !== undefined) setField(changed, key, result);
    }
  } catch (thrown) {
    throw below(key, thrown, "invalid-value");
  }
  return changed ?? fields;
}

/** Fields with a name that a format, or a reader, would take for something else. */
function tagFields(fields: Record<string, unknown>, depth: number, options: PlainOptions): unknown {
  const entries = Object.entries(fields).filter(([, field]) => field !== undefined);
  return { $: "object", v: plainEntries(entries, depth, options) };
}

const plainEntries = (
  entries: readonly (readonly [unknown, unknown])[],
  depth: number,
  options: PlainOptions,
): readonly unknown[] =>
  entries.map((entry, i) => {
    try {
      return plainItems(entry, depth, options);
    } catch (thrown) {
      throw below(i, thrown, "invalid-value");
    }
  });

const isCarriedKey = (key: string): boolean => key !== "$" && key !== "__proto__" && isCarried(key);

/**
 * Whether both formats give this text back as it is. Lone surrogates do not survive UTF-8, and the TextDecoder
 * that @msgpack/msgpack uses for long strings drops a leading byte order mark.
 */
const isCarried = (text: string): boolean => text.charCodeAt(0) !== 0xfe_ff && isWellFormed(text);

// ES2024, in every engine this runs on; the expression (2 to 5 times slower) only keeps older ones correct.
const native = (String.prototype as { isWellFormed?: () => boolean }).isWellFormed;
const isWellFormed: (text: string) => boolean =
  native === undefined
    ? (text) => !/\p{Surrogate}/u.test(text)
    : (text) => (text as unknown as { isWellFormed(): boolean }).isWellFormed();
