// Models and messages are immutable values; freezing makes a mutation throw where it happens.
import { CallaError } from "../base/errors.ts";
import { isObject, kindOf, MAX_NESTING } from "./kind.ts";
import type { Kind } from "./kind.ts";

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
  freeze(value, 0);
  return value;
}

function freeze(value: unknown, depth: number): void {
  if (!isObject(value) || Object.isFrozen(value)) return;
  if (depth >= MAX_NESTING) throw new CallaError("too-deep", { maxDepth: MAX_NESTING });
  const kind = kindOf(value);
  // Frozen before what is inside, so that a cycle ends at what is frozen already.
  if (kind === "array" || kind === "object") Object.freeze(value);
  for (const inside of contents(kind, value)) freeze(inside, depth + 1);
}

/** What is inside an object of this kind and can be reached. */
export function contents(kind: Kind, value: object): readonly unknown[] {
  switch (kind) {
    case "array":
      return value as readonly unknown[];
    case "object":
      return Object.values(value);
    case "map":
      return [...(value as ReadonlyMap<unknown, unknown>)].flat();
    case "set":
      return [...(value as ReadonlySet<unknown>)];
    default:
      return [];
  }
}
