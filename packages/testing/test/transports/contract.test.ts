// What every transport must do, both ends together, whatever stands between them.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BAD_GATEWAY } from "./proxy.ts";
import { added, CASES, note, pointers, Stage, until } from "./stage.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

test("[HT9] [HT11] a proxy that gathers small pieces: the stream is found out and polls take its place", async () => {
  const [ann, bo] = [stage.client("webSocket"), stage.client("http", "json", { heartbeatTimeout: 1_000 })];
  const [anns, bos] = [ann.topic(note, "1"), bo.topic(note, "1")];
  anns.retain();
  await anns.dispatch(added("x".repeat(20_000))).applied;
  // The Hello's answer is large enough to get through, and so it is not missed; nothing behind it does.
  stage.proxy.mischief = { gather: 10_000 };
  bos.retain();
  await until(() => bos.state.status === "live");
  await stage.server.topic(note, "1").dispatch(added("y"));
  await until(() => bos.state.model?.lines.length === 2);
  await bos.dispatch(added("z")).applied;
});

describe.each(CASES)("[TC] $kind, $format", ({ kind, format }) => {
  const pair = () => {
    const [ann, bo] = [stage.client(kind, format), stage.client(kind, format)];
    const [anns, bos] = [ann.topic(note, "1"), bo.topic(note, "1")];
    anns.retain();
    bos.retain();
    return { ann, bo, anns, bos };
  };

  test("[TC1] a message reaches the server and the subscribers, and its author hears of it", async () => {
    const { anns, bos } = pair();
    const write = anns.dispatch(added("one"));
    await expect(write.applied).resolves.toMatchObject({ sequence: 1 });
    await until(() => bos.state.model?.lines.length === 1);
    expect(anns.state).toMatchObject({ status: "live", model: { lines: ["one"] } });
  });

  test("[TC2] many messages arrive each once, in order", async () => {
    const { anns, bos } = pair();
    const lines = Array.from({ length: 200 }, (_, i) => `${i}`);
    const writes = lines.map((line) => anns.dispatch(added(line)));
    await Promise.all(writes.map(({ applied }) => applied));
    expect(await stage.lines).toEqual(lines);
    await until(() => bos.state.model?.lines.length === 200);
    expect(bos.state.model?.lines).toEqual(lines);
  });

  test("[TC3] large messages and large models go whole, whatever characters they have", async () => {
    const { anns, bos } = pair();
    const line = "ünï\u2028\ud800\r\n\ndata: x\n\n".repeat(20_000);
    await anns.dispatch(added(line)).applied;
    await anns.dispatch(added(line)).applied;
    await until(() => bos.state.model?.lines.length === 2);
    const cy = stage.client(kind, format).topic(note, "1");
    cy.retain();
    await until(() => cy.state.status === "live");
    expect(cy.state.model?.lines).toEqual([line, line]);
  });

  test("[TC12] what is more than the server takes in one piece comes in smaller ones; a message that is, is named, and the others come", async () => {
    await stage.close();
    stage = await Stage.open({ limits: { maxFrameBytes: 4_000 } });
    const topic = stage.client(kind, format).topic(note, "1");
    const lines = Array.from({ length: 100 }, (_, i) => `${i} `.repeat(50));
    const early = lines.map((line) => topic.dispatch(added(line)));
    const tooLarge = topic.dispatch(added("x".repeat(100_000)));
    const late = topic.dispatch(added("late"));
    await expect(tooLarge.applied).rejects.toMatchObject({ code: "too-large" });
    await Promise.all([...early, late].map(({ applied }) => applied));
    expect(await stage.lines).toEqual([...lines, "late"]);
  });

  test("[TC4] a refusal comes with its reason, to a subscriber and to a client that is none", async () => {
    const { anns, bo } = pair();
    const other = bo.topic(note, "2");
    await expect(anns.dispatch({ type: "refused" }).applied).rejects.toMatchObject({ code: "never" });
    await expect(other.dispatch({ type: "refused" }).applied).rejects.toMatchObject({ code: "never" });
    await expect(other.dispatch(added("x")).applied).resolves.toMatchObject({ sequence: 1 });
  });

  test("[TC5] topics are subscribed and unsubscribed while connected, ephemeral ones too", async () => {
    const { ann, bo, anns } = pair();
    await until(() => anns.state.status === "live");
    const [left, right] = [ann.topic(pointers, "1"), bo.topic(pointers, "1")];
    left.retain();
    right.retain();
    await until(() => left.state.status === "live" && right.state.status === "live");
    await until(() => {
      left.dispatch({ type: "moved", x: 7 });
      // What is sent between two polls is gone, that is what an ephemeral topic is; to be heard it has to be kept.
      return kind === "poll" || [...right.state.latest.values()].some(({ message }) => message.x === 7);
    });
    const other = ann.topic(note, "2");
    const stop = other.retain();
    await until(() => other.state.status === "live");
    stop();
    await bo.topic(note, "2").dispatch(added("x")).applied;
  });

  test("[TC6] S4 S5 resets at any time: exactly once, in order", async () => {
    const { anns, bos } = pair();
    const lines = Array.from({ length: 60 }, (_, i) => `${i}`);
    const writes = [];
    for (const [i, line] of lines.entries()) {
      writes.push(anns.dispatch(added(line)));
      if (i % 7 === 3) stage.proxy.reset();
      await new Promise((resolve) => setTimeout(resolve, i % 5));
    }
    await Promise.all(writes.map(({ applied }) => applied));
    expect(await stage.lines).toEqual(lines);
    await until(() => bos.state.model?.lines.length === lines.length);
    expect(bos.state.model?.lines).toEqual(lines);
  });

  test.each([150, 400, 700, 1_200, 2_500])(
    "[TC7] S26 answers cut after %i bytes, mid-frame: exactly once, in order",
    async (cutAfter) => {
      const { anns, bos } = pair();
      await anns.dispatch(added("first")).applied;
      stage.proxy.mischief = { cutAfter };
      const lines = Array.from({ length: 30 }, (_, i) => `${i}`);
      const writes = lines.map((line) => anns.dispatch(added(line)));
      await new Promise((resolve) => setTimeout(resolve, 300));
      stage.proxy.mischief = {};
      await Promise.all(writes.map(({ applied }) => applied));
      expect(await stage.lines).toEqual(["first", ...lines]);
      await until(() => bos.state.model?.lines.length === 31);
    },
  );

  test.each([120, 500, 900])("[TC8] requests cut after %i bytes: exactly once, in order", async (cut) => {
    const { anns } = pair();
    await anns.dispatch(added("first")).applied;
    stage.proxy.mischief = { cutRequestAfter: cut };
    const lines = Array.from({ length: 30 }, (_, i) => `${i}`);
    const writes = lines.map((line) => anns.dispatch(added(line)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    stage.proxy.mischief = {};
    stage.proxy.reset();
    await Promise.all(writes.map(({ applied }) => applied));
    expect(await stage.lines).toEqual(["first", ...lines]);
  });

  test("[TC9] latency, and frames that come in pieces of a few bytes", async () => {
    stage.proxy.mischief = { latency: 15, dribble: 7 };
    const { anns, bos } = pair();
    const lines = Array.from({ length: 20 }, (_, i) => `ünï ${i}`);
    await Promise.all(lines.map((line) => anns.dispatch(added(line)).applied));
    await until(() => bos.state.model?.lines.length === 20);
    expect(bos.state.model?.lines).toEqual(lines);
  });

  test("[TC10] S26 a proxy that answers 502 for a while: nothing is lost", async () => {
    const { anns } = pair();
    await anns.dispatch(added("one")).applied;
    stage.proxy.mischief = { answer: BAD_GATEWAY };
    stage.proxy.reset();
    const write = anns.dispatch(added("two"));
    await new Promise((resolve) => setTimeout(resolve, 200));
    stage.proxy.mischief = {};
    await expect(write.applied).resolves.toMatchObject({ sequence: 2 });
    expect(await stage.lines).toEqual(["one", "two"]);
  });

  test("[TC11] S23 half-open: found by silence, and nothing is lost", async () => {
    const { anns, bos } = pair();
    await anns.dispatch(added("one")).applied;
    await until(() => bos.state.model?.lines.length === 1);
    stage.proxy.mischief = { silent: true };
    const write = anns.dispatch(added("two"));
    await until(() => anns.state.status !== "live");
    stage.proxy.mischief = {};
    await expect(write.applied).resolves.toMatchObject({ sequence: 2 });
    await until(() => bos.state.model?.lines.length === 2);
  });
});

test.each(["json", "messagepack"] as const)(
  "[HT9] a proxy that gathers streams: polls take the place of the stream (%s)",
  async (format) => {
    stage.proxy.mischief = { gather: 1 << 20 };
    const [ann, bo] = [stage.client("http", format), stage.client("auto", format)];
    const [anns, bos] = [ann.topic(note, "1"), bo.topic(note, "1")];
    anns.retain();
    bos.retain();
    await anns.dispatch(added("one")).applied;
    await bos.dispatch(added("two")).applied;
    await until(() => anns.state.model?.lines.length === 2 && anns.state.status === "live");
  },
);
