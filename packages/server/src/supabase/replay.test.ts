import { describe, expect, test } from "vitest";
import type { Json } from "../channels/wire/message.ts";
import { memoryReplay } from "./replay.ts";
import type { ReplayMessage, ReplayStore } from "./replay.ts";

const keep = (store: ReplayStore, topic: string, at: number, payload: Json | Uint8Array = at): void =>
  void store.keep({ id: `${topic}-${at}`, topic, event: "said", payload, at });
const told = (store: ReplayStore, topic: string, since = 0, limit = 25): unknown =>
  (store.read(topic, since, limit) as readonly { at: number }[]).map(({ at }) => at);

describe("memoryReplay", () => {
  test("[SB43] keeps so many of each topic, and gives the last of them, the oldest first", () => {
    const store = memoryReplay({ maxMessages: 3 });
    for (const at of [1, 2, 3, 4, 5]) keep(store, "a", at);
    keep(store, "b", 6);
    expect(told(store, "a")).toEqual([3, 4, 5]);
    expect(told(store, "a", 4)).toEqual([4, 5]);
    expect(told(store, "a", 0, 1)).toEqual([5]);
    expect(told(store, "b")).toEqual([6]);
    expect(told(store, "c")).toEqual([]);
  });

  test("[SB43] forgets what is too old, by the newest message of any topic", () => {
    const store = memoryReplay({ maxAge: 100 });
    keep(store, "a", 1);
    keep(store, "a", 90);
    keep(store, "b", 150);
    expect(told(store, "a")).toEqual([90]);
    keep(store, "b", 300);
    expect(told(store, "a")).toEqual([]);
    expect(told(store, "b")).toEqual([300]);
  });

  test("[SB43] forgets the topics that were quiet longest where there are too many bytes", () => {
    const store = memoryReplay({ maxBytes: 3_000 });
    for (const [at, topic] of ["a", "b", "a", "c"].entries()) keep(store, topic, at, "x".repeat(500));
    expect(told(store, "b")).toEqual([]);
    expect(told(store, "a")).toEqual([0, 2]);
    keep(store, "d", 9, new Uint8Array(5_000));
    for (const topic of ["a", "b", "c", "d"]) expect(told(store, topic)).toEqual([]);
    // What went is not counted any more.
    for (let at = 10; at < 13; at++) keep(store, "e", at, "x".repeat(500));
    expect(told(store, "e")).toEqual([10, 11, 12]);
  });

  test("[SB43] a clock that was ahead for a while makes nothing old for as long", () => {
    const store = memoryReplay({ maxAge: 100 });
    keep(store, "a", 1_000_000);
    keep(store, "b", 10);
    keep(store, "a", 20);
    expect(told(store, "b")).toEqual([10]);
    expect(told(store, "a")).toEqual([1_000_000, 20]);
    keep(store, "c", 200);
    expect(told(store, "b")).toEqual([]);
  });

  test("[SB43] gives what was said, whatever became of the object since", () => {
    const store = memoryReplay();
    const payload = { n: 1 };
    keep(store, "a", 1, payload);
    payload.n = 2;
    keep(store, "a", 2, payload);
    const payloads = (): unknown[] =>
      (store.read("a", 0, 25) as readonly ReplayMessage[]).map((one) => one.payload);
    expect(payloads()).toEqual([{ n: 1 }, { n: 2 }]);
    // Nor does who reads change what is kept.
    (payloads()[0] as { n: number }).n = 9;
    expect(payloads()).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("[SB43] counts bytes, and not units", () => {
    const store = memoryReplay({ maxBytes: 2_000 });
    keep(store, "a", 1, "\u6f22".repeat(600));
    expect(told(store, "a")).toEqual([]);
  });

  test("[SB43] refuses options that cannot be meant", () => {
    for (const options of [{ maxMessages: 0 }, { maxBytes: -1 }, { maxAge: Number.NaN }])
      expect(() => memoryReplay(options)).toThrow(expect.objectContaining({ code: "wiring" }));
  });
});
