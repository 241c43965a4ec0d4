import { expect, test } from "vitest";
import { deepFreeze } from "./freeze.ts";
import { Point } from "./values.arbitrary.ts";

test("[CO21] objects and arrays are frozen deeply, in Maps and Sets too", () => {
  const inMap = { n: 1 };
  const key = { k: 1 };
  const inSet = [1];
  const value = deepFreeze({
    list: [{ n: 1 }],
    map: new Map([[key, inMap]]),
    set: new Set([inSet]),
    at: new Date(0),
  });
  for (const part of [value, value.list, value.list[0], inMap, key, inSet])
    expect(Object.isFrozen(part)).toBe(true);
  expect(() => ((value.list[0] as { n: number }).n = 2)).toThrow(TypeError);
});

test("[CO21] what is frozen already ends the walk, and a cycle ends", () => {
  const inner = { n: 1 };
  deepFreeze(Object.freeze({ inner }));
  expect(Object.isFrozen(inner)).toBe(false);
  const ring: Record<string, unknown> = {};
  ring.self = ring;
  expect(Object.isFrozen(deepFreeze(ring))).toBe(true);
  const map = new Map<string, unknown>();
  map.set("self", map);
  expect(() => deepFreeze(map)).toThrow(/too|deep/);
});

test("[CO21] instances and primitives are left alone", () => {
  const point = new Point(1, [2]);
  expect(Object.isFrozen(deepFreeze({ point }).point)).toBe(false);
  expect(deepFreeze(1)).toBe(1);
  expect(deepFreeze(null)).toBe(null);
  expect(deepFreeze(Uint8Array.of(1))).toEqual(Uint8Array.of(1));
});
