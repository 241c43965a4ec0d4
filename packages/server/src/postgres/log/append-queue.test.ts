import { describe, expect, test } from "vitest";
import type { AppendResult } from "../../log/log.ts";
import { plainText } from "../../log/text.ts";
import { appendOf } from "../../testing/log-contract/kit.ts";
import { AppendQueue } from "./append-queue.ts";
import { written } from "./columns.ts";
import type { Written } from "./columns.ts";

const done: AppendResult = { status: "appended" };
const one = (target: string, bytes = 10, id = ""): Written => ({
  ...written(appendOf(target, 0, 1, { id }), plainText()),
  bytes,
});

/** A queue whose calls are answered by hand. */
function byHand(limits: { calls?: number; targets?: number; bytes?: number } = {}) {
  const calls: { names: string[]; answer(): Promise<void>; fail(): Promise<void> }[] = [];
  const queue = new AppendQueue({
    calls: 2,
    targets: 3,
    bytes: 100,
    ...limits,
    send: (batch) =>
      new Promise((resolve, reject) => {
        calls.push({
          names: batch.map(({ name }) => name),
          async answer() {
            resolve(batch.map(() => done));
            await new Promise(setImmediate);
          },
          async fail() {
            reject(new Error("lost"));
            await new Promise(setImmediate);
          },
        });
      }),
  });
  return { queue, calls, sent: () => calls.map(({ names }) => names.join("")) };
}

describe("[PL3] appends on their way", () => {
  test("go at once while a call is free, and what comes while all are busy is joined", async () => {
    const { queue, calls, sent } = byHand();
    const turns = ["a", "b", "c", "d"].map((name) => queue.add([one(name)]));
    expect(sent()).toEqual(["a", "b"]);
    await calls[0]!.answer();
    expect(sent()).toEqual(["a", "b", "cd"]);
    await calls[2]!.answer();
    await calls[1]!.answer();
    expect(await Promise.all(turns.flat())).toEqual([done, done, done, done]);
  });

  test("a call has so many targets and so many bytes at most, or one append that is larger alone", async () => {
    const { queue, calls, sent } = byHand({ calls: 1 });
    queue.add([one("a"), one("b"), one("c"), one("d"), one("e", 60), one("f", 60), one("g", 500), one("h")]);
    for (let i = 0; i < 5; i++) await calls[i]!.answer();
    expect(sent()).toEqual(["abc", "de", "f", "g", "h"]);
  });

  test("of one target go one after the other, in their order, and keep no other waiting", async () => {
    const { queue, calls, sent } = byHand();
    queue.add([one("a")]);
    queue.add([one("a"), one("b")]);
    queue.add([one("a"), one("b"), one("c")]);
    expect(sent()).toEqual(["a", "b"]);
    await calls[1]!.answer();
    expect(sent()).toEqual(["a", "b", "bc"]);
    await calls[0]!.answer();
    expect(sent()).toEqual(["a", "b", "bc", "a"]);
    await calls[3]!.answer();
    expect(sent()).toEqual(["a", "b", "bc", "a", "a"]);
  });

  test("of a call that fails are rejected, and the next one goes", async () => {
    const { queue, calls, sent } = byHand({ calls: 1 });
    const [first] = queue.add([one("a")]);
    const [second] = queue.add([one("a")]);
    await Promise.all([expect(first).rejects.toThrow("lost"), calls[0]!.fail()]);
    expect(sent()).toEqual(["a", "a"]);
    await calls[1]!.answer();
    expect(await second).toEqual(done);
  });
});
