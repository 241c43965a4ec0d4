// What a frame must look like, written as plain data: one spec gives the type, the check and the text that the
// protocol's hash is made of. Checks look at own fields only and never throw; they do not look into payloads ("any":
// those are the user's schemas' job).
//
//   "count"              one of SCALARS
//   "string|null"        one of several; what is no scalar is a literal text: "current|records"
//   ["count", "any"]     a tuple
//   ["count", "*"]       an array of any length
//   { a: "count" }       an object; a field "a?" may be absent
//   { "*": "count" }     a dictionary. Its keys are the peer's: read it by `Object.entries` only
import { isBytes, isObject } from "../values/kind.ts";

/**
 * What a value must look like, as data: a scalar's name, several of them (`string|null`), a tuple or list, an object or
 * dictionary.
 */
export type Spec = string | readonly Spec[] | { readonly [field: string]: Spec };

interface Scalars {
  readonly any: unknown;
  readonly null: null;
  readonly string: string;
  readonly boolean: boolean;
  readonly count: number;
  readonly integer: number;
  readonly bytes: string | Uint8Array;
}

/** The type of what fits a spec. */
export type Fitting<S> = S extends string
  ? OneOf<S>
  : S extends readonly [infer Item, "*"]
    ? readonly Fitting<Item>[]
    : S extends readonly unknown[]
      ? { readonly [I in keyof S]: Fitting<S[I]> }
      : S extends { readonly "*": infer Item }
        ? { readonly [key: string]: Fitting<Item> }
        : FrameFieldsOf<S>;
type OneOf<S extends string> = S extends `${infer First}|${infer Rest}`
  ? OneOf<First> | OneOf<Rest>
  : S extends keyof Scalars
    ? Scalars[S]
    : S;
type FrameFieldsOf<S> = Simplify<
  { readonly [K in keyof S as K extends `${string}?` ? never : K]: Fitting<S[K]> } & {
    readonly [K in keyof S as K extends `${infer Name}?` ? Name : never]?: Fitting<S[K]> | undefined;
  }
>;
type Simplify<T> = { [K in keyof T]: T[K] };

type Check = (value: unknown) => boolean;

const SCALARS: { readonly [name: string]: Check } = {
  any: () => true,
  null: (value) => value === null,
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  /** A sequence, mid, mark or time: an integer from 0 that a double holds exactly. */
  count: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  integer: Number.isSafeInteger,
  bytes: (value) => typeof value === "string" || isBytes(value),
};

// A spec is read once, when it is first needed: reading it for every frame takes four times as long.
const checks = new Map<Spec, Check>();

/** Whether the value is what the spec says. */
export function fits(spec: Spec, value: unknown): boolean {
  let check = checks.get(spec);
  if (check === undefined) checks.set(spec, (check = checkOf(spec)));
  return check(value);
}

function checkOf(spec: Spec): Check {
  if (typeof spec === "string") {
    const [first, ...more] = spec
      .split("|")
      .map((one) => SCALARS[one] ?? ((value: unknown) => value === one));
    return more.length === 0 ? first! : (value) => first!(value) || more.some((check) => check(value));
  }
  if (isTuple(spec)) {
    if (spec[0] === "any" && spec[1] === "*") return Array.isArray;
    const items = spec.map(checkOf);
    const [item] = items;
    if (spec[1] === "*") return (value) => Array.isArray(value) && value.every((one) => item!(one));
    return (value) =>
      Array.isArray(value) && value.length === items.length && items.every((check, i) => check(value[i]));
  }
  const fields = Object.entries(spec).map(([key, inner]) => fieldCheck(key, checkOf(inner)));
  return (value) =>
    isObject(value) && !Array.isArray(value) && fields.every((check) => check(value as FrameObject));
}

function fieldCheck(key: string, check: Check): (value: FrameObject) => boolean {
  if (key === "*") return (value) => Object.values(value).every(check);
  const name = key.replace("?", "");
  return (value) => {
    // A field inherited from a prototype is no field of a frame.
    const field = Object.hasOwn(value, name) ? value[name] : undefined;
    return (field === undefined && name !== key) || check(field);
  };
}

type FrameObject = Readonly<Record<string, unknown>>;
const isTuple = (spec: Spec): spec is readonly Spec[] => Array.isArray(spec);
