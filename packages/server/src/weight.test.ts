import { describe, expect, test } from "vitest";
import { list, say, wire } from "../test/wired.ts";
import { Scales } from "./weight.ts";

const item = "x".repeat(20);

describe("a model's size", () => {
  test("[LM7] is weighed again only when what was added could have filled the limit", () => {
    let looked = 0;
    const watched = (length: number) =>
      new Proxy(
        { items: Array.from({ length }, () => item) },
        {
          ownKeys(target) {
            looked++;
            return Reflect.ownKeys(target);
          },
        },
      );
    const scales = new Scales(100_000);
    for (let length = 1; length <= 1_000; length++)
      expect(scales.refuses(watched(length - 1), watched(length), [{ type: "added", item }])).toBe(false);
    expect(looked).toBeGreaterThan(1);
    expect(looked).toBeLessThan(20);
  });

  test("[LM7] parts that are shared are weighed once; bytes, maps, sets and dates count", () => {
    const scales = new Scales(1_000);
    const values = [
      { a: "x".repeat(2_000) },
      { a: new Uint8Array(1_000) },
      new Map([["k", "x".repeat(1_000)]]),
      new Set(["x".repeat(1_000)]),
      Array.from({ length: 40 }, () => new Date()),
      Array.from({ length: 50 }, (_, i) => BigInt(i)),
      Array.from({ length: 120 }, () => null),
    ];
    for (const value of values) {
      scales.forget();
      expect(scales.refuses({}, value, [])).toBe(true);
    }
    const part = { text: "x".repeat(500) };
    scales.forget();
    expect(scales.refuses({}, { one: part }, [])).toBe(false);
  });

  test("[LM7] over the limit a client and the server are refused, what makes it smaller is taken", async () => {
    const it = wire({ limits: { maxModelBytes: 500 } });
    it.server.handle(list, { public: true });
    const topic = it.server.topic(list, "1");
    const one = await it.client();
    one.say(
      ...Array.from({ length: 30 }, (_, i) => say("list:1", i + 1, { type: "added", item }, { settled: i })),
    );
    const said = await one.heard();
    expect(said.at(-1)).toMatchObject({
      type: "Rejected",
      from: "calla",
      code: "too-large",
      details: { maxModelBytes: 500 },
    });
    await expect(it.done(topic.dispatch({ type: "added", item }))).rejects.toMatchObject({
      code: "rejected",
    });
    one.say(say("list:1", 31, { type: "removed", item }, { settled: 30 }));
    expect(await one.heard()).toMatchObject([{ type: "Acknowledge", mid: 31 }]);
    await it.done(topic.dispatch({ type: "cleared" }));
    one.say(say("list:1", 32, { type: "added", item }, { settled: 31 }));
    expect(await one.heard()).toMatchObject([{ type: "Acknowledge", mid: 32 }]);
  });

  test("[LM7] a limit that came down later: the model may shrink, and grow no more", async () => {
    const scales = new Scales(100);
    const large = { items: Array.from({ length: 50 }, () => item) };
    const larger = { items: [...large.items, item] };
    const smaller = { items: large.items.slice(1) };
    expect(scales.refuses(large, larger, [])).toBe(true);
    expect(scales.refuses(large, smaller, [])).toBe(false);
    expect(scales.refuses(smaller, large, [])).toBe(true);
  });
});
