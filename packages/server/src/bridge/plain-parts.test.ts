import { automatic, json } from "@calla/shared";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyValue, Point, pointClass, secretClass } from "../../../shared/src/values/values.arbitrary.ts";
import { plainParts } from "./plain-parts.ts";

const encode = automatic(json())
  .with({ classes: [pointClass, secretClass] })
  .payload(json()).encodeModel;

describe("a model made plain in parts", () => {
  it("[BR15] is what the serialiser makes of it, whatever is in it", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const plain = plainParts(encode);
        expect(plain(value)).toEqual(encode(value));
        expect(JSON.stringify(plain(value))).toBe(JSON.stringify(encode(value)));
      }),
      { numRuns: 500 },
    );
  });

  it("[BR15] has what two models have in common by reference", () => {
    const plain = plainParts(encode);
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
});
