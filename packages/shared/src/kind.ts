// What sort of thing an object is, for all that walk values: equality, hashing, freezing, the wire.

/** The sorts of objects in the value domain. "instance" is everything of a class that is none of the others. */
export type Kind = "object" | "array" | "date" | "map" | "set" | "bytes" | "instance";

/**
 * No value that the wire carries is nested more deeply, whatever `maxDepth` says. It keeps the walks that know no
 * `maxDepth` (equality, hashing, freezing) from running in a cycle until the stack is full.
 */
export const MAX_NESTING = 512;

/** The sort of an object. Plain are objects of `{}`, of `Object.create(null)` and their like from another realm. */
export function kindOf(value: object): Kind {
  if (Array.isArray(value)) {
    return Object.getPrototypeOf(value) === Array.prototype || isForeign(value, 2) ? "array" : "instance";
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return "object";
  if (prototype === Date.prototype) return "date";
  if (prototype === Map.prototype) return "map";
  if (prototype === Set.prototype) return "set";
  // Node's Buffer is a Uint8Array too; what the wire gives back is the plain one.
  if (value instanceof Uint8Array) return "bytes";
  return isForeign(value, 1) ? "object" : "instance";
}

/** Whether the prototype chain has this length and ends in what looks like an `Object.prototype` of another realm. */
function isForeign(value: object, links: number): boolean {
  let end = value;
  for (let i = 0; i < links; i++) {
    const next: unknown = Object.getPrototypeOf(end);
    if (typeof next !== "object" || next === null) return false;
    end = next;
  }
  return Object.getPrototypeOf(end) === null && Object.hasOwn(end, "isPrototypeOf");
}

/** Sets an own field, also where a plain assignment would reach a prototype (`__proto__`) or a frozen one. */
export function setField(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key in target) {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}

/** A copy of the fields that stand before `end`: where a walk that copies on the first change begins. */
export function fieldsBefore(fields: Record<string, unknown>, end: string): Record<string, unknown> {
  const copied: Record<string, unknown> = {};
  for (const key of Object.keys(fields)) {
    if (key === end) break;
    setField(copied, key, fields[key]);
  }
  return copied;
}
