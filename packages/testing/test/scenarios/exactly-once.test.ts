// S4, S5, S31 to S36: connections, appends, pages and servers that die at the worst moment; every message is applied once
// or refused once, and its caller hears which.
import { expect, test } from "vitest";
import { onlyOver, VIA } from "../tested-via.ts";
import { Stage } from "./stage.ts";
import type { Sent } from "./actor.ts";
import { FORMATS } from "./wiring.ts";

const added = (line: string) => ({ type: "added", line }) as const;

for (const subscribes of [true, false]) {
  const whose = subscribes ? "" : ", its author not subscribed";

  test.each(FORMATS)(
    `[S4] [TE4] the connection dies after the commit and before the acknowledgement, another client overwrites${whose}: the other's write survives, the first's was applied once (%s)`,
    async (format) => {
      const stage = new Stage();
      const anna = await stage.actor("anna", { format, subscribes });
      const ben = await stage.actor("ben");
      const title = anna.dispatch({ type: "titled", title: "anna's" });
      const line = anna.dispatch(added("anna's"));
      await stage.clock.settle();
      anna.pair.cutAt("before-outcome");
      await stage.settle();
      expect(anna.pair.link?.whole).toBe(false);
      expect(stage.place()).toMatchObject({ sequence: 2, model: { title: "anna's" } });
      expect(title.told).toBeUndefined();
      ben.dispatch({ type: "titled", title: "ben's" });
      await stage.settle();
      await stage.run(1_000);
      expect(title.told).toMatchObject({ is: "applied", sequence: 1 });
      expect(line.told).toMatchObject({ is: "applied", sequence: 2 });
      expect(stage.messages()).toEqual([
        { type: "titled", title: "anna's" },
        added("anna's"),
        { type: "titled", title: "ben's" },
      ]);
      for (const actor of subscribes ? [anna, ben] : [ben]) expect(actor.model?.title).toBe("ben's");
      await stage.rest();
      expect(stage.place().sequence).toBe(3);
    },
  );

  test.each(FORMATS)(
    `[S5] [OB4] the connection dies before the server receives the message${whose}: it is sent again and applied once (%s)`,
    async (format) => {
      const stage = new Stage();
      const anna = await stage.actor("anna", { format, subscribes });
      const ben = await stage.actor("ben");
      anna.pair.cutAt("before-receive");
      const sent = [anna.dispatch(added("one")), anna.dispatch(added("two"))];
      await stage.settle();
      expect(anna.pair.link?.whole).toBe(false);
      expect(stage.place().sequence).toBe(0);
      ben.dispatch(added("ben's"));
      await stage.settle();
      await stage.run(1_000);
      expect(sent.map(({ told }) => told)).toMatchObject([
        { is: "applied", sequence: 2 },
        { is: "applied", sequence: 3 },
      ]);
      expect(ben.model?.lines).toEqual(["ben's", "one", "two"]);
      await stage.rest();
    },
  );
}

test.each([
  { order: "the other node's append first", behind: true },
  { order: "the first node's append first, its answer lost on the way", behind: false },
])(
  "[S31] [TE14] the record that an append missed is the very message that is being retried ($order): applied once",
  async ({ behind }) => {
    for (const format of FORMATS) {
      const stage = new Stage({ nodes: 2 });
      const anna = await stage.actor("anna", { format });
      const ben = await stage.actor("ben", { node: 1 });
      anna.dispatch(added("before"));
      await stage.settle();
      stage.node.fault(behind ? { delay: 5_000 } : { answerAfter: 5_000 });
      const sent = anna.dispatch(added("once"));
      await stage.clock.settle();
      anna.pair.toServer.deliver();
      await stage.clock.settle();
      // She gives that node up, and the message reaches the other one while the first append is still under way.
      anna.pair.reach(stage.nodes[1]!.reachable);
      anna.pair.cut("client");
      await stage.run(1_000);
      expect(sent.told).toMatchObject({ is: "applied", sequence: 2 });
      ben.dispatch(added("after"));
      await stage.run(6_000);
      expect(stage.messages()).toEqual([added("before"), added("once"), added("after")]);
      expect(ben.model?.lines).toEqual(["before", "once", "after"]);
      await stage.rest();
      expect(stage.place().sequence).toBe(3);
    }
  },
);

test("[S31] [TE18] the same key dispatched on two nodes at once: applied once, both are told where", async () => {
  const stage = new Stage({ nodes: 2 });
  const ben = await stage.actor("ben", { node: 1 });
  // Both nodes have the topic in memory, and decide before either has appended.
  await stage.serve(added("before"), { node: 0 });
  stage.node.fault({ delay: 100 });
  stage.nodes[1]!.fault({ delay: 100 });
  const told: number[] = [];
  for (const node of stage.nodes) {
    void node
      .note()
      .dispatch({ type: "reset", count: 4 }, { key: "only once" })
      .then(({ sequence }) => told.push(sequence));
  }
  await stage.run(1_000);
  expect(told).toEqual([2, 2]);
  expect(stage.messages()).toEqual([added("before"), { type: "reset", count: 4 }]);
  expect(ben.model).toMatchObject({ count: 4, lines: ["before"] });
  await stage.rest();
});

for (const heard of [true, false]) {
  test.each(FORMATS)(
    `[S32] [TE3] k is rejected${heard ? "" : " and its author does not hear it"}, the server crashes, then k + 1: taken, no hole (%s)`,
    async (format) => {
      const stage = new Stage();
      const anna = await stage.actor("anna", { format });
      const first = anna.dispatch(added("one"));
      await stage.settle();
      const refused = anna.dispatch({ type: "spent", price: 3 });
      await stage.clock.settle();
      anna.pair.toServer.deliver();
      await stage.clock.settle();
      if (heard) await stage.settle();
      expect(refused.told).toEqual(heard ? { is: "rejected", code: "poor" } : undefined);
      stage.node.kill();
      const next = anna.dispatch(added("two"));
      await stage.run(1_000);
      expect(first.told).toMatchObject({ is: "applied", sequence: 1 });
      expect(refused.told).toEqual({ is: "rejected", code: "poor" });
      expect(next.told).toMatchObject({ is: "applied", sequence: 2 });
      expect(anna.rejected).toEqual([{ id: refused.write.id, code: "poor" }]);
      expect(anna.model?.lines).toEqual(["one", "two"]);
      await stage.rest();
    },
  );
}

const inOrder = (sent: readonly Sent[]): void =>
  expect(sent.map(({ told }) => told)).toMatchObject(
    sent.map((_, i) => ({ is: "applied", sequence: i + 1 })),
  );

test.each(FORMATS)(
  "[S33] [TE20] k is paused because the target is busy, k + 1 follows at once: none is lost or reordered (%s)",
  async (format) => {
    const stage = new Stage({ limits: { maxQueued: 2 } });
    const anna = await stage.actor("anna", { format });
    const lines = ["one", "two", "three", "four", "five", "six", "seven"];
    const sent: Sent[] = [anna.dispatch(added("one"))];
    await stage.settle();
    // Over HTTP the second is alone in its POST, and the others follow in the next.
    stage.node.fault({ delay: 500 }, { count: VIA === "socket" ? 1 : 2 });
    for (const line of lines.slice(1)) {
      sent.push(anna.dispatch(added(line)));
      await stage.clock.settle();
    }
    await stage.settle();
    if (VIA !== "socket") await stage.run(1_200); // a POST is answered when all of it is decided
    expect(anna.heard.filter((frame) => frame.type === "Paused").map(({ code }) => code)).toContain("busy");
    await stage.run(30_000);
    inOrder(sent);
    expect(anna.model?.lines).toEqual(lines);
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S33] [TE12] k is paused because the log cannot be read, k + 1 follows at once: none is lost or reordered (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    stage.node.fault("fail");
    stage.node.fault("fail", { method: "read", count: 2 });
    const sent: Sent[] = [];
    for (const line of ["one", "two", "three"]) {
      sent.push(anna.dispatch(added(line)));
      await stage.settle();
    }
    expect(anna.heard.filter((frame) => frame.type === "Paused").map(({ code }) => code)).toContain(
      "storage",
    );
    expect(sent.map(({ told }) => told)).toEqual([undefined, undefined, undefined]);
    expect(ben.model?.lines).toEqual([]);
    await stage.run(30_000);
    inOrder(sent);
    expect(ben.model?.lines).toEqual(["one", "two", "three"]);
    await stage.rest({ reported: ["storage"] });
  },
);

onlyOver(["socket"], "a POST that is lost is followed by none until it is sent again (HT8)", () => {
  test.each(FORMATS)(
    "[S33] [TE7] k is lost on the wire and k + 1 is paused for the gap: none is lost or reordered (%s)",
    async (format) => {
      const stage = new Stage();
      const anna = await stage.actor("anna", { format });
      const sent: Sent[] = [];
      for (const line of ["one", "two", "three"]) {
        sent.push(anna.dispatch(added(line)));
        await stage.clock.settle();
      }
      anna.pair.toServer.drop(0);
      await stage.settle();
      expect(anna.heard.filter((frame) => frame.type === "Paused")).toMatchObject([
        { code: "gap", from: 1 },
        { code: "gap", from: 1 },
      ]);
      await stage.run(11_000);
      inOrder(sent);
      await stage.rest();
    },
  );
});

for (const subscribes of [true, false]) {
  test.each(FORMATS)(
    `[S34] [FO6] 300 rejections while the answers are lost${subscribes ? "" : ", their author not subscribed"}: every caller hears its own (%s)`,
    async (format) => {
      const stage = new Stage();
      await stage.serve({ type: "reset", count: 5 });
      const anna = await stage.actor("anna", { format, subscribes, offlineOnceCut: true });
      const sent: Sent[] = [];
      for (let price = 1_000; price < 1_300; price++) sent.push(anna.dispatch({ type: "spent", price }));
      await stage.clock.settle();
      anna.pair.cutAt("before-outcome");
      const { link } = anna.pair;
      await stage.settle();
      expect(link?.whole).toBe(false);
      expect(sent.every(({ told }) => told === undefined)).toBe(true);
      anna.pair.reachable = true;
      await stage.run(15_000);
      expect(sent.map(({ error }) => error)).toMatchObject(
        sent.map((_, i) => ({ code: "poor", from: "app", details: { count: 5, price: 1_000 + i } })),
      );
      expect(anna.rejected.map(({ id }) => id)).toEqual(sent.map(({ write }) => write.id));
      await stage.rest();
      expect(stage.place().sequence).toBe(1);
    },
  );
}

test.each(FORMATS)(
  "[S35] [OB2] a message is applied, the page crashes, a new one after the reload: both exist, under their own mids (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format, commitDelay: 5 });
    await stage.run(100);
    anna.dispatch(added("before"));
    await stage.clock.advance(10);
    anna.pair.toServer.deliver();
    await stage.clock.settle();
    expect(stage.place().sequence).toBe(1);
    anna.crash();
    const after = anna.dispatch(added("after"));
    await stage.run(1_000);
    expect(after.told).toMatchObject({ is: "applied", sequence: 2 });
    expect(stage.messages()).toEqual([added("before"), added("after")]);
    expect(anna.model?.lines).toEqual(["before", "after"]);
    const mids = anna.said.flatMap((frame) =>
      frame.type === "TopicMessage" ? [`${frame.mid} ${JSON.stringify(frame.messages)}`] : [],
    );
    expect(new Set(mids).size).toBe(2);
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S35] [TE5] a storage forgets a message that was applied, and its mid is used again: never acknowledged, both exist (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    const former = anna.client.clientId;
    anna.disk.failNext(1);
    const before = anna.dispatch(added("before"));
    await stage.clock.settle();
    // It is sent although it would not survive a reload, as was told; and it does not.
    await expect(before.write.queued).rejects.toMatchObject({ code: "storage" });
    anna.pair.toServer.deliver();
    await stage.clock.settle();
    expect(stage.place().sequence).toBe(1);
    anna.crash();
    const after = anna.dispatch(added("after"));
    await stage.run(5_000);
    expect(anna.heard.filter((frame) => frame.type === "Rejected")).toMatchObject([
      { code: "mid-conflict", mid: 1 },
    ]);
    expect(after.told).toMatchObject({ is: "applied", sequence: 2 });
    expect(anna.client.clientId).not.toBe(former);
    expect(ben.model?.lines).toEqual(["before", "after"]);
    await stage.rest({ reported: ["storage"] });
  },
);

for (const nodes of [1, 2]) {
  test.each(FORMATS)(
    `[S36] [TE12] an append commits and then throws, on a log of ${nodes}: its outcome is found by reading and told once (%s)`,
    async (format) => {
      const stage = new Stage({ nodes });
      const anna = await stage.actor("anna", { format });
      const ben = await stage.actor("ben", { node: nodes - 1 });
      stage.node.fault("lose");
      const taken = anna.dispatch(added("mine"));
      const refused = anna.dispatch({ type: "spent", price: 3 });
      await stage.settle();
      await stage.run(5_000);
      expect(stage.node.log.fired.lose).toBe(1);
      expect(taken.told).toMatchObject({ is: "applied", sequence: 1 });
      expect(refused.told).toEqual({ is: "rejected", code: "poor" });
      expect(stage.messages()).toEqual([added("mine")]);
      // Each subscriber got the one record in one frame; nobody was told twice.
      for (const { heard } of [anna, ben]) {
        const records = heard.flatMap((frame) => (frame.type === "TopicUpdate" ? frame.records : []));
        expect(records).toHaveLength(1);
      }
      expect(anna.heard.filter(({ type }) => type === "Rejected")).toHaveLength(1);
      expect(ben.model?.lines).toEqual(["mine"]);
      await stage.rest({ reported: ["storage"] });
    },
  );
}
