// S29 and S45: hostile content is handled or refused, and what is odd but allowed is the same everywhere.
import { PROTOCOL_VERSION, sameValue } from "@calla/shared";
import { expect, test } from "vitest";
import { Stage } from "./stage.ts";
import { Stranger } from "./stranger.ts";
import { FORMATS, Point, serialiser, wiring } from "./wiring.ts";

const added = (line: string) => ({ type: "added", line }) as const;
const kept = (value: unknown, name = "value") => ({ type: "kept", name, value }) as const;
const hello = {
  type: "Hello",
  protocol: PROTOCOL_VERSION,
  token: "mallory",
  slices: wiring.versions(),
  targets: [],
};
const forged = (message: unknown, mid = 1) => ({
  type: "TopicMessage",
  target: "note:1",
  mid,
  id: `forged${mid}`,
  settled: 0,
  messages: [message],
});
const nested = (levels: number): unknown => {
  let value: unknown = "deep";
  for (let i = 0; i < levels; i++) value = [value];
  return value;
};
/** An own field of that name, as a parser makes it. */
const own = (name: string): unknown => JSON.parse(`{ ${JSON.stringify(name)}: { "polluted": true } }`);

function nobodyPolluted(): void {
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(([] as { polluted?: unknown }).polluted).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
}

test.each(FORMATS)(
  "[S29] [CO7] lone surrogates, U+2028, byte order marks and NUL in texts and names: the same everywhere (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben", { format: format === "json" ? "messagepack" : "json" });
    const texts = [
      "\ud800",
      "a\udc00b",
      "\ud83d",
      "\ude00\ud83d",
      "\u2028\u2029",
      "\ufeffx",
      "\u0000",
      "\u{1f600}",
    ];
    for (const text of texts) {
      anna.dispatch(added(text));
      ben.dispatch(kept({ [text]: text }, text));
    }
    await stage.settle();
    for (const { model } of [anna, ben]) {
      expect(model?.lines).toEqual(texts);
      expect(Object.keys(model!.values)).toEqual(texts);
      expect(texts.map((text) => (model!.values[text] as Record<string, string>)[text])).toEqual(texts);
    }
    // And for who comes later, or comes back to a server that has started anew.
    stage.node.kill();
    const carl = await stage.actor("carl", { format });
    await stage.run(1_000);
    expect(carl.model).toEqual(ben.model);
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S29] [CO8] fields that could reach a prototype: refused at dispatch, refused on arrival, nobody is polluted or disturbed (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    for (const name of ["__proto__", "constructor", "prototype"]) {
      expect(() => anna.dispatch(kept(own(name)))).toThrow(
        expect.objectContaining({ code: "invalid-value" }),
      );
    }
    expect(anna.state().pending).toEqual([]);
    // From a peer that is no client of ours.
    const names = ["constructor", "prototype"];
    const mallory = new Stranger(stage.node, format);
    mallory.say(hello);
    await stage.clock.settle();
    for (const [i, name] of names.entries()) {
      mallory.say(forged(kept(own(name)), i + 1));
      await stage.clock.settle();
    }
    expect(mallory.all("Rejected")).toMatchObject(names.map((_, i) => ({ mid: i + 1, from: "calla" })));
    expect(mallory.closed).toBeUndefined();
    // A bare __proto__ is no frame of any encoder: that connection ends, terminal, with the reason recorded.
    if (format === "json") {
      mallory.raw(
        JSON.stringify(forged(kept(1), 3)).replace(
          '"value":1',
          '"value":{"\\u005f_proto__":{"polluted":true}}',
        ),
      );
      await stage.clock.settle();
      expect(mallory.all("Closing")).toMatchObject([{ code: "hostile-key", retryable: false }]);
      expect(stage.node.refused.map(({ code }) => code)).toContain("hostile-key");
    }
    // Names of targets and types are looked up, not walked.
    const other = new Stranger(stage.node, format);
    other.say(hello);
    await stage.clock.settle();
    for (const [i, type] of ["constructor", "__proto__", "toString"].entries())
      other.say(forged({ type }, i + 1));
    await stage.clock.settle();
    expect(other.all("Rejected").map(({ code }) => code)).toEqual(Array(3).fill("unknown-message"));
    nobodyPolluted();
    const sent = anna.dispatch(added("undisturbed"));
    await stage.settle();
    expect(sent.told).toMatchObject({ is: "applied", sequence: 1 });
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S29] [CO10] deep nesting: refused at dispatch, on arrival refused or the connection is closed, others go on (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    expect(() => anna.dispatch(kept(nested(65)))).toThrow(expect.objectContaining({ code: "invalid-value" }));
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => anna.dispatch(kept(cycle))).toThrow(expect.objectContaining({ code: "invalid-value" }));
    const fine = anna.dispatch(kept(nested(50)));
    await stage.settle();
    expect(fine.told).toMatchObject({ is: "applied", sequence: 1 });
    for (const levels of [70, 1_000, 100_000]) {
      const mallory = new Stranger(stage.node, format);
      mallory.say(hello);
      await stage.clock.settle();
      const frame = serialiser.use(format).formats[0]!.encode(forged(kept("here")));
      // Written by hand: no encoder goes that deep.
      if (typeof frame === "string")
        mallory.raw(frame.replace('"here"', `${"[".repeat(levels)}0${"]".repeat(levels)}`));
      else {
        const at = Buffer.from(frame).indexOf(Buffer.from("\u00a4here", "latin1"));
        const deep = Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.from([0])]);
        mallory.raw(Buffer.concat([frame.subarray(0, at), deep, frame.subarray(at + 5)]));
      }
      await stage.clock.settle();
      const [rejected] = mallory.all("Rejected");
      if (rejected === undefined)
        expect(mallory.all("Closing")).toMatchObject([{ code: "too-deep", retryable: false }]);
      else expect(rejected).toMatchObject({ mid: 1, code: "invalid" });
    }
    const after = anna.dispatch(added("undisturbed"));
    await stage.settle();
    expect(after.told).toMatchObject({ is: "applied", sequence: 2 });
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S29] [CO11] huge frames, huge announced lengths, bytes that are no frame: closed with a code, others go on (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    const hostile: readonly (readonly [string | Uint8Array, string])[] =
      format === "json"
        ? [
            [JSON.stringify(forged(added("x".repeat(1_100_000)))), "too-large"],
            [JSON.stringify(forged(kept(Array(100_001).fill(0)))), "too-large"],
            ["\ud800", "undecodable"],
            ["", "undecodable"],
            ['{"type":"Hello"', "undecodable"],
            ["[1,2,3]", "protocol"],
            ["null", "protocol"],
            [new Uint8Array([0xff, 0xfe]), "undecodable"],
          ]
        : [
            [new Uint8Array(1_100_000), "too-large"],
            [new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff]), "too-large"],
            [new Uint8Array([0xdf, 0xff, 0xff, 0xff, 0xff]), "too-large"],
            [new Uint8Array([0xdb, 0xff, 0xff, 0xff, 0xff]), "undecodable"],
            [new Uint8Array([0xc6, 0xff, 0xff, 0xff, 0xff]), "undecodable"],
            [new Uint8Array([0xc1]), "undecodable"],
            [new Uint8Array([]), "undecodable"],
            [new Uint8Array([0xc7, 0x01, 0x05, 0x00]), "undecodable"],
            [new Uint8Array([0xc0]), "protocol"],
          ];
    for (const [data, code] of hostile) {
      const mallory = new Stranger(stage.node, format);
      mallory.say(hello);
      await stage.clock.settle();
      mallory.raw(data);
      await stage.clock.settle();
      expect(mallory.all("Closing"), String(data).slice(0, 40)).toMatchObject([{ code, retryable: false }]);
      expect(mallory.closed).toBeDefined();
      // What it says after that is said to nobody.
      mallory.say(forged(added("too late")));
      await stage.clock.settle();
      expect(mallory.all("Closing")).toHaveLength(1);
    }
    expect(stage.node.refused).toHaveLength(hostile.length);
    const sent = anna.dispatch(added("undisturbed"));
    await stage.settle();
    expect(sent.told).toMatchObject({ is: "applied", sequence: 1 });
    expect(anna.pair.links).toHaveLength(1);
    await stage.rest();
  },
);

test("[S29] [CV3] hostile message ids, mids and topic names: refused or closed, nothing of it is kept", async () => {
  const stage = new Stage();
  const anna = await stage.actor("anna");
  const hostile = [
    { ...forged(added("x")), id: "a".repeat(65) },
    { ...forged(added("x")), id: "\ud800" },
    { ...forged(added("x")), id: "" },
    { ...forged(added("x")), mid: -1 },
    { ...forged(added("x")), mid: 1.5 },
    { ...forged(added("x")), mid: 2 ** 53 },
    { ...forged(added("x")), target: "note:\u0000" },
    { ...forged(added("x")), target: "note:\ud800" },
    { ...forged(added("x")), target: `note:${"1".repeat(300)}` },
    { ...forged(added("x")), target: "__proto__" },
    { ...forged(added("x")), target: "" },
  ];
  for (const frame of hostile) {
    const mallory = new Stranger(stage.node);
    mallory.say(hello);
    await stage.clock.settle();
    mallory.say(frame);
    await stage.clock.settle();
    expect(mallory.all("Rejected").length + mallory.all("Closing").length, JSON.stringify(frame)).toBe(1);
  }
  const sent = anna.dispatch(added("undisturbed"));
  await stage.settle();
  expect(sent.told).toMatchObject({ is: "applied", sequence: 1 });
  await stage.rest();
  expect([...stage.log.archive.keys()]).toEqual(["note:1"]);
});

test.each([
  { author: "json", reader: "messagepack" },
  { author: "messagepack", reader: "json" },
] as const)(
  "[S45] [CO18] lone surrogate, undefined, class instance, object changed after dispatch; author on $author, reader on $reader: one model",
  async ({ author, reader }) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format: author });
    const ben = await stage.actor("ben", { format: reader });
    const list = [1, undefined, "\ud800"];
    const given = {
      surrogate: "\udc00",
      gone: undefined as undefined | string,
      list,
      point: new Point(1, -0),
      when: new Date(5),
      bytes: new Uint8Array([1, 2]),
      map: new Map<unknown, unknown>([[{ a: 1 }, new Set([Number.NaN])]]),
      big: 12_345_678_901_234_567_890n,
    };
    const sent = anna.dispatch(kept(given));
    const predicted = anna.model;
    // Whatever is done to it later is done to nothing of ours.
    given.surrogate = "changed";
    given.gone = "there after all";
    list.push("more");
    given.bytes[0] = 9;
    given.map.clear();
    given.when.setTime(6);
    await stage.settle();
    expect(sent.told).toMatchObject({ is: "applied", sequence: 1 });
    const expected = {
      surrogate: "\udc00",
      list: [1, undefined, "\ud800"],
      point: new Point(1, -0),
      when: new Date(5),
      bytes: new Uint8Array([1, 2]),
      map: new Map([[{ a: 1 }, new Set([Number.NaN])]]),
      big: 12_345_678_901_234_567_890n,
    };
    const { model } = stage.place();
    for (const one of [predicted, anna.model, ben.model, model]) {
      expect(sameValue(one?.values["value"], expected)).toBe(true);
      const value = one!.values["value"] as typeof expected;
      expect(value.point).toBeInstanceOf(Point);
      expect(Object.is(value.point.y, -0)).toBe(true);
      expect("gone" in value).toBe(false);
    }
    // The prediction was the truth already: nothing was shown anew.
    expect(anna.model).toBe(predicted);
    // A newcomer gets it by snapshot, in either format, and its digest is the same.
    const carl = await stage.actor("carl", { format: author });
    expect(sameValue(carl.model, ben.model)).toBe(true);
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S45] [HA5] the same by the server's own dispatch and by amend: one model, whatever is changed later (%s)",
  async (format) => {
    const box = { inner: { at: new Point(3, 4), text: "\ud800", gone: undefined } };
    const stage = new Stage({
      handlers: { amend: (message) => (message.type === "kept" ? { ...message, value: box } : message) },
    });
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben", { format: format === "json" ? "messagepack" : "json" });
    const mine = { list: [new Point(1, 2), undefined] as unknown[] };
    const served = stage.node.note().dispatch(kept(mine, "served"));
    mine.list.push("later");
    await stage.settle();
    await served;
    mine.list.push("much later");
    const amended = anna.dispatch(kept("anything", "amended"));
    await stage.settle();
    box.inner.text = "changed";
    await stage.settle();
    expect(amended.told).toMatchObject({ is: "applied", sequence: 2 });
    const { model } = stage.place();
    for (const one of [anna.model, ben.model, model]) {
      expect(sameValue(one?.values["amended"], { inner: { at: new Point(3, 4), text: "\ud800" } })).toBe(
        true,
      );
      expect((one!.values["served"] as typeof mine).list[0]).toBeInstanceOf(Point);
    }
    await stage.rest();
  },
);
