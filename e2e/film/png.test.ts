import { expect, test } from "vitest";
import { changeOf, movingPng, readPng } from "./png.ts";
import type { Picture } from "./png.ts";

/** A picture of these colours, each a row of hexadecimal digits: red, green and blue one digit each. */
const picture = (...rows: readonly string[]): Picture => ({
  width: rows[0]!.split(" ").length,
  height: rows.length,
  pixels: Buffer.from(
    rows.flatMap((row) =>
      row.split(" ").flatMap((colour) => [...colour].map((digit) => Number.parseInt(digit, 16) * 17)),
    ),
  ),
});
const types = (file: Buffer): string[] => {
  const found: string[] = [];
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12)
    found.push(file.toString("latin1", at + 4, at + 8));
  return found;
};

test("the first frame is a picture that reads back as it was", () => {
  const first = picture("f00 0f0 00f", "123 456 789", "123 456 789");
  expect(readPng(movingPng([{ picture: first, milliseconds: 40 }]))).toEqual(first);
});

test("of a later frame only what changed is in it, and the rest of its rectangle is clear", () => {
  const before = picture("000 000 000 000", "000 000 000 000", "000 000 000 000");
  const after = picture("000 000 000 000", "000 f00 000 000", "000 000 0f0 000");
  expect(changeOf(before, after)).toEqual({
    x: 1,
    y: 1,
    width: 2,
    height: 2,
    pixels: Buffer.from("ff0000ff000000000000000000ff00ff", "hex"),
  });
  expect(changeOf(before, before)).toBeUndefined();
});

test("a frame without a change lengthens the one before, and the rest are numbered in order", () => {
  const [one, two] = [picture("000 000"), picture("000 fff")];
  const file = movingPng([
    { picture: one, milliseconds: 100 },
    { picture: one, milliseconds: 50 },
    { picture: two, milliseconds: 70 },
    { picture: one, milliseconds: 10 },
  ]);
  expect(types(file)).toEqual(["IHDR", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND"]);
  const delays: number[] = [];
  const sequence: number[] = [];
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12) {
    const type = file.toString("latin1", at + 4, at + 8);
    if (type === "fcTL") delays.push(file.readUInt16BE(at + 8 + 20));
    if (type === "fcTL" || type === "fdAT") sequence.push(file.readUInt32BE(at + 8));
  }
  expect(delays).toEqual([150, 70, 10]);
  expect(sequence).toEqual([0, 1, 2, 3, 4]);
});

test("what is no picture of this kind is refused", () => {
  const file = movingPng([{ picture: picture("000"), milliseconds: 1 }]);
  file[24] = 16;
  expect(() => readPng(file)).toThrow("not read here");
  expect(() => movingPng([])).toThrow("needs a frame");
});
