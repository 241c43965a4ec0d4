import { describe, expect, it } from "vitest";
import { SEAL_LENGTH, sealHolds, sealOf } from "./signed-text.ts";

const key = Buffer.from("a key of thirty-two bytes, or so");

describe("a seal", () => {
  it("[LP29] holds for the form, the parts and the key that it was made of, and for no others", () => {
    const seal = sealOf("form", ["a", 1, null], key);
    expect(seal).toHaveLength(SEAL_LENGTH);
    expect(sealHolds(seal, "form", ["a", 1, null], key)).toBe(true);
    expect(sealHolds(seal, "other", ["a", 1, null], key)).toBe(false);
    expect(sealHolds(seal, "form", ["a", "1", null], key)).toBe(false);
    expect(sealHolds(seal, "form", ["a,1", null], key)).toBe(false);
    expect(sealHolds(seal, "form", ["a", 1, ""], key)).toBe(false);
    expect(sealHolds(seal, "form", ["a", 1, null], Buffer.from("another key"))).toBe(false);
    expect(sealHolds("", "form", ["a", 1, null], key)).toBe(false);
  });
});
