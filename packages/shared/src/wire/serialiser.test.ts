import { inspect, isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { sameValue } from "../values/equal.ts";
import { json } from "./json-format.ts";
import { customBinary, messagePack } from "./messagepack.ts";
import { automatic } from "./serialiser.ts";
import type { Format, Serialiser } from "./serialiser.ts";
import {
  anyText,
  anyValue,
  fieldsOf,
  plainTree,
  Point,
  pointClass,
  Secret,
  secretClass,
} from "../values/values.arbitrary.ts";

const serialiser = automatic(json(), messagePack()).with({ classes: [pointClass, secretClass] });

/** There and back over the wire, as a model. */
function trip(value: unknown, format: Format, by: Serialiser = serialiser): unknown {
  const codec = by.payload(format);
  const data = format.encode({ type: "Snapshot", model: codec.encodeModel(value) });
  return codec.decodeModel((format.decode(data) as { model: unknown }).model);
}
function messageTrip(value: unknown, format: Format, by: Serialiser = serialiser): unknown {
  const codec = by.payload(format);
  return codec.decodeMessage(format.decode(format.encode(codec.encodeMessage(value))));
}
const hex = (data: string | Uint8Array): string => Buffer.from(data as Uint8Array).toString("hex");

test("[CO1] decode(encode(x)) is normalise(x), in both formats", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const normal = serialiser.normaliseModel(value);
      for (const format of serialiser.formats) {
        const there = trip(value, format);
        expect(sameValue(there, normal)).toBe(true);
        // And what sameValue overlooks: undefined fields, null prototypes, holes. (Vitest's own strict equality
        // takes a field `constructor` for the class.)
        // Node takes an invalid Date to differ from itself.
        const hasInvalidDate = inspect(normal, { depth: null }).includes("Invalid Date");
        expect(hasInvalidDate || isDeepStrictEqual(there, normal)).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("[CO4] a plain message looks as in plain JSON", () => {
  fc.assert(
    fc.property(plainTree, (tree) => {
      const format = json();
      expect(format.encode(serialiser.payload(format).encodeMessage(tree))).toBe(JSON.stringify(tree));
    }),
  );
});

test("[CO5] every tag has its pinned form", () => {
  const golden: [unknown, string, string][] = [
    [undefined, '{"$":"undefined"}', "81a124a9756e646566696e6564"],
    [-0, '{"$":"number","v":"-0"}', "82a124a66e756d626572a176a22d30"],
    [Number.NaN, '{"$":"number","v":"NaN"}', "82a124a66e756d626572a176a34e614e"],
    [-Infinity, '{"$":"number","v":"-Infinity"}', "82a124a66e756d626572a176a92d496e66696e697479"],
    [-12n, '{"$":"bigint","v":"-12"}', "82a124a6626967696e74a176a32d3132"],
    ["\ud800", String.raw`{"$":"text","v":"\"\\ud800\""}`, "82a124a474657874a176a8225c756438303022"],
    ["\ufeff", '{"$":"text","v":"\\"\ufeff\\""}', "82a124a474657874a176a522efbbbf22"],
    [new Date(1763), '{"$":"date","v":1763}', "82a124a464617465a176cd06e3"],
    [new Date(Number.NaN), '{"$":"date","v":null}', "82a124a464617465a176c0"],
    [Uint8Array.of(1, 2, 255, 0), '{"$":"bytes","v":"AQL/AA=="}', "c4040102ff00"],
    [new Map([["a", 1]]), '{"$":"map","v":[["a",1]]}', "82a124a36d6170a1769192a16101"],
    [new Set([1, "a"]), '{"$":"set","v":[1,"a"]}', "82a124a3736574a1769201a161"],
    [{ $: 1, a: 2 }, '{"$":"object","v":[["$",1],["a",2]]}', "82a124a66f626a656374a1769292a1240192a16102"],
    [new Point(1, null), '{"$":"Point","v":{"x":1,"y":null}}', "82a124a5506f696e74a17682a17801a179c0"],
    [{ a: ["é", true, 1.5] }, '{"a":["é",true,1.5]}', "81a16193a2c3a9c3cb3ff8000000000000"],
  ];
  for (const [value, text, bytes] of golden) {
    for (const format of serialiser.formats) {
      const data = format.encode(serialiser.payload(format).encodeModel(value));
      expect(format.binary ? hex(data) : data).toBe(format.binary ? bytes : text);
      expect(serialiser.payload(format).decodeModel(format.decode(data))).toStrictEqual(value);
    }
  }
});

test("[CO5] a tag in any other form is undecodable", () => {
  const { decodeModel } = serialiser.payload(json());
  const malformed = [
    '{"$":null}',
    '{"$":"nothing"}',
    '{"$":"point","v":1}',
    '{"$":"undefined","v":null}',
    '{"$":"number","v":"1"}',
    '{"$":"number","v":1}',
    '{"$":"bigint","v":"-0"}',
    '{"$":"bigint","v":"01"}',
    '{"$":"bigint","v":""}',
    '{"$":"bigint","v":"0x1"}',
    '{"$":"bigint","v":1}',
    '{"$":"text","v":"a"}',
    '{"$":"text","v":"1"}',
    '{"$":"text","v":1}',
    '{"$":"date","v":1.5}',
    '{"$":"date","v":8640000000000001}',
    '{"$":"date","v":"1"}',
    '{"$":"date"}',
    '{"$":"date","v":1,"w":1}',
    '{"$":"bytes","v":"AQ"}',
    '{"$":"bytes","v":"AR=="}',
    '{"$":"bytes","v":"A==="}',
    '{"$":"bytes","v":"===="}',
    '{"$":"bytes","v":"A_=="}',
    '{"$":"bytes","v":"AAé="}',
    '{"$":"bytes","v":"AAB="}',
    '{"$":"set","v":{}}',
    '{"$":"map","v":[1]}',
    '{"$":"map","v":[[1]]}',
    '{"$":"map","v":[[1,2,3]]}',
    '{"$":"object","v":[[1,2]]}',
    '{"$":"Point"}',
    '{"$":"Secret","v":1}',
    '{"$":"Unknown","v":1}',
    '{"$":"__proto__","v":1}',
    '{"$":"constructor","v":1}',
    '{"w":1,"$":"undefined"}',
  ];
  for (const text of malformed) {
    expect(() => decodeModel(json().decode(`[${text}]`)), text).toThrow(
      expect.objectContaining({
        code: "undecodable",
        details: expect.objectContaining({ path: expect.stringMatching(/^\[0\]/) as string }) as object,
      }) as Error,
    );
  }
});

test("[CO5] the tag of one format is read in the other", () => {
  const bytes = { $: "bytes", v: "AQI=" };
  expect(serialiser.payload(messagePack()).decodeModel(bytes)).toStrictEqual(Uint8Array.of(1, 2));
});

test("[CO7] S29: any text survives, as a text and as the name of a field", () => {
  const survives = (text: string): void => {
    const value = {
      list: [text],
      map: new Map([[text, text]]),
      named: fieldsOf(
        [
          [text, 1],
          ["a", text],
        ],
        {},
      ),
    };
    for (const format of serialiser.formats) expect(trip(value, format)).toStrictEqual(value);
  };
  fc.assert(fc.property(anyText, survives), { numRuns: 1_000 });
  for (let unit = 0; unit <= 0xffff; unit += 1) {
    if (unit < 0x100 || (unit >= 0x2020 && unit < 0x2030) || unit >= 0xd7f0) {
      if (unit % 16 === 0 || unit < 0x100 || unit > 0xdbf0) survives(String.fromCharCode(unit, 97, unit));
    }
  }
});

test("[CO8] S29: hostile fields are refused in messages, kept in models, and no prototype is reached", () => {
  for (const key of ["__proto__", "constructor", "prototype"]) {
    const value = { type: "set", at: fieldsOf([[key, { polluted: "yes" }]], {}) };
    expect(() => serialiser.normaliseMessage(value)).toThrow(/could reach a prototype/);
    for (const format of serialiser.formats) {
      expect(() => messageTrip(value, format)).toThrow(
        expect.objectContaining({ code: "hostile-key" }) as Error,
      );
      const model = trip(value, format) as typeof value;
      expect(Object.getOwnPropertyDescriptor(model.at, key)?.value).toEqual({ polluted: "yes" });
      expect(Object.getPrototypeOf(model.at)).toBe(Object.prototype);
    }
  }
  expect(({} as { polluted?: string }).polluted).toBe(undefined);
});

test("[CO10] options: maxDepth of messages and models", () => {
  const shallow = serialiser.with({ maxDepth: 2 });
  for (const format of shallow.formats) {
    expect(trip([[1]], format, shallow)).toEqual([[1]]);
    expect(() => trip([[[1]]], format, shallow)).toThrow(/more than 2 levels/);
    const deep = serialiser.payload(format).encodeMessage([[[1]]]);
    expect(() => shallow.payload(format).decodeMessage(deep)).toThrow(
      expect.objectContaining({ code: "too-deep" }) as Error,
    );
  }
  expect(() => shallow.normaliseMessage([[[1]]])).toThrow(/more than 2 levels/);
  // `with` replaces all options.
  expect(() => shallow.normaliseMessage(new Point(1, 2))).toThrow(/instance of Point/);
});

test("[CO10] what the value limit admits, the default frame limit admits", () => {
  let value: unknown = 1n;
  for (let i = 0; i < 64; i++)
    value = i % 2 === 0 ? new Map([["\ud800", value]]) : fieldsOf([["$", value]], {});
  for (const format of serialiser.formats) {
    expect(trip(value, format)).toStrictEqual(value);
    const records = [[1, "a", 1, "id", serialiser.payload(format).encodeMessage(value)]];
    expect(() => format.decode(format.encode([{ type: "TopicUpdate", records }]))).not.toThrow();
  }
});

test("[CO16] use() prefers a format and keeps the others and the options", () => {
  const other = serialiser.use("messagepack");
  expect(other.formats.map((format) => format.name)).toEqual(["messagepack", "json"]);
  expect(other.formats[1]).toBe(serialiser.formats[0]);
  expect(other.use("json").formats.map((format) => format.name)).toEqual(["json", "messagepack"]);
  expect(trip(new Point(1, 2), other.formats[0] as Format, other)).toStrictEqual(new Point(1, 2));
  expect(() => serialiser.use("cbor")).toThrow('There is no format "cbor"; there is json, messagepack.');
  expect(() => automatic(json(), json())).toThrow("Two formats have one name: json, json.");
});

const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

test("[CO18] S45: author on JSON, reader on MessagePack, one model", () => {
  const [textFormat, binaryFormat] = serialiser.formats as [Format, Format];
  const message = {
    type: "cardAdded",
    text: "\ud800 lone",
    due: undefined as number | undefined,
    tags: [undefined, "a"] as unknown[],
    where: new Point(1, 2n),
    secret: new Secret("s"),
  };
  // What the author predicts, stores and sends is the normal copy; the original may change.
  const dispatched = serialiser.normaliseMessage(message) as typeof message;
  const before = serialiser.normaliseMessage(dispatched);
  message.text = "changed";
  message.tags.push("b");
  expect(dispatched).toStrictEqual(before);
  expect(Object.hasOwn(dispatched, "due")).toBe(false);

  const atServer = messageTrip(dispatched, textFormat);
  const atReader = messageTrip(atServer, binaryFormat);
  const fold = (m: unknown): unknown => ({
    cards: [m],
    bySecret: new Map([[(m as typeof message).secret.reveal(), m]]),
  });
  const model = fold(dispatched);
  expect(sameValue(model, fold(atServer))).toBe(true);
  expect(sameValue(model, fold(atReader))).toBe(true);
  expect(sameValue(model, trip(fold(atServer), binaryFormat))).toBe(true);
  expect(sameValue(model, trip(fold(atServer), textFormat))).toBe(true);
});

test("[CO23] a codec is for the format it is asked for: in JSON bytes are text, a custom serialiser's too", () => {
  const text = new TextEncoder();
  const codec = {
    encodeMessage: (message: unknown) => text.encode(JSON.stringify(message)),
    decodeMessage: (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes)),
    encodeModel: (model: unknown) => text.encode(JSON.stringify(model)),
    decodeModel: (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes)),
  };
  for (const serialiser of [customBinary(codec), automatic(messagePack())]) {
    for (const format of [json(), ...serialiser.formats]) {
      const payload = serialiser.payload(format);
      const there = (plain: unknown): unknown => format.decode(format.encode(plain));
      const value = { type: "added", text: "a" };
      expect(payload.decodeModel(there(payload.encodeModel(value)))).toEqual(value);
      expect(payload.decodeMessage(there(payload.encodeMessage(value)))).toEqual(value);
      const details = { bytes: new Uint8Array([1, 2]) };
      expect(payload.decodeDetails(there(payload.encodeDetails(details)))).toEqual(details);
    }
  }
});

test("[CO27] of a tagged value no more is looked into than its form needs", () => {
  const { decodeMessage } = automatic(json()).payload(json());
  const parse = vi.spyOn(JSON, "parse");
  const bigint = vi.spyOn(globalThis, "BigInt");
  try {
    for (const tree of [
      { $: "text", v: `[${"0,".repeat(100_000)}0]` },
      { $: "text", v: "[".repeat(100_000) },
      { $: "bigint", v: "9".repeat(1_001) },
      { $: "bytes", v: "A".repeat(100_001) },
    ])
      expect(() => decodeMessage(tree)).toThrow(code("undecodable"));
    expect(parse).not.toHaveBeenCalled();
    expect(bigint).not.toHaveBeenCalled();
    expect(decodeMessage({ $: "text", v: '"\\ud800"' })).toBe("\ud800");
  } finally {
    parse.mockRestore();
    bigint.mockRestore();
  }
});
