import { describe, expect, test } from "vitest";
import { PER_BYTES, PER_CONTAINER, PER_TABLE, PER_TAG } from "../values/count-values.ts";
import { scan as scanFrame } from "./messagepack-scan.ts";

const WIDE = { maxDepth: 100, maxEntries: 1e6, maxValues: 1e6 };
type Piece = number | string;
/** Texts stand for their bytes. */
const frame = (...pieces: Piece[]): Uint8Array =>
  Uint8Array.from(pieces.flatMap((piece) => (typeof piece === "number" ? [piece] : [...Buffer.from(piece)])));
const text = (short: string): Piece[] => [0xa0 + short.length, short];

function refusal(pieces: readonly Piece[], limits: Partial<typeof WIDE> = {}): unknown {
  try {
    scanFrame(frame(...pieces), { ...WIDE, ...limits });
    return undefined;
  } catch (thrown) {
    const { code, details } = thrown as { code: string; details: { problem?: string } };
    return details.problem ?? code;
  }
}
function valuesOf(...pieces: Piece[]): number {
  for (let maxValues = 0; ; maxValues++) if (refusal(pieces, { maxValues }) === undefined) return maxValues;
}

/** One value of every type that is ours, cut nowhere. */
const whole: Record<string, Piece[]> = {
  "a small integer": [0x07],
  "a negative one": [0xff],
  nil: [0xc0],
  false: [0xc2],
  true: [0xc3],
  "bin 8": [0xc4, 2, 1, 2],
  "bin 16": [0xc5, 0, 2, 1, 2],
  "bin 32": [0xc6, 0, 0, 0, 2, 1, 2],
  "float 32": [0xca, 0, 0, 0, 0],
  "float 64": [0xcb, 0, 0, 0, 0, 0, 0, 0, 0],
  "uint 8": [0xcc, 1],
  "uint 16": [0xcd, 0, 1],
  "uint 32": [0xce, 0, 0, 0, 1],
  "uint 64": [0xcf, 0, 0, 0, 0, 0, 0, 0, 1],
  "int 8": [0xd0, 1],
  "int 16": [0xd1, 0, 1],
  "int 32": [0xd2, 0, 0, 0, 1],
  "int 64": [0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  "a short text": text("abc"),
  "str 8": [0xd9, 3, "abc"],
  "str 16": [0xda, 0, 3, "abc"],
  "str 32": [0xdb, 0, 0, 0, 3, "abc"],
  "a short list": [0x92, 1, 2],
  "array 16": [0xdc, 0, 2, 1, 2],
  "array 32": [0xdd, 0, 0, 0, 2, 1, 2],
  "a short object": [0x81, ...text("a"), 1],
  "map 16": [0xde, 0, 1, ...text("a"), 1],
  "map 32": [0xdf, 0, 0, 0, 1, ...text("a"), 1],
};

describe.each(Object.entries(whole))("%s", (_, pieces) => {
  const bytes = frame(...pieces);

  test("passes whole; cut anywhere it is cut short, and with a byte more it is followed by more", () => {
    expect(refusal([...bytes])).toBeUndefined();
    for (let length = 0; length < bytes.length; length++)
      expect(refusal([...bytes.subarray(0, length)]), `${length} bytes`).toBe("it is cut short");
    expect(refusal([...bytes, 0])).toBe("more bytes follow it");
  });

  test("passes in a list, and the list ends behind it", () => {
    expect(refusal([0x92, ...pieces, 0xc0])).toBeUndefined();
    expect(refusal([0x93, ...pieces, 0xc0])).toBe("it is cut short");
  });
});

test("[CO13] what is not ours is refused: extensions, the unused head, keys that are no text, integers past a double's", () => {
  for (const head of [0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8])
    expect(refusal([head, 0, 0, 0, 0, 0, 0]), head.toString(16)).toBe("a type is not ours");
  for (const key of [[1], [0xc0], [0x90], [0xc4, 1, 1], [0x80]])
    expect(refusal([0x81, ...key, 1])).toBe("a key is no text");
  expect(refusal([0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0])).toBe("an integer is too large");
  expect(refusal([0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])).toBeUndefined();
  expect(refusal([0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0])).toBe("an integer is too large");
});

test("[CO11] a length that is merely announced is refused at the announcement", () => {
  expect(refusal([0xdd, 0xff, 0xff, 0xff, 0xff], { maxEntries: 10 })).toBe("too-large");
  expect(refusal([0xdf, 0xff, 0xff, 0xff, 0xff], { maxEntries: 10 })).toBe("too-large");
  expect(refusal([0xc6, 0xff, 0xff, 0xff, 0xff])).toBe("it is cut short");
});

test("limits hold at their value and refuse over it", () => {
  expect(refusal([0x91, 0x91, 0x90], { maxDepth: 3 })).toBeUndefined();
  expect(refusal([0x91, 0x91, 0x91, 0x90], { maxDepth: 3 })).toBe("too-deep");
  // Levels that were left do not count.
  expect(refusal([0x92, 0x91, 0x90, 0x91, 0x90], { maxDepth: 3 })).toBeUndefined();
  expect(refusal([0x93, 1, 2, 3], { maxEntries: 3 })).toBeUndefined();
  expect(refusal([0x94, 1, 2, 3, 4], { maxEntries: 3 })).toBe("too-large");
});

test("values count as they do in JSON: containers, tags, bytes and tables for what making them costs", () => {
  expect(valuesOf(1)).toBe(1);
  expect(valuesOf(0x92, 1, 2)).toBe(PER_CONTAINER + 2);
  const object = valuesOf(0x81, ...text("a"), 1);
  expect(object).toBe(PER_CONTAINER + 1);
  expect(valuesOf(0x81, ...text("$"), ...text("x")) - object).toBe(PER_TAG);
  expect(valuesOf(0x81, ...text("$"), ...text("bytes")) - object).toBe(PER_TAG + PER_BYTES);
  expect(valuesOf(0x81, ...text("$"), 0xd9, 5, "bytes") - object).toBe(PER_TAG + PER_BYTES);
  expect(valuesOf(0x81, ...text("7"), 1) - object).toBe(PER_TABLE);
  expect(valuesOf(0x81, 0xd9, 1, "7", 1) - object).toBe(PER_TABLE);
  expect(
    valuesOf(0x82, ...text("7"), 1, ...text("8"), 1) - valuesOf(0x82, ...text("a"), 1, ...text("b"), 1),
  ).toBe(PER_TABLE);
  // Bytes are what their tagged value is in JSON.
  expect(valuesOf(0xc4, 1, 1)).toBe(1 + PER_CONTAINER + 1 + PER_TAG + PER_BYTES);
});

test("a frame is looked at where it stands in a larger buffer", () => {
  const bytes = frame(0xc1, 0x91, 7, 0xc1).subarray(1, 3);
  expect(() => scanFrame(bytes, WIDE)).not.toThrow();
});
