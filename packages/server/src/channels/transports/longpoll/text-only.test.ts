import { describe, expect, it } from "vitest";
import type { ChannelSerialiser } from "../../wire/serialiser.ts";
import { UnsayableMessage } from "../../wire/serialiser.ts";
import { textOnly } from "./text-only.ts";

const frame = (payload: unknown) => ({ bytes: Buffer.from("x"), text: !(payload instanceof Uint8Array) });
const serialiser: ChannelSerialiser = {
  vsn: "2.0.0",
  decode: (data) => ({ joinRef: null, ref: null, topic: "t", event: "e", payload: String(data) }),
  reply: ({ response }) => frame(response),
  push: ({ payload }) => frame(payload),
  broadcast: (_topic, _event, payload) => frame(payload),
};

describe("a serialiser for polls", () => {
  const only = textOnly(serialiser);
  const to = { joinRef: "1", ref: "2", topic: "t" };

  it("[BI22] says what is text, and reads everything", () => {
    expect(only.reply({ ...to, status: "ok", response: {} }).text).toBe(true);
    expect(only.push({ ...to, event: "e", payload: {} }).text).toBe(true);
    expect(only.broadcast("t", "e", {}).text).toBe(true);
    expect(only.decode("said").payload).toBe("said");
    expect(only.vsn).toBe("2.0.0");
  });

  it("[CP21] hands on what is written already: the payload beside it may be none", () => {
    const written: unknown[] = [];
    const keeping = textOnly({
      ...serialiser,
      push: (_, json) => (written.push(json), frame({})),
      broadcast: (_topic, _event, _payload, json) => (written.push(json), frame({})),
    });
    keeping.push({ ...to, event: "e", payload: {} }, '{"n":1}');
    keeping.broadcast("t", "e", {}, '{"n":2}');
    expect(written).toEqual(['{"n":1}', '{"n":2}']);
  });

  it("[BI22] bytes cannot be said: the caller hears of it, and nothing is sent", () => {
    const bytes = new Uint8Array([1]);
    expect(() => only.reply({ ...to, status: "ok", response: bytes })).toThrow(UnsayableMessage);
    expect(() => only.push({ ...to, event: "e", payload: bytes })).toThrow(UnsayableMessage);
    expect(() => only.broadcast("t", "e", bytes)).toThrow(UnsayableMessage);
  });

  it("[BI22] is one for each serialiser, so that a broadcast is encoded once for all polls", () => {
    expect(textOnly(serialiser)).toBe(only);
    expect(textOnly({ ...serialiser })).not.toBe(only);
  });
});
