import { beforeEach, expect, test, vi } from "vitest";
import { giveBack, onReturned, returned, takeReturned } from "../client/returned.ts";

const kept = new Map<string, string>();
beforeEach(() => {
  kept.clear();
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
});

test("texts come back one by one, the first first, each to its column and its board", () => {
  giveBack("a", { column: "doing", text: "One" });
  giveBack("a", { column: "todo", text: "Aside" });
  giveBack("a", { column: "doing", text: "Two" });
  expect(takeReturned("b", "doing")).toBeUndefined();
  expect(takeReturned("a", "doing")).toBe("One");
  expect(takeReturned("a", "doing")).toBe("Two");
  expect(takeReturned("a", "doing")).toBeUndefined();
  expect(returned("a")).toEqual([{ column: "todo", text: "Aside" }]);
});

test("the page at the board is told, and only as long as it is there", () => {
  const told = vi.fn();
  const stop = onReturned("a", told);
  giveBack("a", { column: "todo", text: "One" });
  giveBack("b", { column: "todo", text: "Elsewhere" });
  expect(told).toHaveBeenCalledTimes(1);
  // The next page at the same board listens before this one has gone.
  const next = vi.fn();
  const stopNext = onReturned("a", next);
  stop();
  giveBack("a", { column: "todo", text: "Two" });
  expect([told.mock.calls.length, next.mock.calls.length]).toEqual([1, 1]);
  stopNext();
});

test("what is no list of texts in the storage is none", () => {
  for (const broken of ["{", "7", '[{"column":"no","text":"x"},{"column":"todo"},null]']) {
    kept.set("returned:a", broken);
    expect(returned("a"), broken).toEqual([]);
  }
});
