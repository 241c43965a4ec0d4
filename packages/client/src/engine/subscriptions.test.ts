import { expect, test } from "vitest";
import { testCore } from "../../test/core.ts";
import { items, settledFrame, snapshotFrame } from "../../test/kit.ts";
import { dispatch } from "./dispatch.ts";
import { receive } from "./incoming.ts";
import type { Core } from "./records.ts";
import { ask, retain, stop } from "./subscriptions.ts";
import { targetOf } from "./targets.ts";

/** An engine that asks for nothing on its own account while the test looks. */
function engine(linger = 5_000) {
  const { core, clock, sent } = testCore({ linger, answerTimeout: 1_000_000 });
  const done = (): string[] =>
    sent.map((frame) =>
      frame.type === "Subscribe" || frame.type === "Unsubscribe" ? `${frame.type} ${frame.ref}` : frame.type,
    );
  return { core, clock, done, one: targetOf(core, "list:1") };
}
const phaseOf = (core: Core): string | undefined => core.targets.get("list:1")?.subscription.phase;

test("[CL7] the first holder asks, others only count, the last ends it after lingering", async () => {
  const { core, clock, done, one } = engine();
  const release = retain(core, one);
  const other = retain(core, one);
  expect(done()).toEqual(["Subscribe 1"]);
  release();
  release();
  await clock.advance(60_000);
  expect(done()).toEqual(["Subscribe 1"]);
  other();
  await clock.advance(4_999);
  expect(done()).toEqual(["Subscribe 1"]);
  await clock.advance(1);
  expect(done()).toEqual(["Subscribe 1", "Unsubscribe 1"]);
  // Nothing of it is in use: the next look makes it anew.
  expect(phaseOf(core)).toBeUndefined();
});

test("[CL7] a new holder within the linger keeps what there is", async () => {
  const { core, clock, done, one } = engine();
  retain(core, one)();
  await clock.advance(4_000);
  retain(core, one);
  await clock.advance(60_000);
  expect(done()).toEqual(["Subscribe 1"]);
});

test("[CL4] S43 every asking has a higher ref, of any target", () => {
  const { core, done, one } = engine(0);
  retain(core, one);
  retain(core, targetOf(core, "list:2"));
  ask(core, one);
  expect(done()).toEqual(["Subscribe 1", "Subscribe 2", "Subscribe 3"]);
});

test("[CL7] asking later sends one frame; asking at once overtakes it", async () => {
  const { core, clock, done, one } = engine();
  retain(core, one);
  ask(core, one, 1_000);
  await clock.advance(999);
  expect(done()).toEqual(["Subscribe 1"]);
  await clock.advance(1);
  expect(done()).toEqual(["Subscribe 1", "Subscribe 3"]);
  ask(core, one, 1_000);
  ask(core, one);
  await clock.advance(5_000);
  expect(done()).toEqual(["Subscribe 1", "Subscribe 3", "Subscribe 5"]);
});

test("[CL7] [CL38] what was refused is asked for again by a new holder only", async () => {
  const { core, clock, done, one } = engine();
  const release = retain(core, one);
  stop(one, "forbidden");
  expect(one.subscription).toMatchObject({ phase: "refused", code: "forbidden" });
  await clock.advance(60_000);
  expect(done()).toEqual(["Subscribe 1"]);
  retain(core, one);
  expect(done()).toEqual(["Subscribe 1", "Subscribe 2"]);
  release();
  expect(one.subscription.phase).toBe("asked");
});

test("[CL7] the last holder of what was refused for good sends the server nothing", async () => {
  const { core, clock, done, one } = engine();
  const release = retain(core, one);
  stop(one, "forbidden");
  release();
  await clock.advance(5_000);
  expect(done()).toEqual(["Subscribe 1"]);
  expect(phaseOf(core)).toBeUndefined();
});

test("[CL18] the last holder of what is missing unsubscribes: the server remembers who waits", async () => {
  const { core, clock, done, one } = engine();
  const release = retain(core, one);
  stop(one, "missing");
  release();
  await clock.advance(5_000);
  expect(done()).toEqual(["Subscribe 1", "Unsubscribe 1"]);
});

test("[CL7] [RB13] who subscribes anew when the second outcome of an ended one is told is subscribed", async () => {
  let told = 0;
  const { core, clock } = testCore({
    onOutcome: () => void (++told === 2 && retain(core, targetOf(core, "list:1"))),
  });
  const release = retain(core, targetOf(core, "list:1"));
  receive(core, settledFrame("list:1", 1));
  receive(core, snapshotFrame("list:1", 0, 0, items()));
  core.maxInFlight = 256;
  const ids = ["a", "b"].map((text) => dispatch(core, "list:1", { type: "added", text }).id);
  await clock.advance(0);
  // Acknowledged, and their records are still on the way.
  for (const [i, id] of ids.entries())
    receive(core, { type: "Acknowledge", target: "list:1", mid: i + 1, id, sequence: i + 1 });
  release();
  await clock.advance(4_999);
  expect([told, phaseOf(core)]).toEqual([0, "answered"]);
  await clock.advance(1);
  expect([told, phaseOf(core)]).toEqual([2, "asked"]);
});
