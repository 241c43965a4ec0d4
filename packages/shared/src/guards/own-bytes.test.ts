import { expect, test } from "vitest";
import { json } from "../wire/json-format.ts";
import { messagePack } from "../wire/messagepack.ts";
import { OwnBytes } from "./own-bytes.ts";
import { automatic } from "../wire/serialiser.ts";

const many = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

test("[CO14] the first tiny bytes of a value have a buffer each, and so have all larger ones", () => {
  const own = new OwnBytes();
  for (const size of [3, 0, 1, 16, 3, 3, 3, 3]) expect(own.make(size).buffer.byteLength).toBe(size);
  expect(own.make(3).buffer.byteLength).toBe(256);
  for (const size of [17, 1_000]) expect(own.make(size).buffer.byteLength).toBe(size);
});

test("[CO14] many tiny bytes share buffers of 256 with each other, and no byte of them", () => {
  const own = new OwnBytes();
  const all = many(1_000, (i) => own.copy(new Uint8Array(i % 17).fill(i)));
  expect(all.every((bytes, i) => bytes.length === i % 17 && bytes.every((byte) => byte === i % 256))).toBe(
    true,
  );
  expect(new Set(all.map(({ buffer }) => buffer)).size).toBeLessThan(8 + 1_000 / 16);
  // Another value's are others.
  const next = new OwnBytes();
  const others = new Set(many(20, () => next.make(1).buffer));
  expect(all.some(({ buffer }) => others.has(buffer))).toBe(false);
});

test.each([json(), messagePack()])("[CO14] bytes of a frame of $name: none is a window into it", (format) => {
  const codec = automatic(format).payload(format);
  const value = many(100, (i) => new Uint8Array(i % 20).fill(i));
  const data = format.encode(codec.encodeMessage(value));
  const read = (): readonly Uint8Array[] => codec.decodeMessage(format.decode(data)) as Uint8Array[];
  const [one, other] = [read(), read()];
  if (typeof data !== "string") data.fill(0);
  other.forEach((bytes) => bytes.fill(255));
  expect(one).toStrictEqual(value);
});

test("[CO24] [CO30] 47,000 tiny bytes need a hundredth of the buffers that they would have by themselves", () => {
  const own = new OwnBytes();
  expect(new Set(many(47_000, () => own.make(1).buffer)).size).toBeLessThan(470);
});
