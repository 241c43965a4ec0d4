import { expect, test } from "vitest";
import { apikeyOf, tokenOf, Visitor, withKey } from "./visitor.ts";

test("[SB35] a visitor owes on a topic what its channel there left to be paid, of the last thousand", () => {
  const visitor = new Visitor("key", {});
  expect(visitor.owes("realtime:a")).toBe(0);
  visitor.leaves("realtime:a", 5_000);
  visitor.leaves("realtime:b", 7_000);
  expect(["realtime:a", "realtime:b"].map((topic) => visitor.owes(topic))).toEqual([5_000, 7_000]);
  visitor.leaves("realtime:a", 9_000);
  expect(visitor.owes("realtime:a")).toBe(9_000);
  for (let i = 1; i < 1_000; i++) visitor.leaves(`realtime:${i}`, 1);
  expect(visitor.owes("realtime:b")).toBe(0);
  expect(visitor.owes("realtime:a")).toBe(9_000);
  visitor.leaves("realtime:a", 0);
  expect(visitor.owes("realtime:a")).toBe(0);
});

test("[SB56] [SB28] the key comes by query or header, and is no user's token", () => {
  const request = (params: object, headers: object = {}) => ({ params, headers }) as never;
  expect(apikeyOf(request({ apikey: "q" }, { apikey: "h" }))).toBe("q");
  expect(apikeyOf(request({ apikey: "" }, { "x-api-key": "h" }))).toBe("h");
  expect(apikeyOf(request({ apikey: ["q"] }))).toBeUndefined();
  expect(withKey({ vsn: "2.0.0" }, "k")).toEqual({ vsn: "2.0.0", apikey: "k" });
  expect(["ann", "key", "sb_x", "", 5, null].map((given) => tokenOf(given, "key"))).toEqual([
    "ann",
    ...Array.from({ length: 5 }, () => undefined),
  ]);
});
