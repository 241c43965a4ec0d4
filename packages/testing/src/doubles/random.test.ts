import { expect, test } from "vitest";
import { seededRandom } from "./random.ts";

test("the same seed gives the same numbers, another seed others", () => {
  const five = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 5 }, () => random.uint32());
  };
  expect(five(7)).toEqual(five(7));
  expect(five(7)).not.toEqual(five(8));
});

test("a fork is the same whatever was drawn before, and moves its parent not", () => {
  const drawn = seededRandom(7);
  drawn.uint32();
  expect(drawn.fork("a").uint32()).toBe(seededRandom(7).fork("a").uint32());
  expect(drawn.fork("a").uint32()).not.toBe(drawn.fork("b").uint32());
  const other = seededRandom(7);
  other.uint32();
  expect(drawn.uint32()).toBe(other.uint32());
});

test("int includes both ends, chance and weights hold roughly, shuffle keeps everything", () => {
  const random = seededRandom(1);
  const drawn = Array.from({ length: 1_000 }, () => random.int(1, 3));
  expect(new Set(drawn)).toEqual(new Set([1, 2, 3]));
  const often = Array.from({ length: 2_000 }, () => random.weighted({ rare: 1, never: 0, often: 9 }));
  expect(often).not.toContain("never");
  expect(often.filter((name) => name === "rare").length).toBeGreaterThan(120);
  expect(often.filter((name) => name === "rare").length).toBeLessThan(280);
  expect(random.shuffle([1, 2, 3, 4]).toSorted()).toEqual([1, 2, 3, 4]);
  expect(() => random.pick([])).toThrow("empty");
});
