import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CallaError } from "@calla/shared";
import { extractId, extractWildcards, matches, parsePattern, topicOf } from "./pattern.ts";

const takes = (text: string, topic: string): boolean => matches(parsePattern(text), topic);
const thrown = (run: () => unknown): CallaError => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(CallaError);
    return error as CallaError;
  }
  throw new Error("nothing was thrown");
};
/** The same by definition, and slowly. */
function takesByDefinition(text: string, topic: string): readonly string[] | undefined {
  const escaped = text.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`);
  const one = /^[^*]*[*]$/.test(text) ? "([^]*)" : "([^:]+)";
  return new RegExp(`^${escaped.replaceAll("*", one)}$`).exec(topic)?.slice(1);
}

const part = fc.constantFrom("room", "a", "b", "", "ä", "ab");
const topics = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(":"));
const patterns = fc
  .array(fc.oneof(fc.constant("*"), fc.constantFrom("room", "a", "b", "ä", "a.b")), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join(":"));

describe("a pattern", () => {
  test("[CT1] without a star takes the topic that it is", () => {
    expect(parsePattern("room:lobby")).toMatchObject({ text: "room:lobby", kind: "exact" });
    expect(takes("room:lobby", "room:lobby")).toBe(true);
    for (const other of ["room:lobby2", "room", "room:lobb", "room:lobby:1", "ROOM:lobby", "", "room:*"])
      expect([other, takes("room:lobby", other)]).toEqual([other, false]);
  });

  test("[CT2] with its only star at the end takes all that begins so, nothing behind it included", () => {
    expect(parsePattern("room:*")).toMatchObject({ kind: "prefix", prefix: "room:" });
    for (const topic of ["room:lobby", "room:", "room:a:b", "room::", "room:\n"])
      expect(takes("room:*", topic)).toBe(true);
    for (const topic of ["room", "rooms:1", "aroom:1", ""]) expect(takes("room:*", topic)).toBe(false);
    expect(takes("document:tenant-a:*", "document:tenant-a:42:x")).toBe(true);
    expect(takes("document:tenant-a:*", "document:tenant-b:42")).toBe(false);
    expect(takes("*", "anything:at all")).toBe(true);
  });

  test("[CT3] with another star takes as many segments as it has, and none that is empty for a star", () => {
    expect(parsePattern("document:*:ops")).toMatchObject({
      kind: "segments",
      segments: ["document", "*", "ops"],
    });
    expect(takes("document:*:ops", "document:42:ops")).toBe(true);
    for (const topic of [
      "document:42:op",
      "document:42:ops:",
      "document:42:ops:x",
      "document:4:2:ops",
      "document::ops",
      "document:ops",
      "document:42",
      "xdocument:42:ops",
    ])
      expect([topic, takes("document:*:ops", topic)]).toEqual([topic, false]);
    expect(takes("document:*:*", "document:tenant-a:42")).toBe(true);
    for (const topic of ["document:a", "document:a:", "document::b", "document:a:b:c", "document:a:b:"])
      expect([topic, takes("document:*:*", topic)]).toEqual([topic, false]);
    expect(takes("*:ops", "a:ops")).toBe(true);
  });

  test("[CT3] [CT5] takes what it takes by definition, and finds the same in it", () => {
    fc.assert(
      fc.property(patterns, topics, (text, topic) => {
        const pattern = parsePattern(text);
        const found = takesByDefinition(text, topic);
        expect(matches(pattern, topic)).toBe(found !== undefined);
        expect(extractWildcards(pattern, topic)).toEqual(found);
        expect(extractId(pattern, topic)).toBe(found?.length === 1 ? found[0] : undefined);
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    "",
    ":",
    "room:",
    ":room",
    "a\u0000b",
    "a\nb",
    "\ud800",
    "room*",
    "a:b*",
    "*a",
    "a:*b:c",
    "**",
    "a:**",
    "a:*:b*",
  ])("[CT4] %j is none, and is refused in a sentence", (text) => {
    const error = thrown(() => parsePattern(text));
    expect(error.code).toBe("wiring");
    expect(error.details).toEqual({ pattern: text });
    expect(error.message).toMatch(/^Channel pattern ".*" .+[.]$/);
  });

  test("[CT4] a star behind text is a prefix under strictPhoenix, at the end only", () => {
    const strict = (text: string) => parsePattern(text, { strictPhoenix: true });
    expect(matches(strict("a:b*"), "a:bc")).toBe(true);
    expect(matches(strict("a:b*"), "a:b")).toBe(true);
    expect(matches(strict("a:b*"), "a:c")).toBe(false);
    expect(extractId(strict("a:b*"), "a:bcd")).toBe("cd");
    for (const text of ["a*:b", "*b", "a*b*", "a:*:b*", ""])
      expect(thrown(() => strict(text)).code).toBe("wiring");
  });
});

describe("what stands for the stars", () => {
  test("[CT5] is found in order, and the only one by itself", () => {
    expect(extractId(parsePattern("room:*"), "room:lobby")).toBe("lobby");
    expect(extractId(parsePattern("room:*"), "room:")).toBe("");
    expect(extractId(parsePattern("room:*"), "user:1")).toBeUndefined();
    expect(extractId(parsePattern("document:*:ops"), "document:42:ops")).toBe("42");
    expect(extractId(parsePattern("document:*:*"), "document:a:b")).toBeUndefined();
    expect(extractId(parsePattern("room"), "room")).toBeUndefined();
    expect(extractWildcards(parsePattern("document:*:*"), "document:tenant-a:doc-42")).toEqual([
      "tenant-a",
      "doc-42",
    ]);
    expect(extractWildcards(parsePattern("document:*:*"), "document:tenant-a")).toBeUndefined();
    expect(extractWildcards(parsePattern("room"), "room")).toEqual([]);
  });

  test("[CT10] makes a topic in which it is found again, or is refused", () => {
    expect(topicOf(parsePattern("document:*:*"), "tenant-a", "42")).toBe("document:tenant-a:42");
    expect(topicOf(parsePattern("room:*"), "a:b")).toBe("room:a:b");
    expect(topicOf(parsePattern("room:*"), "$&")).toBe("room:$&");
    expect(topicOf(parsePattern("room:*"), "*")).toBe("room:*");
    expect(topicOf(parsePattern("system"))).toBe("system");
    const odd = parsePattern("document:*:*") as ReturnType<typeof parsePattern>;
    for (const params of [["a"], ["a", "b", "c"], ["a:b", "c"], ["", "b"], ["a", ""], ["a", 5 as never], []])
      expect(thrown(() => topicOf(odd, ...params)).code).toBe("topic");
    const params = fc.array(fc.oneof(part, fc.constantFrom("x:y", "*")), { maxLength: 4 });
    fc.assert(
      fc.property(patterns, params, (text, given) => {
        const pattern = parsePattern(text);
        let topic: string;
        try {
          topic = topicOf(pattern, ...given);
        } catch (error) {
          expect((error as CallaError).code).toBe("topic");
          return;
        }
        expect(extractWildcards(pattern, topic)).toEqual(given);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(patterns, topics, (text, topic) => {
        const found = extractWildcards(parsePattern(text), topic);
        if (found !== undefined) expect(topicOf(parsePattern(text), ...found)).toBe(topic);
      }),
      { numRuns: 1_000 },
    );
  });
});
