import type { ServerFrame } from "@calla/shared";
import { expect, test } from "vitest";
import { subscribed, testCore } from "../../test/core.ts";
import {
  connectedAs,
  items,
  messagesIn,
  settledFrame,
  snapshotFrame,
  turn,
  updateFrame,
} from "../../test/kit.ts";
import { dispatch } from "./dispatch.ts";
import { connected } from "./greeting.ts";
import { receive } from "./incoming.ts";
import type { CoreOptions } from "./records.ts";
import { stateOf } from "./state.ts";
import { retain } from "./subscriptions.ts";
import { targetOf } from "./targets.ts";

const added = (text: string) => ({ type: "added", text });
function begun(options: Partial<CoreOptions> = {}) {
  const all = testCore(options);
  const one = subscribed(all.core, "list:1", items());
  all.sent.length = 0;
  return { ...all, one, shown: () => stateOf(all.core, one) };
}
const foreign = (after: number, text: string, more: object = {}) =>
  updateFrame("list:1", after, [["c2", after + 1, `f${after}`, added(text)]], more);

test("[CL3] a record continues the cursor; one that was seen changes nothing, and a gap or another history is asked for anew", () => {
  const { core, sent, one, shown } = begun();
  receive(core, foreign(0, "a"));
  receive(core, foreign(0, "a"));
  expect([shown().model, sent]).toEqual([items("a"), []]);
  receive(core, foreign(4, "z"));
  expect(shown().status).toBe("stale");
  expect(sent).toMatchObject([{ type: "Subscribe", cursor: { sequence: 1, mark: 10 } }]);
  // What comes before the answer, and the answer to an older question, count for nothing.
  receive(core, foreign(1, "b"));
  receive(core, settledFrame("list:1", one.subscription.ref - 1, { resync: "records" }));
  expect([shown().status, shown().model]).toEqual(["stale", items("a")]);
  receive(core, settledFrame("list:1", one.subscription.ref, { sequence: 2, resync: "records" }));
  receive(core, foreign(1, "b"));
  expect([shown().status, shown().model]).toEqual(["live", items("a", "b")]);
  receive(core, foreign(1, "other", { mark: 21 }));
  expect(sent.at(-1)).toMatchObject({ type: "Subscribe", cursor: { sequence: 2, mark: 20 } });
});

test("[CL5] what is settled is shown with the snapshot that it announces, in one step", async () => {
  const { core, one, shown } = begun();
  const write = dispatch(core, "list:1", added("mine"));
  await turn();
  receive(core, foreign(5, "gap"));
  const outcomes = [[1, write.id, 3, [added("mine")], null]] as never;
  receive(core, settledFrame("list:1", one.subscription.ref, { sequence: 4, next: 2, outcomes }));
  await turn();
  expect([shown().model, write.state]).toEqual([items("mine"), "sent"]);
  receive(core, snapshotFrame("list:1", 4, 40, items("mine", "theirs")));
  await turn();
  expect([shown(), write.state]).toMatchObject([
    { status: "live", model: items("mine", "theirs"), pending: [] },
    "applied",
  ]);
});

test("[OB3] [CL9] an acknowledgement that comes before its record is told when the record is shown", async () => {
  const { core, shown } = begun();
  const write = dispatch(core, "list:1", added("mine"));
  await turn();
  receive(core, { type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 1 });
  const told = Promise.race([write.applied, turn().then(() => "not yet")]);
  expect([shown().status, shown().pending.length, await told]).toEqual(["live", 1, "not yet"]);
  receive(core, updateFrame("list:1", 0, [["c1", 1, write.id, added("mine")]]));
  await turn();
  expect(shown().pending).toEqual([]);
  await expect(write.applied).resolves.toMatchObject({ sequence: 1 });
});

test("[CL11] [OB20] a pause sends nothing until it is over, then the same again, and nothing is doubted", async () => {
  const { core, clock, sent } = begun();
  const writes = ["a", "b"].map((text) => dispatch(core, "list:1", added(text)).id);
  await turn();
  for (const entry of core.queues.get("list:1")!.entries) entry.cuts = 2;
  sent.length = 0;
  receive(core, { type: "Paused", target: "list:1", from: 1, code: "rate", retryAfter: 700 });
  const last = dispatch(core, "list:1", added("c")).id;
  await clock.advance(699);
  expect(messagesIn(sent)).toEqual([]);
  await clock.advance(1);
  expect(messagesIn(sent).map(({ mid, id }) => [mid, id])).toEqual([
    [1, writes[0]],
    [2, writes[1]],
    [3, last],
  ]);
  expect(core.queues.get("list:1")!.entries.map(({ cuts }) => cuts)).toEqual([0, 0, 0]);
});

test("[CL7] an update that folds otherwise here is reported and replaced: no cursor is named", () => {
  const { core, sent, errors } = begun();
  receive(core, updateFrame("list:1", 0, [["c2", 1, "f", { type: "removed", text: "nothing" }]]));
  expect(errors).toMatchObject([{ code: "missing" }]);
  expect(sent).toMatchObject([{ type: "Subscribe", target: "list:1" }]);
  expect(sent[0]).not.toHaveProperty("cursor");
});

test("[VE9] a model that is not the server's is reported once, and asked for with what was found", () => {
  const { core, sent, errors } = begun({ digest: () => 7 });
  receive(core, foreign(0, "a", { digest: 7 }));
  expect([errors, sent]).toEqual([[], []]);
  receive(core, foreign(1, "b", { digest: 8 }));
  expect(errors).toMatchObject([{ code: "diverged", details: { target: "list:1", digest: 8, ours: 7 } }]);
  expect(sent).toMatchObject([{ type: "Subscribe", diverged: 7 }]);
});

test("[VE9] [CL48] a digest of the app's that throws is reported, and the record is taken all the same", () => {
  const broken = new Error("no digest");
  const { core, sent, errors, shown } = begun({
    digest: () => {
      throw broken;
    },
  });
  receive(core, foreign(0, "a", { digest: 7 }));
  expect([errors, sent, shown().model, shown().status]).toEqual([[broken], [], items("a"), "live"]);
});

test("[CL4] a late answer about a topic that nobody uses any more makes nothing of it anew; one to what still waits is heard", async () => {
  const { core, clock, sent } = testCore();
  connected(core, connectedAs("c1"));
  const release = retain(core, targetOf(core, "list:1"));
  const { ref } = targetOf(core, "list:1").subscription;
  release();
  await clock.advance(5_000);
  expect([core.targets.size, sent.at(-1)]).toMatchObject([0, { type: "Unsubscribe" }]);
  const late: readonly ServerFrame[] = [
    settledFrame("list:1", ref),
    snapshotFrame("list:1", 0, 0, items("late")),
    foreign(0, "late"),
    { type: "Push", target: "list:1", pushes: [] },
    { type: "Acknowledge", target: "list:1", mid: 1, id: "x", sequence: 1 },
    { type: "Rejected", target: "list:1", mid: 1, id: "x", from: "app", code: "missing", details: {} },
    { type: "Paused", target: "list:1", from: 1, code: "gap", retryAfter: 0 },
    { type: "Unsubscribed", target: "list:1", ref, code: "forbidden", retryable: false, details: {} },
  ];
  for (const frame of late) {
    receive(core, frame);
    await turn();
    expect([frame.type, core.targets.size]).toEqual([frame.type, 0]);
  }
  // Sent without a subscription: its answer counts, and then nothing is left of the target either.
  const write = dispatch(core, "list:1", added("a"));
  await turn();
  receive(core, { type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 1 });
  await turn();
  expect([write.state, core.targets.size]).toEqual(["applied", 0]);
  // The server may make the client follow a topic that it has never named.
  receive(core, settledFrame("list:9", 0));
  receive(core, snapshotFrame("list:9", 0, 0, items("pinned")));
  expect(stateOf(core, targetOf(core, "list:9"))).toMatchObject({ status: "live", model: items("pinned") });
});

test("[OB33] a reason of the app's that is named cancelled is the app's", async () => {
  const { core } = begun();
  const refused = dispatch(core, "list:1", added("a"));
  await turn();
  receive(core, {
    type: "Rejected",
    target: "list:1",
    code: "cancelled",
    details: {},
    mid: 1,
    id: refused.id,
    from: "app",
  });
  await turn();
  expect(refused.state).toBe("rejected");
});
