import { describe, expect, it } from "vitest";
import type { Json } from "../recording/recording.ts";
import { FrameReader, OPCODE, writeFrame, type Frame } from "../wire/frame.ts";
import { Names, type Said } from "./names.ts";
import { jsonOfFrame } from "./script.ts";

const frameOf = (bytes: Uint8Array): Frame => new FrameReader().read(bytes)[0] as Frame;
const said = (text: string): Said => {
  const frame = frameOf(writeFrame(OPCODE.text, Buffer.from(text)));
  return { frame, json: jsonOfFrame(frame) };
};
const v2 = (...frame: Json[]): Said => said(JSON.stringify(frame));

describe("a frame and the recorded one", () => {
  it("[KT9] is the same by its bytes, by its JSON, or under other names", () => {
    const recorded = v2("1", "1", "room:join-ok", "phx_join", { a: 1, b: 2 });
    expect(new Names().match("main", recorded, recorded)).toBe(0);
    expect(
      new Names().match("main", recorded, said('["1","1","room:join-ok","phx_join",{"b":2,"a":1}]')),
    ).toBe(1);
    expect(new Names().match("main", recorded, v2("7", "7", "room:lobby", "phx_join", { a: 1, b: 2 }))).toBe(
      2,
    );
  });

  it("[KT9] keeps names from frame to frame, one for one, of each connection its own refs", () => {
    const names = new Names();
    const join = v2("1", "1", "room:x", "phx_join", {});
    expect(names.match("a", join, v2("7", "7", "room:lobby", "phx_join", {}))).toBe(2);
    const echo = v2("1", "2", "room:x", "echo", {});
    // Another topic, another join_ref, and a ref that stands for another already.
    expect(names.clone().match("a", echo, v2("7", "8", "room:other", "echo", {}))).toBeUndefined();
    expect(names.clone().match("a", echo, v2("6", "8", "room:lobby", "echo", {}))).toBeUndefined();
    expect(names.clone().match("a", echo, v2("7", "7", "room:lobby", "echo", {}))).toBeUndefined();
    expect(names.match("a", echo, v2("7", "8", "room:lobby", "echo", {}))).toBe(2);
    expect(
      names.match("b", v2("4", "4", "room:x", "phx_join", {}), v2("7", "7", "room:lobby", "phx_join", {})),
    ).toBe(2);
    expect(names.said("a", ["1", "2", "room:x", "phx_reply", { topic: "room:x" }])).toEqual([
      "7",
      "8",
      "room:lobby",
      "phx_reply",
      { topic: "room:lobby" },
    ]);
    expect(names.said("b", ["4", null, "room:x", "pushed", {}])).toEqual([
      "7",
      null,
      "room:lobby",
      "pushed",
      {},
    ]);
  });

  it("[KT9] is another where event, payload, kind of ref, or pattern of the topic differ", () => {
    const recorded = v2("1", "2", "room:x", "echo", { n: 1 });
    for (const other of [
      v2("1", "2", "room:x", "ok", { n: 1 }),
      v2("1", "2", "room:x", "echo", { n: 2 }),
      v2("1", 2, "room:x", "echo", { n: 1 }),
      v2(null, "2", "room:x", "echo", { n: 1 }),
      v2("1", "2", "info:x", "echo", { n: 1 }),
      v2("1", "2", "room:exact", "echo", { n: 1 }),
      v2("1", "2", "room:x", "echo", { n: 1 }, 6),
      said('{"topic":"room:x","event":"echo","payload":{"n":1},"ref":"2","join_ref":"1"}'),
    ]) {
      expect(new Names().match("main", recorded, other)).toBeUndefined();
    }
  });

  it("[KT9] has the names of version 1, too", () => {
    const names = new Names();
    const frame = (topic: string, ref: string): Said =>
      said(JSON.stringify({ topic, event: "phx_join", payload: {}, ref }));
    expect(names.match("main", frame("room:x", "1"), frame("room:lobby", "5"))).toBe(2);
    expect(names.said("main", { topic: "room:x", event: "phx_reply", payload: {}, ref: "1" })).toEqual({
      topic: "room:lobby",
      event: "phx_reply",
      payload: {},
      ref: "5",
    });
  });

  it("[KT9] is by its bytes alone what it is, where it is no frame of the protocol", () => {
    const bytes = (opcode: number, hex: string, masked = true): Said => ({
      frame: frameOf(writeFrame(opcode, Buffer.from(hex, "hex"), { masked })),
      json: undefined,
    });
    expect(new Names().match("main", bytes(2, "00ff"), bytes(2, "00ff"))).toBe(0);
    expect(new Names().match("main", bytes(2, "00ff"), bytes(2, "00fe"))).toBeUndefined();
    expect(new Names().match("main", bytes(2, "00ff"), bytes(9, "00ff"))).toBeUndefined();
    expect(new Names().match("main", bytes(2, "00ff"), bytes(2, "00ff", false))).toBeUndefined();
    expect(new Names().match("main", said("[1"), said("[1"))).toBe(0);
    expect(new Names().match("main", said("[1"), said("[2"))).toBeUndefined();
  });
});
