// Topics that only the server makes (`created: "server"`): clients that are there before them.
import { expect, test } from "vitest";
import { VIA } from "../tested-via.ts";
import { Stage } from "./stage.ts";
import { FORMATS } from "./wiring.ts";

const added = (line: string) => ({ type: "added", line }) as const;

for (const nodes of [1, 2]) {
  test.each(FORMATS)(
    `[FO8] [CL18] [TE23] a topic that is subscribed to before it is there is live once the server has made it (${nodes} nodes, %s)`,
    async (format) => {
      const stage = new Stage({ nodes, notes: "made" });
      const anna = await stage.actor("anna", { format });
      expect(anna.note().state).toMatchObject({ status: "refused", code: "missing", model: undefined });
      const early = anna.dispatch(added("too early"));
      await stage.settle();
      expect(early.error).toMatchObject({ from: "calla", code: "missing" });
      expect(stage.place().sequence).toBe(0);

      await stage.serve(added("welcome"), { node: nodes - 1 });
      await stage.run(100);
      expect(anna.note().state).toMatchObject({ status: "live", model: { lines: ["welcome"] } });
      const late = anna.dispatch(added("hello"));
      await stage.settle();
      expect(late.told).toMatchObject({ is: "applied" });
      expect(stage.place().model.lines).toEqual(["welcome", "hello"]);
      await stage.rest();
    },
  );
}

test("[FO8] [SV6] [FO9] where the doorbell is lost it is live within maxStaleness", async () => {
  const stage = new Stage({ nodes: 2, notes: "made", doorbell: false });
  const anna = await stage.actor("anna");
  expect(anna.state().status).toBe("refused");
  await stage.serve(added("welcome"), { node: 1 });
  if (VIA !== "poll") expect(anna.state().status).toBe("refused");
  await stage.run(6_000);
  expect(anna.note().state).toMatchObject({ status: "live", model: { lines: ["welcome"] } });
  await stage.rest();
});

test("[CL18] it is live after a reconnect, though nobody could tell it", async () => {
  const stage = new Stage({ notes: "made" });
  const anna = await stage.actor("anna");
  anna.pair.cut();
  await stage.serve(added("welcome"));
  await stage.run(3_000);
  expect(anna.note().state).toMatchObject({ status: "live", model: { lines: ["welcome"] } });
  await stage.rest();
});

test("[CL18] [TE23] a server that was killed meanwhile has forgotten who waits; its clients ask again", async () => {
  const stage = new Stage({ notes: "made" });
  const anna = await stage.actor("anna");
  stage.node.kill();
  await stage.run(3_000);
  expect(anna.note().state).toMatchObject({ status: "refused", code: "missing" });
  await stage.serve(added("welcome"));
  await stage.run(100);
  expect(anna.note().state).toMatchObject({ status: "live", model: { lines: ["welcome"] } });
  await stage.rest();
});

test("[TE23] what was written offline to a topic that is not there is rejected, and what follows it goes on", async () => {
  const stage = new Stage({ notes: "made" });
  const anna = await stage.actor("anna");
  anna.pair.reachable = false;
  anna.pair.cut();
  const [first, second] = [anna.dispatch(added("one")), anna.dispatch(added("two"))];
  anna.pair.reachable = true;
  await stage.run(3_000);
  expect([first.error, second.error]).toMatchObject([{ code: "missing" }, { code: "missing" }]);
  await stage.serve(added("welcome"));
  await stage.run(100);
  const third = anna.dispatch(added("three"));
  await stage.settle();
  expect(third.told).toMatchObject({ is: "applied" });
  expect(stage.place().model.lines).toEqual(["welcome", "three"]);
  await stage.rest();
});
