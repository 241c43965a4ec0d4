import { expect, test } from "vitest";
import { ToldCount } from "./told-count.ts";

test("[PN38] a number is told at once, another one a second later at the earliest, and the same never again", () => {
  const told = new ToldCount();
  expect(told.dueIn(5, 0)).toBe(0);
  expect([told.due(5, 0), told.due(5, 10_000)]).toEqual([true, false]);
  expect(told.dueIn(5, 10_000)).toBeUndefined();
  expect([told.dueIn(6, 400), told.due(6, 999)]).toEqual([600, false]);
  expect([told.due(6, 1_000), told.dueIn(6, 1_000)]).toEqual([true, undefined]);
  told.forget();
  expect(told.due(6, 1_001)).toBe(true);
});

test("[PN38] where one was told another number all are told again, also when it is theirs again, and once", () => {
  const told = new ToldCount();
  told.toldOne(3);
  expect(told.due(4, 0)).toBe(true);
  told.toldOne(4);
  expect(told.dueIn(4, 500)).toBeUndefined();
  told.toldOne(5);
  expect([told.dueIn(4, 500), told.due(4, 500)]).toEqual([500, false]);
  expect([told.due(4, 1_000), told.due(4, 5_000)]).toEqual([true, false]);
});
