// Models and messages are immutable values; freezing makes a mutation throw where it happens.
import { CallaError } from "./errors.ts";
import { kindOf, MAX_NESTING } from "./kind.ts";

/**
 * Freezes plain objects and arrays deeply and returns the value. What is frozen already is taken to be frozen
 * deeply, so a new model costs only what it does not share with the old one. Map, Set, Date and Uint8Array cannot
 * be frozen: a Map's and a Set's contents are. Instances of classes are left alone, for their class rules them.
 *
 * @throws CallaError `too-deep`: nested in more than 512 levels, or a Map or Set that holds itself.
 * @example
 * deepFreeze({ cards: [{ id: "1" }] }).cards[0].id = "2"; // throws a TypeError
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) freezeObject(value, 0);
  return value;
}

function freezeObject(value: object, depth: number): void {
  if (Object.isFrozen(value)) return;
  if (depth >= MAX_NESTING) throw new CallaError("too-deep", { maxDepth: MAX_NESTING });
  switch (kindOf(value)) {
    case "array":
      // Frozen first, so that a cycle ends at what is frozen already.
      Object.freeze(value);
      for (const item of value as readonly unknown[]) freezeChild(item, depth);
      return;
    case "object":
      Object.freeze(value);
      for (const key of Object.keys(value)) freezeChild((value as Record<string, unknown>)[key], depth);
      return;
    case "map":
      for (const [key, item] of value as ReadonlyMap<unknown, unknown>) {
        freezeChild(key, depth);
        freezeChild(item, depth);
      }
      return;
    case "set":
      for (const item of value as ReadonlySet<unknown>) freezeChild(item, depth);
      return;
    default:
  }
}

function freezeChild(value: unknown, depth: number): void {
  if (typeof value === "object" && value !== null) freezeObject(value, depth + 1);
}
