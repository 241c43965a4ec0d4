import { expect, test } from "vitest";
import { postgresText } from "./text.ts";

test.each([
  [null, null],
  ["", ""],
  ["{", "{"],
  [1.5, "1.5"],
  [-0, "0"],
  [Infinity, "Infinity"],
  [9_007_199_254_740_993n, "9007199254740993"],
  [false, "false"],
  [[], "{}"],
  [[1, 2n, null, true], "{1,2,NULL,true}"],
  [["", "NULL", "a,b", '"', "\\", "{}", " x\n"], '{"","NULL","a,b","\\"","\\\\","{}"," x\n"}'],
] as const)("[PG1] %o is %o as text", (value, text) => {
  expect(postgresText(value)).toBe(text);
});
