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
 * The sort of an object. What comes from another realm (an iframe, Jest, `node:vm`) has other prototypes and is the same
 * sort; an instance of a subclass is none, but of Uint8Array: Node's Buffer is one.
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
  if (isBytes(value)) return "bytes";
  return isRoot(Object.getPrototypeOf(prototype)) ? kindElsewhere(value) : "instance";
}

/** Of an object whose class extends none. What calls itself a Map may be none: its brand decides, where this throws. */
function kindElsewhere(value: object): Kind {
  try {
    switch (nameOf(value)) {
      case "[object Date]":
        Date.prototype.getTime.call(value);
        return "date";
      case "[object Map]":
        Map.prototype.has.call(value, 0);
        return "map";
      case "[object Set]":
        Set.prototype.has.call(value, 0);
        return "set";
    }
  } catch {
    // It calls itself so, or cannot be asked.
  }
  return "instance";
}

const nameOf = (value: unknown): string => Object.prototype.toString.call(value);

/**
 * Whether these are bytes: a Uint8Array or a Buffer, of whatever realm. Jest's tests, for one, have another `Uint8Array` than
 * Node's own modules.
 *
 * @example
 * isBytes(Buffer.from("a")); // true
 */
export const isBytes = (value: unknown): value is Uint8Array =>
  ArrayBuffer.isView(value) && nameOf(value) === "[object Uint8Array]";

/** Whether this is our `Object.prototype` or looks like that of another realm. */
const isRoot = (end: unknown): boolean =>
  end === Object.prototype ||
  (isObject(end) && Object.getPrototypeOf(end) === null && Object.hasOwn(end, "isPrototypeOf"));
