import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedFrame, UnsayableMessage } from "./serialiser.ts";
import { serialiserFor } from "./vsn.ts";
import type { Json } from "./message.ts";

const v2 = serialiserFor("2.0.0")!;
const said = ({ bytes, text }: { bytes: Uint8Array; text: boolean }): string => {
  expect(text).toBe(true);
  return Buffer.from(bytes).toString();
};
function refusal(frame: string): number | undefined {
  try {
    v2.decode(frame);
    return undefined;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(MalformedFrame);
    return (thrown as MalformedFrame).code;
  }
}
const json = fc.jsonValue({ noNullPrototype: true } as fc.JsonSharedConstraints) as fc.Arbitrary<Json>;

describe("a text of a client", () => {
  test("[MF4] is an array of join_ref, ref, topic, event and payload; what is behind them is ignored", () => {
    const message = { joinRef: "1", ref: "2", topic: "t", event: "e", payload: { a: 1 } };
    expect(v2.decode('["1","2","t","e",{"a":1}]')).toEqual(message);
    expect(v2.decode('["1","2","t","e",{"a":1},7,[8]]')).toEqual(message);
    expect(refusal('{"topic":"t","event":"e","payload":{},"ref":"1"}')).toBe(1011);
  });

  test.each(["[", "nonsense", "{]", '["1","1","t","e",{}'])("[MF1] %j is not JSON, and malformed", (text) =>
    expect(refusal(text)).toBe(1011),
  );
  test("[MF2] an empty text is malformed", () => expect(refusal("")).toBe(1011));
  test("[MF3] an array of four or fewer is malformed", () => {
    expect(['["1","1","t","e"]', "[]", '["1"]'].map(refusal)).toEqual([1011, 1011, 1011]);
  });
  test.each(["5", "null", '"text"', "true"])("[MF5] %s is malformed", (text) =>
    expect(refusal(text)).toBe(1011),
  );

  test("[MF8] refs, topic and event are whatever JSON came", () => {
    expect(v2.decode('[null,1,null,5,"x"]')).toEqual({
      joinRef: null,
      ref: 1,
      topic: null,
      event: 5,
      payload: "x",
    });
    expect(v2.decode('[{"a":1},[2],true,{},null]')).toEqual({
      joinRef: { a: 1 },
      ref: [2],
      topic: true,
      event: {},
      payload: null,
    });
    expect(said(v2.reply({ joinRef: null, ref: "1", topic: 5, status: "error", response: {} }))).toBe(
      '[null,"1",5,"phx_reply",{"status":"error","response":{}}]',
    );
  });

  test("[MF9] what follows the array is malformed, [MF10] white space is not", () => {
    expect(refusal('["1","1","t","e",{}]x')).toBe(1011);
    expect(refusal('["1","1","t","e",{}][]')).toBe(1011);
    expect(v2.decode(' \n[ "1",\t"1" , "t","e", {} ]\r\n ').topic).toBe("t");
  });
});

describe("what the server says", () => {
  test("[CO38] bytes of another realm are bytes", () => {
    const [own, payload] = [new Uint8Array([1, 2]), runInNewContext("new Uint8Array([1, 2])") as Uint8Array];
    const refs = { joinRef: "1", ref: "2", topic: "t" };
    for (const say of [
      (bytes: Uint8Array) => v2.reply({ ...refs, status: "ok", response: bytes }),
      (bytes: Uint8Array) => v2.push({ ...refs, ref: null, event: "e", payload: bytes }),
      (bytes: Uint8Array) => v2.broadcast("t", "e", bytes),
    ]) {
      expect(say(payload).text).toBe(false);
      expect(say(payload)).toEqual(say(own));
    }
  });

  test("[BC3] is an array with its refs: a reply, a push, a broadcast", () => {
    const refs = { joinRef: "1", ref: "2", topic: "t" };
    expect(said(v2.reply({ ...refs, status: "ok", response: { a: [1] } }))).toBe(
      '["1","2","t","phx_reply",{"status":"ok","response":{"a":[1]}}]',
    );
    expect(said(v2.push({ ...refs, ref: null, event: "e", payload: { a: 1 } }))).toBe(
      '["1",null,"t","e",{"a":1}]',
    );
    expect(said(v2.push({ ...refs, ref: "1", event: "phx_close", payload: {} }))).toBe(
      '["1","1","t","phx_close",{}]',
    );
    expect(said(v2.broadcast("t", "e", { a: 1 }))).toBe('[null,null,"t","e",{"a":1}]');
  });

  test("[MF8] is read as it was said, whatever it is", () => {
    fc.assert(
      fc.property(json, json, json, fc.string(), json, (joinRef, ref, topic, event, payload) => {
        const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
        expect(JSON.parse(said(v2.reply({ joinRef, ref, topic, status: event, response: payload })))).toEqual(
          plain([joinRef, ref, topic, "phx_reply", { status: event, response: payload }]),
        );
        expect(JSON.parse(said(v2.broadcast(event, event, payload)))).toEqual(
          plain([null, null, event, event, payload]),
        );
        const frame = said(v2.push({ joinRef, ref, topic: event, event, payload }));
        expect(v2.decode(frame)).toEqual(plain({ joinRef, ref, topic: event, event, payload }));
        expect(v2.decode(JSON.stringify([joinRef, ref, topic, event, payload]))).toEqual(
          plain({ joinRef, ref, topic, event, payload }),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("[MS27] writes every character as it is, and half of a surrogate pair never", () => {
    const text = "räume ✓ \u2028\u2029 😀 </script>";
    expect(said(v2.broadcast(text, "e", { [text]: text }))).toBe(
      `[null,null,${JSON.stringify(text)},"e",{${JSON.stringify(text)}:${JSON.stringify(text)}}]`,
    );
    expect(said(v2.broadcast("t", "e", { text }))).not.toContain("\\u");
    const halves = "\ud800 \\ud800 \\\udfff\u0007😀\ud83d";
    const frame = said(v2.broadcast(halves, halves, { [halves]: [halves] }));
    const mended = "\ufffd \\ud800 \\\ufffd\u0007😀\ufffd";
    expect(JSON.parse(frame)).toEqual([null, null, mended, mended, { [mended]: [mended] }]);
    expect(v2.decode(frame).topic).toBe(mended);
  });

  test("[MS27] what JSON cannot write is told to its sender, and nothing else is thrown", () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const broadcast = (payload: unknown) => v2.broadcast("t", "e", payload as Json);
    for (const payload of [
      undefined,
      () => 1,
      Symbol("s"),
      1n,
      circle,
      { a: 1n },
      {
        toJSON: () => {
          throw new TypeError("no");
        },
      },
    ])
      expect(() => broadcast(payload)).toThrow(UnsayableMessage);
    expect(() => broadcast(undefined)).toThrow("type undefined");
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => broadcast(deep)).toThrow(UnsayableMessage);
  });

  test("[MS28] names that reach prototypes elsewhere survive both ways", () => {
    const payload = '{"__proto__":{"polluted":1},"constructor":{"prototype":2},"hasOwnProperty":3}';
    const message = v2.decode(`["1","2","__proto__","constructor",${payload}]`);
    expect(Object.keys(message.payload as object)).toEqual(["__proto__", "constructor", "hasOwnProperty"]);
    expect((message.payload as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(said(v2.push({ ...message, topic: "__proto__", event: "constructor" }))).toBe(
      `["1","2","__proto__","constructor",${payload}]`,
    );
    // However it is written, and in a frame that is long enough to be scanned.
    const long = `["1","2","t","e",{"\\u005f_proto__":[${"[],".repeat(200)}1]}]`;
    expect(Object.keys(v2.decode(long).payload as object)).toEqual(["__proto__"]);
  });
});
