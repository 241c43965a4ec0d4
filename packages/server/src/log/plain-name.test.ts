import fc from "fast-check";
import { expect, test } from "vitest";
import { nameOfPlain, plainName } from "./plain-name.ts";

const names = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom('"', "\u0000", "\ud800", "\udc00", "a", "\\") }),
);

test("[LG60] any name comes back, as text without NUL and without halves of pairs, and none is taken for another", () => {
  fc.assert(
    fc.property(names, (name) => {
      const text = plainName(name);
      expect(nameOfPlain(text)).toBe(name);
      expect(text.isWellFormed() && !text.includes("\u0000")).toBe(true);
    }),
  );
  expect(["board:42", "@c1", "a\u0001b", "é"].map(plainName)).toEqual(["board:42", "@c1", "a\u0001b", "é"]);
});
