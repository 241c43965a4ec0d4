// Fields that are undefined are dropped by the wire. They are dropped before a schema looks, and from what it gives, on
// the client and on the server alike: so both see one message, and what is predicted is what is decided (WR29).
import { isObject, kindOf, MAX_NESTING } from "./kind.ts";

/**
 * The value without fields that are undefined, at any depth: the same object where there are none. Instances of classes
 * have their codecs. What cannot be read, or is nested too deeply, comes back as it is, for whoever refuses it.
 */
export function withoutUndefined(value: unknown): unknown {
  try {
    return lacks(value, 0) ? present(value) : value;
  } catch {
    return value;
  }
}

/** Makes nothing, not even a list of names: few messages lack anything, and each is looked through twice. */
function lacks(value: unknown, depth: number): boolean {
  if (!isObject(value)) return false;
  // A cycle ends here, too; to go on beside it would take for ever.
  if (depth > MAX_NESTING) throw new RangeError("too deep");
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (lacks(value[i], depth + 1)) return true;
    return false;
  }
  const kind = kindOf(value);
  if (kind === "object") {
    for (const key in value) {
      const field = (value as Readonly<Record<string, unknown>>)[key];
      if (field === undefined || lacks(field, depth + 1)) return true;
    }
  } else if (kind === "map" || kind === "set") {
    for (const item of value as Iterable<unknown>) if (lacks(item, depth + 1)) return true;
  }
  return false;
}

function present(value: unknown): unknown {
  if (!isObject(value)) return value;
  const items = (): unknown[] => Array.from(value as Iterable<unknown>, present);
  switch (kindOf(value)) {
    case "object":
      return Object.fromEntries(
        Object.entries(value).flatMap(([key, field]) =>
          field === undefined ? [] : [[key, present(field)] as const],
        ),
      );
    case "array":
      return items();
    case "map":
      return new Map(items() as [unknown, unknown][]);
    case "set":
      return new Set(items());
    default:
      return value;
  }
}
