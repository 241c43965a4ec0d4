import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { dispatchWords, identityIn, isRefused, joinWords, outcomeOf, pushWords, unsayable } from "./words.ts";

const anything = fc.oneof(
  fc.anything(),
  fc.dictionary(
    fc.constantFrom("form", "cursor", "settled", "sent", "version", "mid", "id", "messages", "meta"),
    fc.oneof(fc.anything(), fc.integer(), fc.string(), fc.array(fc.anything())),
  ),
);

describe("what a bridged client says", () => {
  it("[BR18] is read, whatever it is: words of their kinds, or a sentence", () => {
    fc.assert(
      fc.property(anything, (said) => {
        const joining = joinWords(said);
        if (isRefused(joining)) expect(joining.what).toMatch(/\.$/);
        else {
          expect(["patch", "snapshot", "message"]).toContain(joining.form);
          for (const count of [joining.settled, joining.sent, joining.cursor?.sequence ?? 0])
            expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
        }
        const dispatched = dispatchWords(said);
        if (!isRefused(dispatched)) {
          expect(dispatched.mid).toBeGreaterThan(0);
          expect(dispatched.id).toMatch(/^[!-~]{1,64}$/);
          expect(Array.isArray(dispatched.messages)).toBe(true);
        }
        expect(isRefused(pushWords(said)) || Array.isArray(pushWords(said))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("[BR16] a join says its form and what it has; what it leaves out is the safe thing", () => {
    expect(joinWords({})).toEqual({
      form: "patch",
      version: undefined,
      cursor: undefined,
      settled: 0,
      sent: 1,
      meta: undefined,
    });
    expect(
      joinWords({ form: "message", cursor: { sequence: 2, mark: 3 }, settled: 4, sent: 6 }),
    ).toMatchObject({
      form: "message",
      cursor: { sequence: 2, mark: 3 },
      settled: 4,
      sent: 6,
    });
    expect(joinWords({ cursor: null, settled: 4 })).toMatchObject({ cursor: undefined, sent: 5 });
  });

  test("[BR21] who somebody is has two halves", () => {
    expect(identityIn({})).toBe(undefined);
    expect(identityIn({ client_id: "", secret: "" })).toBe(undefined);
    expect(identityIn({ client_id: "a", secret: "b" })).toEqual({ clientId: "a", secret: "b" });
    for (const half of [{ client_id: "a" }, { secret: "b" }, { client_id: ["a"], secret: "b" }])
      expect(isRefused(identityIn(half))).toBe(true);
  });

  test("[BR18] what would end the conversation is found: a hostile name wherever it stands, too many bytes", () => {
    const hostile = JSON.parse('{"a":[{"__proto__":1}]}') as object;
    expect(unsayable(hostile, 100)).toMatchObject({ code: "hostile-key" });
    expect(unsayable({ text: "__proto__" }, 100)).toBe(undefined);
    expect(unsayable({ text: "é".repeat(50) }, 100)).toMatchObject({ code: "too-large" });
    expect(unsayable({ text: "e".repeat(50) }, 100)).toBe(undefined);
  });

  test("[BR16] an outcome says what became of a mid", () => {
    expect(outcomeOf([1, "a", 5, [], null, null, null])).toEqual({
      mid: 1,
      id: "a",
      status: "ok",
      sequence: 5,
    });
    expect(outcomeOf([1, "a", 5, [{ type: "x" }], null, null, null])).toMatchObject({
      messages: [{ type: "x" }],
    });
    expect(outcomeOf([2, "b", 0, [], "app", "missing", { item: "x" }])).toEqual({
      mid: 2,
      id: "b",
      status: "error",
      from: "app",
      code: "missing",
      details: { item: "x" },
    });
  });
});
