import { expect, test } from "vitest";
import { fromBase64, toBase64 } from "./base64.ts";

const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 151 + length) & 255);

test("[CO5] base64 is that of everybody, at every length, and comes back", () => {
  for (const length of [...Array(130).keys(), 4_095, 4_096, 4_097, 100_000]) {
    const bytes = bytesOf(length);
    const text = Buffer.from(bytes).toString("base64");
    expect(toBase64(bytes)).toBe(text);
    expect(fromBase64(text)).toStrictEqual(bytes);
  }
});

test("[CO5] of a sequence of bytes only one text is taken", () => {
  const refused = [
    "A",
    "AA",
    "AAA",
    "AAAAA",
    "AAAA=",
    "AA=",
    "A===",
    "====",
    "=",
    "AB==",
    "AAB=",
    "AA=A",
    "AA==AAAA",
  ];
  refused.push("AA A", "AAA\\n", "AA-_", "AAAé", "AAA\\u0141", " AAAA", "AAAA ", "////=");
  for (const text of refused) expect(() => fromBase64(text), text).toThrow(Error);
});
