// Values of the domain for property tests. Not published.
import * as fc from "fast-check";
import { defineClass } from "./classes.ts";

export class Point {
  readonly x: number;
  readonly y: unknown;
  constructor(x: number, y: unknown) {
    this.x = x;
    this.y = y;
  }
}

/** Keeps its state where only itself can see it. */
export class Secret {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  reveal(): string {
    return this.#text;
  }
}

export const pointClass = defineClass("Point", Point, {
  encode: ({ x, y }) => ({ x, y }),
  decode: ({ x, y }) => new Point(x, y),
});
export const secretClass = defineClass("Secret", Secret, {
  encode: (secret) => secret.reveal(),
  decode: (text) => {
    if (typeof text !== "string") throw new TypeError("a secret is a text");
    return new Secret(text);
  },
});

/** Texts of single UTF-16 units: lone surrogates, separators, byte order marks and hostile names are frequent. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    "\ud800",
    "a\udc00b",
    "\u2028\u2029",
    "\ufeffbom",
    `\ufeff${"long ".repeat(60)}`,
    "\0",
    "$",
    "v",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "toJSON",
    "",
  ),
  fc.integer({ min: 40, max: 400 }).map((length) => "é\u2028𝄞x".repeat(length).slice(0, length)),
);

const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    -0,
    Number.NaN,
    Infinity,
    -Infinity,
    2 ** 53,
    -(2 ** 53),
    2 ** 64,
    5e-324,
    Number.MAX_VALUE,
  ),
);

export const { value: anyValue } = fc.letrec((tie) => {
  const item = tie("value");
  const key = fc.oneof(anyText, fc.constantFrom("a", "b", "id", "type"));
  return {
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(null, true, false, undefined),
      anyText,
      anyNumber,
      fc.bigInt(),
      fc.date({ noInvalidDate: false }),
      fc.uint8Array({ maxLength: 40 }),
      anyText.map((text) => new Secret(text)),
      fc.array(item, { maxLength: 5 }),
      fc.array(fc.tuple(key, item), { maxLength: 5 }).map((entries) => fieldsOf(entries, {})),
      fc
        .array(fc.tuple(key, item), { maxLength: 3 })
        .map((entries) => fieldsOf(entries, Object.create(null) as object)),
      fc.array(fc.tuple(item, item), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.array(item, { maxLength: 4 }).map((items) => new Set(items)),
      fc.tuple(fc.integer(), item).map(([x, y]) => new Point(x, y)),
      fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => {
        // With a hole in front.
        const sparse: unknown[] = [];
        items.forEach((value, i) => (sparse[i + 1] = value));
        return sparse;
      }),
    ),
  };
}) as { value: fc.Arbitrary<unknown> };

/** An object with exactly these own fields, `__proto__` included. */
export function fieldsOf(entries: readonly (readonly [string, unknown])[], target: object): object {
  for (const [key, value] of entries) {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return target;
}

/** Trees that need no tag. */
export const { tree: plainTree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false),
    fc.string({ unit: "grapheme" }).filter((text) => !text.startsWith("\ufeff")),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
    fc.array(tie("tree"), { maxLength: 5 }),
    fc.dictionary(
      fc.string({ unit: "grapheme-ascii" }).filter((key) => key !== "$" && key !== "__proto__"),
      tie("tree"),
      {
        maxKeys: 5,
      },
    ),
  ),
})) as { tree: fc.Arbitrary<unknown> };
