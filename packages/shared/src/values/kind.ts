// What sort of thing an object is, for all that walk values: equality, hashing, freezing, the wire.

/** The sorts of objects in the value domain. "instance" is everything of a class that is none of the others. */
export type Kind = "object" | "array" | "date" | "map" | "set" | "bytes" | "instance";

/**
 * No value that the wire carries is nested more deeply, whatever `maxDepth` says. It keeps the walks that know no
 * `maxDepth` (equality, hashing, freezing) from running in a cycle until the stack is full.
 */
export const MAX_NESTING = 512;

export const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/**
 * The sort of an object. Plain are objects of `{}`, of `Object.create(null)` and their like from another realm.
 *
 * @example
 * kindOf(new Map()); // "map"
 */
export function kindOf(value: object): Kind {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) {
    return isObject(prototype) && isRoot(Object.getPrototypeOf(prototype)) ? "array" : "instance";
  }
  if (prototype === null || isRoot(prototype)) return "object";
  if (prototype === Date.prototype) return "date";
  if (prototype === Map.prototype) return "map";
  if (prototype === Set.prototype) return "set";
  // Node's Buffer is a Uint8Array too; what the wire gives back is the plain one.
  return value instanceof Uint8Array ? "bytes" : "instance";
}

/** Whether this is our `Object.prototype` or looks like that of another realm. */
const isRoot = (end: unknown): boolean =>
  end === Object.prototype ||
  (isObject(end) && Object.getPrototypeOf(end) === null && Object.hasOwn(end, "isPrototypeOf"));
