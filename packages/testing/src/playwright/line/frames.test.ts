import fc from "fast-check";
import { expect, test } from "vitest";
import { Frames } from "./frames.ts";

interface Part {
  readonly opcode: number;
  readonly length: number;
  readonly masked: boolean;
}
function frame({ opcode, length, masked }: Part): Buffer {
  const head = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 128 | opcode;
  head[1] = (masked ? 128 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.alloc((masked ? 4 : 0) + length, opcode + 1)]);
}
const anyPart = fc.record({
  opcode: fc.constantFrom(1, 2, 9, 10),
  length: fc.oneof(fc.nat(300), fc.constantFrom(125, 126, 65_535, 65_536)),
  masked: fc.boolean(),
});

test("[PW2] frames go on whole or not at all, wherever TCP cuts them and losing begins and ends", () => {
  fc.assert(
    fc.property(
      fc.array(anyPart, { maxLength: 8 }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.boolean()), { minLength: 1 }),
      (parts, cuts) => {
        const whole = parts.map(frame);
        const all = Buffer.concat(whole);
        const frames = new Frames();
        const kept: Buffer[] = [];
        /** Whether it was losing when the byte there came. */
        const losing: boolean[] = [];
        for (let at = 0, i = 0; at < all.length; i++) {
          const [size, lost] = cuts[i % cuts.length]!;
          const piece = all.subarray(at, at + size);
          kept.push(frames.take(piece, lost));
          losing.push(...Array.from(piece, () => lost));
          at += piece.length;
        }
        // A frame's fate is that of the byte with which its length is known.
        let at = 0;
        const expected = whole.filter((bytes) => {
          const head = (bytes[1]! & 127) < 126 ? 2 : (bytes[1]! & 127) === 126 ? 4 : 10;
          const lost = losing[at + head - 1];
          at += bytes.length;
          return !lost;
        });
        expect(Buffer.concat(kept).equals(Buffer.concat(expected))).toBe(true);
      },
    ),
  );
});

test("[PW2] the fragments of a message share its fate, and a ping between them has its own", () => {
  const frames = new Frames();
  const [begun, ping, rest] = [
    Buffer.from([1, 1, 65]),
    Buffer.from([137, 0]),
    Buffer.from([128, 1, 66]),
  ] as const;
  expect(frames.take(begun, false)).toEqual(begun);
  expect(frames.take(ping, true)).toHaveLength(0);
  expect(frames.take(rest, true)).toEqual(rest);
  expect(frames.take(begun, true)).toHaveLength(0);
  expect(frames.take(ping, false)).toEqual(ping);
  expect(frames.take(rest, false)).toHaveLength(0);
});
