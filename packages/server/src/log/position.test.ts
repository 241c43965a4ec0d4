import { expect, test } from "vitest";
import { numberOf } from "./position.ts";

test("[LG39] a position is read as it was given out, and the empty one is the beginning", () => {
  for (const number of [0, 1, 10, Number.MAX_SAFE_INTEGER]) expect(numberOf(String(number))).toBe(number);
  expect(numberOf("")).toBe(0);
});

test.each([
  " ",
  "1 ",
  "01",
  "0x10",
  "1e3",
  "1.0",
  "1.5",
  "-1",
  "-0",
  "+1",
  "NaN",
  "9007199254740993",
  "what?",
])("[LG39] %j is none: it is the caller's mistake, not the beginning", (position) => {
  expect(() => numberOf(position)).toThrow(RangeError);
  expect(() => numberOf(position)).toThrow(`"${position}" is no position of this log.`);
});
