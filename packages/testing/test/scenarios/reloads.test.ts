// S6, S19, S20, S41, S44: pages that go at the worst moment and others that come, offline and online, over what the storage
// has: models, cursors, the outbox and what is settled. `rest` holds the history's rules over all of it.
import { expect, test } from "vitest";
import { VIA } from "../tested-via.ts";
import { Stage } from "./stage.ts";
import type { Actor } from "./actor.ts";
import { FORMATS } from "./wiring.ts";

const added = (line: string) => ({ type: "added", line }) as const;
const LINES = ["one", "two", "three"];
/** The lines that a log ends up with, each counted. */
const counted = (stage: Stage): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const line of stage.place().model.lines) counts[line] = (counts[line] ?? 0) + 1;
  return counts;
};
const offline = ({ pair }: Actor): void => {
  pair.reachable = false;
  pair.cut();
};

const SIDES = ["before", "after"] as const;
test.each(FORMATS)(
  "[S44] [S6] [OB10] [OB26] a page is gone at any boundary between two commits, and another comes offline, then online: everything is shown once and applied once (%s)",
  async (format) => {
    let crashes = 0;
    for (const machine of [true, false]) {
      for (const side of SIDES) {
        for (let count = 0; count < 14; count++) {
          const stage = new Stage();
          const anna = await stage.actor("anna", { format, commitDelay: 7, modelDelay: 25 });
          const ben = await stage.actor("ben", { format });
          let gone = false;
          anna.disk.crashAt({ count, side }, () => {
            gone = true;
            crashes++;
            anna.pair.reachable = false;
            anna.crash({ machine });
          });
          for (const line of LINES) {
            if (!gone) anna.dispatch(added(line));
            await stage.run(15);
            ben.dispatch(added(`ben's ${line}`));
            await stage.run(15);
          }
          await stage.run(200);
          const shown = anna.model?.lines ?? [];
          expect(new Set(shown).size).toBe(shown.length);
          anna.pair.reachable = true;
          await stage.run(2_000);
          await stage.rest();
          expect(new Set(Object.values(counted(stage)))).toEqual(new Set([1]));
          expect(anna.model).toEqual(stage.place().model);
        }
      }
    }
    // Commits enough that nearly every boundary was there. Over polls more is told at once, and stored at once.
    expect(crashes).toBeGreaterThan(VIA === "poll" ? 35 : 40);
  },
);

for (const at of ["before-outcome", "before-receive"] as const) {
  test.each(FORMATS)(
    `[S6] [OB10] the connection dies ${at}, the page goes, and one comes offline: the last state and the message are there, once; then it is applied once (%s)`,
    async (format) => {
      for (const machine of [true, false]) {
        const stage = new Stage();
        const anna = await stage.actor("anna", { format, modelDelay: 10, offlineOnceCut: true });
        const ben = await stage.actor("ben", { format });
        ben.dispatch(added("before"));
        await stage.settle();
        await stage.run(50);
        anna.pair.cutAt(at);
        const { link } = anna.pair;
        const sent = anna.dispatch(added("anna's"));
        await stage.settle();
        expect(link?.whole).toBe(false);
        offline(anna);
        anna.crash({ machine });
        ben.dispatch(added("ben's"));
        await stage.run(1_000);
        expect(anna.state()).toMatchObject({
          status: "stale",
          model: { lines: ["before", "anna's"] },
          pending: [{ id: sent.write.id }],
        });
        expect(anna.client.pending).toMatchObject([{ id: sent.write.id, messages: [added("anna's")] }]);
        anna.dispatch(added("offline"));
        anna.pair.reachable = true;
        await stage.run(3_000);
        expect(anna.state()).toMatchObject({ status: "live", pending: [] });
        // By records: nothing was replaced.
        expect(anna.snapshots).toHaveLength(1);
        expect(anna.outcomes).toContainEqual({ id: sent.write.id, is: "applied" });
        await stage.rest();
        expect(counted(stage)).toEqual({ before: 1, "ben's": 1, "anna's": 1, offline: 1 });
      }
    },
  );
}

test.each(FORMATS)(
  "[S20] [OB1] what was queued when the page went is listed by the next one, offline too, and applied (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format, commitDelay: 20, modelDelay: 10 });
    await stage.run(100);
    offline(anna);
    const sent = anna.dispatch(added("queued"));
    let queued = false;
    void sent.write.queued.then(() => (queued = true));
    await stage.clock.advance(19);
    expect(queued).toBe(false);
    await stage.clock.advance(1);
    expect(queued).toBe(true);
    anna.crash();
    await stage.clock.settle();
    expect(anna.client.pending).toMatchObject([{ id: sent.write.id, state: "queued" }]);
    expect(anna.model?.lines).toEqual(["queued"]);
    anna.pair.reachable = true;
    await stage.run(2_000);
    expect(counted(stage)).toEqual({ queued: 1 });
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S41] [CL8] [CL40] another user on the same browser, offline and online, sees and sends nothing of the first's, whose outbox and models wait (%s)",
  async (format) => {
    const stage = new Stage();
    const actor = await stage.actor("anna", { format, modelDelay: 10 });
    actor.dispatch(added("anna's"));
    await stage.run(100);
    offline(actor);
    const unsent = actor.dispatch(added("anna's unsent"));
    await stage.clock.settle();
    actor.crash({ user: "ben" });
    await stage.clock.advance(100);
    expect([actor.client.pending, actor.state()]).toEqual([
      [],
      { status: "loading", model: undefined, pending: [], code: "" },
    ]);
    actor.dispatch(added("ben's"));
    await stage.clock.settle();
    expect(actor.shown.every(({ model }) => model === undefined)).toBe(true);
    actor.pair.reachable = true;
    await stage.run(2_000);
    expect(actor.model?.lines).toEqual(["anna's", "ben's"]);
    expect(actor.outcomes.map(({ id }) => id)).not.toContain(unsent.write.id);
    const names = actor.client.clientId;
    offline(actor);
    actor.crash({ user: "anna" });
    await stage.clock.settle();
    expect(actor.state()).toMatchObject({ status: "stale", model: { lines: ["anna's", "anna's unsent"] } });
    actor.pair.reachable = true;
    await stage.run(2_000);
    expect(actor.client.clientId).not.toBe(names);
    expect(actor.model?.lines).toEqual(["anna's", "ben's", "anna's unsent"]);
    await stage.rest();
  },
);

test("[S19] [OB9] [OB10] a storage that refuses models and messages for a while: reported, nothing lost while the page lives, an honest page after", async () => {
  const stage = new Stage();
  const anna = await stage.actor("anna", { modelDelay: 10 });
  anna.dispatch(added("stored"));
  await stage.run(100);
  anna.disk.failNext(3); // by then there was enough to store; after that it is tried again every ten seconds
  const sent = anna.dispatch(added("refused by the disk"));
  await stage.run(30);
  expect(anna.client.status.storage).toBe("failed");
  await stage.run(20_000);
  expect(anna.client.status.storage).toBe("working");
  expect(sent.told).toMatchObject({ is: "applied" });
  offline(anna);
  anna.crash();
  await stage.clock.settle();
  expect(anna.model?.lines).toEqual(["stored", "refused by the disk"]);
  anna.pair.reachable = true;
  await stage.run(1_000);
  await stage.rest({ reported: ["storage"] });
});

test("[S42] [S44] [OB10] what was acknowledged and is not in the stored model stays on top of it until confirmed has it, also on another node", async () => {
  const stage = new Stage({ nodes: 2 });
  const anna = await stage.actor("anna", { modelDelay: 1_000 });
  const ben = await stage.actor("ben", { node: 1 });
  anna.dispatch(added("kept"));
  await stage.run(1_500);
  anna.dispatch(added("acknowledged and not in the stored model"));
  await stage.settle();
  offline(anna);
  anna.crash();
  await stage.clock.settle();
  expect(anna.model?.lines).toEqual(["kept", "acknowledged and not in the stored model"]);
  for (const line of LINES) ben.dispatch(added(line));
  await stage.run(200);
  anna.pair.reach(stage.nodes[1]!.reachable);
  anna.pair.reachable = true;
  await stage.run(3_000);
  expect(anna.model).toEqual(stage.place().model);
  expect(anna.model?.lines).toHaveLength(5);
  await stage.rest();
});
