import * as fc from "fast-check";
import { expect, test } from "vitest";
import { combine, hashString } from "./hash.ts";
import { hashValue } from "./hash-value.ts";

// Pinned: nodes and clients of all machines and versions must agree.
test("[CO20] hashes are what they always were", () => {
  const values = [
    null,
    undefined,
    true,
    false,
    0,
    -0,
    1,
    1.5,
    Number.NaN,
    "",
    "a",
    "\ud800",
    1n,
    [],
    [1],
    {},
    { a: 1 },
    new Date(0),
    new Map([["a", 1]]),
    new Set([1]),
    Uint8Array.of(1),
  ];
  expect(values.map((value) => hashValue(value))).toMatchInlineSnapshot(`
    [
      3910057006,
      1546124437,
      1589925559,
      2060358292,
      3745213545,
      3356923936,
      1498736167,
      3294553232,
      466461653,
      3423425485,
      1983670025,
      906343143,
      2254042818,
      2698050690,
      823258355,
      2371421729,
      1983147600,
      1194385863,
      4290345426,
      3630735449,
      221743637,
    ]
  `);
  expect([hashString("calla"), hashString("calla", 1), combine(1, 2), hashValue({ a: [1] }, 99)])
    .toMatchInlineSnapshot(`
    [
      3914492594,
      3655348370,
      1379694852,
      2336621897,
    ]
  `);
});

test("[CO20] a hash is an unsigned 32-bit number", () => {
  fc.assert(
    fc.property(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withNullPrototype: true,
      }),
      (value) => {
        const hash = hashValue(value);
        expect(hash >>> 0).toBe(hash);
      },
    ),
  );
});

const collisions = (hashes: readonly number[]): number => hashes.length - new Set(hashes).size;

// 100,000 values of 2^32 collide 1.2 times by chance; 10 is less likely than 1 in 10 million.
test.each([
  ["small integers", (i: number) => i],
  ["fractions", (i: number) => i / 7],
  ["short texts", (i: number) => i.toString(36)],
  ["texts with a common beginning", (i: number) => `some longer text that is common ${i}`],
  ["messages", (i: number) => ({ type: "cardMoved", id: `c${i % 317}`, before: `c${i}` })],
  ["two small fields", (i: number) => ({ x: i % 317, y: Math.floor(i / 317) })],
  ["pairs", (i: number) => [i % 317, Math.floor(i / 317)]],
  ["Maps", (i: number) => new Map([[i % 317, Math.floor(i / 317)]])],
  ["Sets", (i: number) => new Set([i % 317, 1_000 + Math.floor(i / 317)])],
  ["nestings", (i: number) => [[i % 317], [[Math.floor(i / 317)]]]],
  ["dates", (i: number) => new Date(1.7e12 + i)],
  ["bytes", (i: number) => Uint8Array.of(i, i >> 8, i >> 16)],
])("[CO20] 100,000 %s collide as rarely as chance", (_, make) => {
  const hashes = Array.from({ length: 100_000 }, (_, i) => hashValue(make(i)));
  expect(collisions(hashes)).toBeLessThan(10);
  expect(collisions(hashes.map((hash, i) => combine(hash, i)))).toBeLessThan(10);
});

test("[CO20] every bit of the input changes about half of the hash", () => {
  const bits = (n: number): number => n.toString(2).replaceAll("0", "").length;
  for (const hash of [
    (n: number) => hashValue(n),
    (n: number) => hashString(String.fromCharCode(n & 0xffff, n >>> 16)),
    (n: number) => combine(n, 5),
    (n: number) => combine(5, n),
    (n: number) => hashValue("a", n),
  ]) {
    for (let bit = 0; bit < 32; bit++) {
      let changed = 0;
      for (let i = 0; i < 500; i++) {
        const n = Math.imul(i, 0x9e3779b1) >>> 0;
        changed += bits((hash(n) ^ hash((n ^ (1 << bit)) >>> 0)) >>> 0);
      }
      expect(changed / 500).toBeGreaterThan(13);
      expect(changed / 500).toBeLessThan(19);
    }
  }
});
