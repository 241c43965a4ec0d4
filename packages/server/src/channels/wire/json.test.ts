import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_DECODE_LIMITS } from "@calla/shared";
import { parseJson } from "./json.ts";
import { MalformedFrame } from "./serialiser.ts";

const { maxFrameBytes: _, ...LIMITS } = DEFAULT_DECODE_LIMITS;
function refusal(text: string, limits: Partial<typeof LIMITS> = {}): number | undefined {
  try {
    parseJson(text, { ...LIMITS, ...limits });
    return undefined;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(MalformedFrame);
    return (thrown as MalformedFrame).code;
  }
}
const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
const objects = (levels: number): string => '{"a":'.repeat(levels) + "1" + "}".repeat(levels);

describe("JSON of a peer", () => {
  test("[MF11] of doubled names the last counts", () => {
    expect(parseJson('{"a":1,"a":2}', LIMITS)).toEqual({ a: 2 });
  });

  test.each([
    '"\\ud800"',
    '"\\uDFFF"',
    '"\\uD83D\\ud83d"',
    '"\\ude00\\ude00"',
    '"\\ude00\\ud83d"',
    '"\\ud83dx\\ude00"',
    '"\\\\\\ud800"',
    '["\\u0041",{"\\ud800":1}]',
    '"\\ud83d\\u0041"',
    '"\ud800"',
  ])("[MF12] %s has half of a pair, and is malformed", (text) => expect(refusal(text)).toBe(1011));
  test.each([
    ['"\\ud83d\\ude00"', "😀"],
    ['"\\\\ud800"', "\\ud800"],
    ['"\\\\\\u0041\\uD83D\\uDE00\\n"', "\\A😀\n"],
    ['"😀"', "😀"],
  ])("[MF12] %s has none", (text, value) => expect(parseJson(text, LIMITS)).toBe(value));

  test("[MF13] an escaped NUL is a character", () => {
    expect(parseJson('"\\u0000"', LIMITS)).toBe("\0");
  });

  test("[MF12] exactly what has half of a pair in it is refused, however it is written", () => {
    const unit = fc.constantFrom("\ud83d", "\ude00", "\\", "u", "a", '"', "ä");
    const escape = (text: string, at: number): string =>
      at % 2 === 0
        ? JSON.stringify(text).slice(1, -1)
        : `\\u${text.charCodeAt(0).toString(16).padStart(4, "0")}`;
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), fc.array(fc.nat(1)), (units, how) => {
        const whole = units.join("");
        const text = `"${units.map((one, i) => escape(one, how[i] ?? 0)).join("")}"`;
        expect(refusal(text)).toBe(/\p{Surrogate}/u.test(whole) ? 1011 : undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  test("[MF18] ten thousand levels and a million are malformed, and take no stack", () => {
    expect(refusal(nested(10_000))).toBe(1009);
    expect(refusal(objects(10_000))).toBe(1009);
    expect(refusal("[".repeat(1_000_000))).toBe(1009);
    expect(refusal('["1","1","t","e",' + nested(10_000) + "]")).toBe(1009);
  });

  test.each([1, 5, 64, 100])(
    "[MF18] a payload has %i levels where the limit is that, and no more",
    (maxDepth) => {
      for (const payload of [nested, objects]) {
        expect(refusal(`["1","1","t","e",${payload(maxDepth)}]`, { maxDepth })).toBeUndefined();
        expect(refusal(`["1","1","t","e",${payload(maxDepth + 1)}]`, { maxDepth })).toBe(1009);
      }
      // Levels that were left do not count.
      expect(refusal(`[${"[],".repeat(300)}{}]`, { maxDepth })).toBeUndefined();
    },
  );

  test("[MF27] values, entries and names are bounded, however short the text that holds them", () => {
    const many = (count: number, one: (at: number) => string): string =>
      `[${Array.from({ length: count }, (_, at) => one(at)).join(",")}]`;
    expect(refusal(many(99_999, () => "[]"))).toBeUndefined();
    expect(refusal(many(100_001, () => "1"))).toBe(1009);
    expect(refusal(many(99_000, (at) => `[${at}]`))).toBe(1009);
    expect(refusal(many(20_001, () => '{"1":1}'))).toBe(1009);
    expect(refusal(many(9_000, (at) => `{"k${at}":0}`))).toBeUndefined();
    expect(refusal(many(10_001, (at) => `{"k${at}":0}`))).toBe(1009);
    // The shortest that are over a limit.
    for (const maxValues of [20, 100]) {
      const tables = '{"1":'.repeat(10) + "1" + "}".repeat(10);
      expect(refusal(tables, { maxValues })).toBe(1009);
    }
    expect(refusal("[1,1,1]", { maxEntries: 2 })).toBe(1009);
    expect(refusal('[{"a":1},{"b":1},{"c":1}]', { maxNames: 2 })).toBe(1009);
  });

  test("[MF1] a refusal does not quote what came", () => {
    expect(() => parseJson("secret!", LIMITS)).toThrow(/^(?!.*secret)/);
  });
});
