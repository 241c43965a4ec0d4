import { expect, test } from "vitest";
import { CallaError } from "../base/errors.ts";
import { json } from "./json-format.ts";
import { customBinary, messagePack } from "./messagepack.ts";
import { decode, encode } from "./packets.ts";
import type { Frame } from "./packets.ts";
import { automatic } from "./serialiser.ts";

const moved = {
  type: "TopicMessage",
  target: "list:1",
  mid: 1,
  id: "a",
  settled: 0,
  messages: [{ type: "moved", at: new Date(5), bytes: new Uint8Array([1, 2]), gone: undefined }],
} as const;
const snapshot: Frame = {
  type: "Snapshot",
  target: "list:1",
  sequence: 3,
  mark: 7,
  version: 1,
  model: new Map([["a", 1n]]),
};

const both = automatic(json(), messagePack());

test.each([["json"], ["messagepack"]])(
  "[CO28] frames of either side, one or several, through %s and back",
  (format) => {
    expect(decode(encode(moved, both, { format }), both)).toEqual([moved]);
    expect(decode(encode([moved, snapshot], both, { format }), both)).toEqual([moved, snapshot]);
    expect(decode(encode(moved, both.use(format)), both.use(format))).toEqual([moved]);
    const [arrived] = decode(encode(moved, both, { format }), both) as [typeof moved];
    expect(arrived.messages[0]).not.toHaveProperty("gone");
  },
);

test("[CO28] messages and models go through the codec of a custom serialiser, the envelope does not", () => {
  const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const valueOf = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  const own = customBinary({
    encodeMessage: bytesOf,
    decodeMessage: valueOf,
    encodeModel: bytesOf,
    decodeModel: valueOf,
  });
  const frame: Frame = { ...snapshot, model: { a: 1 } };
  const data = encode(frame, own);
  expect(new TextDecoder().decode(data as Uint8Array)).toContain(JSON.stringify({ a: 1 }));
  expect(decode(data, own)).toEqual([frame]);
});

test("[CO28] nothing but a CallaError comes of what is no packet", () => {
  const wrong = [
    "",
    "{",
    "[]x",
    "null",
    "7",
    '{"type":"Nope"}',
    '[{"type":"Pong"},1]',
    new Uint8Array([0xc1]),
  ];
  for (const data of wrong) {
    let thrown: unknown;
    try {
      decode(data, both);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CallaError);
    expect((thrown as CallaError).code).toBe("undecodable");
  }
  expect(decode("[]", both)).toEqual([]);
  expect(() => decode('{"type":"Pong"}', both, { format: "xml" })).toThrow(
    /no format "xml"; there is json, m/,
  );
  expect(() => encode({ type: "Pong" }, both, { format: "xml" })).toThrow(/no format "xml"/);
  // A serialiser that has no texts says so, and does not guess.
  expect(() => decode('{"type":"Pong"}', automatic(messagePack()))).toThrow(
    expect.objectContaining({ code: "undecodable" }),
  );
  const small = { maxFrameBytes: 8, maxDepth: 64, maxEntries: 10, maxValues: 10, maxNames: 10 };
  expect(() => decode('{"type":"Pong"}', both, { limits: small })).toThrow(
    expect.objectContaining({ code: "too-large" }),
  );
});
