import { automatic, json } from "@calla/shared";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyValue, Point, pointClass, secretClass } from "../../../shared/src/values/values.arbitrary.ts";
import { changedOf, document } from "./patch/document.arbitrary.ts";
import { plainParts } from "./plain-parts.ts";
import { plainSteps } from "./plain-steps.ts";

const encode = automatic(json())
  .with({ classes: [pointClass, secretClass] })
  .payload(json()).encodeModel;

describe("a model made plain in parts", () => {
  it("[BR15] is what the serialiser makes of it, whatever is in it", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const plain = plainParts(encode).of;
        expect(plain(value)).toEqual(encode(value));
        expect(JSON.stringify(plain(value))).toBe(JSON.stringify(encode(value)));
      }),
      { numRuns: 500 },
    );
  });

  it("[BR15] has what two models have in common by reference", () => {
    const plain = plainParts(encode).of;
    const [card, map] = [{ id: 1, due: new Date(5) }, new Map([["a", new Set([1n])]])];
    const before = { cards: [card], map, at: new Point(1, 2), gone: undefined, n: 0 };
    const after = { ...before, cards: [{ id: 2, due: new Date(6) }, card] };
    type Plain = { readonly [name in keyof typeof before]: unknown } & { readonly cards: readonly unknown[] };
    const [first, second] = [plain(before) as Plain, plain(after) as Plain];
    expect(second).toEqual(encode(after));
    expect(second.cards[1]).toBe(first.cards[0]);
    expect(second.map).toBe(first.map);
    expect(second.at).toBe(first.at);
    expect(plain(before)).toBe(first);
    const same = { list: [1, "x"] };
    expect(plain(same)).toBe(same);
  });

  it("[BR15] is the same where only what has changed is looked at", () => {
    fc.assert(
      fc.property(document, fc.gen(), anyValue, (first, pick, other) => {
        const steps = plainSteps(plainParts(encode));
        const second = changedOf(first, pick);
        const around = (inner: unknown) => ({ at: new Date(3), inner, list: [new Date(1), inner, 0] });
        const third = { ...around(second), list: [new Date(2), other, new Date(1), second] };
        for (const model of [
          first,
          second,
          around(first),
          around(second),
          third,
          around(other),
          other,
          first,
        ])
          expect(JSON.stringify(steps(model))).toBe(JSON.stringify(encode(model)));
      }),
      { numRuns: 300 },
    );
  });

  it("[BR15] keeps what has moved the same by reference", () => {
    const steps = plainSteps(plainParts(encode));
    const [a, b, c] = [1, 2, 3].map((at) => ({ at: new Date(at) }));
    const before = steps({ list: [a, b, c] }) as { readonly list: readonly unknown[] };
    const after = steps({ list: [c, a, b, 1] }) as { readonly list: readonly unknown[] };
    expect(after.list.slice(0, 3).map((item) => before.list.indexOf(item))).toEqual([2, 0, 1]);
  });
});
