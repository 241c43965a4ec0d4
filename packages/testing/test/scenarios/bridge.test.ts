// S4, S5, S8, S13, S31, S32 and S37 for a client that has a Phoenix client and no update functions: the reference client of
// examples/phoenix-board, beside Calla's own on the same note. It is told by patches and sends under the same rules.
import { expect, test } from "vitest";
import type { Actor } from "./actor.ts";
import { BridgedActor } from "./bridged-actor.ts";
import type { StageOptions } from "./scene.ts";
import { Stage } from "./stage.ts";

const added = (line: string) => ({ type: "added", line }) as const;
const spent = (price: number) => ({ type: "spent", price }) as const;
/** A stage whose note is so large that a patch is worth it: its first record. */
async function laden(options: StageOptions = {}): Promise<Stage> {
  const stage = new Stage(options);
  await stage.serve({ type: "kept", name: "ballast", value: "x".repeat(1_000) });
  return stage;
}
/** What was dispatched since. */
const messages = (stage: Stage): readonly unknown[] => stage.messages().slice(1);
/** No line was ever shown twice, and none that had come went away. */
function expectSteady({ shown }: BridgedActor, ...lines: readonly string[]): void {
  let before: readonly string[] = [];
  for (const note of shown) {
    expect(new Set(note.lines).size).toBe(note.lines.length);
    expect(before.filter((line) => lines.includes(line) && !note.lines.includes(line))).toEqual([]);
    before = note.lines;
  }
}

test("what one says all others have, whichever client they have, and its author sees it once from the first moment", async () => {
  const stage = await laden();
  const [anna, ben] = [await BridgedActor.at(stage, "anna"), await stage.actor("ben")];
  const cleo = await BridgedActor.at(stage, "cleo");
  const mine = anna.dispatch(added("anna's"));
  expect(anna.model?.lines).toEqual(["anna's"]);
  ben.dispatch(added("ben's"));
  await stage.settle();
  expect(mine.outcome).toMatchObject({ status: "ok" });
  for (const { model } of [anna, ben, cleo]) expect(model?.lines).toHaveLength(2);
  const events = cleo.line.frames.toClient.map(([event]) => event);
  expect(events.filter((event) => event !== "phx_reply" && event !== "patch")).toEqual([]);
  for (const actor of [anna, cleo]) await actor.rests();
  expectSteady(anna, "anna's");
});

test("[S4] [TE4] the connection dies after the commit and before the acknowledgement, another client overwrites: the other's write survives, the first's was applied once", async () => {
  const stage = await laden();
  const [anna, ben] = [await BridgedActor.at(stage, "anna"), await stage.actor("ben")];
  anna.line.held = "toClient";
  const title = anna.dispatch({ type: "titled", title: "anna's" });
  const line = anna.dispatch(added("anna's"));
  await stage.settle();
  expect(stage.place()).toMatchObject({ sequence: 3, model: { title: "anna's" } });
  anna.line.cut();
  expect(title.outcome).toBeUndefined();
  ben.dispatch({ type: "titled", title: "ben's" });
  await stage.settle();
  await stage.run(1_000);
  expect(title.outcome).toMatchObject({ status: "ok", sequence: 2 });
  expect(line.outcome).toMatchObject({ status: "ok", sequence: 3 });
  expect(messages(stage)).toEqual([
    { type: "titled", title: "anna's" },
    added("anna's"),
    { type: "titled", title: "ben's" },
  ]);
  for (const { model } of [anna, ben]) expect(model).toMatchObject({ title: "ben's", lines: ["anna's"] });
  await anna.rests();
  expectSteady(anna, "anna's");
  expect(stage.place().sequence).toBe(4);
});

test("[S5] [OB4] the connection dies before the server receives the message: it is sent again and applied once", async () => {
  const stage = await laden();
  const [anna, ben] = [await BridgedActor.at(stage, "anna"), await stage.actor("ben")];
  anna.line.held = "toServer";
  const sent = [anna.dispatch(added("one")), anna.dispatch(added("two"))];
  await stage.settle();
  anna.line.cut();
  expect(stage.place().sequence).toBe(1);
  ben.dispatch(added("ben's"));
  await stage.settle();
  await stage.run(1_000);
  expect(sent.map(({ outcome }) => outcome)).toMatchObject([
    { status: "ok", sequence: 3 },
    { status: "ok", sequence: 4 },
  ]);
  expect(ben.model?.lines).toEqual(["ben's", "one", "two"]);
  await anna.rests();
  expectSteady(anna, "one", "two", "ben's");
});

test.each([
  { by: "its schema", message: added("much too long"), error: { from: "calla", code: "invalid" } },
  { by: "canDispatch", message: { type: "secret" } as const, error: { from: "calla", code: "forbidden" } },
  {
    by: "its update",
    message: spent(3),
    error: { from: "app", code: "poor", details: { count: 0, price: 3 } },
  },
])(
  "[S8] [TE2] refused by $by: its author is told code and details, it is rolled back, later pending stays on top",
  async ({ message, error }) => {
    const stage = await laden({ notes: "short" });
    const [anna, ben] = [await BridgedActor.at(stage, "anna"), await stage.actor("ben")];
    anna.line.held = "toServer";
    const refused = anna.dispatch(message);
    const later = anna.dispatch(added("later"));
    await stage.settle();
    expect(anna.model).not.toEqual({ ...anna.topic.confirmed, lines: ["later"] });
    anna.line.held = "toClient";
    anna.line.wire?.pump();
    await stage.settle();
    expect(refused.outcome).toBeUndefined();
    anna.line.pass();
    await stage.settle();
    expect(refused.outcome).toMatchObject({ status: "error", ...error });
    expect(later.outcome).toMatchObject({ status: "ok", sequence: 2 });
    for (const { model } of [anna, ben])
      expect(model).toMatchObject({ lines: ["later"], count: 0, title: "" });
    await anna.rests();
    expectSteady(anna, "later");
  },
);

/** Line by line, each an append of its own. */
async function says(stage: Stage, actor: Actor, ...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    actor.dispatch(added(line));
    await stage.settle();
  }
}
/** Ben has two of the lines, then is away while anna, who has Calla's client, dispatches others. */
async function missing(stage: Stage, count: number) {
  const [anna, ben] = [await stage.actor("anna"), await BridgedActor.at(stage, "ben")];
  await says(stage, anna, "a1", "a2");
  ben.line.reachable = false;
  ben.line.cut();
  await says(stage, anna, ...["a3", "a4", "a5", "a6", "a7"].slice(0, count));
  expect(ben.model?.lines).toEqual(["a1", "a2"]);
  return { anna, ben };
}
const comeBack = async (stage: Stage, ben: BridgedActor): Promise<void> => {
  ben.line.reachable = true;
  await stage.run(1_000);
};

test.each([
  { missed: 0, retention: 1_000, resync: "current: current" },
  { missed: 5, retention: 1_000, resync: "snapshot: missed" },
  { missed: 5, retention: 1, resync: "snapshot: compacted" },
])(
  "[S13] $missed records missed of a log that retains $retention: $resync, and what was written on the way is replayed",
  async ({ missed, retention, resync }) => {
    const stage = await laden({ retention, ...(retention === 1 && { limits: { snapshotEvery: 2 } }) });
    const { anna, ben } = await missing(stage, missed);
    const sent = ben.dispatch(added("offline"));
    if (retention === 1) stage.node.kill();
    await comeBack(stage, ben);
    expect(ben.resyncs).toEqual(["snapshot: first", resync]);
    expect(sent.outcome).toMatchObject({ status: "ok", sequence: 4 + missed });
    expect(ben.model).toEqual(anna.model);
    await ben.rests();
    expectSteady(ben, "a1", "a2", "offline");
  },
);

test("[S13] [FO3] a client is ahead of a restored backup: a snapshot for it, its pending replayed, nobody else notices", async () => {
  const stage = await laden();
  const { anna, ben } = await missing(stage, 0);
  await comeBack(stage, ben);
  await says(stage, anna, "a3", "a4", "a5");
  // Ben has 5 and writes on, offline; the backup has 3.
  ben.line.reachable = false;
  ben.line.cut();
  const pending = ben.dispatch(added("offline"));
  anna.client.disconnect();
  await stage.settle();
  await stage.log.rewind("note:1", 4);
  stage.node.kill();
  const cleo = await stage.actor("cleo");
  await comeBack(stage, ben);
  expect(ben.resyncs.at(-1)).toBe("snapshot: other-history");
  expect(pending.outcome).toMatchObject({ status: "ok", sequence: 5 });
  for (const { model } of [ben, cleo]) expect(model?.lines).toEqual(["a1", "a2", "a3", "offline"]);
  expect(cleo.snapshots).toEqual(["first"]);
  await ben.rests();
  expectSteady(ben, "a1", "a2", "a3", "offline");
});

test.each([
  { order: "the other node's append first", behind: true },
  { order: "the first node's append first, its answer lost on the way", behind: false },
])(
  "[S31] [TE14] the record that an append missed is the very message that is being retried ($order): applied once",
  async ({ behind }) => {
    const stage = await laden({ nodes: 2 });
    const [anna, ben] = [await BridgedActor.at(stage, "anna"), await stage.actor("ben", { node: 1 })];
    anna.dispatch(added("before"));
    await stage.settle();
    stage.node.fault(behind ? { delay: 5_000 } : { answerAfter: 5_000 });
    const sent = anna.dispatch(added("once"));
    await stage.settle();
    // She gives that node up, and the message reaches the other one while the first append is still under way.
    anna.line.node = stage.nodes[1]!;
    anna.line.cut();
    await stage.run(1_000);
    expect(sent.outcome).toMatchObject({ status: "ok", sequence: 3 });
    ben.dispatch(added("after"));
    await stage.run(6_000);
    expect(messages(stage)).toEqual([added("before"), added("once"), added("after")]);
    for (const { model } of [anna, ben]) expect(model?.lines).toEqual(["before", "once", "after"]);
    await anna.rests();
    expectSteady(anna, "before", "once");
  },
);

test.each([true, false])(
  "[S32] [TE3] k is rejected (its author hears it: %s), the server crashes, then k + 1: taken, no hole",
  async (heard) => {
    const stage = await laden();
    const anna = await BridgedActor.at(stage, "anna");
    const first = anna.dispatch(added("one"));
    await stage.settle();
    anna.line.held = heard ? undefined : "toClient";
    const refused = anna.dispatch(spent(3));
    await stage.settle();
    expect(refused.outcome?.status).toBe(heard ? "error" : undefined);
    stage.node.kill();
    anna.line.cut();
    const next = anna.dispatch(added("two"));
    await stage.run(1_000);
    expect(first.outcome).toMatchObject({ status: "ok", sequence: 2 });
    expect(refused.outcome).toMatchObject({ status: "error", from: "app", code: "poor" });
    expect(next.outcome).toMatchObject({ status: "ok", sequence: 3 });
    expect(anna.model?.lines).toEqual(["one", "two"]);
    await anna.rests();
    expectSteady(anna, "one", "two");
  },
);

test.each([{ later: ["x4", "x5"] }, { later: ["x4", "x5", "x6", "x7"] }])(
  "[S37] [FO3] another history has come to $later while a client was away: found by the mark, a snapshot, none of it on the old model",
  async ({ later }) => {
    const stage = await laden();
    const { anna, ben } = await missing(stage, 0);
    await comeBack(stage, ben);
    await says(stage, anna, "a3", "a4", "a5");
    ben.line.reachable = false;
    ben.line.cut();
    const pending = ben.dispatch(added("offline"));
    anna.client.disconnect();
    await stage.settle();
    await stage.log.rewind("note:1", 4);
    stage.node.kill();
    for (const line of later) await stage.serve(added(line));
    await comeBack(stage, ben);
    const lines = ["a1", "a2", "a3", ...later, "offline"];
    expect(ben.resyncs.at(-1)).toBe("snapshot: other-history");
    expect(ben.model?.lines).toEqual(lines);
    expect(pending.outcome).toMatchObject({ status: "ok", sequence: 1 + lines.length });
    const mixed = ben.shown.filter(({ lines }) => lines.includes("a4") && lines.includes("x4"));
    expect(mixed).toEqual([]);
    await ben.rests();
  },
);

test("[S37] [TE11] the history is cut off behind a node's back while a client is there, which has been told of more: it gets a snapshot, and shows nothing that is gone", async () => {
  const stage = await laden({ nodes: 2, limits: { maxStaleness: 60_000 } });
  const [anna, ben] = [
    await stage.actor("anna", { node: 0 }),
    await BridgedActor.at(stage, "ben", { node: 1 }),
  ];
  await says(stage, anna, "a1", "a2", "a3", "a4", "a5");
  stage.doorbell.rates({ drop: 1 });
  await stage.log.rewind("note:1", 4);
  for (const line of ["x4", "x5", "x6"]) await stage.serve(added(line));
  expect(ben.model?.lines).toEqual(["a1", "a2", "a3", "a4", "a5"]);
  // Ben's own message finds it out: the append does not fit.
  const mine = ben.dispatch(added("ben's"));
  await stage.run(500);
  expect(mine.outcome).toMatchObject({ status: "ok", sequence: 8 });
  expect(ben.model?.lines).toEqual(["a1", "a2", "a3", "x4", "x5", "x6", "ben's"]);
  expect(ben.line.frames.toClient.filter(([event]) => event === "snapshot")).toMatchObject([
    ["snapshot", { reason: "other-history" }],
  ]);
  const mixed = ben.shown.filter(({ lines }) => lines.includes("a4") && lines.includes("x4"));
  expect(mixed).toEqual([]);
  await ben.rests();
});
