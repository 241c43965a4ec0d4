import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { roughSize } from "./size.ts";

test("[OB10] a size is about what a value takes, of everything in it, and the count ends where it is enough", () => {
  expect(roughSize("ab")).toBe(12);
  expect(roughSize(null)).toBe(8);
  expect(roughSize({ a: [1, "b"] })).toBe(8 + 10 + 8 + 8 + 10);
  expect(roughSize(new Map([["k", new Set([1])]]))).toBe(8 + 10 + 8 + 8);
  expect(roughSize(new Uint8Array(100))).toBe(108);
  expect(roughSize(runInNewContext('new Map([["k", new Set([1])]])'))).toBe(8 + 10 + 8 + 8);
  expect(
    roughSize(
      Array.from({ length: 1e6 }, () => 0),
      100,
    ),
  ).toBeLessThan(1_000);
});
