// Small combinators: one definition gives the type, the check and the text that the protocol's hash is made of.
// Guards look at own fields only and never throw; they do not look into payloads (those are the user's schemas' job).

/** A check that narrows. `shape` is its canonical text. */
export interface Guard<T> {
  (value: unknown): value is T;
  readonly shape: string;
  readonly optional?: boolean;
}
export type Guarded<G> = G extends Guard<infer T> ? T : never;

const guard = <T>(shape: string, check: (value: unknown) => boolean, optional = false): Guard<T> =>
  Object.assign((value: unknown): value is T => check(value), optional ? { shape, optional } : { shape });

export const unknown: Guard<unknown> = guard("any", () => true);
export const string: Guard<string> = guard("string", (value) => typeof value === "string");
export const boolean: Guard<boolean> = guard("boolean", (value) => typeof value === "boolean");
/** A count, sequence, mid, mark or time: an integer from 0 that a double holds exactly. */
export const count: Guard<number> = guard(
  "count",
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);
export const integer: Guard<number> = guard("integer", (value) => Number.isSafeInteger(value));
export const bytes: Guard<string | Uint8Array> = guard(
  "bytes",
  (value) => typeof value === "string" || value instanceof Uint8Array,
);

export const literal = <const T extends string | number>(text: T): Guard<T> =>
  guard(JSON.stringify(text), (value) => value === text);

export const oneOf = <const T extends readonly string[]>(...texts: T): Guard<T[number]> =>
  guard(texts.join("|"), (value) => typeof value === "string" && texts.includes(value));

export const nullable = <T>(inner: Guard<T>): Guard<T | null> =>
  guard(`${inner.shape}|null`, (value) => value === null || inner(value));

/** A field that may be absent. */
export const optional = <T>(inner: Guard<T>): Guard<T> & { readonly optional: true } =>
  guard<T>(`${inner.shape}?`, (value) => value === undefined || inner(value), true) as Guard<T> & {
    readonly optional: true;
  };

export const array = <T>(inner: Guard<T>): Guard<readonly T[]> =>
  guard(`[${inner.shape}*]`, (value) => Array.isArray(value) && value.every((item) => inner(item)));

export const tuple = <const G extends readonly Guard<unknown>[]>(
  ...items: G
): Guard<{ readonly [K in keyof G]: Guarded<G[K]> }> =>
  guard(
    `[${items.map((item) => item.shape).join(",")}]`,
    (value) =>
      Array.isArray(value) &&
      value.length === items.length &&
      items.every((item, i) => item(value[i] as unknown)),
  );

/** A dictionary. Its keys are the peer's: read it by `Object.entries` only. */
export const record = <T>(inner: Guard<T>): Guard<{ readonly [key: string]: T }> =>
  guard(
    `{*:${inner.shape}}`,
    (value) => isObject(value) && Object.values(value).every((item) => inner(item)),
  );

type Fields = { readonly [key: string]: Guard<unknown> };
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends { readonly optional: true } ? K : never;
}[keyof F];
type Simplify<T> = { [K in keyof T]: T[K] };
export type ObjectOf<F extends Fields> = Simplify<
  { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Guarded<F[K]> } & {
    readonly [K in OptionalKeys<F>]?: Guarded<F[K]> | undefined;
  }
>;

export function object<const F extends Fields>(fields: F): Guard<ObjectOf<F>> {
  const keys = Object.keys(fields);
  return guard(`{${keys.map((key) => `${key}:${fields[key]!.shape}`).join(",")}}`, (value) => {
    if (!isObject(value)) return false;
    for (const key of keys) {
      // A field inherited from a prototype is no field of a frame.
      if (!fields[key]!(Object.hasOwn(value, key) ? value[key] : undefined)) return false;
    }
    return true;
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
