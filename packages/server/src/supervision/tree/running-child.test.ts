// One child's lives, without a supervisor: what of them is heard.
import { expect, test } from "vitest";
import { handClock, inHand } from "../../../test/wired.ts";
import { RunningChild } from "./running-child.ts";
import type { Starting } from "./supervisor-api.ts";

function child(start: (starting: Starting) => unknown) {
  const hand = handClock();
  const [stopped, failures, errors] = [[] as unknown[], [] as unknown[], [] as unknown[]];
  const one = new RunningChild(
    { name: "a", start, stop: (value) => void stopped.push(value) },
    {
      clock: hand.clock,
      report: (error) => void errors.push(error),
      startWithin: 1_000,
      stopWithin: 1_000,
      called: 'Child "a"',
      get: () => expect.fail("nobody asked"),
      failed: (_, error) => void failures.push(error),
    },
  );
  return { ...hand, one, stopped, failures, errors };
}

test("[SU6] says that it failed in the very moment in which it has started: nothing is lost of it", async () => {
  const { one, failures, stopped } = child((starting) => {
    queueMicrotask(() => starting.failed("at once"));
    return 1;
  });
  expect(await one.start()).toBeUndefined();
  await Promise.resolve();
  expect([one.state, failures]).toEqual(["failed", ["at once"]]);
  await one.stop();
  expect([one.state, stopped]).toEqual(["stopped", [1]]);
});

test("[SU5] one that has not started holds nothing to be stopped, and is stopped once", async () => {
  const { one, stopped } = child(() => Promise.reject(new Error("no")));
  expect(await one.start()).toMatchObject({ error: new Error("no") });
  await one.stop();
  expect([one.state, stopped]).toEqual(["failed", []]);
  const again = child(() => 7);
  await again.one.start();
  await Promise.all([again.one.stop(), again.one.stop()]);
  expect(again.stopped).toEqual([7]);
});

test("[SU7] abandoned, its start is over, and what comes of it late is let go of", async () => {
  const slow = inHand<number>();
  const { one, stopped, settle, advance, errors } = child(() => slow.promise);
  const started = one.start();
  one.abandon();
  expect([await started, one.state, one.inside]).toEqual(["abandoned", "stopped", undefined]);
  expect(() => one.value).toThrow(/Child "a" does not run \(it is stopped\)/);
  slow.keep(3);
  await settle();
  await advance(5_000);
  expect([stopped, errors, one.state]).toEqual([[3], [], "stopped"]);
  one.abandon();
  expect(one.state).toBe("stopped");
});
