import { expect, test, vi } from "vitest";
import { handClock } from "../../test/wired.ts";
import { localPubSub } from "../cluster/pubsub.ts";
import { createTracker } from "./create-tracker.ts";
import { PresenceState } from "./state/presence-state.ts";

test("[PN20] trackers over one pubsub list the same", async () => {
  const { clock, settle } = handClock();
  const pubsub = localPubSub();
  const [one, two] = [createTracker<string>({ pubsub, clock }), createTracker<string>({ pubsub, clock })];
  one.track("room", "h", "ada", "Ada");
  await settle();
  expect([...two.list("room").keys()]).toEqual(["ada"]);
  one.stop();
  expect(two.count("room")).toBe(0);
  two.stop();
});

test("[PN20] alone, a tracker needs nothing, and keeps no process alive", () => {
  const tracker = createTracker<number>();
  const told: unknown[] = [];
  tracker.onDiff(({ joins }) => void told.push(joins.length));
  expect(tracker.track("room", "h", "ada", 1)).toBe(true);
  expect([told, tracker.count("room"), tracker.nodes]).toEqual([[1], 1, 0]);
  tracker.stop();
});

test("[PN25] a silence that is no time is refused, with what to write", () => {
  for (const silence of [999, 600_001, NaN, -1])
    expect(() => createTracker({ silence })).toThrow(/from 1,000 to 600,000/);
});

test("[PN25] another silence than the default", async () => {
  const { clock, advance } = handClock();
  const pubsub = localPubSub();
  const [one, two] = [1, 2].map(() => createTracker({ pubsub, clock, silence: 1_000 }));
  one!.track("room", "h", "ada", 1);
  await advance(500);
  const words: unknown[] = [];
  pubsub.subscribe("presence:default", (payload) => words.push(payload));
  await advance(3_000);
  expect(words.length).toBeGreaterThanOrEqual(58);
  expect(two!.count("room")).toBe(1);
  for (const tracker of [one!, two!]) tracker.stop();
});

test("[PN51] what throws within goes to onFailure, and by restart its members are as before", async () => {
  const { clock, settle, advance } = handClock();
  const pubsub = localPubSub();
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => void failures.push(error);
  const [one, two] = [createTracker({ pubsub, clock, onFailure }), createTracker({ pubsub, clock })];
  const boom = new Error("boom");
  const merging = vi.spyOn(PresenceState.prototype, "merge").mockImplementationOnce(() => {
    throw boom;
  });
  two.track("room", "h", "ada", 1);
  await settle();
  merging.mockRestore();
  expect([failures, one.count("room")]).toEqual([[boom], 0]);
  one.restart();
  await advance(100);
  expect(one.count("room")).toBe(1);
  for (const tracker of [one, two]) tracker.stop();
});
