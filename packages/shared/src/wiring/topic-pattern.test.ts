import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CallaError } from "../base/errors.ts";
import { topicIdProblem } from "./topic-id.ts";
import { matchTopic, overlap, parseTopicPattern, topicId } from "./topic-pattern.ts";

const match = (pattern: string, id: string) => matchTopic(parseTopicPattern(pattern), id);
const build = (pattern: string, ...params: string[]) => topicId(parseTopicPattern(pattern), ...params);
const errorOf = (work: () => unknown): CallaError => {
  try {
    work();
  } catch (error) {
    if (error instanceof CallaError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

// Few letters, so that random patterns and ids meet.
const letter = fc.constantFrom("a", "b");
const patterns = fc
  .array(fc.oneof({ weight: 2, arbitrary: letter }, { weight: 1, arbitrary: fc.constant("*") }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((segments) => segments.join(":"));
const ids = fc
  .array(fc.constantFrom("a", "b", ":"), { minLength: 1, maxLength: 8 })
  .map((units) => units.join(""));

describe("topic patterns", () => {
  test("[TP1] exact, trailing prefix and segments are parsed", () => {
    expect(parseTopicPattern("chat")).toEqual({ text: "chat", segments: ["chat"], exact: true });
    expect(parseTopicPattern("room:*")).toEqual({ text: "room:*", segments: ["room", "*"], exact: false });
    expect(parseTopicPattern("doc:*:ops").segments).toEqual(["doc", "*", "ops"]);
    expect(parseTopicPattern("*").exact).toBe(false);
  });

  test.each([
    "",
    ":",
    "a:",
    ":a",
    "a::b",
    "room*",
    "a:b*",
    "**",
    "@me",
    "a\u0000",
    "a\ud800",
    "x".repeat(257),
  ])("[TP1] %j is refused", (text) => {
    const error = errorOf(() => parseTopicPattern(text));
    expect(error.code).toBe("wiring");
    expect(error.message).toMatch(/^Topic pattern "/);
  });

  test("[TP1] the error says what to do", () => {
    expect(errorOf(() => parseTopicPattern("room*")).message).toBe(
      'Topic pattern "room*" mixes "*" with text in "room*": a "*" stands for a whole segment, as in "room:*".',
    );
  });

  test("[TP2] a star in the middle is one segment", () => {
    expect(match("doc:*:ops", "doc:1:ops")).toEqual(["1"]);
    for (const id of ["doc:ops", "doc::ops", "doc:1:2:ops", "doc:1:ops:", "doc:1", "docs:1:ops"]) {
      expect(match("doc:*:ops", id)).toBeUndefined();
    }
  });

  test("[TP3] a star at the end is all the rest", () => {
    expect(match("room:*", "room:1")).toEqual(["1"]);
    expect(match("room:*", "room:did:plc:x")).toEqual(["did:plc:x"]);
    expect(match("room:*", "room::")).toEqual([":"]);
    expect(match("a:*:*", "a:1:2:3")).toEqual(["1", "2:3"]);
    for (const id of ["room", "room:", "rooms:1", "Room:1"]) expect(match("room:*", id)).toBeUndefined();
    expect(match("chat", "chat")).toEqual([]);
    expect(match("chat", "chat:1")).toBeUndefined();
  });

  test("[TP4] build(match(id)) is id", () => {
    fc.assert(
      fc.property(patterns, ids, (pattern, id) => {
        const params = match(pattern, id);
        fc.pre(params !== undefined);
        expect(build(pattern, ...params)).toBe(id);
      }),
      { numRuns: 2_000 },
    );
  });

  test("[TP4] match(build(params)) is params", () => {
    const param = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 10 })
      .filter((text) => topicIdProblem(text) === undefined);
    fc.assert(
      fc.property(patterns, fc.array(param, { minLength: 4, maxLength: 4 }), (pattern, texts) => {
        const segments = pattern.split(":");
        const params: string[] = [];
        segments.forEach((segment, i) => {
          if (segment === "*")
            params.push(
              i < segments.length - 1 ? (texts[i] as string).replaceAll(":", ";") : (texts[i] as string),
            );
        });
        expect(match(pattern, build(pattern, ...params))).toEqual(params);
      }),
    );
  });

  test("[TP5] parameters that make no topic id are refused", () => {
    const refused: [string, unknown[], RegExp][] = [
      ["room:*", [], /takes a text as parameter 1/],
      ["room:*", ["1", "2"], /takes 1 parameter\(s\), not 2/],
      ["chat", ["1"], /takes 0 parameter\(s\), not 1/],
      ["room:*", [""], /^Topic "room:\*" takes a text as parameter 1\./],
      ["room:*", [42], /takes a text/],
      ["room:*", [undefined], /takes a text/],
      ["doc:*:ops", ["1:2"], /has a ":" in parameter 1/],
      ["*", ["@me"], /as sessions do/],
      ["room:*", ["x".repeat(252)], /longer than 256/],
      ["room:*", ["\n"], /control character/],
    ];
    for (const [pattern, params, message] of refused) {
      const error = errorOf(() => build(pattern, ...(params as string[])));
      expect(error.code).toBe("topic");
      expect(error.message).toMatch(message);
    }
    expect(build("room:*", "x".repeat(251))).toHaveLength(256);
    expect(build("a:*:*", "1", "2:3")).toBe("a:1:2:3");
  });

  test("[TP6] what is no topic id", () => {
    for (const id of ["chat", "room:1", "é", "😀", "a@b", " ", "__proto__", "x".repeat(256), "\u2028"]) {
      expect(topicIdProblem(id)).toBeUndefined();
    }
    for (const id of [
      "",
      "@",
      "@me",
      "x".repeat(257),
      "a\u0000b",
      "\u007f",
      "\u0085",
      "\ud83d",
      "\ude00\ud83d",
      undefined,
      1,
      ["a"],
    ]) {
      expect(topicIdProblem(id)).toBeTypeOf("string");
    }
  });

  test("[TP7] overlap by hand", () => {
    const both = (a: string, b: string) => overlap(parseTopicPattern(a), parseTopicPattern(b));
    for (const [a, b] of [
      ["room:*", "room:1"],
      ["doc:*", "doc:*:ops"],
      ["*", "chat"],
      ["a:*:c", "*:b:c"],
      ["a:*", "*:a:b:c"],
    ] as const) {
      expect(both(a, b)).toBe(true);
    }
    for (const [a, b] of [
      ["room:*", "room"],
      ["room:*", "rooms:*"],
      ["doc:*:ops", "doc:*:log"],
      ["a:*:c", "a:b"],
      ["a", "b"],
    ] as const) {
      expect(both(a, b)).toBe(false);
    }
  });

  test("[TP7] patterns overlap exactly if an id matches both", () => {
    // Patterns of up to 4 segments over a and b: if any id matches both, one with at most 4 segments of one letter does.
    const all: string[] = [];
    const grow = (id: string, left: number) => {
      for (const unit of ["a", "b", "c"]) {
        const next = id === "" ? unit : `${id}:${unit}`;
        all.push(next);
        if (left > 1) grow(next, left - 1);
      }
    };
    grow("", 4);
    fc.assert(
      fc.property(patterns, patterns, (first, second) => {
        const [a, b] = [parseTopicPattern(first), parseTopicPattern(second)];
        const met = all.some((id) => matchTopic(a, id) !== undefined && matchTopic(b, id) !== undefined);
        expect(overlap(a, b)).toBe(met);
        expect(overlap(b, a)).toBe(met);
      }),
      { numRuns: 2_000 },
    );
  });

  test("[TP7] no id matches two patterns that do not overlap", () => {
    fc.assert(
      fc.property(patterns, patterns, ids, (first, second, id) => {
        const [a, b] = [parseTopicPattern(first), parseTopicPattern(second)];
        if (matchTopic(a, id) !== undefined && matchTopic(b, id) !== undefined)
          expect(overlap(a, b)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
