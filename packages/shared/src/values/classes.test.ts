import { expect, test } from "vitest";
import { classTable, defineClass } from "./classes.ts";
import { Point, pointClass, secretClass } from "./values.arbitrary.ts";

const codec = { encode: () => 1, decode: () => new Point(1, 2) };

test("[CO15] a class's name begins with a capital letter, so that it is no tag of ours", () => {
  for (const name of ["date", "", "$", "9a", "A b", `A${"a".repeat(64)}`, "__proto__", "É"]) {
    expect(() => defineClass(name, class extends Point {}, codec)).toThrow(/cannot name a class/);
  }
  for (const name of ["A", "Geo.Point_2", `A${"a".repeat(63)}`]) {
    expect(defineClass(name, class extends Point {}, codec).name).toBe(name);
  }
});

test("[CO15] a name or a class registered twice is refused", () => {
  const namesake = defineClass("Point", class extends Point {}, codec);
  class Twin {
    readonly n = 1;
  }
  const twin = { encode: () => 1, decode: () => new Twin() };
  expect(() => classTable([pointClass, namesake])).toThrow(/registered twice: Point, Point/);
  expect(() => classTable([defineClass("TwinA", Twin, twin), defineClass("TwinB", Twin, twin)])).toThrow(
    /twice/,
  );
  expect(classTable([pointClass, secretClass]).byName.get("Point")).toBe(pointClass);
});
