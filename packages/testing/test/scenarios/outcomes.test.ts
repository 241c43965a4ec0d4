// S8 to S10 and S28: what is refused, amended, or throws.
import { expect, test } from "vitest";
import { VIA } from "../tested-via.ts";
import { Stage } from "./stage.ts";
import type { Actor } from "./actor.ts";
import type { NoteMessage } from "./wiring.ts";
import { FORMATS, MOST } from "./wiring.ts";

const added = (line: string) => ({ type: "added", line }) as const;

/** How many frames have told somebody anything about a note. */
const news = ({ heard }: Actor): number =>
  heard.filter(
    (frame) => frame.type === "Snapshot" || (frame.type === "TopicUpdate" && frame.records.length > 0),
  ).length;

interface Refusal {
  readonly by: string;
  readonly message: NoteMessage;
  /** What the client shows for it meanwhile. */
  readonly predicted: object;
  readonly error: object;
}
const REFUSALS: readonly Refusal[] = [
  {
    by: "validation",
    message: added("too long for this server"),
    predicted: { lines: ["too long for this server", "later"] },
    error: { from: "calla", code: "invalid", details: { issues: [{ path: ["line"] }] } },
  },
  {
    by: "authorisation",
    message: { type: "secret" },
    predicted: { title: "secret", lines: ["later"] },
    error: { from: "calla", code: "forbidden" },
  },
  {
    by: "update",
    message: { type: "spent", price: 5 },
    predicted: { count: 1, lines: ["later"] },
    error: { from: "app", code: "poor", details: { count: 0, price: 5 } },
  },
];

test.each(REFUSALS.flatMap((refusal) => FORMATS.map((format) => ({ ...refusal, format }))))(
  "[S8] [TE2] refused by $by: the promise rejects with code and details, it is rolled back, later pending stays on top ($format)",
  async ({ message, predicted, error, format }) => {
    const stage = new Stage({ notes: "short" });
    await stage.serve({ type: "reset", count: 6 });
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    // Ben's reaches the server before hers, so what she predicts from does not hold.
    ben.dispatch({ type: "spent", price: 6 });
    await stage.clock.settle();
    ben.pair.toServer.deliver();
    await stage.clock.settle();
    const refused = anna.dispatch(message);
    await stage.clock.settle();
    const later = anna.dispatch(added("later"));
    await stage.clock.settle();
    expect(anna.model).toMatchObject(predicted);
    expect(anna.state().pending).toHaveLength(2);
    anna.pair.toServer.deliver(1);
    await stage.clock.settle();
    await anna.hear();
    // The refused one is gone, and the later one, which nobody has decided yet, is replayed without it.
    expect(anna.state().pending.map(({ id }) => id)).toEqual([later.write.id]);
    expect(anna.model).toMatchObject({ title: "", lines: ["later"], count: 0 });
    expect(refused.error).toMatchObject(error);
    expect(refused.write.state).toBe("rejected");
    expect(anna.rejected.map(({ id }) => id)).toEqual([refused.write.id]);
    await stage.settle();
    expect(later.told).toMatchObject({ is: "applied", sequence: 3 });
    expect(ben.model).toMatchObject({ title: "", lines: ["later"], count: 0 });
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S8] [WR15] of several messages with one fate the last is refused: none is applied anywhere (%s)",
  async (format) => {
    const stage = new Stage();
    await stage.serve({ type: "reset", count: 3 });
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    const sent = anna.dispatch([added("mine"), { type: "spent", price: 2 }, { type: "secret" }]);
    expect(anna.model).toMatchObject({ title: "secret", lines: ["mine"], count: 1 });
    await stage.settle();
    expect(sent.told).toEqual({ is: "rejected", code: "forbidden" });
    for (const { model } of [anna, ben]) expect(model).toMatchObject({ title: "", lines: [], count: 3 });
    await stage.rest();
    expect(stage.place().sequence).toBe(1);
  },
);

/** Stamps a time and clamps a value. */
const amending = (now: () => number) => ({
  amend: (message: NoteMessage): NoteMessage => {
    if (message.type === "stamped") return { ...message, at: now() };
    return message.type === "bounded" ? { ...message, amount: Math.min(MOST, message.amount) } : message;
  },
});

test.each(FORMATS)(
  "[S9] [HA5] amended by the server: the client ends there without flicker, and the caller receives it (%s)",
  async (format) => {
    const stage = new Stage({ handlers: amending(() => 77) });
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    const clamped = anna.dispatch({ type: "bounded", amount: 50 });
    const stamped = anna.dispatch({ type: "stamped", at: 1 });
    await stage.clock.settle();
    const later = anna.dispatch(added("later"));
    await stage.clock.settle();
    anna.pair.toServer.deliver(1);
    await stage.clock.settle();
    await anna.hear();
    expect(anna.model).toMatchObject({ count: MOST, stamps: [77], lines: ["later"] });
    await stage.settle();
    expect(clamped.told).toEqual({
      is: "applied",
      sequence: 1,
      messages: [{ type: "bounded", amount: MOST }],
    });
    expect(stamped.told).toEqual({ is: "applied", sequence: 2, messages: [{ type: "stamped", at: 77 }] });
    expect(later.told).toMatchObject({ is: "applied", sequence: 3 });
    // The prediction, then what was made of it: never the value of before, nor anything else between.
    const shown = anna.shown
      .filter(({ model }) => model !== undefined)
      .map(({ model }) => `${model!.count} ${String(model!.stamps)}`);
    expect(shown.slice(shown.indexOf("50 1")).filter((one, i, all) => one !== all[i - 1])).toEqual([
      "50 1",
      "9 77",
    ]);
    expect(ben.model).toEqual(anna.model);
    await stage.rest();
  },
);

for (const subscribes of [true, false]) {
  test.each(FORMATS)(
    `[S9] [HA5] amended while the answer is lost${subscribes ? "" : ", its author not subscribed"}: the caller receives what was taken (%s)`,
    async (format) => {
      const stage = new Stage({ limits: { maxCatchUp: 0 }, handlers: amending(() => 77) });
      const anna = await stage.actor("anna", { format, subscribes });
      const one = anna.dispatch({ type: "bounded", amount: 50 });
      const several = anna.dispatch([{ type: "stamped", at: 1 }, added("with it")]);
      await stage.clock.settle();
      anna.pair.cutAt("before-outcome");
      await stage.settle();
      expect(anna.pair.link?.whole).toBe(false);
      await stage.run(1_000);
      expect(one.told).toEqual({ is: "applied", sequence: 1, messages: [{ type: "bounded", amount: MOST }] });
      expect(several.told).toEqual({
        is: "applied",
        sequence: 2,
        messages: [{ type: "stamped", at: 77 }, added("with it")],
      });
      await stage.rest();
      expect(stage.place().model).toMatchObject({ count: MOST, stamps: [77], lines: ["with it"] });
    },
  );
}

test.each(FORMATS)(
  "[S10] [RB4] update throws while the client replays: the prediction is skipped, sync goes on, the message is sent and taken (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    anna.client.disconnect();
    await stage.settle();
    const risked = anna.dispatch({ type: "risked", limit: 3 });
    const later = anna.dispatch(added("later"));
    expect(anna.model?.lines).toEqual(["risked", "later"]);
    ben.dispatch({ type: "counted", by: 9 });
    await ben.pair.flush();
    anna.client.connect();
    await stage.clock.settle();
    anna.pair.toServer.deliver();
    await stage.clock.settle();
    await anna.hear();
    // His count is more than hers may be risked with; what she wrote after it stands.
    expect(anna.model).toMatchObject({ count: 9, lines: ["later"] });
    expect(anna.state().pending.map(({ id }) => id)).toEqual([risked.write.id, later.write.id]);
    // Sync goes on: the next update is folded and replayed, too.
    ben.dispatch({ type: "counted", by: -9 });
    await ben.pair.flush();
    await anna.hear();
    expect(anna.model).toMatchObject({ count: 0, lines: ["risked", "later"] });
    await stage.settle();
    expect(risked.told).toMatchObject({ is: "applied", sequence: 3 });
    expect(later.told).toMatchObject({ is: "applied", sequence: 4 });
    expect(ben.model?.lines).toEqual(["risked", "later"]);
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S10] [TE2] update throws for the client and for the server: refused with a code, sync goes on (%s)",
  async (format) => {
    const stage = new Stage();
    await stage.serve({ type: "reset", count: 9 });
    const anna = await stage.actor("anna", { format });
    const risked = anna.dispatch({ type: "risked", limit: 3 });
    const later = anna.dispatch(added("later"));
    expect(anna.model?.lines).toEqual(["later"]);
    await stage.settle();
    expect(risked.told).toEqual({ is: "rejected", code: "update-threw" });
    expect(later.told).toMatchObject({ is: "applied", sequence: 2 });
    await stage.rest({ reported: ["update-threw"] });
  },
);

test.each(FORMATS)(
  "[S28] [TE2] update throws half way through a dispatch: nothing leaks to subscribers or storage (%s)",
  async (format) => {
    const stage = new Stage();
    await stage.serve({ type: "reset", count: 5 });
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    const heard = news(ben);
    const before = ben.model;
    const half = anna.dispatch([
      added("half"),
      { type: "titled", title: "half" },
      { type: "risked", limit: 3 },
    ]);
    await stage.settle();
    expect(half.told).toEqual({ is: "rejected", code: "update-threw" });
    const served: unknown[] = [];
    void stage.node
      .note()
      .dispatch([
        { type: "titled", title: "half" },
        { type: "risked", limit: 3 },
      ])
      .catch((error: unknown) => served.push(error));
    await stage.settle();
    expect(served).toMatchObject([{ code: "rejected" }]);
    expect(news(ben)).toBe(heard);
    expect(ben.model).toBe(before);
    expect(stage.place().sequence).toBe(1);
    // A server that starts anew finds nothing of it either.
    stage.node.kill();
    await stage.run(1_000);
    expect(anna.model).toMatchObject({ title: "", lines: [], count: 5 });
    await stage.rest({ reported: ["update-threw"] });
  },
);

test.each(FORMATS)(
  "[S28] [TE12] an append fails: nothing leaks to subscribers or storage, and later it is taken once (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    anna.dispatch({ type: "counted", by: 5 });
    await stage.settle();
    const heard = news(ben);
    // The log is away for a while: neither appends nor reads.
    stage.node.fault("fail", { method: "any", count: 6 });
    const sent = anna.dispatch([added("late"), { type: "spent", price: 1 }]);
    await stage.settle();
    expect(stage.node.log.fired.fail).toBeGreaterThan(1);
    expect(sent.told).toBeUndefined();
    expect(anna.heard.filter((frame) => frame.type === "TopicUpdate" && frame.after >= 1)).toEqual([]);
    expect(news(ben)).toBe(heard);
    expect(ben.model).toMatchObject({ count: 5, lines: [] });
    expect(stage.place().sequence).toBe(1);
    await stage.run(30_000);
    expect(sent.told).toMatchObject({ is: "applied", sequence: 2 });
    expect(ben.model).toMatchObject({ count: 4, lines: ["late"] });
    await stage.rest({ reported: ["storage"] });
  },
);

test("[S28] [TE12] an append fails and the server dies before it could try again: nobody ever heard of it", async () => {
  const stage = new Stage();
  const anna = await stage.actor("anna");
  const ben = await stage.actor("ben");
  stage.node.fault("fail", { method: "any", count: 1_000 });
  const sent = anna.dispatch(added("late"));
  await stage.settle();
  expect(sent.told).toBeUndefined();
  stage.node.kill();
  anna.pair.reachable = false;
  await stage.run(5_000);
  expect(ben.model?.lines).toEqual([]);
  anna.pair.reachable = true;
  await stage.run(5_000);
  expect(sent.told).toMatchObject({ is: "applied", sequence: 1 });
  expect(ben.model?.lines).toEqual(["late"]);
  await stage.rest({ reported: ["storage"] });
});

test.each(FORMATS)(
  "[S28] [TE12] a log that can be read and not written to: tried again with patience, clients are paused meanwhile (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    await stage.serve({ type: "reset", count: 5 });
    stage.node.fault("fail", { count: 1_000 });
    const sent = anna.dispatch(added("late"));
    const served: number[] = [];
    void stage.node
      .note()
      .dispatch({ type: "reset", count: 6 })
      .then(({ sequence }) => served.push(sequence));
    await stage.settle();
    if (VIA !== "poll") expect(stage.node.log.fired.fail).toBe(2); // polls take time, and it is tried again
    expect(anna.heard.filter((frame) => frame.type === "Paused")).toMatchObject([
      { code: "storage", from: 1 },
    ]);
    await stage.run(20_000);
    expect(stage.node.log.fired.fail).toBeLessThan(20);
    expect(stage.node.log.fired.fail).toBeGreaterThan(5);
    expect(sent.told).toBeUndefined();
    expect(ben.model).toMatchObject({ count: 5, lines: [] });
    stage.node.calm();
    await stage.run(10_000);
    expect(sent.told).toMatchObject({ is: "applied" });
    expect(served).toHaveLength(1);
    expect(ben.model).toMatchObject({ count: 6, lines: ["late"] });
    await stage.rest({ reported: ["storage"] });
    expect(stage.place().sequence).toBe(3);
  },
);
