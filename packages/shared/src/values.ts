// The value domain: what may be in a message or a model. null, booleans, strings (also with lone surrogates),
// numbers (also NaN, infinities, -0), undefined, bigint, Date (also invalid), Map, Set, Uint8Array, arrays, plain
// objects, and instances of registered classes. Not how the wire writes them; that is
// to-plain.ts and from-plain.ts.
import type { ClassTable, ValueClass } from "./classes.ts";
import { CallaError } from "./errors.ts";
import { kindOf, MAX_NESTING, setField } from "./kind.ts";
import { below, Refusal, refused } from "./refusal.ts";

/** Levels of arrays, objects, maps, sets and instances that a value may have, one in the other. */
export const DEFAULT_MAX_DEPTH = 64;

/** Decimal digits of a bigint. Reading a longer one costs more than linear time. */
export const MAX_BIGINT_DIGITS = 1_000;
const BIGINT_END = 10n ** BigInt(MAX_BIGINT_DIGITS);

export interface ValueOptions {
  /** Classes whose instances are values. None by default. */
  readonly classes?: ClassTable;
  /** 64 by default. */
  readonly maxDepth?: number;
  /** "refuse": a field `__proto__`, `constructor` or `prototype` is an error. "keep" by default. */
  readonly hostileKeys?: "keep" | "refuse";
}

/**
 * A fresh deep copy as the wire would make it: fields that are undefined are gone, holes are undefined, getters
 * were read once, null prototypes and subclasses of Uint8Array became the plain thing, instances went through their
 * codec. What happens to the original afterwards does not reach the copy.
 *
 * @throws CallaError `invalid-value`: something in it cannot be carried. `details.path` says where; the message says
 * what to do.
 * @example
 * normalise({ at: new Date(0), gone: undefined }); // { at: Date(0) }
 */
export function normalise(value: unknown, options: ValueOptions = {}): unknown {
  try {
    return copy(value, 0, options);
  } catch (thrown) {
    throw refused(thrown, "invalid-value");
  }
}

function copy(value: unknown, depth: number, options: ValueOptions): unknown {
  if (typeof value !== "object" || value === null) return primitive(value);
  const kind = kindOf(value);
  if (kind === "date") return new Date((value as Date).getTime());
  if (kind === "bytes") return new Uint8Array(value as Uint8Array);
  checkDepth(depth, options);
  switch (kind) {
    case "array":
      return copyItems(value as readonly unknown[], depth + 1, options);
    case "object":
      return copyFields(value as Record<string, unknown>, depth + 1, options);
    case "map":
      return new Map(
        Array.from(value as ReadonlyMap<unknown, unknown>, (entry, i) => {
          try {
            const [key, item] = copyItems(entry, depth + 1, options);
            return [key, item] as const;
          } catch (thrown) {
            throw below(i, thrown, "invalid-value");
          }
        }),
      );
    case "set":
      return new Set(copyItems([...(value as ReadonlySet<unknown>)], depth + 1, options));
    case "instance": {
      const defined = registered(value, options);
      return defined.decode(copy(defined.encode(value), depth + 1, options));
    }
  }
}

function copyItems(items: readonly unknown[], depth: number, options: ValueOptions): unknown[] {
  const copied: unknown[] = [];
  let i = 0;
  try {
    for (; i < items.length; i++) copied.push(copy(items[i], depth, options));
  } catch (thrown) {
    throw below(i, thrown, "invalid-value");
  }
  return copied;
}

function copyFields(fields: Record<string, unknown>, depth: number, options: ValueOptions): unknown {
  const copied: Record<string, unknown> = {};
  checkSymbols(fields);
  let key = "";
  try {
    for (key of Object.keys(fields)) {
      if (options.hostileKeys === "refuse" && isHostileKey(key)) throw hostileKey(key, "invalid-value");
      const field = copy(fields[key], depth, options);
      if (field !== undefined) setField(copied, key, field);
    }
  } catch (thrown) {
    throw below(key, thrown, "invalid-value");
  }
  return copied;
}

/** The primitive, if it is one of the domain. */
export function primitive(value: unknown): unknown {
  if (typeof value === "function")
    throw outside("is a function; dispatch data, and look the function up where it is used.");
  if (typeof value === "symbol") throw outside("is a symbol; use a string.");
  if (typeof value === "bigint" && (value >= BIGINT_END || value <= -BIGINT_END)) {
    throw outside(`is a bigint of more than ${MAX_BIGINT_DIGITS} digits; send it as a Uint8Array.`);
  }
  return value;
}

const outside = (problem: string): Refusal => new Refusal("invalid-value", problem);

export function checkDepth(depth: number, { maxDepth = DEFAULT_MAX_DEPTH }: ValueOptions): void {
  if (depth >= maxDepth) {
    throw outside(
      `is nested in more than ${maxDepth} levels or holds itself; flatten it, or refer to it by an id.`,
    );
  }
}

/** Measured: 90 ns an object, the price of not losing such a field silently. */
function checkSymbols(fields: object): void {
  if (Object.getOwnPropertySymbols(fields).length > 0) {
    throw outside("has a field named by a symbol; name it by a string.");
  }
}

/** The definition of the instance's own class. */
export function registered(instance: object, { classes }: ValueOptions): ValueClass {
  const prototype: unknown = Object.getPrototypeOf(instance);
  const defined = classes?.byPrototype.get(prototype as object);
  if (defined !== undefined) return defined;
  const name: unknown = (instance as { constructor?: { name?: unknown } }).constructor?.name;
  throw outside(
    `is an instance of ${typeof name === "string" && name !== "" ? name : "a class"}, which the wire does not know; ` +
      "make it a plain object, or register its class: automatic(…).with({ classes: [defineClass(…)] }).",
  );
}

/** Names by which a careless reader reaches a prototype. */
export const isHostileKey = (key: string): boolean =>
  key === "__proto__" || key === "constructor" || key === "prototype";

export const hostileKey = (key: string, code: "invalid-value" | "hostile-key"): Refusal =>
  new Refusal(
    code,
    `is named ${key}, which is refused because it could reach a prototype; choose another name.`,
  );

/**
 * Whether an object in the value has an own field `__proto__`, `constructor` or `prototype`, looking `levels` deep
 * (1: the fields of the value itself; everywhere by default). Keys of a Map are no fields.
 *
 * @throws CallaError `too-deep`: nested in more than 512 levels.
 * @example
 * hasHostileKey(JSON.parse('{"a":[{"__proto__":1}]}')); // true
 */
export function hasHostileKey(value: unknown, levels: number = Number.POSITIVE_INFINITY): boolean {
  return hasHostile(value, levels, 0);
}

function hasHostile(value: unknown, levels: number, depth: number): boolean {
  if (typeof value !== "object" || value === null || depth >= levels) return false;
  if (depth >= MAX_NESTING) throw new CallaError("too-deep", { maxDepth: MAX_NESTING });
  if (value instanceof Uint8Array) return false;
  const inside = (item: unknown): boolean => hasHostile(item, levels, depth + 1);
  if (Array.isArray(value)) return value.some(inside);
  if (value instanceof Map) return [...value].some(([key, item]) => inside(key) || inside(item));
  if (value instanceof Set) return [...value].some(inside);
  return Object.keys(value).some(
    (key) => isHostileKey(key) || inside((value as Record<string, unknown>)[key]),
  );
}
