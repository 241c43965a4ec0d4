import { expect, it } from "vitest";
import type { Hearing } from "../recording/recording.ts";
import { isComplete, mayComeNext, stretchesOf, type Place } from "./order.ts";

type Way = Pick<Hearing, "floats" | "maybe">;
const place = (name: string, stretch: number, more: Way = {}): Place => ({
  stretch,
  hearing: { hear: "text", json: name, ...more },
});
const floats = { floats: true } as const;
const next = (...left: Place[]): unknown[] =>
  mayComeNext(left).map(({ hearing }) => hearing.hear === "text" && hearing.json);

it("[KT3] lets what floats come before or behind what does not, between the same deeds only", () => {
  expect(next()).toEqual([]);
  expect(next(place("a", 1), place("b", 1))).toEqual(["a"]);
  expect(next(place("a", 1), place("b", 1), place("f", 1, floats))).toEqual(["a", "f"]);
  expect(next(place("f", 1, floats), place("a", 1))).toEqual(["f", "a"]);
  expect(next(place("a", 1), place("f", 2, floats))).toEqual(["a"]);
  // Among themselves they keep their order.
  expect(next(place("f", 1, floats), place("g", 1, floats), place("a", 1))).toEqual(["f", "a"]);
  expect(next(place("a", 1), place("f", 1, floats), place("g", 1, floats))).toEqual(["a", "f"]);
});

it("is complete without what may be missing", () => {
  expect(isComplete([])).toBe(true);
  expect(isComplete([place("f", 1, { ...floats, maybe: true })])).toBe(true);
  expect(isComplete([place("f", 1, { ...floats, maybe: true }), place("a", 1)])).toBe(false);
});

it("counts deeds, whoever does them", () => {
  expect(
    stretchesOf([
      { do: "text", text: "" },
      { hear: "end" },
      { who: "b", hear: "end" },
      { who: "b", do: "text", text: "" },
      { hear: "end" },
    ]),
  ).toEqual([1, 1, 1, 2, 2]);
});
