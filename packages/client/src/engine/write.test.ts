import { CallaError } from "@calla/shared";
import { expect, test } from "vitest";
import { testCore } from "../../test/core.ts";
import { rejectedBy } from "../base/rejected-error.ts";
import { newDispatch } from "./dispatch.ts";
import { tellStored } from "./entry.ts";
import { tellOutcome } from "./outcomes.ts";
import { WriteHandle } from "./write.ts";

function written() {
  const entry = newDispatch("list:1", "id", 0, { userId: null, visitor: "" }, [{ type: "added" }]);
  return { entry, write: new WriteHandle(testCore().core, entry) };
}
const applied = { sequence: 3, messages: [{ type: "added" }] };

test("[OB3] promises settle alike whether they are looked at before or after, and are the same each time", async () => {
  const early = written();
  const [queued, done] = [early.write.queued, early.write.applied];
  expect([early.write.queued, early.write.applied]).toEqual([queued, done]);
  tellStored(early.entry);
  tellOutcome(early.entry, applied);
  expect([await queued, await done]).toEqual([undefined, applied]);
  const late = written();
  tellStored(late.entry);
  tellOutcome(late.entry, applied);
  expect([await late.write.queued, await late.write.applied]).toEqual([undefined, applied]);
  expect(await late.write.rejection).toBeUndefined();
});

test("[OB3] the first word counts, and a failed storage does not decide the outcome", async () => {
  const { entry, write } = written();
  const error = new CallaError("storage");
  tellStored(entry, error);
  tellStored(entry);
  tellOutcome(entry, applied);
  tellOutcome(entry, { error: new CallaError("closed") });
  await expect(write.queued).rejects.toBe(error);
  expect(await write.applied).toBe(applied);
});

test("[BN6] who listens is told of each step, and reason says at once why", () => {
  const { entry, write } = written();
  const told: unknown[] = [];
  const stop = write.onChange(() => told.push([write.state, write.reason?.code]));
  entry.stage = "stored";
  tellStored(entry);
  const reason = rejectedBy("forbidden");
  entry.outcome = { error: reason };
  tellOutcome(entry, entry.outcome);
  expect(told).toEqual([
    ["queued", undefined],
    ["rejected", "forbidden"],
  ]);
  stop();
  entry.wake?.();
  expect([told.length, write.reason]).toEqual([2, reason]);
  const cancelled = written();
  tellOutcome(cancelled.entry, { error: new CallaError("cancelled") });
  expect([cancelled.write.reason, written().write.reason]).toEqual([undefined, undefined]);
});

test("[OB3] a rejection is a value, any other error a throw, and an ignored promise no unhandled rejection", async () => {
  const refused = written();
  const reason = rejectedBy("forbidden");
  void refused.write.applied;
  tellOutcome(refused.entry, { error: reason });
  expect(await refused.write.rejection).toBe(reason);
  const cancelled = written();
  tellOutcome(cancelled.entry, { error: new CallaError("cancelled") });
  await expect(cancelled.write.rejection).rejects.toMatchObject({ code: "cancelled" });
});

test("[OB7] its state follows the dispatch", () => {
  const { entry, write } = written();
  const states = [write.state];
  for (const stage of ["stored", "sent"] as const) {
    entry.stage = stage;
    states.push(write.state);
  }
  entry.held = true;
  states.push(write.state);
  entry.outcome = applied;
  states.push(write.state);
  for (const error of [rejectedBy("forbidden"), rejectedBy("client-expired"), new CallaError("cancelled")]) {
    entry.outcome = { error };
    states.push(write.state);
  }
  expect(states).toEqual([
    "pending",
    "queued",
    "sent",
    "held",
    "applied",
    "rejected",
    "unknown",
    "cancelled",
  ]);
});
