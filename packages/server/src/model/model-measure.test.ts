import { WalkRefusal } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { Measure } from "./model-measure.ts";

const sums = ({ bytes, memory, faults }: Measure) => ({ bytes, memory, faults });
const whole = (model: unknown) => {
  const measure = new Measure({});
  measure.whole(model);
  return measure;
};
/** A list that is large enough to be remembered as a part. */
const items = Array.from({ length: 100 }, (_, id) => ({ id, text: "x".repeat(20) }));

describe("all of a model", () => {
  test("has about the bytes of its JSON, and more in memory where it has many small values", () => {
    for (const model of [null, true, "text", [1, 2, 3], { a: { b: ["c"] } }, items]) {
      const json = JSON.stringify(model).length;
      const { bytes } = whole(model);
      expect(bytes, JSON.stringify(model)).toBeGreaterThanOrEqual(json);
      expect(bytes, JSON.stringify(model)).toBeLessThanOrEqual(2 * json + 32);
    }
    const small = whole(Array.from({ length: 1_000 }, () => [0]));
    expect(small.memory).toBeGreaterThan(5 * small.bytes);
  });

  test("has as many levels as its containers are nested in, of any kind", () => {
    const heights = [1, [], {}, new Map(), [[1]], { a: [new Map([["k", new Set([1])]])] }].map(
      (model) => whole(model).height,
    );
    expect(heights).toEqual([0, 1, 1, 1, 2, 4]);
  });

  test("counts what the wire does not carry, each as often as it stands there", () => {
    expect(whole([1, "x", new Date(), 7n]).faults).toBe(0);
    const hidden = () => 1;
    expect(whole({ a: hidden, b: [hidden, Symbol("s")], c: /x/ }).faults).toBe(4);
    // A serialiser of one's own alone knows what it carries.
    const own = new Measure(undefined);
    own.whole({ a: hidden, c: /x/ });
    expect(own.faults).toBe(0);
  });

  test("of a cycle ends, as too deep", () => {
    const ring: unknown[] = [];
    ring.push(ring);
    expect(() => whole(ring)).toThrow(expect.objectContaining({ code: "too-deep" }));
  });
});

describe("from one model to the next", () => {
  const model = { items, title: "t" };
  const changes: [string, unknown][] = [
    ["a field", { ...model, title: "another title" }],
    ["a field that came", { ...model, more: { a: 1 } }],
    ["a field that went", { items }],
    ["an item", { ...model, items: items.with(50, { id: 50, text: "y" }) }],
    ["an item that came", { ...model, items: [...items, { id: 100, text: "z" }] }],
    ["items that went", { ...model, items: items.slice(10) }],
    ["another order", { ...model, items: items.toReversed() }],
    ["another kind", { ...model, items: new Set(items) }],
    ["no container any more", "gone"],
  ];

  test.each(changes)("comes to what a walk over all of it comes to: %s", (_, next) => {
    const measure = new Measure({});
    measure.whole(model);
    measure.change(model, next, 64, false);
    expect(sums(measure)).toEqual(sums(whole(next)));
    measure.change(next, model, 64, false);
    expect(sums(measure)).toEqual(sums(whole(model)));
  });

  test("looks into no part that stands where it stood", () => {
    const watched = new Proxy([...items], {
      get: (list, key, all) => {
        reads++;
        return Reflect.get(list, key, all) as unknown;
      },
    });
    let reads = 0;
    const before = { watched, n: 1 };
    const measure = new Measure({});
    measure.whole(before);
    reads = 0;
    measure.change(before, { ...before, n: 2 }, 64, false);
    expect(reads).toBe(0);
  });

  test("stops at what the wire does not carry and at too many levels, and says where", () => {
    const measure = new Measure({});
    measure.whole(model);
    const refusal = (next: unknown, levels = 64): unknown => {
      try {
        measure.change(model, next, levels, false);
        return undefined;
      } catch (thrown) {
        return thrown instanceof WalkRefusal ? [thrown.code, thrown.path] : thrown;
      }
    };
    expect(refusal({ ...model, more: [1, { f: () => 1 }] })).toEqual(["invalid-value", ".more[1].f"]);
    expect(refusal({ ...model, more: [[[1]]] }, 3)).toMatchObject([
      "too-deep",
      expect.stringContaining(".more"),
    ]);
  });

  test("goes on where faults are counted, for a model that has them already", () => {
    const measure = new Measure({});
    measure.whole(model);
    const faulty = { ...model, f: () => 1 };
    measure.change(model, faulty, 64, true);
    expect(measure.faults).toBe(1);
    measure.change(faulty, model, 64, true);
    expect(sums(measure)).toEqual(sums(whole(model)));
  });
});
