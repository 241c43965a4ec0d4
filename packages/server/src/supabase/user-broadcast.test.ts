import fc from "fast-check";
import { DEFAULT_DECODE_LIMITS } from "@calla/shared";
import { expect, test } from "vitest";
import { kind3, kind4 } from "../../test/supabase/raw.ts";
import { MalformedFrame, UnsayableMessage } from "../channels/wire/serialiser.ts";
import { serialisers } from "../channels/wire/vsn.ts";
import { supabaseSerialisers } from "./serialisers.ts";
import { bodyOf, decodePushed, heardFrame, heardText, readBody } from "./user-broadcast.ts";

const limits = DEFAULT_DECODE_LIMITS;
const TOPIC = "realtime:room";
const pushed = (more: Partial<Parameters<typeof kind3>[0]> = {}): Buffer =>
  kind3({ topic: TOPIC, event: "said", encoding: 1, data: '{"a":1}', ...more });
const bodyIn = (frame: Uint8Array): Uint8Array => decodePushed(frame, limits).payload as Uint8Array;

test("[SB11] a kind 3 leaves as kind 4, and as JSON for version 1", () => {
  const message = decodePushed(pushed(), limits);
  expect(message).toMatchObject({ joinRef: "1", ref: "9", topic: TOPIC, event: "broadcast" });
  const body = message.payload as Uint8Array;
  const frame = heardFrame(TOPIC, body);
  expect(frame.text).toBe(false);
  expect(kind4(frame.bytes)).toEqual({ topic: TOPIC, event: "said", meta: "", encoding: 1, data: '{"a":1}' });
  expect(JSON.parse(Buffer.from(heardText(TOPIC, body).bytes).toString())).toEqual({
    topic: TOPIC,
    event: "broadcast",
    payload: { type: "broadcast", event: "said", payload: { a: 1 } },
    ref: null,
  });
});

test("[SB11] refs that are empty are null, as clients write it", () => {
  expect(decodePushed(pushed({ joinRef: "", ref: "" }), limits)).toMatchObject({ joinRef: null, ref: null });
});

test("[SB13] bytes cannot be said in version 1", () => {
  const body = bodyIn(pushed({ encoding: 0, data: "\u0001" }));
  expect(kind4(heardFrame(TOPIC, body).bytes)).toMatchObject({ encoding: 0, data: "\u0001" });
  expect(() => heardText(TOPIC, body)).toThrow(UnsayableMessage);
});

test("[SB15] what says it is JSON and is none is malformed, and so is JSON that is not UTF-8", () => {
  for (const data of ["{", "", "1,2", "[1]]", '"\\ud800"'])
    expect(() => decodePushed(pushed({ data }), limits), data).toThrow(MalformedFrame);
  const broken = pushed({ data: Uint8Array.from([34, 0xff, 34]) });
  expect(() => decodePushed(broken, limits)).toThrow(MalformedFrame);
});

test("[SB15] a client's meta is dropped", () => {
  const body = bodyIn(pushed({ meta: '{"replayed":true}' }));
  expect(readBody(body).meta).toBe("");
});

test("[SB20] a binary frame that is none is malformed: other kinds, encodings, lengths, names", () => {
  const none = [
    Buffer.from([]),
    Buffer.from([3]),
    Buffer.from([3, 255, 0, 0, 0, 0, 1]),
    pushed({ encoding: 2 }),
  ];
  for (const kind of [0, 1, 2, 4]) none.push(Buffer.concat([Uint8Array.from([kind]), pushed().subarray(1)]));
  const badName = pushed();
  badName[badName.indexOf("said")] = 0xff;
  for (const frame of [...none, badName]) expect(() => decodePushed(frame, limits)).toThrow(MalformedFrame);
});

test("[SB20] whatever bytes come, decoding gives a broadcast or a malformed frame that is dropped", () => {
  const decode = supabaseSerialisers(serialisers(), limits)("2.0.0")!.decode;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, alike) => {
      if (alike) bytes[0] = 3;
      try {
        const { event, payload } = decode(bytes);
        expect(event).toBe("broadcast");
        heardFrame(TOPIC, payload as Uint8Array);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedFrame);
        expect(error).toMatchObject({ dropped: true });
      }
    }),
    { numRuns: 2_000 },
  );
});

test("[SB14] neither a push nor a reply nor a broadcast is ever of Phoenix's binary kinds", () => {
  const serialiser = supabaseSerialisers(serialisers(), limits)("2.0.0")!;
  const bytes = new Uint8Array([1, 2, 3]);
  const said = { joinRef: "1", ref: null, topic: TOPIC };
  expect(() => serialiser.push({ ...said, event: "other", payload: bytes })).toThrow(UnsayableMessage);
  expect(() => serialiser.push({ ...said, event: "broadcast", payload: bytes })).toThrow(UnsayableMessage);
  expect(() => serialiser.broadcast(TOPIC, "other", bytes)).toThrow(UnsayableMessage);
  expect(() => serialiser.reply({ ...said, status: "ok", response: bytes })).toThrow(UnsayableMessage);
  const body = bodyOf({ event: "said", meta: "", json: false, data: bytes });
  expect(serialiser.push({ ...said, event: "broadcast", payload: body }).bytes[0]).toBe(4);
});

test("[SB18] names that a binary frame has no room for cannot be said", () => {
  const body = bodyOf({ event: "said", meta: "", json: false, data: new Uint8Array() });
  expect(() => heardFrame("t".repeat(256), body)).toThrow(UnsayableMessage);
  expect(() => bodyOf({ event: "e".repeat(256), meta: "", json: true, data: new Uint8Array() })).toThrow(
    UnsayableMessage,
  );
});
