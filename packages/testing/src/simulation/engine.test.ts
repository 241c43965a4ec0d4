// What the model of a shared engine does to the calls of two nodes.
import { memoryLog } from "@calla/server";
import type { Append, PubSub } from "@calla/server";
import { rewindableLog } from "@calla/server/testing";
import { describe, expect, test } from "vitest";
import { virtualClock } from "../doubles/clock.ts";
import { seededRandom } from "../doubles/random.ts";
import { lossyPubSub } from "../doubles/doorbell.ts";
import { Engine } from "./engine.ts";

const place = (sequence: number) => ({ sequence, mark: sequence });
const appendOf = (sequence: number): Append => ({
  target: "pad:1",
  expected: place(sequence),
  records: [
    { ...place(sequence + 1), version: 1, id: `m${sequence}`, at: 0, author: null, mid: 0, messages: [] },
  ],
  rows: [],
  at: 0,
});

function started() {
  const clock = virtualClock();
  const lost: number[] = [];
  const engine = new Engine({ clock, nodes: 2, lose: async (lacks) => void lost.push(lacks) });
  const inner = rewindableLog(memoryLog({ shared: true }));
  const logs = [engine.log(0, inner), engine.log(1, inner)] as const;
  const between = lossyPubSub({ clock, random: seededRandom(1) });
  const processes = [clock.process(), clock.process()] as const;
  const heard: string[] = [];
  const pubsubs = processes.map((process, node): PubSub => {
    const pubsub = engine.pubsub(node, between, process);
    pubsub.subscribe("bell", (payload) => void heard.push(`${node}: ${String(payload)}`));
    pubsub.onGap!(() => void heard.push(`${node}: gap`));
    return pubsub;
  });
  /** How far the log really is. */
  const head = async (): Promise<number> => (await inner.open("pad:1"))?.sequence ?? 0;
  const hears = async (): Promise<string[]> => {
    await clock.advance(1);
    return heard.splice(0).toSorted();
  };
  return { clock, engine, logs, pubsubs, processes, lost, head, hears };
}
const problem = (call: Promise<unknown>) =>
  call.then(
    () => "none",
    (error: { details: { code: string } }) => error.details.code,
  );

describe("a node apart from the log", () => {
  test("is told nothing of its first call, which is done where that is drawn, and has no other until its time is over", async () => {
    const { clock, engine, logs, head } = started();
    for (const [at, unanswered] of [true, false].entries()) {
      const done = await head();
      await engine.carryOut({ do: "engine-apart", node: 0, from: "log", for: 100, unanswered });
      expect(await problem(logs[0].append([appendOf(done)]))).toBe("cut");
      expect(await head()).toBe(done + (unanswered ? 1 : 0));
      expect(await problem(logs[0].open("pad:1"))).toBe("cut");
      expect(await problem(logs[1].open("pad:1"))).toBe("none");
      await clock.advance(100);
      expect([at, await problem(logs[0].open("pad:1"))]).toEqual([at, "none"]);
    }
  });

  test("and from the others hears and says nothing, and is told afterwards, once for what overlaps", async () => {
    const { clock, engine, pubsubs, hears } = started();
    await engine.carryOut({ do: "engine-apart", node: 0, from: "both", for: 100, unanswered: false });
    await clock.advance(50);
    await engine.carryOut({ do: "engine-apart", node: 0, from: "pubsub", for: 100, unanswered: false });
    pubsubs[0]!.publish("bell", "from 0");
    pubsubs[1]!.publish("bell", "from 1");
    expect(await hears()).toEqual(["1: from 1"]);
    await clock.advance(98);
    expect(await hears()).toEqual(["0: gap"]);
    pubsubs[0]!.publish("bell", "again");
    expect(await hears()).toEqual(["0: again", "1: again"]);
  });
});

test("a pubsub that is away is so for all, and all are told but a process that was killed meanwhile", async () => {
  const { clock, engine, pubsubs, processes, hears } = started();
  await engine.carryOut({ do: "engine-pubsub-away", for: 100 });
  pubsubs[1]!.publish("bell", 1);
  processes[0].kill();
  await clock.advance(100);
  expect(await hears()).toEqual(["1: gap"]);
});

test("a failover serves nobody, then lacks the last appends, and all lines were cut", async () => {
  const { clock, engine, logs, lost, hears } = started();
  await engine.carryOut({ do: "engine-failover", lacks: 3, for: 100 });
  expect(await problem(logs[1].open("pad:1"))).toBe("down");
  expect(lost).toEqual([]);
  await clock.advance(100);
  expect(lost).toEqual([3]);
  expect(await hears()).toEqual(["0: gap", "1: gap"]);
  expect(await problem(logs[1].open("pad:1"))).toBe("none");
});

test("a read-only engine answers and takes nothing; an emptied one is refused", async () => {
  const { clock, engine, logs, head } = started();
  await engine.carryOut({ do: "engine-read-only", for: 100 });
  expect(await problem(logs[0].append([appendOf(0)]))).toBe("read-only");
  expect(await problem(logs[0].open("pad:1"))).toBe("none");
  await clock.advance(100);
  await engine.carryOut({ do: "engine-emptied", for: 100 });
  expect(await problem(logs[0].open("pad:1"))).toBe("other");
  engine.calm();
  expect(await problem(logs[0].append([appendOf(0)]))).toBe("none");
  expect(await head()).toBe(1);
});

test("changes that are held back are not shown, nor what stands behind them, and nothing is passed over", async () => {
  const { clock, engine, logs } = started();
  const [log] = logs;
  await log.append([appendOf(0)]);
  engine.appended("pad:1", 1);
  await engine.carryOut({ do: "engine-held-back", for: 100 });
  await log.append([appendOf(1)]);
  engine.appended("pad:1", 2);
  const sequences = async (after: string): Promise<[number[], string]> => {
    const { changes, position } = await log.changes(after, 10);
    return [changes.map((change) => ("record" in change ? change.record.sequence : 0)), position];
  };
  const [before, position] = await sequences("");
  expect(before).toEqual([1]);
  expect(await sequences(position)).toEqual([[], position]);
  await clock.advance(100);
  expect((await sequences(position))[0]).toEqual([2]);
});

test("calm is told of where a line was down", async () => {
  const { engine, hears, clock } = started();
  await engine.carryOut({ do: "engine-apart", node: 1, from: "both", for: 5_000, unanswered: false });
  engine.calm();
  expect(await hears()).toEqual(["1: gap"]);
  await clock.advance(5_000);
  expect(await hears()).toEqual([]);
});
