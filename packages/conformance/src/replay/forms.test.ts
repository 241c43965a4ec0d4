import { expect, it } from "vitest";
import { equals, fill, type Known } from "./forms.ts";

const same = (expected: Parameters<typeof equals>[0], actual: unknown, known: Known = new Map()): boolean =>
  equals(expected, actual, known);

it("compares JSON by value and by type, the order of keys apart", () => {
  expect(same({ a: [1, null], b: "x" }, { b: "x", a: [1, null] })).toBe(true);
  for (const [expected, actual] of [
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [
      [1, 2],
      [2, 1],
    ],
    [[1], [1, 2]],
    ["1", 1],
    [1, "1"],
    [null, undefined],
    [null, {}],
    [{}, []],
    [{}, null],
    [[], {}],
    [false, 0],
  ] as const) {
    expect(same(expected, actual), JSON.stringify([expected, actual])).toBe(false);
  }
});

it("matches texts by their forms, and a token of one number is one token", () => {
  const known: Known = new Map([["host", "a.b:1"]]);
  expect(same("http://{{host}}/x", "http://a.b:1/x", known)).toBe(true);
  expect(same("http://{{host}}/x", "http://aXb:1/x", known)).toBe(false);
  expect(same("port: {{number}}, (x)", "port: 80, (x)")).toBe(true);
  expect(same("port: {{number}}, (x)", "port: a, (x)")).toBe(false);
  expect(same("{{any}}", "")).toBe(true);
  const [one, two] = ["token-one-0123456789", "token-two-0123456789"];
  expect(same("{{token:1}}", one, known)).toBe(true);
  expect(same("{{token:1}}", one, known)).toBe(true);
  expect(same("{{token:1}}", two, known)).toBe(false);
  expect(same("{{token:2}}", one, known)).toBe(false);
  expect(same("{{token:2}}", two, known)).toBe(true);
  expect(same(["{{ref:1}}", "{{ref:2}}", "{{ref:1}}"], ["x", "y", "x"], known)).toBe(true);
  expect(same("{{ref:3}}", "y", known)).toBe(false);
  expect(same("{{ref:3}}", "", known)).toBe(false);
  expect(fill("{{token:1}} {{tampered:2}} {{y*3}}", known)).toBe(`${one} ${two.slice(0, -2)}xx yyy`);
  expect(() => fill("{{token:3}}", known)).toThrow("Nothing is known as token:3.");
  expect(() => same("{{nonsense}}", "x")).toThrow("No form is called nonsense.");
});
