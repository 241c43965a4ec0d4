import fc from "fast-check";
import { expect, test } from "vitest";
import { framed, readFrame, readMessages, writeFrame, writeMessage } from "./frames.ts";

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc
    .tuple(fc.constantFrom("a", "é", "€", "𝄞", "a𝄞"), fc.integer({ min: 0, max: 20_000 }))
    .map(([of, n]) => of.repeat(n)),
);

test("[PG10] frames hold what was said, in order and below 8,000 bytes; no character is cut in two", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ channel: text, text }), { maxLength: 20 }), (messages) => {
      const frames = framed(messages.map(writeMessage));
      let whole = "";
      const bodies: string[] = [];
      for (const [i, frame] of frames.entries()) {
        const payload = writeFrame({ ...frame, sender: "zzzzzzzzzzzzzz", number: 999_999_999 + i });
        expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
        expect(frame.body.isWellFormed()).toBe(true);
        expect(readFrame(payload)).toEqual({ ...frame, sender: "zzzzzzzzzzzzzz", number: 999_999_999 + i });
        whole += frame.body;
        if (frame.kind === "=" || frame.kind === ">") {
          bodies.push(whole);
          whole = "";
        }
      }
      expect(bodies.flatMap((body) => readMessages(body) ?? [])).toEqual(messages);
    }),
    { numRuns: 50 },
  );
});

test("[PG10] a pair that would be cut at a frame's end goes into the next", () => {
  for (let length = 7_770; length < 7_800; length++) {
    const message = writeMessage({ channel: "t", text: `${"a".repeat(length)}𝄞z` });
    const frames = framed([message]);
    expect(frames.every(({ body }) => body.isWellFormed())).toBe(true);
    expect(frames.map(({ body }) => body).join("")).toBe(message);
  }
});

test("[PG10] small messages share a frame", () => {
  const messages = Array.from({ length: 100 }, (_, i) => writeMessage({ channel: "t", text: String(i) }));
  expect(framed(messages)).toHaveLength(1);
});

test.each([
  "",
  "x",
  "1 a 1",
  "2 a 1 =",
  "1 A 1 =",
  "1 a -1 =",
  "1 a 1 ?",
  "1  1 =",
  `1 ${"a".repeat(17)} 1 =`,
])("[PG13] %o is no frame", (payload) => {
  expect(readFrame(payload)).toBeUndefined();
});

test.each(["x", "1,1:a", "1,:ab", "1,1:ab,", "999999999,1:a", "9999999999,1:a"])(
  "[PG13] %o is no messages",
  (body) => {
    expect(readMessages(body)).toBeUndefined();
  },
);
