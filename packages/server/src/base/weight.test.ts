import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { weigh } from "./weight.ts";

test("a weight is about what JSON would take of a value, whatever realm it is of", () => {
  const code =
    'new Map([["k", new Set([1])], ["at", new Date(0)], ["bytes", new Uint8Array(300)], ["o", { a: [1n, null] }]])';
  const own = new Map<string, unknown>([
    ["k", new Set([1])],
    ["at", new Date(0)],
    ["bytes", new Uint8Array(300)],
    ["o", { a: [1n, null] }],
  ]);
  const fields = 2 + 1 + 4 + (2 + 24 + 1 + 8 + 1);
  expect(weigh(own)).toBe(2 + (3 + 2 + 8 + 1 + 4) + (4 + 32 + 4) + (7 + 408 + 4) + (3 + fields + 4));
  expect(weigh(runInNewContext(code))).toBe(weigh(own));
});
