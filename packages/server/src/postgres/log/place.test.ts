import { expect, test } from "vitest";
import { placeOf, positionOf } from "./place.ts";

test("[PL6] a position is a transaction's number, a target's and a sequence, however large; anything else is refused", () => {
  expect(placeOf("")).toEqual({ tx: "0", target: "0", sequence: "0" });
  const position = "9007199254740993.9223372036854775807.3";
  expect(positionOf(placeOf(position))).toBe(position);
  for (const wrong of [
    "1",
    "1.2",
    "1.2.x",
    "-1.2.3",
    "1.2.3.4",
    " 1.2.3",
    "1e3.2.3",
    `${"9".repeat(20)}.1.1`,
  ])
    expect(() => placeOf(wrong), wrong).toThrow(RangeError);
});
