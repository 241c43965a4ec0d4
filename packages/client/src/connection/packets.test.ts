import { automatic, json } from "@calla/shared";
import { customBinary, messagePack } from "@calla/shared/messagepack";
import { expect, test } from "vitest";
import { parseHydration } from "../hydration.ts";
import { createPackets } from "./packets.ts";

const nested = (levels: number): unknown => {
  let value: unknown = [];
  for (let i = 1; i < levels; i++) value = [value];
  return value;
};
const row = (model: unknown) =>
  JSON.stringify({ calla: 1, format: "json", topics: [["list:1", 1, 10, 1, model]] });

test("[CO10] what the serialiser takes with a raised maxDepth, a client reads from the wire and from the page", () => {
  for (const format of [json(), messagePack()]) {
    const serialiser = automatic(format).with({ maxDepth: 300 });
    const model = nested(290);
    const snapshot = { type: "Snapshot", target: "list:1", sequence: 1, mark: 10, version: 1, model };
    const [frame] = createPackets(serialiser, format).decode(format.encode(snapshot));
    expect(frame).toMatchObject({ model });
    expect(parseHydration(row(model), serialiser).models.get("list:1")).toMatchObject({ model });
    const deeper = { ...snapshot, model: nested(301) };
    expect(() => createPackets(serialiser, format).decode(format.encode(deeper))).toThrow(
      /more than 300 levels/,
    );
  }
});

test("[HY1] a page carries the models of a serialiser that has only bytes", () => {
  const code = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const serialiser = customBinary({
    encodeMessage: code,
    decodeMessage: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
    encodeModel: code,
    decodeModel: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
  });
  const model = { items: ["a", "\u2028"] };
  const plain = serialiser.payload(json()).encodeModel(model);
  expect(parseHydration(row(plain), serialiser).models.get("list:1")).toMatchObject({ model });
});

test("[CL5] the parts of a snapshot are taken in their order alone, each once, and the next snapshot begins anew", () => {
  for (const format of [json(), messagePack()]) {
    const serialiser = automatic(format);
    const head = { type: "Snapshot", target: "list:1", sequence: 1, mark: 10, version: 1, parts: 3 };
    const model = { items: ["a", "b", "c"] };
    const whole = format.encode(model);
    const third = Math.ceil(whole.length / 3);
    const parts = [0, 1, 2].map((part) =>
      format.encode({ ...head, part, chunk: whole.slice(part * third, (part + 1) * third) }),
    );
    const { decode } = createPackets(serialiser, format);
    const take = (...order: number[]) => order.flatMap((part) => decode(parts[part]!));
    expect(take(0, 1, 2)).toMatchObject([{ type: "Snapshot", model }]);
    for (const order of [[1], [0, 2], [0, 1, 1], [2, 1, 0], [0, 1, 2, 2]])
      expect(() => take(...order)).toThrow(expect.objectContaining({ code: "undecodable" }));
    // One that was broken off, and then the whole of another one.
    expect(take(0, 1, 0, 1, 2)).toMatchObject([{ type: "Snapshot", model }]);
    expect(take(0, 1, 2)).toMatchObject([{ type: "Snapshot", model }]);
  }
});
