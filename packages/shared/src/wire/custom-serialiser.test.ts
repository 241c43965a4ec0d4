import { expect, test } from "vitest";
import { CallaError } from "../base/errors.ts";
import { customJson } from "./custom-serialiser.ts";
import { json } from "./json-format.ts";
import { customBinary } from "./messagepack.ts";
import { mapPayloads } from "./payloads.ts";
import type { ClientFrame, ServerFrame } from "./protocol.ts";
import { payloadReader, payloadWriter } from "./serialiser.ts";
import type { Format, Serialiser } from "./serialiser.ts";

/** There and back over the wire, as a model. */
function trip(value: unknown, format: Format, by: Serialiser): unknown {
  const codec = by.payload(format);
  const data = format.encode({ type: "Snapshot", model: codec.encodeModel(value) });
  return codec.decodeModel((format.decode(data) as { model: unknown }).model);
}
function messageTrip(value: unknown, format: Format, by: Serialiser): unknown {
  const codec = by.payload(format);
  return codec.decodeMessage(format.decode(format.encode(codec.encodeMessage(value))));
}
const hex = (data: string | Uint8Array): string => Buffer.from(data as Uint8Array).toString("hex");

interface Stamped {
  readonly at: Date;
}
const throwing = {
  encodeMessage: () => {
    throw new Error("cannot");
  },
  decodeMessage: () => {
    throw new Error("cannot");
  },
  encodeModel: () => {
    throw new Error("cannot");
  },
  decodeModel: () => {
    throw new Error("cannot");
  },
};
const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

test("[CO17] customJson carries payloads through the user's functions, the envelope as ours", () => {
  const by = customJson({
    encodeMessage: (message: Stamped) => ["m", message.at.getTime()],
    decodeMessage: ([, at]) => ({ at: new Date(at as number) }),
    encodeModel: (model: Stamped) => ["M", model.at.getTime()],
    decodeModel: ([, at]) => ({ at: new Date(at as number) }),
  });
  const [format] = by.formats as [Format];
  const value = { at: new Date(5), lost: true };
  const codec = by.payload(format);
  expect(format.encode({ type: "Snapshot", model: codec.encodeModel(value) })).toBe(
    '{"type":"Snapshot","model":["M",5]}',
  );
  expect(trip(value, format, by)).toStrictEqual({ at: new Date(5) });
  expect(messageTrip(value, format, by)).toStrictEqual({ at: new Date(5) });
  expect(by.normaliseMessage(value)).toStrictEqual({ at: new Date(5) });
  expect(by.normaliseModel(value)).toStrictEqual({ at: new Date(5) });
  for (const name of ["json", "messagepack", "anything"]) expect(by.use(name)).toBe(by);
});

test("[CO17] customBinary carries payloads as bytes of the user's", () => {
  const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const valueOf = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  const by = customBinary({
    encodeMessage: bytesOf,
    decodeMessage: valueOf,
    encodeModel: bytesOf,
    decodeModel: valueOf,
  });
  const [format] = by.formats as [Format];
  const codec = by.payload(format);
  expect(hex(format.encode({ m: codec.encodeMessage([1]) }))).toBe("81a16dc4035b315d");
  expect(trip({ a: 1 }, format, by)).toStrictEqual({ a: 1 });
  expect(messageTrip({ a: 1 }, format, by)).toStrictEqual({ a: 1 });
  expect(by.normaliseModel({ a: [1, undefined] })).toStrictEqual({ a: [1, null] });
  for (const wrong of ["text", 1, null, [1]]) {
    expect(() => codec.decodeMessage(wrong)).toThrow(code("undecodable"));
    const returning = customBinary({
      ...throwing,
      encodeMessage: () => wrong as never,
      encodeModel: () => wrong as never,
    });
    expect(() => returning.payload(format).encodeModel(1)).toThrow(code("invalid-value"));
    expect(() => returning.normaliseMessage(1)).toThrow(code("invalid-value"));
  }
});

test("[CO17] what the user's functions throw is typed", () => {
  const byJson = customJson(throwing);
  for (const by of [byJson, customBinary(throwing)]) {
    const codec = by.payload(by.formats[0] as Format);
    const plain = by === byJson ? {} : Uint8Array.of(1);
    expect(() => codec.encodeMessage(1)).toThrow(code("invalid-value"));
    expect(() => codec.encodeModel(1)).toThrow("encodeModel threw: Error: cannot.");
    expect(() => codec.decodeMessage(plain)).toThrow(code("undecodable"));
    expect(() => codec.decodeModel(plain)).toThrow(code("undecodable"));
    expect(() => by.normaliseMessage(1)).toThrow(code("invalid-value"));
    expect(() => by.normaliseModel(1)).toThrow(code("invalid-value"));
  }
  const hostile = JSON.parse('{"constructor":1}') as unknown;
  expect(() => byJson.payload(json()).decodeMessage(hostile)).toThrow(code("hostile-key"));
});

test("[CO17] one message that a custom serialiser encodes as an array stays one message; details are not asked of it", () => {
  const serialiser = customJson({
    encodeMessage: ({ type, n }: { type: string; n: number }): unknown => [type, n],
    decodeMessage: (encoded) => ({
      type: (encoded as [string, number])[0],
      n: (encoded as [string, number])[1],
    }),
    encodeModel: (model) => model,
    decodeModel: (encoded) => encoded,
  });
  const [format] = serialiser.formats;
  const codec = serialiser.payload(format!);
  const there = (frame: ClientFrame | ServerFrame): unknown =>
    mapPayloads(
      format!.decode(format!.encode(mapPayloads(frame, payloadWriter(codec)))) as ClientFrame,
      payloadReader(codec),
    );
  const one = { type: "added", n: 1 };
  for (const messages of [[], [one], [one, { type: "added", n: 2 }]]) {
    const said = { type: "TopicMessage", target: "list:1", mid: 1, id: "x", settled: 0, messages } as const;
    expect(there(said)).toEqual(said);
  }
  const refused = {
    type: "Rejected",
    target: "list:1",
    mid: 1,
    id: "x",
    from: "calla",
    code: "invalid",
    details: { issues: [] },
  } as const;
  expect(there(refused)).toEqual(refused);
});

test("[CO17] what a custom codec makes of a message may be null, which is not a mid that was given up", () => {
  const serialiser = customJson({
    encodeMessage: ({ n }: { n: number }): unknown => (n === 0 ? null : n),
    decodeMessage: (encoded) => ({ type: "set", n: (encoded ?? 0) as number }),
    encodeModel: (model) => model,
    decodeModel: (encoded) => encoded,
  });
  const codec = serialiser.payload(serialiser.formats[0]!);
  const [none, some] = [
    { type: "set", n: 0 },
    { type: "set", n: 1 },
  ];
  for (const messages of [[], [none], [none, some, none]]) {
    const said = { type: "TopicMessage", target: "list:1", mid: 1, id: "x", settled: 0, messages } as const;
    expect(mapPayloads(mapPayloads(said, payloadWriter(codec)), payloadReader(codec))).toEqual(said);
  }
});

/** A codec that changes nothing. */
const asItIs = {
  encodeMessage: (message: unknown) => message,
  decodeMessage: (encoded: unknown) => encoded,
  encodeModel: (model: unknown) => model,
  decodeModel: (encoded: unknown) => encoded,
};

test("[CO17] a codec may be an object of a class: its functions keep their `this`", () => {
  class Shifted {
    readonly #by = 3;
    encodeMessage({ n }: { n: number }): unknown {
      return n + this.#by;
    }
    decodeMessage(encoded: unknown): { n: number } {
      return { n: (encoded as number) - this.#by };
    }
    encodeModel(model: unknown): unknown {
      return [this.#by, model];
    }
    decodeModel(encoded: unknown): unknown {
      return (encoded as unknown[])[this.#by - 2];
    }
  }
  const by = customJson(new Shifted() as never);
  expect(messageTrip({ n: 4 }, json(), by)).toEqual({ n: 4 });
  expect(trip({ n: 4 }, json(), by)).toEqual({ n: 4 });
  expect(by.normaliseMessage({ n: 4 })).toEqual({ n: 4 });
  expect(by.normaliseModel({ n: 4 })).toEqual({ n: 4 });
});

test("[CO17] an error of Calla's that an encoder throws is passed on as it is; whatever a decoder throws refuses the frame", () => {
  const own = new CallaError("too-large", { maxBytes: 1 });
  const throws = (): never => {
    throw own;
  };
  const by = customJson({ ...asItIs, encodeModel: throws, decodeMessage: throws });
  const codec = by.payload(json());
  expect(() => codec.encodeModel({})).toThrow(own);
  expect(() => codec.decodeMessage({})).toThrow(code("undecodable"));
  expect(() => codec.decodeMessage({})).toThrow("decodeMessage threw: CallaError: too-large.");
  // What is dispatched here is one's own: it cannot be undecodable.
  expect(() => by.normaliseMessage({})).toThrow(own);
  const broken = customJson({ ...asItIs, decodeMessage: () => BigInt("x"), decodeModel: () => BigInt("x") });
  expect(() => broken.normaliseMessage({})).toThrow(code("invalid-value"));
  expect(() => broken.normaliseMessage({})).toThrow(/^decodeMessage threw: SyntaxError: /);
  expect(() => broken.normaliseModel({})).toThrow(/^decodeModel threw: SyntaxError: /);
});

test("[CO17] what the functions give is carried as a value: Dates and bytes too, and never by reference", () => {
  const by = customJson(asItIs);
  const value = { at: new Date(5), bytes: Uint8Array.of(1, 255), left: 7n };
  expect(trip(value, json(), by)).toStrictEqual(value);
  expect(messageTrip(value, json(), by)).toStrictEqual(value);
  const list = [1];
  const normal = by.normaliseModel({ list }) as { list: number[] };
  list.push(2);
  expect(normal).toEqual({ list: [1] });
  expect(() => by.payload(json()).encodeModel({ f: () => 1 })).toThrow(
    expect.objectContaining({
      code: "invalid-value",
      details: expect.objectContaining({ path: ".f" }) as object,
    }),
  );
});

test("[CO17] [WR29] a message has no undefined field, whatever a decoder makes of it", () => {
  const by = customJson({
    ...asItIs,
    decodeMessage: () => ({ type: "set", to: undefined, in: [{ a: undefined }] }),
  });
  for (const message of [by.payload(json()).decodeMessage({}), by.normaliseMessage({})])
    expect(message).toStrictEqual({ type: "set", in: [{}] });
});

test("[CO17] [CO23] an array or null is carried as the codec made it, for messages stand in an array anyway; details are the value domain's", () => {
  const by = customJson({ ...asItIs, decodeMessage: (encoded) => ({ type: "seen", encoded }) });
  const codec = by.payload(json());
  for (const encoded of [[1], [], null, "text", { v: [1] }]) {
    expect(codec.encodeMessage(encoded)).toEqual(encoded);
    expect(codec.decodeMessage(encoded)).toEqual({ type: "seen", encoded });
  }
  for (const tagged of [{ $: "array", v: [1] }, { $: "array" }, { v: [1], $: null }])
    expect(() => codec.decodeMessage(tagged)).toThrow(code("undecodable"));
  const details = { on: new Date(5) };
  expect(codec.decodeDetails(codec.encodeDetails(details))).toEqual(details);
  expect(by.normaliseDetails(details)).toEqual(details);
  const hostile = JSON.parse('{"__proto__":1}') as unknown;
  expect(() => codec.decodeDetails(hostile)).toThrow(code("hostile-key"));
  expect(() => by.normaliseDetails(hostile)).toThrow(code("invalid-value"));
});
