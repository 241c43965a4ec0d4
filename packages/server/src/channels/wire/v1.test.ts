import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedFrame, UnsayableMessage } from "./serialiser.ts";
import { serialiserFor } from "./vsn.ts";
import type { Json } from "./message.ts";

const v1 = serialiserFor("1.0.0")!;
const said = ({ bytes, text }: { bytes: Uint8Array; text: boolean }): string => {
  expect(text).toBe(true);
  return Buffer.from(bytes).toString();
};
function refusal(frame: string | Uint8Array): number | undefined {
  try {
    v1.decode(frame);
    return undefined;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(MalformedFrame);
    return (thrown as MalformedFrame).code;
  }
}
const FRAME = '{"topic":"t","event":"e","payload":{"a":1},"ref":"1"}';
const MESSAGE = { joinRef: null, ref: "1", topic: "t", event: "e", payload: { a: 1 } };

describe("a frame of version 1", () => {
  test("[MF7] has topic, event, payload and ref, which may be null; join_ref may be absent, and others are ignored", () => {
    expect(v1.decode(FRAME)).toEqual(MESSAGE);
    const fields = JSON.parse(FRAME) as { [name: string]: Json };
    expect(v1.decode(JSON.stringify({ ...fields, ref: null, x: 1 }))).toEqual({ ...MESSAGE, ref: null });
    expect(v1.decode(JSON.stringify({ ...fields, join_ref: "7" }))).toEqual({ ...MESSAGE, joinRef: "7" });
    for (const name of Object.keys(fields)) {
      const { [name]: _, ...rest } = fields;
      expect([name, refusal(JSON.stringify(rest))]).toEqual([name, 1011]);
    }
    // What an object inherits is no field of it.
    expect(refusal('{"__proto__":{"ref":"1"},"topic":"t","event":"e","payload":{}}')).toBe(1011);
  });

  test("[MF6] is no array", () => {
    expect(refusal('[null,"1","t","e",{}]')).toBe(1011);
    expect(["5", "null", '"x"', "", "{"].map(refusal)).toEqual([1011, 1011, 1011, 1011, 1011]);
  });

  test("[MF26] is taken from a binary frame too, if it is UTF-8", () => {
    expect(v1.decode(Buffer.from(FRAME))).toEqual(MESSAGE);
    expect(v1.decode(Buffer.from(FRAME.replace('"e"', '"é"')))).toEqual(
      v1.decode(FRAME.replace('"e"', '"é"')),
    );
    expect(
      refusal(Uint8Array.from([...Buffer.from(FRAME.slice(0, 10)), 0xff, ...Buffer.from(FRAME.slice(10))])),
    ).toBe(1011);
    expect(refusal(new Uint8Array())).toBe(1011);
    expect(refusal(Uint8Array.of(0xef, 0xbb, 0xbf, ...Buffer.from(FRAME)))).toBe(1011);
  });

  test("[BC3] says what the server says without join_ref", () => {
    const refs = { joinRef: "1", ref: "2", topic: "t" };
    expect(JSON.parse(said(v1.reply({ ...refs, status: "ok", response: [1] })))).toEqual({
      topic: "t",
      event: "phx_reply",
      payload: { status: "ok", response: [1] },
      ref: "2",
    });
    expect(JSON.parse(said(v1.push({ ...refs, event: "e", payload: [1] })))).toEqual({
      topic: "t",
      event: "e",
      payload: [1],
      ref: "2",
    });
    expect(JSON.parse(said(v1.broadcast("t", "e", { a: 1 })))).toEqual({
      topic: "t",
      event: "e",
      payload: { a: 1 },
      ref: null,
    });
  });

  test("[MF7] is read as it was said, whatever it is", () => {
    const json = fc.jsonValue() as fc.Arbitrary<Json>;
    fc.assert(
      fc.property(json, json, json, json, (ref, topic, event, payload) => {
        const fields = { topic, event, payload, ref };
        const back = v1.decode(JSON.stringify(fields));
        expect(back).toEqual({ joinRef: null, ...(JSON.parse(JSON.stringify(fields)) as object) });
        expect(
          JSON.parse(said(v1.reply({ joinRef: 1, ref, topic, status: "ok", response: payload }))),
        ).toEqual(
          JSON.parse(
            JSON.stringify({ topic, event: "phx_reply", payload: { status: "ok", response: payload }, ref }),
          ),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("[BI20] cannot carry bytes, and says so to their sender", () => {
    const bytes = Uint8Array.of(1);
    const message = { joinRef: "1", ref: "2", topic: "t", event: "e", payload: bytes };
    expect(() => v1.push(message)).toThrow(UnsayableMessage);
    expect(() => v1.broadcast("t", "e", bytes)).toThrow("cannot carry bytes");
    expect(() => v1.reply({ ...message, status: "ok", response: Buffer.from("x") })).toThrow(
      UnsayableMessage,
    );
  });
});
