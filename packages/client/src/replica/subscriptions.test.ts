import { expect, test } from "vitest";
import { VirtualClock } from "../../test/kit.ts";
import { createSubscriptions, newSubscription } from "./subscriptions.ts";

function engine(linger = 5_000) {
  const clock = new VirtualClock();
  const done: string[] = [];
  const subscription = newSubscription("t");
  const subscriptions = createSubscriptions(clock, linger, {
    ask: ({ ref }) => done.push(`ask ${ref}`),
    leave: ({ phase }) => done.push(`leave ${phase}`),
    drop: (_, ref) => done.push(`drop ${ref}`),
  });
  return { clock, done, subscription, subscriptions };
}

test("[CL7] the first holder asks, others only count, the last unsubscribes after lingering", async () => {
  const { clock, done, subscription, subscriptions } = engine();
  const release = subscriptions.retain(subscription);
  const other = subscriptions.retain(subscription);
  expect(done).toEqual(["ask 1"]);
  release();
  release();
  await clock.advance(60_000);
  expect(done).toEqual(["ask 1"]);
  other();
  await clock.advance(4_999);
  expect(done).toEqual(["ask 1"]);
  await clock.advance(1);
  expect(done).toEqual(["ask 1", "leave asked", "drop 1"]);
  expect(subscription.phase).toBe("off");
});

test("[CL7] a new holder within the linger keeps what there is", async () => {
  const { clock, done, subscription, subscriptions } = engine();
  subscriptions.retain(subscription)();
  await clock.advance(4_000);
  subscriptions.retain(subscription);
  await clock.advance(60_000);
  expect(done).toEqual(["ask 1"]);
});

test("[CL4] S43 every asking has a higher ref, of any target", () => {
  const { done, subscription, subscriptions } = engine(0);
  const other = newSubscription("u");
  subscriptions.retain(subscription);
  subscriptions.retain(other);
  subscriptions.ask(subscription);
  expect(done).toEqual(["ask 1", "ask 2", "ask 3"]);
});

test("[CL7] asking later is one subscribe; asking at once overtakes it", async () => {
  const { clock, done, subscription, subscriptions } = engine();
  subscriptions.retain(subscription);
  subscriptions.ask(subscription, 1_000);
  await clock.advance(999);
  expect(done).toEqual(["ask 1"]);
  await clock.advance(1);
  expect(done).toEqual(["ask 1", "ask 3"]);
  subscriptions.ask(subscription, 1_000);
  subscriptions.ask(subscription);
  await clock.advance(5_000);
  expect(done).toEqual(["ask 1", "ask 3", "ask 5"]);
});

test("[CL7] [CL38] what was refused is asked for again by a new holder only", async () => {
  const { clock, done, subscription, subscriptions } = engine();
  const release = subscriptions.retain(subscription);
  subscriptions.stop(subscription, "forbidden");
  expect(subscription).toMatchObject({ phase: "refused", code: "forbidden" });
  await clock.advance(60_000);
  expect(done).toEqual(["ask 1"]);
  subscriptions.retain(subscription);
  expect(done).toEqual(["ask 1", "ask 2"]);
  release();
  expect(subscription.phase).toBe("asked");
});

test("[CL7] unsubscribing from what was refused sends nothing", async () => {
  const { clock, done, subscription, subscriptions } = engine();
  const release = subscriptions.retain(subscription);
  subscriptions.stop(subscription, "forbidden");
  release();
  await clock.advance(5_000);
  expect(done).toEqual(["ask 1", "leave refused", "drop 0"]);
});
