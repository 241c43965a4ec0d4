import { automatic, json } from "@calla/shared";
import type { ClientFrame, ClientFrames } from "@calla/shared";
import { customBinary, messagePack } from "@calla/shared/messagepack";
import { expect, test } from "vitest";
import { bytesOf } from "../base/size.ts";
import { parseHydration } from "../hydration.ts";
import { fitting, halves, joined } from "./packets.ts";

const row = (model: unknown) =>
  JSON.stringify({ calla: 1, format: "json", topics: [["list:1", 1, 10, 1, model]] });

test("[CO10] what the serialiser takes with a raised maxDepth, a client reads from the page", () => {
  let model: unknown = [];
  for (let i = 1; i < 290; i++) model = [model];
  for (const format of [json(), messagePack()]) {
    const serialiser = automatic(format).with({ maxDepth: 300 });
    expect(parseHydration(row(model), serialiser).models.get("list:1")).toMatchObject({ model });
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

test("[CL20] a Hello names as many targets as fit, the first ones, and no byte more", () => {
  const hello: ClientFrames["Hello"] = {
    type: "Hello",
    protocol: 1,
    slices: {},
    targets: Array.from({ length: 50 }, (_, i) => ({ target: `list:ä${i}`, ref: i, settled: 0, sent: 0 })),
    attempt: [1, 1],
  };
  for (const format of [json(), messagePack()]) {
    const whole = bytesOf(format.encode(hello));
    expect(fitting(format, hello, whole + 60)).toBe(hello);
    expect(fitting(format, { ...hello, targets: [] }, 0).targets).toEqual([]);
    for (let most = 0; most < whole; most += 100) {
      const { targets } = fitting(format, hello, most);
      expect(targets).toEqual(hello.targets.slice(0, targets.length));
      const bytes = bytesOf(format.encode({ ...hello, targets }));
      if (targets.length > 0) expect(bytes).toBeLessThanOrEqual(most);
      // One more would not have fitted, give or take a separator and the length of a list.
      const more = bytesOf(format.encode({ ...hello, targets: hello.targets.slice(0, targets.length + 1) }));
      expect(more + 60).toBeGreaterThan(most);
    }
  }
});

test("[OB13] frames are parted between frames, a Ping between its cursors, anything else not at all", () => {
  const message: ClientFrame = {
    type: "TopicMessage",
    target: "a",
    mid: 1,
    id: "m",
    settled: 0,
    messages: [],
  };
  const ping = (...cursors: [string, number, number][]): ClientFrame => ({ type: "Ping", cursors });
  expect(halves([message, ping(), message])).toEqual([[message], [ping(), message]]);
  expect(halves([ping(["a", 1, 1], ["b", 2, 2])])).toEqual([[ping(["a", 1, 1])], [ping(["b", 2, 2])]]);
  const asks = (targets: string[], present: string[]): ClientFrame => ({
    type: "Ping",
    cursors: targets.map((target) => [target, 1, 1]),
    presence: present.map((target) => [target, 2, 3]),
  });
  // What it asks of presence is halved, too, and each part of it is asked once.
  expect(halves([asks(["a"], ["p", "q", "r"])])).toEqual([[asks([], ["p"])], [asks(["a"], ["q", "r"])]]);
  expect(halves([asks([], ["p", "q"])])).toEqual([[asks([], ["p"])], [asks([], ["q"])]]);
  expect(halves([asks([], ["p"])])).toBeUndefined();
  for (const whole of [[message], [ping()], [ping(["a", 1, 1])], []]) expect(halves(whole)).toBeUndefined();
});

test("[CL5] parts are joined as they are: texts and bytes", () => {
  expect(joined(["[1", "", ",2]"])).toBe("[1,2]");
  expect(joined([Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)])).toEqual(Uint8Array.of(1, 2, 3));
});
