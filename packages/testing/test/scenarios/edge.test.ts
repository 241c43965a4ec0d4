// S16, S24, S33 and S39: slow lines, rates and rights that change, with real clients at the other end.
import { expect, test } from "vitest";
import { Stage } from "./stage.ts";
import { FORMATS } from "./wiring.ts";

const added = (line: string) => ({ type: "added", line }) as const;

test.each(FORMATS)(
  "[S39] [SC2] [S24] updates collapse behind a slow line, own messages among them: shown once, every outcome told, others feel nothing (%s)",
  async (format) => {
    const stage = new Stage({ limits: { collapseBytes: 100, maxCatchUp: 5 } });
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    const line = anna.pair.link!.throttle;
    line.slow(0.01, 60_000);
    // What fills her line, and then what she and Ben do behind it.
    for (let i = 0; i < 5; i++) {
      ben.dispatch(added(`ben ${i}`));
      await stage.settle();
    }
    const mine = [anna.dispatch(added("mine")), anna.dispatch({ type: "spent", price: 1_000 })];
    await stage.settle();
    for (let i = 5; i < 20; i++) {
      ben.dispatch(added(`ben ${i}`));
      await stage.settle();
    }
    expect(ben.model?.lines).toHaveLength(21);
    expect(anna.pair.link!.throttle.waiting).toBeLessThan(2_000);
    await stage.run(61_000);
    await stage.settle();
    expect(anna.model?.lines.filter((one) => one === "mine")).toEqual(["mine"]);
    await expect(mine[0]!.write.applied).resolves.toMatchObject({ sequence: expect.any(Number) });
    await expect(mine[1]!.write.applied).rejects.toMatchObject({ code: "poor" });
    await stage.rest();
  },
);

test("[S33] [LM4] over its rate a client is paused: neither lost nor reordered, nor anybody else's", async () => {
  const stage = new Stage({ limits: { topicMessageRate: 5, topicMessageBurst: 3 } });
  const anna = await stage.actor("anna");
  const ben = await stage.actor("ben");
  for (let i = 0; i < 20; i++) anna.dispatch(added(`${i}`));
  ben.dispatch(added("ben"));
  await stage.settle();
  expect(ben.model?.lines).toContain("ben");
  for (let second = 0; second < 10; second++) {
    await stage.run(1_000);
    await stage.settle();
  }
  expect(anna.model?.lines.filter((one) => one !== "ben")).toEqual(
    Array.from({ length: 20 }, (_, i) => `${i}`),
  );
  await stage.rest();
});

test("[S16] [AU15] revoked on a live connection: writes are refused and the stream is cut, without a reconnect", async () => {
  const barred = new Set<string>();
  const may = ({ user }: { user: { id: string } | null }) => !barred.has(user?.id ?? "");
  const stage = new Stage({
    handlers: { canSubscribe: may, canDispatch: (_, asking) => may(asking) },
  });
  const anna = await stage.actor("anna");
  const ben = await stage.actor("ben");
  barred.add("anna");
  await stage.node.server.reauthorise({ userId: "anna" });
  await stage.settle();
  expect(anna.state()).toMatchObject({ status: "refused", model: undefined });
  const write = anna.dispatch(added("barred"));
  ben.dispatch(added("secret"));
  await stage.settle();
  await expect(write.write.applied).rejects.toMatchObject({ code: "forbidden" });
  expect(anna.pair.links).toHaveLength(1);
  expect(anna.pair.toClient.sent.filter(({ type }) => type === "TopicUpdate")).toEqual([]);
  expect(ben.model?.lines).toEqual(["secret"]);
  await stage.rest();
});

test("[S43] [AU31] rights change each 100 ms while a check takes 300: subscribers and newcomers are told to retry, and everybody gets in", async () => {
  let slow = false;
  const stage: Stage = new Stage({
    handlers: {
      canSubscribe: () =>
        slow ? new Promise<boolean>((resolve) => stage.clock.setTimeout(() => resolve(true), 300)) : true,
    },
  });
  const anna = await stage.actor("anna");
  slow = true;
  const { server } = stage.node;
  const ben = await stage.actor("ben");
  const carl = await stage.actor("carl", { subscribes: false });
  const write = carl.dispatch(added("carl"));
  for (let i = 0; i < 50; i++) {
    void server.reauthorise();
    await stage.run(100);
  }
  expect(ben.state()).toMatchObject({ model: undefined });
  for (let i = 0; i < 100; i++) {
    void server.reauthorise({ userId: "somebody else" });
    await stage.run(100);
  }
  for (const one of [anna, ben])
    expect(one.state()).toMatchObject({ status: "live", model: { lines: ["carl"] } });
  await expect(write.write.applied).resolves.toMatchObject({ sequence: 1 });
  // The app is told of it, once; it is no failure of the server's own (HC15).
  const told = stage.events.findIndex((event) => event.type === "reported");
  expect(stage.events.splice(told, 1)).toMatchObject([{ error: { code: "hook" } }]);
  await stage.rest();
});
