import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromSegments, namespace, segments, validate } from "./topic.ts";

describe("a topic", () => {
  test("[CT6] has segments, of which the first is its namespace, and which make it again", () => {
    expect(segments("room:lobby")).toEqual(["room", "lobby"]);
    expect(segments("system")).toEqual(["system"]);
    expect(segments("a::b:")).toEqual(["a", "", "b", ""]);
    expect([namespace("room:lobby:1"), namespace("system"), namespace(":a")]).toEqual(["room", "system", ""]);
    expect(fromSegments(["document", "tenant-a", "ops"])).toBe("document:tenant-a:ops");
    fc.assert(
      fc.property(fc.string(), (topic) => {
        expect(fromSegments(segments(topic))).toBe(topic);
        expect(namespace(topic)).toBe(segments(topic)[0]);
      }),
    );
  });

  test("[CT7] is a good one, or is told what is wrong", () => {
    for (const good of ["room:lobby", "system", "räume:😀", "a::b", "a b"])
      expect([good, validate(good)]).toEqual([good, undefined]);
    expect(validate("")).toBe("is not a text, or empty");
    expect(validate(5 as never)).toBe("is not a text, or empty");
    expect(validate(":room")).toBe('begins with ":"');
    expect(validate("room:")).toBe('ends in ":"');
    for (const bad of ["a\u0000", "a\nb", "a\u007f", "a\u0085", "\ud800a"])
      expect(validate(bad)).toContain("control character");
  });
});
