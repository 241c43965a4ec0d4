// The sentence for a value that JSON has not, with the cure. A server says it in production too, of models; a page only in
// development (dev/json-problem.ts).
import { isObject, kindOf } from "./kind.ts";

/**
 * Why JSON has not this value (`isInJson`), as the rest of a sentence.
 *
 * @example
 * if (!isInJson(value)) throw new TypeError(`The value ${notInJson(value)}`);
 */
export function notInJson(value: unknown): string {
  const kind = isObject(value) ? kindOf(value) : typeof value;
  const or = "or use automatic(json()), which carries it";
  switch (kind) {
    case "function":
    case "symbol":
      return `is a ${kind}; messages and models are data.`;
    case "undefined":
      return `is undefined, which JSON has only as a field that is left out: say null, ${or}.`;
    case "number":
      return Object.is(value, -0)
        ? `is -0, which JSON has not: add 0 to it, ${or}.`
        : `is ${String(value)}, which JSON has not: say null, ${or}.`;
    case "instance": {
      const { constructor: type } = value as { constructor?: { name?: unknown } };
      return `is an instance of ${String(type?.name)}, which JSON has not: say what is in it by an object, or use automatic(json()) and register its class.`;
    }
    default:
      return `is a ${kind === "bytes" ? "Uint8Array" : kind === "bigint" ? kind : kind[0]!.toUpperCase() + kind.slice(1)}, which JSON has not: say it by texts, numbers, arrays and objects, ${or}.`;
  }
}
