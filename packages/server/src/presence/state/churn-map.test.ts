import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ChurnMap } from "./churn-map.ts";

test("[PN13] a map for keys that come and go is a Map, whatever is done", () => {
  const key = fc.constantFrom("a", "b", "c", "__proto__", "");
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), key), { maxLength: 200, size: "max" }), (steps) => {
      const [churn, map] = [new ChurnMap<string, object>(), new Map<string, object>()];
      for (const [what, key] of steps) {
        if (what < 2) {
          const value = {};
          churn.set(key, value);
          map.set(key, value);
        } else expect(churn.delete(key)).toBe(map.delete(key));
        expect([churn.size, churn.get(key)]).toEqual([map.size, map.get(key)]);
      }
      expect(new Map(churn.entries())).toEqual(map);
      expect(new Set(churn.keys())).toEqual(new Set(map.keys()));
      expect(new Set(churn.values())).toEqual(new Set(map.values()));
    }),
  );
});

test("[PN13] many keys that have gone are let go of", () => {
  const churn = new ChurnMap<string, object>();
  const bound = 2 * 3 + 17;
  for (let i = 0; i < 10_000; i++) {
    churn.set(`${i}`, {});
    if (i >= 3) churn.delete(`${i - 3}`);
    expect(churn.held).toBeLessThanOrEqual(bound);
  }
  expect(churn.size).toBe(3);
});
