import { expect, test } from "vitest";
import { Scanner } from "./scanner.ts";

const MASK = [1, 2, 3, 4];
/** A client's frame. */
function frame(opcode: number, size: number, fin = true): number[] {
  const first = (fin ? 0x80 : 0) | opcode;
  const payload = Array.from({ length: size }, (_, i) => i & 0xff);
  if (size < 126) return [first, 0x80 | size, ...MASK, ...payload];
  if (size < 65_536) return [first, 0x80 | 126, size >> 8, size & 0xff, ...MASK, ...payload];
  return [
    first,
    0x80 | 127,
    0,
    0,
    0,
    0,
    size >> 24,
    (size >> 16) & 0xff,
    (size >> 8) & 0xff,
    size & 0xff,
    ...MASK,
    ...payload,
  ];
}
const [CONTINUATION, TEXT, CLOSE, PING] = [0, 1, 8, 9];

/** What is unfinished behind each piece, and how many frames there were. */
function scan(
  bytes: readonly number[],
  pieces: number,
): { readonly unfinished: number[]; readonly frames: number } {
  const scanner = new Scanner();
  const unfinished: number[] = [];
  for (let at = 0; at < bytes.length; at += pieces) {
    scanner.read(Uint8Array.from(bytes.slice(at, at + pieces)));
    unfinished.push(scanner.unfinished);
  }
  return { unfinished, frames: scanner.takeFrames() };
}

test.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])(
  "[LM41] a frame of %d bytes is unfinished until its last byte, however it is cut",
  (size) => {
    const bytes = [...frame(TEXT, size), ...frame(PING, 3)];
    expect(scan(bytes, bytes.length)).toEqual({ unfinished: [0], frames: 2 });
    const whole = frame(TEXT, size).length;
    const { unfinished, frames } = scan(bytes, 1);
    expect(frames).toBe(2);
    unfinished.forEach((held, at) => {
      if (
        held !== (at + 1 < whole ? at + 1 : at + 1 === whole || at + 1 === bytes.length ? 0 : at + 1 - whole)
      )
        throw new Error(`behind byte ${at + 1}: ${held}`);
    });
  },
);

test("[LM41] a message in fragments is unfinished until the last of them, empty ones too, whatever control frames stand between", () => {
  const parts = [
    frame(TEXT, 10, false),
    frame(PING, 0),
    frame(CONTINUATION, 0, false),
    frame(CONTINUATION, 200, false),
    frame(CONTINUATION, 0, true),
    frame(CLOSE, 2),
  ];
  const scanner = new Scanner();
  const held = parts.map((part) => {
    scanner.read(Uint8Array.from(part));
    return [scanner.unfinished > 0, scanner.takeFrames()];
  });
  expect(held).toEqual([
    [true, 1],
    [true, 1],
    [true, 1],
    [true, 1],
    [false, 1],
    [false, 1],
  ]);
  const all = parts.flat();
  expect(scan(all, all.length)).toEqual({ unfinished: [0], frames: 6 });
  expect(scan(all, 7).unfinished.at(-1)).toBe(0);
});

test("[LM41] it tells of what came whole, also where the next one has begun, and of no control frame or fragment inside a message", () => {
  const scanner = new Scanner();
  const told = (...bytes: number[]): boolean => {
    scanner.read(Uint8Array.from(bytes));
    return scanner.takeWhole();
  };
  const one = frame(TEXT, 10);
  expect(told(...one.slice(0, 5))).toBe(false);
  expect(told(...one.slice(5), ...one.slice(0, 5))).toBe(true);
  expect(told()).toBe(false);
  expect(told(...one.slice(5), ...frame(TEXT, 0, false))).toBe(true);
  expect(told(...frame(PING, 3), ...frame(CONTINUATION, 0, false))).toBe(false);
  expect(told(...frame(CONTINUATION, 0))).toBe(true);
});
