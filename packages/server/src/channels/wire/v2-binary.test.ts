import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { binaryPush, bytes, field, hear, push } from "./phoenix-peer.arbitrary.ts";
import { MalformedFrame, UnsayableMessage } from "./serialiser.ts";
import { serialiserFor, serialisers } from "./vsn.ts";

const v2 = serialiserFor("2.0.0")!;
const strict = serialisers({ strictPhoenix: true })("2.0.0")!;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const shown = ({ bytes: frame, text }: { bytes: Uint8Array; text: boolean }) => ({
  hex: Buffer.from(frame).toString("hex"),
  text,
});
const binary = (text: string) => ({ hex: text.replaceAll(" ", ""), text: false });

function refusal(frame: Uint8Array, serialiser = v2): number | undefined {
  try {
    serialiser.decode(frame);
    return undefined;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(MalformedFrame);
    return (thrown as MalformedFrame).code;
  }
}

describe("[BI23] frames of phoenix.js and for it, byte for byte", () => {
  test("pushes of a client", () => {
    expect(v2.decode(hex("00 02 01 03 02 3130 31 746f70 6576 01"))).toEqual({
      joinRef: "10",
      ref: "1",
      topic: "top",
      event: "ev",
      payload: Uint8Array.of(1),
    });
    expect(v2.decode(hex("00 01 01 06 04 31 32 72c3a4756d65 c3a97674 ff"))).toEqual({
      joinRef: "1",
      ref: "2",
      topic: "räume",
      event: "évt",
      payload: Uint8Array.of(0xff),
    });
  });

  const data = Uint8Array.of(1, 1);
  test("[BI3] a push with bytes has kind 0, and no ref", () => {
    const frame = v2.push({ joinRef: "123", ref: "9", topic: "top", event: "some-event", payload: data });
    expect(shown(frame)).toEqual(binary("00 03 03 0a 313233 746f70 736f6d652d6576656e74 0101"));
  });
  test("[BI2] [BI8] a reply with bytes has kind 1, and its status where others have the event", () => {
    const reply = { joinRef: "100", ref: "12", topic: "top", status: "ok", response: data };
    expect(shown(v2.reply(reply))).toEqual(binary("01 03 02 03 02 313030 3132 746f70 6f6b 0101"));
    expect(hear(v2.reply({ ...reply, status: "teapot" }).bytes).fields).toEqual([
      "100",
      "12",
      "top",
      "teapot",
    ]);
  });
  test("[BI4] a broadcast with bytes has kind 2, and no refs", () => {
    expect(shown(v2.broadcast("top", "some-event", data))).toEqual(
      binary("02 03 0a 746f70 736f6d652d6576656e74 0101"),
    );
  });
});

describe("what a client says in bytes", () => {
  test("[BI5] may be nothing, and is a payload of its own", () => {
    const said = { joinRef: "1", ref: "2", topic: "t", event: "e" };
    expect(v2.decode(binaryPush(said, new Uint8Array()))).toEqual({ ...said, payload: new Uint8Array() });
    const frame = binaryPush(said, Uint8Array.of(7));
    const { payload } = v2.decode(frame);
    frame.fill(0);
    expect(payload).toEqual(Uint8Array.of(7));
    expect((payload as Uint8Array).buffer.byteLength).toBe(1);
  });

  test("is what is in the window of a buffer, and nothing beside it", () => {
    const frame = binaryPush({ joinRef: "1", ref: "2", topic: "t", event: "e" }, Uint8Array.of(7));
    const around = Buffer.alloc(frame.length + 20, 0x78);
    around.set(frame, 10);
    expect(v2.decode(around.subarray(10, 10 + frame.length))).toEqual(v2.decode(frame));
  });

  test("[BI9] an empty ref is the empty text, and four bytes null are a text", () => {
    const { joinRef, ref } = v2.decode(
      binaryPush({ joinRef: "", ref: "null", topic: "t", event: "e" }, hex("00")),
    );
    expect([joinRef, ref]).toEqual(["", "null"]);
  });

  test.each([1, 2, 3, 4, 9, 0x7b, 255])("[BI13] kind %i is malformed", (kind) => {
    const frame = binaryPush({ joinRef: "1", ref: "2", topic: "t", event: "e" }, Uint8Array.of(7));
    frame[0] = kind;
    expect(refusal(frame)).toBe(1011);
  });

  test("[BI14] a frame that ends before its fields do is malformed, wherever it was cut", () => {
    const frame = binaryPush({ joinRef: "10", ref: "2", topic: "räume", event: "event" }, new Uint8Array());
    expect(refusal(frame)).toBeUndefined();
    for (let length = 1; length < frame.length; length++) expect(refusal(frame.slice(0, length))).toBe(1011);
    expect(refusal(hex("00 01 01 09 09 31 32"))).toBe(1011);
  });

  test("[BI15] an empty frame is malformed", () => {
    expect(refusal(new Uint8Array())).toBe(1011);
  });

  test("[BI16] JSON in a binary frame is malformed", () => {
    expect(refusal(Buffer.from('["1","1","t","phx_join",{}]'))).toBe(1011);
  });

  const spoilt = (at: number): Uint8Array => {
    const frame = hex("00 02 02 02 02 6161 6262 6363 6464 01");
    frame.set([0xff, 0xfe], 5 + 2 * at);
    return frame;
  };
  test("[BI19] a field that is not UTF-8 is malformed: 1007, and as Phoenix has it where it is asked for", () => {
    expect([0, 1, 2, 3].map((at) => refusal(spoilt(at)))).toEqual([1007, 1007, 1007, 1007]);
    expect([0, 1, 2, 3].map((at) => refusal(spoilt(at), strict))).toEqual([1011, 1011, 1011, undefined]);
    expect(strict.decode(spoilt(3))).toMatchObject({ joinRef: "aa", ref: "bb", topic: "cc", event: null });
    // Overlong, half of a pair, and a character that the next field cuts in two.
    for (const bad of ["c0af", "eda080", "c3"]) {
      const topic = hex(bad);
      expect(refusal(Uint8Array.from([0, 0, 0, topic.length, 1, ...topic, 0xa4]))).toBe(1007);
    }
  });

  test("[BI7] is read to the byte: a byte order mark stays where it stands", () => {
    const said = { joinRef: "\ufeff1", ref: "é", topic: "\ufeff", event: "😀" };
    expect(v2.decode(binaryPush(said, Uint8Array.of(1)))).toEqual({ ...said, payload: Uint8Array.of(1) });
  });

  test("[BI7] [BI23] is read as it was written, whatever it is", () => {
    fc.assert(
      fc.property(push, bytes, (said, data) => {
        expect(v2.decode(binaryPush(said, data))).toEqual({ ...said, payload: data });
      }),
      { numRuns: 500 },
    );
  });
});

describe("what the server says in bytes", () => {
  test("[BI7] is heard by a client as it was said, whatever it is", () => {
    fc.assert(
      fc.property(push, bytes, field, ({ joinRef, ref, topic, event }, payload, status) => {
        expect(hear(v2.push({ joinRef, ref, topic, event, payload }).bytes)).toEqual({
          kind: "push",
          fields: [joinRef, topic, event],
          data: payload,
        });
        expect(hear(v2.reply({ joinRef, ref, topic, status, response: payload }).bytes)).toEqual({
          kind: "reply",
          fields: [joinRef, ref, topic, status],
          data: payload,
        });
        expect(hear(v2.broadcast(topic, event, payload).bytes)).toEqual({
          kind: "broadcast",
          fields: [topic, event],
          data: payload,
        });
      }),
      { numRuns: 500 },
    );
  });

  test("[BI5] may be nothing", () => {
    expect(hear(v2.broadcast("t", "e", new Uint8Array()).bytes).data).toEqual(new Uint8Array());
  });

  test("[BI6] has fields of 255 bytes at most; one of 256, or that is no text, is told to its sender", () => {
    const payload = hex("01");
    for (const most of ["a".repeat(255), `${"é".repeat(127)}a`]) {
      expect(hear(v2.broadcast(most, most, payload).bytes).fields).toEqual([most, most]);
      expect(() => v2.broadcast(`${most}a`, "e", payload)).toThrow(UnsayableMessage);
      expect(() => v2.broadcast("t", `${most}a`, payload)).toThrow("event has at most 255 bytes");
    }
    const push = { joinRef: "1", ref: null, topic: "t", event: "e", payload };
    expect(() => v2.push({ ...push, joinRef: "x".repeat(256) })).toThrow(UnsayableMessage);
    expect(() => v2.push({ ...push, joinRef: 5 })).toThrow("join_ref must be a text");
    const reply = { joinRef: "1", ref: "2", topic: "t", status: "ok", response: payload };
    expect(() => v2.reply({ ...reply, ref: {} })).toThrow(UnsayableMessage);
    expect(() => v2.reply({ ...reply, topic: 5 })).toThrow(UnsayableMessage);
    expect(() => v2.reply({ ...reply, status: "s".repeat(256) })).toThrow(UnsayableMessage);
    expect(hear(v2.reply({ ...reply, joinRef: null, ref: null }).bytes).fields).toEqual(["", "", "t", "ok"]);
  });

  test("[BI7] half of a surrogate pair leaves as the character that stands for what is none", () => {
    expect(hear(v2.broadcast("a\ud800b", "e", hex("01")).bytes).fields).toEqual(["a\ufffdb", "e"]);
  });
});
