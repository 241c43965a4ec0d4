import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Budget } from "./budget.ts";
import { document } from "./document.arbitrary.ts";
import { Measure } from "./measure.ts";

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const measure = (value: unknown, most = Infinity): Measure => new Measure(value, new Budget(most));

describe("how many bytes a value has as JSON", () => {
  it("[BR8] as many as JSON.stringify writes, whatever texts are in it", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
      fc.constantFrom(
        '"',
        "\\",
        "\n",
        "\u001f",
        "\u007f",
        "\u2028",
        "é",
        "𝄞",
        "\ud800",
        "a\udc00",
        "x".repeat(2_000),
        '"é𝄞'.repeat(900),
      ),
    );
    const value = fc.oneof(document, text, fc.array(text), fc.dictionary(text, text));
    fc.assert(
      fc.property(value, (value) => {
        expect(measure(value).all()).toBe(bytesOf(value));
      }),
      { numRuns: 150 },
    );
    for (const value of [
      { a: undefined, b: 1 },
      { a: 1, b: undefined },
      [undefined],
      1e21,
      -0.5,
      5e-324,
      true,
      null,
    ])
      expect(measure(value).all()).toBe(bytesOf(value));
  });

  it("[BR8] says exactly whether there are as many, asked in any order", () => {
    fc.assert(
      fc.property(document, fc.array(fc.integer({ min: -2, max: 2 })), (value, around) => {
        const [bytes, one] = [bytesOf(value), measure(value)];
        for (const by of around) expect(one.atLeast(bytes + by)).toBe(by <= 0);
        expect(one.all()).toBe(bytes);
      }),
    );
  });

  it("[BR8] counts no further than is asked, and goes on from there", () => {
    const value = Array.from({ length: 10_000 }, (_, n) => ({ n }));
    const budget = new Budget(Infinity);
    const one = new Measure(value, budget);
    expect(one.atLeast(100)).toBe(true);
    expect(budget.looks).toBeLessThan(50);
    expect(one.atLeast(100)).toBe(true);
    const before = budget.looks;
    expect(one.atLeast(200)).toBe(true);
    expect(budget.looks - before).toBeLessThan(50);
    expect(() => measure(value, 1_000).all()).toThrow("");
  });
});
