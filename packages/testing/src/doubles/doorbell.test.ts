import { expect, test } from "vitest";
import { virtualClock } from "./clock.ts";
import { lossyPubSub } from "./doorbell.ts";
import type { DoorbellRates } from "./doorbell.ts";
import { seededRandom } from "./random.ts";

async function rung(rates: DoorbellRates) {
  const clock = virtualClock();
  const pubsub = lossyPubSub({ clock, random: seededRandom(1), rates });
  const heard: unknown[] = [];
  const stop = pubsub.subscribe("a", (payload) => heard.push(payload));
  pubsub.subscribe("b", () => heard.push("wrong"));
  pubsub.publish("a", 1);
  await clock.settle();
  const atOnce = heard.length;
  await clock.advance(200);
  const all = heard.length;
  stop();
  pubsub.publish("a", 2);
  await clock.advance(200);
  expect(heard.length).toBe(all);
  return { atOnce, all, fired: pubsub.fired };
}

test("rings arrive once, never, late or twice", async () => {
  expect(await rung({})).toMatchObject({ atOnce: 1, all: 1 });
  expect(await rung({ drop: 1 })).toMatchObject({ atOnce: 0, all: 0 });
  expect(await rung({ delay: 1 })).toMatchObject({ atOnce: 0, all: 1, fired: { delay: 1 } });
  expect(await rung({ double: 1 })).toMatchObject({ atOnce: 1, all: 2, fired: { double: 1 } });
});
