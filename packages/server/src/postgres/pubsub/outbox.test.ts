// What a node says, and when, over calls that answer as a test tells them.
import { expect, test } from "vitest";
import { handClock } from "../../../test/wired.ts";
import type { PostgresValue } from "../driver/text.ts";
import { readFrame } from "./frames.ts";
import { Outbox } from "./outbox.ts";

interface Call {
  /** Number and body of each frame. */
  readonly frames: readonly string[];
  succeed(): void;
  fail(code?: string): void;
}

/** Each call waits until the test answers it. */
function started(mostWaiting = 1_000_000) {
  const { clock, advance, settle } = handClock();
  const calls: Call[] = [];
  const errors: unknown[] = [];
  const query = (_: string, values: readonly PostgresValue[] = []): Promise<readonly never[]> =>
    new Promise((resolve, reject) => {
      const frames = [values[1]].flat().map((payload) => {
        const { number, body } = readFrame(String(payload))!;
        return `${number} ${body}`;
      });
      calls.push({
        frames,
        succeed: () => resolve([]),
        fail: (code) => reject(Object.assign(new Error("no"), { details: { code } })),
      });
    });
  const outbox = new Outbox({
    calls: { query },
    clock,
    random: { uint32: () => 0 },
    channel: "bell",
    sender: "me",
    mostWaiting,
    said: () => undefined,
    onError: (error) => void errors.push(error),
  });
  /** Answers the call that is under way, and gives what it said. */
  const answer = async (how: (call: Call) => void = (call) => call.succeed()): Promise<readonly string[]> => {
    await settle();
    const call = calls.shift()!;
    how(call);
    await settle();
    return call.frames;
  };
  return { outbox, calls, errors, answer, advance, settle };
}

test("[PG10] what is published in one turn goes in one statement, and what comes while that is under way in the next", async () => {
  const { outbox, calls, answer } = started();
  outbox.push("a");
  outbox.push("b");
  expect(calls).toHaveLength(0);
  const first = answer();
  outbox.push("c");
  expect(await first).toEqual(["1 abc"]);
  outbox.push("d");
  const second = answer();
  await second;
  expect(outbox.sent).toBe(2);
  expect([await second, outbox.begun]).toEqual([["2 d"], 2]);
});

test("[PG12] what may not have gone goes again under its numbers, later and later, and is reported once", async () => {
  const { outbox, calls, errors, answer, advance } = started();
  outbox.push("a");
  for (const wait of [50, 100, 200]) {
    expect(await answer((call) => call.fail("ECONNRESET"))).toEqual(["1 a"]);
    outbox.push("b");
    await advance(wait - 1);
    expect(calls).toHaveLength(0);
    await advance(1);
  }
  expect([await answer(), await answer()]).toEqual([["1 a"], ["2 bbb"]]);
  expect([errors.length, outbox.sent]).toEqual([1, 2]);
});

test("[PG12] what can never be written is left out, so that a number is missing", async () => {
  const { outbox, errors, answer } = started();
  outbox.push("bad");
  await answer((call) => call.fail("22021"));
  outbox.push("good");
  expect(await answer()).toEqual(["2 good"]);
  expect(errors).toHaveLength(1);
});

test("[PG14] of more than may wait the oldest go away, and a number is left out before the next", async () => {
  const { outbox, answer } = started(4);
  outbox.push("first");
  const said = [
    await answer((call) => (outbox.push("aa"), outbox.push("bb"), outbox.push("cc"), call.succeed())),
  ];
  said.push(await answer());
  outbox.push("dd");
  said.push(await answer());
  expect(said).toEqual([["1 first"], ["3 bbcc"], ["4 dd"]]);
});

test("[PG16] a ping says something only where nothing is being said", async () => {
  const { outbox, calls, answer } = started();
  outbox.ping();
  outbox.ping();
  expect(await answer()).toEqual(["1 "]);
  outbox.push("a");
  outbox.ping();
  expect(await answer()).toEqual(["2 a"]);
  expect(calls).toHaveLength(0);
});

test("[PG17] what waits when it ends goes once more, and then nothing", async () => {
  const { outbox, calls, answer, settle } = started();
  outbox.push("a");
  await settle();
  outbox.push("b");
  const ended = outbox.end();
  outbox.push("c");
  expect([await answer(), await answer()]).toEqual([["1 a"], ["2 b"]]);
  await ended;
  expect(calls).toHaveLength(0);
});
