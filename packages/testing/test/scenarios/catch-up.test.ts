// S12 to S14, S37 and S42: gaps, histories that were replaced, and nodes that lag. Never back in time, never on top of
// another history.
import { expect, test } from "vitest";
import { onlyOver, VIA } from "../tested-via.ts";
import { Stage } from "./stage.ts";
import type { Actor } from "./actor.ts";
import { FORMATS } from "./wiring.ts";

const added = (line: string) => ({ type: "added", line }) as const;
const asked = ({ said }: Actor): number => said.filter(({ type }) => type === "Subscribe").length;
/** How the note was caught up, each time; where it is asked for by polls, each time there was something. */
const resyncs = ({ heard }: Actor, from = 0): string[] =>
  heard
    .slice(from)
    .flatMap((frame) =>
      frame.type === "Settled" && frame.target === "note:1" ? [`${frame.resync}: ${frame.reason}`] : [],
    )
    .filter((how) => VIA !== "poll" || how !== "current: current");
const POLLED = "a poll is answered with what there is at that moment, and nothing is sent between polls";
const isPrefix = (lines: readonly string[], of: readonly string[]): boolean =>
  lines.every((line, i) => line === of[i]);

for (const { fault, asks } of [
  { fault: "drop", asks: 1 },
  { fault: "duplicate", asks: 0 },
  { fault: "reorder", asks: 1 },
] as const) {
  onlyOver(["socket", "http"], POLLED, () => {
    test.each(FORMATS)(
      `[S12] [CL3] an update is hit by ${fault} on the wire: detected, ${asks === 0 ? "nothing asked" : "asked once"}, converged (%s)`,
      async (format) => {
        const stage = new Stage();
        const anna = await stage.actor("anna");
        const ben = await stage.actor("ben", { format });
        const lines = ["one", "two", "three", "four"];
        for (const line of lines) {
          anna.dispatch(added(line));
          await anna.pair.flush();
        }
        expect(ben.pair.toClient.packets).toHaveLength(4);
        expect(ben.pair.toClient[fault](1)).toBe(true);
        await stage.settle();
        expect(asked(ben)).toBe(asks);
        expect(ben.model?.lines).toEqual(lines);
        expect(ben.shown.every(({ model }) => isPrefix(model?.lines ?? [], lines))).toBe(true);
        // What was missing came as records.
        expect(resyncs(ben).slice(1)).toEqual(asks === 0 ? [] : ["records: missed"]);
        await stage.rest();
      },
    );
  });
}

onlyOver(["socket", "http"], POLLED, () => {
  test("[S12] [CV11] the last update is lost on the wire: found by the next Ping, without any other message", async () => {
    const stage = new Stage();
    const anna = await stage.actor("anna");
    const ben = await stage.actor("ben");
    anna.dispatch(added("one"));
    await anna.pair.flush();
    ben.pair.toClient.drop();
    await stage.run(24_000);
    expect(ben.model?.lines).toEqual([]);
    await stage.run(2_000);
    expect(ben.model?.lines).toEqual(["one"]);
    expect(ben.pair.links).toHaveLength(1);
    await stage.rest();
  });
});

for (const fault of ["drop", "duplicate", "reorder"] as const) {
  const scenario = (): void =>
    test.each(FORMATS)(
      `[S12] [TE7] a message is hit by ${fault} on the wire: own order holds, each is applied once (%s)`,
      async (format) => {
        const stage = new Stage();
        const anna = await stage.actor("anna", { format });
        const lines = ["one", "two", "three"];
        const sent = [];
        for (const line of lines) {
          sent.push(anna.dispatch(added(line)));
          await stage.clock.settle();
        }
        expect(anna.pair.toServer[fault](0)).toBe(true);
        await stage.run(25_000);
        expect(sent.map(({ told }) => told)).toMatchObject(
          lines.map((_, i) => ({ is: "applied", sequence: i + 1 })),
        );
        expect(anna.model?.lines).toEqual(lines);
        await stage.rest();
      },
    );
  if (fault === "reorder") onlyOver(["socket"], "one POST at a time cannot overtake another", scenario);
  else scenario();
}

/** Ben has the first two of the records, then is away while anna dispatches more. */
async function missing(
  stage: Stage,
  count: number,
  format: (typeof FORMATS)[number],
): Promise<{ anna: Actor; ben: Actor; since: number }> {
  const anna = await stage.actor("anna");
  const ben = await stage.actor("ben", { format });
  for (const line of ["a1", "a2"]) anna.dispatch(added(line));
  await stage.settle();
  ben.client.disconnect();
  await stage.settle();
  for (let i = 3; i < 3 + count; i++) {
    anna.dispatch(added(`a${i}`));
    await stage.settle();
  }
  return { anna, ben, since: ben.heard.length };
}

test.each(FORMATS)(
  "[S13] [FO1] 5 records missed within retention: 5 records, not a snapshot, from memory or from the log (%s)",
  async (format) => {
    for (const restarted of [false, true]) {
      const stage = new Stage();
      const { anna, ben, since } = await missing(stage, 5, format);
      if (restarted) stage.node.kill();
      ben.client.connect();
      await stage.run(1_000);
      const records = ben.heard
        .slice(since)
        .flatMap((frame) => (frame.type === "TopicUpdate" ? frame.records : []));
      expect(records).toHaveLength(5);
      expect(resyncs(ben, since)).toEqual(["records: missed"]);
      expect(ben.snapshots).toEqual(["first"]);
      expect(ben.model).toEqual(anna.model);
      await stage.rest();
    }
  },
);

test.each(FORMATS)(
  "[S13] [FO2] beyond what the log retains: a snapshot, and it says why (%s)",
  async (format) => {
    const stage = new Stage({ retention: 1, limits: { snapshotEvery: 2 } });
    const { ben, since } = await missing(stage, 6, format);
    // What a server has in memory is gone with it; then only the log's snapshot and its last record are left.
    stage.node.kill();
    ben.client.connect();
    await stage.run(1_000);
    expect(resyncs(ben, since)).toEqual(["snapshot: compacted"]);
    expect(ben.model?.lines).toHaveLength(8);
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S13] [FO2] more records than is worth it: a snapshot, and it says why (%s)",
  async (format) => {
    const stage = new Stage({ limits: { maxCatchUp: 3 } });
    const { ben, since } = await missing(stage, 4, format);
    ben.client.connect();
    await stage.run(1_000);
    expect(resyncs(ben, since)).toEqual(["snapshot: cheaper"]);
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S13] [FO3] a client is ahead of a restored backup: a snapshot for it, its pending replayed, nobody else notices (%s)",
  async (format) => {
    const stage = new Stage();
    const { anna, ben } = await missing(stage, 3, format);
    expect(stage.place().sequence).toBe(5);
    // Anna has seen 5 and writes on, offline; the backup has 3; ben, who has seen 2, is within it.
    anna.client.disconnect();
    await stage.settle();
    const pending = anna.dispatch(added("offline"));
    await stage.log.rewind("note:1", 3);
    stage.node.kill();
    ben.client.connect();
    await stage.run(500);
    expect(resyncs(ben).at(-1)).toBe("records: missed");
    expect(ben.model?.lines).toEqual(["a1", "a2", "a3"]);
    anna.client.connect();
    await stage.run(500);
    expect(anna.snapshots).toEqual(["first", "other-history"]);
    expect(pending.told).toMatchObject({ is: "applied", sequence: 4 });
    expect(anna.model?.lines).toEqual(["a1", "a2", "a3", "offline"]);
    expect(
      anna.shown.every(
        ({ model }) => model === undefined || model.lines.filter((line) => line === "offline").length <= 1,
      ),
    ).toBe(true);
    expect(ben.model?.lines).toEqual(["a1", "a2", "a3", "offline"]);
    expect(ben.snapshots).toEqual(["first"]);
    await stage.rest();
  },
);

for (const { id, rule, later } of [
  { id: "S14", rule: "TE11", later: ["x4", "x5"] },
  { id: "S37", rule: "FO3", later: ["x4", "x5", "x6", "x7"] },
]) {
  const where =
    id === "S14"
      ? "another history has reached the same sequence"
      : "the head of another history has passed the cursor";

  test.each(FORMATS)(
    `[${id}] [${rule}] ${where} while a client was away: found by the mark, a snapshot, none of its records on the old model (%s)`,
    async (format) => {
      const stage = new Stage();
      const { anna, ben } = await missing(stage, 3, format);
      anna.client.disconnect();
      await stage.settle();
      const pending = anna.dispatch(added("offline"));
      await stage.log.rewind("note:1", 3);
      stage.node.kill();
      for (const line of later) await stage.serve(added(line));
      expect(stage.place().sequence).toBe(3 + later.length);
      anna.client.connect();
      ben.client.connect();
      await stage.run(500);
      const lines = ["a1", "a2", "a3", ...later, "offline"];
      expect(anna.snapshots).toEqual(["first", "other-history"]);
      expect(anna.model?.lines).toEqual(lines);
      expect(pending.told).toMatchObject({ is: "applied", sequence: lines.length });
      // Never a mixture of the two.
      const mixed = anna.shown.filter(
        ({ model }) => model?.lines.includes("a4") === true && model.lines.includes("x4"),
      );
      expect(mixed).toEqual([]);
      expect(ben.snapshots).toEqual(["first"]);
      await stage.rest();
    },
  );

  test.each(FORMATS)(
    `[${id}] [TE11] ${where} behind a node's back: it drops what it holds, its subscribers get a snapshot (%s)`,
    async (format) => {
      const stage = new Stage({ nodes: 2, limits: { maxStaleness: 60_000 } });
      const anna = await stage.actor("anna", { node: 0 });
      const ben = await stage.actor("ben", { format, node: 1 });
      for (const line of ["a1", "a2", "a3", "a4", "a5"]) {
        anna.dispatch(added(line));
        await stage.settle();
      }
      expect(ben.model?.lines).toHaveLength(5);
      // Node 1 hears no bell; a failover loses two records, and node 0 goes on from there.
      stage.doorbell.rates({ drop: 1 });
      await stage.log.rewind("note:1", 3);
      for (const line of later) await stage.serve(added(line));
      await stage.settle();
      expect(anna.snapshots).toEqual(["first", "other-history"]);
      expect(anna.model?.lines).toEqual(["a1", "a2", "a3", ...later]);
      // A poll looks at the log, where nobody else is subscribed here.
      if (VIA !== "poll") expect(ben.model?.lines).toEqual(["a1", "a2", "a3", "a4", "a5"]);
      // Ben's own message finds it out: the append does not fit.
      const mine = ben.dispatch(added("ben's"));
      await stage.run(500);
      expect(ben.snapshots).toEqual(["first", "other-history"]);
      expect(mine.told).toMatchObject({ is: "applied", sequence: 4 + later.length });
      const lines = ["a1", "a2", "a3", ...later, "ben's"];
      expect(ben.model?.lines).toEqual(lines);
      const mixed = ben.shown.filter(
        ({ model }) => model?.lines.includes("a4") === true && model.lines.includes("x4"),
      );
      expect(mixed).toEqual([]);
      await stage.rest();
      expect(anna.model?.lines).toEqual(lines);
    },
  );
}

onlyOver(["socket", "http"], POLLED, () => {
  test.each(FORMATS)(
    "[S14] [CL3] the snapshot of another history is lost on the wire: its next record, right by sequence, is not taken on the old model (%s)",
    async (format) => {
      const stage = new Stage({ nodes: 2, doorbell: false, limits: { maxStaleness: 60_000 } });
      const anna = await stage.actor("anna", { format, node: 0 });
      const lines = ["a1", "a2", "a3", "a4", "a5"];
      for (const line of lines) {
        anna.dispatch(added(line));
        await stage.settle();
      }
      await stage.log.rewind("note:1", 3);
      await stage.serve(added("x4"), { node: 1 });
      await stage.serve(added("x5"), { node: 1 });
      // Her node finds it out, at the very sequence that she is at; she does not hear of it.
      void stage.node.note().read();
      await stage.clock.settle();
      expect(anna.pair.toClient.frames.map(({ type }) => type)).toContain("Snapshot");
      while (anna.pair.toClient.drop());
      await stage.serve(added("x6"));
      expect(anna.pair.toClient.frames).toMatchObject([{ type: "TopicUpdate", after: 5 }]);
      await anna.hear();
      expect(anna.model?.lines).toEqual(lines);
      await stage.settle();
      expect(anna.model?.lines).toEqual(["a1", "a2", "a3", "x4", "x5", "x6"]);
      expect(anna.snapshots).toEqual(["first", "other-history"]);
      await stage.rest();
    },
  );
});

test.each(FORMATS)(
  "[S42] [FO4] reconnecting to a node that lags: never back in time, own acknowledged writes stay (%s)",
  async (format) => {
    const stage = new Stage({ nodes: 2, doorbell: false, limits: { maxStaleness: 60_000 } });
    const carl = await stage.actor("carl", { node: 1 });
    const anna = await stage.actor("anna", { format, node: 0 });
    const lines = ["one", "two", "three", "four"];
    for (const line of lines) {
      anna.dispatch(added(line));
      await stage.settle();
    }
    // Node 1 has the topic in memory, and nothing of this.
    if (VIA !== "poll") expect(carl.model?.lines).toEqual([]);
    expect(anna.model?.lines).toEqual(lines);
    const pending = anna.dispatch(added("five"));
    await stage.clock.settle();
    const shown = anna.shown.length;
    anna.pair.reach(stage.nodes[1]!.reachable);
    anna.pair.cut();
    await stage.run(1_000);
    expect(anna.pair.link?.server).toBe(stage.nodes[1]!.reachable);
    expect(pending.told).toMatchObject({ is: "applied", sequence: 5 });
    for (const { model } of anna.shown.slice(shown)) expect(model?.lines).toEqual([...lines, "five"]);
    expect(anna.snapshots).toEqual(["first"]);
    if (VIA !== "poll") expect(resyncs(anna).at(-1)).toBe("current: current");
    expect(carl.model?.lines).toEqual([...lines, "five"]);
    await stage.rest();
  },
);

test("[S42] [FO4] the node that lags cannot read the log for a while: what was shown stays, and then it catches up", async () => {
  const stage = new Stage({ nodes: 2, doorbell: false, limits: { maxStaleness: 60_000 } });
  const carl = await stage.actor("carl", { node: 1 });
  const anna = await stage.actor("anna", { node: 0 });
  for (const line of ["one", "two"]) {
    anna.dispatch(added(line));
    await stage.settle();
  }
  stage.nodes[1]!.fault("fail", { method: "read", count: 5 });
  anna.pair.reach(stage.nodes[1]!.reachable);
  anna.pair.cut();
  await stage.run(1_000);
  expect(anna.model?.lines).toEqual(["one", "two"]);
  await stage.run(60_000);
  expect(anna.state().status).toBe("live");
  expect(anna.shown.filter(({ model }) => model?.lines.length === 2).length).toBeGreaterThan(0);
  const from = anna.shown.findIndex(({ model }) => model?.lines.length === 2);
  for (const { model } of anna.shown.slice(from)) expect(model?.lines).toEqual(["one", "two"]);
  expect(carl.model?.lines).toEqual(["one", "two"]);
  await stage.rest({ reported: ["storage"] });
});

test.each(FORMATS)(
  "[S42] [OB3] moving back and forth between nodes with messages under way: monotonic, each applied once in order (%s)",
  async (format) => {
    const stage = new Stage({ nodes: 2, doorbell: false, limits: { maxStaleness: 60_000 } });
    const anna = await stage.actor("anna", { format, node: 0 });
    const lines: string[] = [];
    for (let i = 1; i <= 8; i++) {
      lines.push(`line ${i}`);
      anna.dispatch(added(`line ${i}`));
      await stage.clock.settle();
      // Sometimes the message arrived before the move, sometimes not.
      if (i % 3 > 0) anna.pair.toServer.deliver();
      await stage.clock.settle();
      anna.pair.reach(stage.nodes[i % 2]!.reachable);
      anna.pair.cut();
      await stage.run(700);
      expect(anna.model?.lines).toEqual(lines);
    }
    for (const [i, { model }] of anna.shown.entries()) {
      const before = anna.shown[i - 1]?.model?.lines ?? [];
      if (model !== undefined) expect(isPrefix(before, model.lines)).toBe(true);
    }
    expect(stage.messages()).toEqual(lines.map(added));
    await stage.rest();
  },
);
