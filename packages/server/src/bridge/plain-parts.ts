// A model in the plain form of the wire, so that what two models have in common is the same by reference in their plain forms,
// too: a patch does not look into it. Models never change, so each part is made plain once. Of what the wire has in tags only
// maps and sets are known here; all else the serialiser writes.
import { kindOf } from "@calla/shared";

export interface PlainParts {
  /** A value in the plain form. */
  of(value: unknown): unknown;
  /** What a value has become elsewhere. */
  remember(value: object, plain: object): void;
}

/** `encode` makes one value plain by itself. */
export function plainParts(encode: (value: unknown) => unknown): PlainParts {
  /** Of what becomes another object. */
  const made = new WeakMap<object, unknown>();

  const part = (value: unknown): unknown => {
    if (typeof value === "number")
      return Number.isFinite(value) && !Object.is(value, -0) ? value : encode(value);
    if (typeof value === "boolean" || value === null) return value;
    if (typeof value !== "object") return encode(value);
    const known = made.get(value);
    if (known !== undefined) return known;
    const plain = whole(value);
    if (plain !== value) made.set(value, plain);
    return plain;
  };

  const whole = (value: object): unknown => {
    switch (kindOf(value)) {
      case "array":
        return items(value as readonly unknown[]);
      case "object":
        return fields(value as Fields);
      case "map":
        return {
          $: "map",
          v: Array.from(value as Map<unknown, unknown>, ([key, item]) => [part(key), part(item)]),
        };
      case "set":
        return { $: "set", v: Array.from(value as Set<unknown>, part) };
      default:
        return encode(value);
    }
  };

  const items = (list: readonly unknown[]): unknown => {
    let changed: unknown[] | undefined;
    for (let i = 0; i < list.length; i++) {
      const item = list[i];
      const plain = part(item);
      if (!Object.is(plain, item)) (changed ??= list.slice())[i] = plain;
    }
    return changed ?? list;
  };

  const fields = (object: Fields): unknown => {
    let changed: { [name: string]: unknown } | undefined;
    const names = Object.keys(object);
    // The serialiser knows which names have to be told otherwise.
    for (const name of names) if (!isEasyName(name)) return encode(object);
    for (const name of names) {
      const field = object[name];
      const plain = field === undefined ? undefined : part(field);
      if (field !== undefined && Object.is(plain, field)) continue;
      changed ??= { ...object };
      if (plain === undefined) delete changed[name];
      else changed[name] = plain;
    }
    return changed ?? object;
  };
  return { of: part, remember: (value, plain) => void made.set(value, plain) };
}

/** Not one that is told otherwise. */
export const isEasyName = (name: string): boolean => EASY.test(name) && name !== "__proto__";

type Fields = Readonly<Record<string, unknown>>;

/** Names that every format carries as they are. */
const EASY = /^[ -#%-~][ -~]*$/;
