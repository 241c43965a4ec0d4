import { expect, test } from "vitest";
import { memo } from "./selection.ts";

test("[BN2] of one value there is one pick, of equal ones the same object", () => {
  let picks = 0;
  const even = memo(
    (all: readonly number[]) => {
      picks++;
      return all.filter((one) => one % 2 === 0);
    },
    (a, b) => String(a) === String(b),
  );
  const [first, second, third] = [
    [1, 2],
    [2, 3],
    [2, 4],
  ];
  const two = even(first!);
  expect([even(first!) === two, even(second!) === two, picks]).toEqual([true, true, 2]);
  expect([even(third!), even(third!) === even(third!), picks]).toEqual([[2, 4], true, 3]);
  // Undefined and NaN are values like others.
  const odd = memo((value: unknown) => [value]);
  expect([odd(undefined) === odd(undefined), odd(NaN) === odd(NaN)]).toEqual([true, true]);
});

test("[BN2] another memo goes on with what was picked before, and a pick that throws leaves no trace", () => {
  const before = { value: ["a"] };
  const same = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();
  const pick = memo(
    (text: string) => {
      if (text === "") throw new Error("empty");
      return text.split("");
    },
    same,
    before,
  );
  expect(pick("a")).toBe(before.value);
  expect(() => pick("")).toThrow("empty");
  expect(() => pick("")).toThrow("empty");
  expect(pick("a")).toBe(before.value);
  expect(pick("b")).toEqual(["b"]);
});
