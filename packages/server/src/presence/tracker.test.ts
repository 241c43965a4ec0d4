import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localPubSub } from "../cluster/pubsub.ts";
import type { Meta, Node } from "./net.arbitrary.ts";
import { Net, TOPICS, viewOf } from "./net.arbitrary.ts";
import { tagOf } from "./state/entry.ts";

const at = (topic: string, holder: string, key: string, n: number): string =>
  JSON.stringify([topic, holder, key, { n }]);
const joinsOf = ({ diffs }: Node): readonly number[] =>
  diffs.flatMap(({ joins }) => joins.map(({ meta }) => meta.n));
const leavesOf = ({ diffs }: Node): readonly number[] =>
  diffs.flatMap(({ leaves }) => leaves.map(({ meta }) => meta.n));
/** Nodes that know each other. */
function nodes(many: number, seed = 1) {
  const net = new Net(seed);
  const all = Array.from({ length: many }, () => net.begin());
  net.advance(100);
  for (const { tracker } of all) expect(tracker.nodes).toBe(many - 1);
  return { net, all };
}

describe("one node", () => {
  test("[PN20] tracks, updates and ends what it holds, and lists it", () => {
    const { all } = nodes(1);
    const [{ tracker }] = all as [Node];
    expect(tracker.track("t", "h", "k", { n: 1 })).toBe(true);
    expect(tracker.track("t", "h", "k", { n: 2 })).toBe(false);
    expect(tracker.update("t", "h", "other", { n: 2 })).toBe(false);
    expect(tracker.untrack("t", "h", "other")).toBe(false);
    expect(tracker.untrackAll("other")).toBe(false);
    expect(tracker.getByKey("t", "k").map(({ meta }) => meta.n)).toEqual([1]);
    expect(tracker.update("t", "h", "k", { n: 3 })).toBe(true);
    expect([...tracker.list("t")].map(([key, [entry]]) => [key, entry!.meta.n])).toEqual([["k", 3]]);
    expect(tracker.list("t")).toBe(tracker.list("t"));
    tracker.track("t", "g", "k", { n: 4 });
    tracker.track("u", "g", "l", { n: 5 });
    expect([tracker.count("t"), tracker.count("u"), tracker.count("nobody's")]).toEqual([2, 1, 0]);
    expect(tracker.untrackAll("g")).toBe(true);
    expect(tracker.untrack("t", "h", "k")).toBe(true);
    expect([tracker.count("t"), tracker.count("u")]).toEqual([0, 0]);
  });

  test("[PN21] tells each change at once, once, topic by topic, an update as one diff", () => {
    const { all } = nodes(1);
    const [{ tracker, diffs }] = all as [Node];
    tracker.track("t", "h", "k", { n: 1 });
    tracker.update("t", "h", "k", { n: 2 });
    tracker.track("u", "h", "k", { n: 3 });
    tracker.untrackAll("h");
    const told = diffs.map(({ topic, joins, leaves }) => [
      topic,
      joins.map(({ meta }) => meta.n),
      leaves.map(({ meta }) => meta.n),
    ]);
    expect(told).toEqual([
      ["t", [1], []],
      ["t", [2], [1]],
      ["u", [3], []],
      ["t", [], [2]],
      ["u", [], [3]],
    ]);
    const [first, second] = diffs;
    expect(second!.joins[0]!.replaced).toBe(first!.joins[0]!.clock);
  });

  test("[PN21] who has no name is counted, and neither listed nor told of", () => {
    const { net, all } = nodes(2);
    const [one, two] = all as [Node, Node];
    one.tracker.track("t", "h", "", { n: 1 });
    net.advance(100);
    expect([one.tracker.count("t"), two.tracker.count("t")]).toEqual([1, 1]);
    one.tracker.untrackAll("h");
    net.advance(100);
    expect([one.tracker.count("t"), two.tracker.count("t")]).toEqual([0, 0]);
    expect([one.diffs, two.diffs, two.tracker.list("t").size]).toEqual([[], [], 0]);
  });

  test("[PN22] what a listener changes is told to all behind what they hear; who comes late hears what comes then", () => {
    const { all } = nodes(1);
    const [{ tracker }] = all as [Node];
    const heard: (readonly [who: string, n: number | undefined])[] = [];
    tracker.onDiff(({ joins }) => {
      const n = joins[0]?.meta.n;
      heard.push(["first", n]);
      if (n === 1) {
        tracker.track("t", "g", "l", { n: 2 });
        tracker.onDiff((diff) => void heard.push(["late", diff.joins[0]?.meta.n]));
      }
    });
    tracker.onDiff(({ joins }) => void heard.push(["second", joins[0]?.meta.n]));
    tracker.track("t", "h", "k", { n: 1 });
    tracker.track("t", "i", "m", { n: 3 });
    expect(heard).toEqual([
      ["first", 1],
      ["second", 1],
      ["first", 2],
      ["second", 2],
      ["first", 3],
      ["second", 3],
      ["late", 3],
    ]);
  });

  test("[PN22] a listener that throws or rejects is reported, and the others hear; one that has left does not", async () => {
    const { all } = nodes(1);
    const [{ tracker, errors }] = all as [Node];
    let heard = 0;
    tracker.onDiff(() => {
      leave();
      throw new Error("of the app");
    });
    tracker.onDiff(() => Promise.reject(new Error("later")));
    const leave = tracker.onDiff(() => void heard++);
    tracker.onDiff(() => void heard++);
    tracker.track("t", "h", "k", { n: 1 });
    await Promise.resolve();
    await Promise.resolve();
    expect(heard).toBe(1);
    expect(errors.map(String)).toEqual(["Error: of the app", "Error: later"]);
  });

  test("[PN31] a text that other nodes would not read is refused at once", () => {
    const { all } = nodes(1);
    const [{ tracker }] = all as [Node];
    const long = "x".repeat(4_097);
    for (const [topic, holder, key] of [
      [long, "h", "k"],
      ["t", long, "k"],
      ["t", "h", long],
    ] as const)
      expect(() => tracker.track(topic, holder, key, { n: 1 })).toThrow(/4097 characters/);
    expect(tracker.track(long.slice(1), "h", "k", { n: 1 })).toBe(true);
  });
});

describe("what other nodes would not read", () => {
  test.each([1.5, -1, NaN, Infinity, "1", null])(
    "[PN37] an attempt of %s is refused at once: no message with it would be read",
    (attempt) => {
      const { net, all } = nodes(2);
      const [one, two] = all as [Node, Node];
      const wrong = attempt as number;
      expect(() => one.tracker.track("t", "h", "k", { n: 1 }, wrong)).toThrow(/attempt/);
      expect(() => one.tracker.untrackAll("h", wrong)).toThrow(/attempt/);
      one.tracker.track("t", "h", "k", { n: 2 }, 0);
      net.advance(5_000);
      expect([one.tracker.count("t"), two.tracker.count("t")]).toEqual([1, 1]);
      expect([one.errors, two.errors]).toEqual([[], []]);
    },
  );

  test("[PN37] what is no text is refused at once", () => {
    const { net, all } = nodes(2);
    const [one, two] = all as [Node, Node];
    for (const wrong of [7, null, undefined, {}] as unknown as string[])
      for (const [topic, holder, key] of [
        [wrong, "h", "k"],
        ["t", wrong, "k"],
        ["t", "h", wrong],
      ] as const)
        expect(() => one.tracker.track(topic, holder, key, { n: 1 })).toThrow(/texts/);
    net.advance(5_000);
    expect([one.tracker.count("t"), two.errors]).toEqual([0, []]);
  });

  test.each([NaN, Infinity, -5, "x", undefined])(
    "[PN25] a spread of %s is none, or the longest that is believed",
    (told) => {
      const net = new Net();
      const one = net.begin({ spread: () => told as number });
      const two = net.begin();
      one.tracker.track("t", "h", "k", { n: 1 });
      net.advance(5_000);
      expect([two.tracker.count("t"), two.errors]).toEqual([1, []]);
    },
  );

  test("[PN25] a spread that throws is reported once, and the node goes on", () => {
    const net = new Net();
    const one = net.begin({
      spread: () => {
        throw new Error("of the app");
      },
    });
    const two = net.begin();
    one.tracker.track("t", "h", "k", { n: 1 });
    net.advance(20_000);
    expect(two.tracker.count("t")).toBe(1);
    expect(one.errors.map(String)).toEqual(["Error: of the app"]);
    one.tracker.stop();
    net.advance(10);
    expect(two.tracker.count("t")).toBe(0);
  });
});

describe("several nodes", () => {
  test("[PN23] a change is told everywhere at the end of its turn, and what follows within 50 ms with the next", () => {
    const { net, all } = nodes(3);
    const [one, two, three] = all as [Node, Node, Node];
    net.sent = [];
    one.tracker.track("t", "h", "k", { n: 1 });
    expect(two.tracker.count("t")).toBe(0);
    net.settle();
    expect([two.tracker.count("t"), three.tracker.count("t")]).toEqual([1, 1]);
    for (let n = 2; n <= 10; n++) one.tracker.track("t", `h${n}`, "k", { n });
    one.tracker.update("t", "h", "k", { n: 11 });
    net.settle();
    expect(two.tracker.count("t")).toBe(1);
    net.advance(50);
    expect(two.tracker.count("t")).toBe(10);
    expect(net.sent.filter(({ said }) => said["type"] === "changes")).toHaveLength(2);
    net.agreed();
    // An update is one diff there too.
    expect(two.diffs.filter(({ joins, leaves }) => joins.length > 0 && leaves.length > 0)).toHaveLength(1);
  });

  test("[PN24] what was lost is told by the next beat, and asked for once", () => {
    const { net, all } = nodes(2);
    const [one, two] = all as [Node, Node];
    net.line = { lose: 1 };
    one.tracker.track("t", "h", "k", { n: 1 });
    one.tracker.track("t", "g", "k", { n: 2 });
    one.tracker.untrackAll("h");
    net.settle();
    net.line = {};
    expect(two.tracker.count("t")).toBe(0);
    net.sent = [];
    net.advance(1_500);
    expect(net.agreed()).toEqual([at("t", "g", "k", 2)]);
    expect(net.sent.filter(({ said }) => said["type"] === "ask")).toHaveLength(1);
    expect(leavesOf(two)).toEqual([]);
  });

  test("[PN25] a node that is killed is silent: its members are gone everywhere after 15 s, in one diff", () => {
    const { net, all } = nodes(3);
    const [one, two, three] = all as [Node, Node, Node];
    one.tracker.track("t", "h", "k", { n: 1 });
    one.tracker.track("t", "g", "l", { n: 2 });
    two.tracker.track("t", "h", "k", { n: 3 });
    net.advance(100);
    net.kill(one);
    net.advance(13_400);
    expect([two.tracker.count("t"), three.tracker.count("t")]).toEqual([3, 3]);
    net.advance(1_600);
    expect(net.agreed()).toEqual([at("t", "h", "k", 3)]);
    expect(three.diffs.at(-1)!.leaves).toHaveLength(2);
    expect(three.tracker.nodes).toBe(1);
  });

  test("[PN25] a node that told its clients of a wider spread may be silent for that long", () => {
    const net = new Net();
    let spread = 0;
    const one = net.begin({ spread: () => spread });
    const two = net.begin();
    one.tracker.track("t", "h", "k", { n: 1 });
    spread = 40_000;
    net.advance(3_000);
    net.kill(one);
    net.advance(38_000);
    expect(two.tracker.count("t")).toBe(1);
    net.advance(2_000);
    expect(two.tracker.count("t")).toBe(0);
  });

  test("[PN25] a spread that is narrow again counts from then on; none is believed above ten minutes", () => {
    const net = new Net();
    let spread = 3_600_000;
    const one = net.begin({ spread: () => spread });
    const two = net.begin();
    one.tracker.track("t", "h", "k", { n: 1 });
    net.advance(3_000);
    spread = 0;
    net.advance(3_000);
    net.kill(one);
    net.advance(15_000);
    expect(two.tracker.count("t")).toBe(0);
    const three = net.begin({ spread: () => 3_600_000 });
    three.tracker.track("t", "h", "k", { n: 1 });
    net.advance(3_000);
    net.kill(three);
    net.advance(600_000);
    expect(two.tracker.count("t")).toBe(0);
  });

  test("[PN26] a node that stood still itself judges nobody before it has heard what waits", () => {
    const { net, all } = nodes(2);
    const [one, two] = all as [Node, Node];
    one.tracker.track("t", "h", "k", { n: 1 });
    net.advance(1_000);
    two.diffs.length = 0;
    net.stall(two);
    net.advance(60_000);
    net.resume(two);
    net.advance(5_000);
    expect(two.diffs).toEqual([]);
    expect(two.tracker.count("t")).toBe(1);
    // And it does judge: a node that went meanwhile is gone.
    net.stall(two);
    net.advance(30_000);
    net.kill(one);
    net.advance(30_000);
    net.resume(two);
    net.advance(17_000);
    expect(two.tracker.count("t")).toBe(0);
  });

  test("[PN27] goodbye: a node that stops is gone everywhere at once, whatever of it still arrives", () => {
    const { net, all } = nodes(3);
    const [one, two, three] = all as [Node, Node, Node];
    net.line = { delay: 100 };
    for (let n = 0; n < 20; n++) {
      one.tracker.track("t", `h${n}`, "k", { n });
      net.advance(7);
    }
    one.tracker.stop();
    one.tracker.stop();
    one.alive = false;
    net.advance(200);
    for (const { tracker } of [two, three]) expect([tracker.count("t"), tracker.nodes]).toEqual([0, 1]);
    net.sent = [];
    net.advance(20_000);
    expect(net.sent.filter(({ from }) => from === 0)).toEqual([]);
    expect(one.tracker.track("t", "new", "k", { n: 1 })).toBe(false);
    expect(two.diffs.at(-1)!.joins).toEqual([]);
    // All that there is of a node comes behind its goodbye.
    net.line = { delay: 100 };
    two.tracker.track("t", "h", "k", { n: 1 });
    net.settle();
    net.line = {};
    two.tracker.stop();
    two.alive = false;
    net.advance(200);
    expect([three.tracker.count("t"), three.tracker.nodes]).toEqual([0, 0]);
  });

  test("[PN28] a node that begins again under its name is another replica, and its earlier life is over at its first word", () => {
    const net = new Net();
    const first = net.begin({ name: "web-1" });
    const two = net.begin();
    first.tracker.track("t", "h", "k", { n: 1 });
    net.advance(100);
    net.kill(first);
    const second = net.begin({ name: "web-1" });
    second.tracker.track("t", "h", "k", { n: 2 });
    net.advance(100);
    expect(second.tracker.replica).not.toBe(first.tracker.replica);
    expect(net.agreed()).toEqual([at("t", "h", "k", 2)]);
    expect(leavesOf(two)).toEqual([1]);
    expect([two.errors, second.errors]).toEqual([[], []]);
  });

  test("[PN53] a node that said for how long its members are to be kept, and begins again before that, ends them no sooner", () => {
    const net = new Net();
    const first = net.begin({ name: "web-1" });
    const two = net.begin({ name: "web-2" });
    first.tracker.track("t", "h", "k", { n: 1 }, 1);
    first.tracker.track("t", "g", "k", { n: 2 }, 1);
    net.advance(100);
    first.tracker.stop(30_000);
    net.advance(100);
    // A second time as well.
    for (const holder of ["i", "j"]) {
      const again = net.begin({ name: "web-1" });
      again.tracker.track("t", holder, "k", { n: 3 }, 1);
      net.advance(3_000);
      if (holder === "i") again.tracker.stop(30_000);
      else again.tracker.track("t", "h", "k", { n: 4 }, 2);
      net.advance(100);
    }
    expect(leavesOf(two)).toEqual([1]);
    expect(two.tracker.list("t").get("k")).toHaveLength(4);
    net.advance(40_000);
    expect(
      two.tracker
        .list("t")
        .get("k")!
        .map(({ meta }) => meta.n)
        .toSorted(),
    ).toEqual([3, 4]);
    expect(two.errors).toEqual([]);
  });

  test("[PN28] late words of an earlier life are no sign of life", () => {
    const net = new Net();
    const two = net.begin();
    net.line = { delay: 900 };
    // Nobody has heard of it by the time its later life begins.
    const first = net.begin({ name: "web-1" });
    first.tracker.track("t", "h", "k", { n: 1 });
    net.settle();
    net.kill(first);
    net.step(1);
    net.line = {};
    const second = net.begin({ name: "web-1" });
    net.advance(1_000);
    expect([two.tracker.count("t"), second.tracker.count("t"), two.tracker.nodes]).toEqual([0, 0, 1]);
  });

  test("[PN28] a wall clock that was set back before a node began again delays it by the silence of its earlier life", () => {
    const net = new Net();
    const first = net.begin({ name: "web-1" });
    const two = net.begin();
    first.tracker.track("t", "h", "k", { n: 1 });
    net.advance(100);
    net.kill(first);
    net.step(-60_000);
    const second = net.begin({ name: "web-1" });
    second.tracker.track("t", "g", "k", { n: 2 });
    net.advance(10_000);
    expect(
      two.tracker
        .list("t")
        .get("k")!
        .map(({ meta }) => meta.n),
    ).toEqual([1]);
    net.advance(8_000);
    expect(net.agreed()).toEqual([at("t", "g", "k", 2)]);
  });

  test("[PN28] two nodes of one name: the earlier one reports it, and goes on", () => {
    const net = new Net();
    const one = net.begin({ name: "web" });
    net.advance(10);
    const two = net.begin({ name: "web" });
    one.tracker.track("t", "h", "k", { n: 1 });
    net.advance(10_000);
    expect(one.errors.map(String)).toEqual([expect.stringContaining("Give each node a name of its own")]);
    expect([two.errors, one.tracker.count("t")]).toEqual([[], 1]);
  });

  test("[PN29] a node that comes late lists everybody after one round trip, and no node's members in part", () => {
    const { net, all } = nodes(3);
    const [one, two] = all as [Node, Node];
    for (let n = 0; n < 2_500; n++) one.tracker.track("t", `h${n}`, `k${n}`, { n });
    two.tracker.track("t", "h", "k", { n: 1 });
    net.advance(1_000);
    net.line = { delay: 20 };
    const late = net.begin();
    const counts = new Set<number>();
    late.tracker.onDiff(() => void counts.add(late.tracker.count("t")));
    net.advance(200);
    expect(net.agreed()).toHaveLength(2_501);
    expect([...counts].filter((count) => ![1, 2_500, 2_501].includes(count))).toEqual([]);
  });

  test("[PN29] who is far behind is told in messages of a thousand changes, one in a turn", () => {
    const { net, all } = nodes(2);
    const [one] = all as [Node];
    for (let n = 0; n < 12_000; n++) one.tracker.track("t", "h", `k${n % 3_000}`, { n });
    for (let n = 0; n < 3_000; n++) one.tracker.update("t", "h", `k${n}`, { n });
    net.advance(1_000);
    net.sent = [];
    const late = net.begin();
    net.settle();
    const told = net.sent.filter(
      ({ said }) => said["to"] === late.tracker.replica && said["type"] === "changes",
    );
    expect(
      told.map(({ said }) => (said["entries"] as unknown[]).length).every((length) => length <= 1_000),
    ).toBe(true);
    expect(told.length).toBeGreaterThanOrEqual(3);
    expect(net.agreed()).toHaveLength(3_000);
  });

  test("[PN32] a split is told once on each side, and so is its end: without ghosts of who left meanwhile", () => {
    const { net, all } = nodes(2);
    const [one, two] = all as [Node, Node];
    one.tracker.track("t", "stays", "k", { n: 1 });
    one.tracker.track("t", "leaves", "k", { n: 2 });
    two.tracker.track("t", "other", "k", { n: 3 });
    net.advance(1_000);
    net.cut(one, two);
    net.advance(20_000);
    expect([viewOf(one).length, viewOf(two).length]).toEqual([2, 1]);
    one.tracker.untrackAll("leaves");
    one.tracker.track("t", "new", "k", { n: 4 });
    net.advance(20_000);
    for (const node of all) node.diffs.length = 0;
    net.mend();
    net.advance(3_200);
    expect(net.agreed()).toHaveLength(3);
    expect([joinsOf(two), leavesOf(two), joinsOf(one), leavesOf(one)]).toEqual([[1, 4], [], [3], []]);
    // And what comes after the split is judged as before.
    net.kill(one);
    net.advance(15_000);
    expect(viewOf(two)).toHaveLength(1);
  });

  test("[PN32] a node that was silent for twenty minutes more is forgotten, and learnt anew if it comes again", () => {
    const { net, all } = nodes(2);
    const [one, two] = all as [Node, Node];
    one.tracker.track("t", "h", "k", { n: 1 });
    net.advance(1_000);
    net.cut(one, two);
    net.advance(16_000 + 1_201_000);
    net.mend();
    net.advance(5_000);
    expect(net.agreed()).toEqual([at("t", "h", "k", 1)]);
    expect([joinsOf(two), leavesOf(two)]).toEqual([[1, 1], [1]]);
  });

  test("[PN36] a holder that comes to another node by a higher attempt takes its place everywhere, in one diff", () => {
    const { net, all } = nodes(3);
    const [one, two, three] = all as [Node, Node, Node];
    one.tracker.track("t", "client", "k", { n: 1 }, 1);
    one.tracker.track("u", "client", "k", { n: 2 }, 1);
    net.advance(100);
    for (const node of all) node.diffs.length = 0;
    expect(two.tracker.track("t", "client", "user", { n: 3 }, 2)).toBe(true);
    net.advance(200);
    expect(net.agreed()).toEqual([at("t", "client", "user", 3), at("u", "client", "k", 2)]);
    for (const { diffs, tracker } of all) {
      expect(diffs.map(({ joins, leaves }) => [joins.length, leaves.length])).toEqual([[1, 1]]);
      expect(tracker.count("u")).toBe(1);
    }
    // The earlier connection ends late, and tries what it may.
    expect(one.tracker.update("t", "client", "k", { n: 4 })).toBe(false);
    expect(one.tracker.track("t", "client", "k", { n: 4 }, 1)).toBe(false);
    expect(one.tracker.untrackAll("client", 1)).toBe(true);
    net.advance(200);
    expect(net.agreed()).toEqual([at("t", "client", "user", 3)]);
    expect(three.tracker.count("u")).toBe(0);
    // Nothing is left of it, so it does not come back.
    two.tracker.untrackAll("client");
    net.advance(200);
    expect(net.agreed()).toEqual([]);
  });

  test("[PN36] a holder that comes again to the same node is updated, and its earlier connection's end does not end it", () => {
    const { net, all } = nodes(2);
    const [one, two] = all as [Node, Node];
    one.tracker.track("t", "client", "k", { n: 1 }, 1);
    one.tracker.track("t", "client", "l", { n: 2 }, 1);
    net.advance(100);
    expect(one.tracker.track("t", "client", "k", { n: 3 }, 2)).toBe(true);
    expect(one.tracker.track("t", "client", "k", { n: 4 }, 2)).toBe(false);
    expect(one.tracker.untrackAll("client", 1)).toBe(false);
    net.advance(100);
    expect(net.agreed()).toEqual([at("t", "client", "k", 3)]);
    expect(two.diffs.map(({ joins, leaves }) => [joins.length, leaves.length])).toEqual([
      [2, 0],
      [1, 2],
    ]);
  });

  test("[PN36] whoever was cut off while a holder came elsewhere gives way at the end of the split", () => {
    const { net, all } = nodes(2);
    const [one, two] = all as [Node, Node];
    one.tracker.track("t", "client", "k", { n: 1 }, 1);
    net.advance(100);
    net.cut(one, two);
    net.advance(20_000);
    two.tracker.track("t", "client", "k", { n: 2 }, 2);
    net.advance(1_000);
    one.diffs.length = 0;
    net.mend();
    net.advance(4_000);
    expect(net.agreed()).toEqual([at("t", "client", "k", 2)]);
    expect(one.diffs.map(({ joins, leaves }) => [joins.length, leaves.length])).toEqual([[1, 1]]);
    // Nothing is left of it, so it does not come back.
    two.tracker.untrackAll("client");
    net.advance(200);
    expect(net.agreed()).toEqual([]);
    expect(one.tracker.untrackAll("client", 1)).toBe(false);
  });

  test("[PN33] behind a gap of the pubsub all say how far they are, at once", () => {
    const { net, all } = nodes(3);
    const [one, two] = all as [Node, Node];
    net.line = { lose: 1 };
    one.tracker.track("t", "h", "k", { n: 1 });
    two.tracker.track("t", "h", "k", { n: 2 });
    net.settle();
    net.line = {};
    for (const gap of two.gaps) gap();
    net.settle();
    expect([one, two].map(viewOf)).toEqual([1, 2].map(() => [at("t", "h", "k", 1), at("t", "h", "k", 2)]));
  });

  test("[PN34] trackers of two scopes do not hear each other", () => {
    const net = new Net();
    const [one, two] = [net.begin({ scope: "a" }), net.begin({ scope: "b" })];
    one.tracker.track("t", "h", "k", { n: 1 });
    net.advance(5_000);
    expect([two.tracker.count("t"), two.tracker.nodes, two.errors]).toEqual([0, 0, []]);
  });

  test("[PN35] 10,000 that arrive within a second on three nodes are listed by all within two", () => {
    const { net, all } = nodes(3);
    net.line = { delay: 40 };
    net.sent = [];
    for (let n = 0; n < 10_000; n++) {
      all[n % 3]!.tracker.track("room:1", `h${n}`, `k${n}`, { n });
      if (n % 10 === 9) net.advance(1);
    }
    net.advance(1_000);
    expect(net.agreed()).toHaveLength(10_000);
    const changes = net.sent.filter(({ said }) => said["type"] === "changes");
    // Three nodes, a message in 50 ms.
    expect(changes.length).toBeLessThanOrEqual(70);
    expect(Math.max(...changes.map(({ bytes }) => bytes))).toBeLessThan(20_000);
  });
});

describe("[PN23] over a line that loses, doubles, delays and reorders", () => {
  type Step = (net: Net) => void;
  const node = fc.nat(5);
  const living = (net: Net): readonly Node[] => net.nodes.filter(({ alive }) => alive);
  const on =
    (i: number, step: (node: Node, net: Net) => void): Step =>
    (net) => {
      const all = living(net);
      step(all[i % all.length]!, net);
    };
  const change = fc
    .tuple(node, fc.nat(4), fc.nat(2), fc.nat(3), fc.nat(99))
    .map(([i, what, topic, holder, n]) =>
      on(i, ({ tracker }) => {
        const place = [TOPICS[topic]!, `h${holder}`, holder % 2 === 0 ? "k" : "constructor"] as const;
        if (what === 0) tracker.untrackAll(place[1]);
        else if (what === 1) tracker.untrack(...place);
        else if (!tracker.track(...place, { n }, n % 3 === 0 ? Math.floor(n / 25) : undefined))
          tracker.update(...place, { n });
      }),
    );
  const pass = fc.integer({ min: 1, max: 4_000 }).map(
    (ms): Step =>
      (net) =>
        net.advance(ms),
  );
  const kill = node.map((i) =>
    on(i, (node, net) => {
      if (living(net).length > 1) net.kill(node);
    }),
  );
  const stop = node.map((i) =>
    on(i, (node, net) => {
      if (living(net).length === 1) return;
      node.tracker.stop();
      node.alive = false;
    }),
  );
  // Some begin again under the name of one that has gone.
  const begin = fc.nat(2).map((name): Step => (net) => {
    if (living(net).length >= 6) return;
    net.advance(1);
    const free = name > 0 && !living(net).some((one) => names.get(one) === `web-${name}`);
    const node = net.begin(free ? { name: `web-${name}` } : {});
    if (free) names.set(node, `web-${name}`);
  });
  const names = new WeakMap<Node, string>();
  const split = fc.tuple(node, node).map(([i, j]): Step => (net) => {
    const all = living(net);
    if (i % all.length !== j % all.length) net.cut(all[i % all.length]!, all[j % all.length]!);
  });
  const mend = fc.constant<Step>((net) => net.mend());
  const stall = fc.tuple(node, fc.integer({ min: 1, max: 30_000 })).map(([i, ms]) =>
    on(i, (node, net) => {
      net.stall(node);
      net.advance(ms);
      net.resume(node);
    }),
  );
  // Who is on its lists tracks again.
  const restart = node.map((i) =>
    on(i, ({ tracker }) => {
      const own = TOPICS.flatMap((topic) => [...tracker.list(topic).values()].flat()).filter(
        ({ replica }) => replica === tracker.replica,
      );
      const undo = tracker.onRestart(() => {
        for (const { topic, holder, key, meta, attempt } of own)
          tracker.track(topic, holder, key, meta, attempt);
      });
      tracker.restart();
      undo();
    }),
  );
  const gap = node.map((i) => on(i, ({ gaps }) => gaps.forEach((listener) => listener())));
  const steps = fc.array(
    fc.oneof(
      { weight: 12, arbitrary: change },
      { weight: 6, arbitrary: pass },
      { weight: 1, arbitrary: kill },
      { weight: 1, arbitrary: stop },
      { weight: 2, arbitrary: begin },
      { weight: 1, arbitrary: split },
      { weight: 1, arbitrary: mend },
      { weight: 1, arbitrary: stall },
      { weight: 1, arbitrary: gap },
      { weight: 1, arbitrary: restart },
    ),
    { maxLength: 80, size: "max" },
  );

  test("all that live list the same once it is quiet, and exactly those that are there", () => {
    const seen = { members: 0, lists: 0 };
    fc.assert(
      fc.property(fc.nat(), steps, fc.double({ min: 0, max: 0.6, noNaN: true }), (seed, all, lose) => {
        const net = new Net(seed);
        net.line = { lose, double: 0.2, delay: 400 };
        for (let i = 0; i < 3; i++) net.begin();
        for (const step of all) step(net);
        net.line = { double: 0.2, delay: 400 };
        net.mend();
        // A kill's silence, then two beats.
        net.advance(15_000 + 2 * 1_500 + 3 * 400 + 750);
        const own = living(net).flatMap(({ tracker }) =>
          TOPICS.flatMap((topic) => [...tracker.list(topic).values()].flat())
            .filter(({ replica }) => replica === tracker.replica)
            .map(({ topic, holder, key, meta }) => JSON.stringify([topic, holder, key, meta])),
        );
        expect(net.agreed()).toEqual(own.toSorted());
        for (const { tracker, errors } of living(net)) {
          expect(tracker.nodes).toBe(living(net).length - 1);
          expect(errors).toEqual([]);
        }
        seen.members += own.length;
        seen.lists++;
      }),
      { numRuns: 120 },
    );
    expect(seen.members).toBeGreaterThan(seen.lists);
  });
});

describe("[PN30] what is no message of presence", () => {
  const said = { v: 1, type: "beat", node: ["n", "r", 1], clock: 0, silence: 15_000 };
  const changes = { ...said, type: "changes", clocks: [1, 3], entries: [[2, "t", "h", "k", { n: 1 }]] };
  const listen = (payload: unknown) => {
    const pubsub = localPubSub();
    const net = new Net();
    const one = net.begin({ pubsub });
    pubsub.publish("presence:test", payload);
    net.settle();
    return one;
  };

  test("what is one is read", () => {
    for (const payload of [said, { ...said, hello: true, more: 1 }, changes, { ...changes, to: "r2" }])
      expect(listen(payload)).toMatchObject({ errors: [], tracker: { nodes: expect.any(Number) as number } });
    expect(listen({ ...changes, clock: 3 }).tracker.count("t")).toBe(1);
    const row = [2, "t", "h", "k", null, 0, 7];
    expect(listen({ ...changes, clock: 3, entries: [row] }).tracker.getByKey("t", "k")).toMatchObject([
      { attempt: 7 },
    ]);
    expect(listen({ ...changes, entries: [[2, "t", "h", "k", null, 1]] }).tracker.count("t")).toBe(1);
  });

  test.each([
    null,
    7,
    "text",
    [],
    {},
    { ...said, v: "1" },
    { ...said, v: undefined },
    { ...said, type: "other" },
    { ...said, type: undefined },
    { ...said, node: ["n", "r"] },
    { ...said, node: ["n", "", 1] },
    { ...said, node: ["n", "r", -1] },
    { ...said, node: { 0: "n", 1: "r", 2: 1 } },
    { ...said, node: ["x".repeat(4_097), "r", 1] },
    { ...said, clock: -1 },
    { ...said, clock: 1.5 },
    { ...said, silence: Infinity },
    { ...said, silence: "1" },
    { ...said, type: "ask" },
    { ...said, type: "ask", of: "x", after: -1 },
    { ...said, type: "ask", of: 1, after: 1 },
    { ...changes, to: 7 },
    { ...changes, clocks: undefined },
    { ...changes, clocks: [1] },
    { ...changes, clocks: [3, 1] },
    { ...changes, clocks: [1, 3, 2, 4] },
    { ...changes, clocks: [0, 3] },
    { ...changes, clocks: ["1", "3"] },
    { ...changes, clocks: [1, 2 ** 60] },
    { ...changes, entries: {} },
    { ...changes, entries: [[4, "t", "h", "k", 1]] },
    { ...changes, entries: [[2, "t", "h", "k"]] },
    { ...changes, entries: [[2, "t", "h", 1, 1]] },
    { ...changes, entries: [[2, "t", "h", "k", 1, 2]] },
    { ...changes, entries: [[2, "t", "h", "k", 1, 0]] },
    { ...changes, entries: [[2, "t", "h", "k", 1, 1, -1]] },
    { ...changes, entries: [[2, "t", "h", "k", 1, 1, 1, 1]] },
    { ...changes, entries: [[2, "x".repeat(4_097), "h", "k", 1]] },
    {
      ...changes,
      entries: [
        [2, "t", "h", "k", 1],
        [2, "t", "g", "k", 1],
      ],
    },
    {
      ...changes,
      entries: [
        [3, "t", "h", "k", 1],
        [2, "t", "g", "k", 1],
      ],
    },
    {
      ...changes,
      entries: Array.from({ length: 10_001 }, (_, i) => [i + 1, "t", "h", `${i}`, 1]),
      clocks: [1, 10_001],
    },
  ])("%j is reported and ignored", (payload) => {
    const { tracker, errors } = listen(payload);
    expect(errors).toMatchObject([{ code: "protocol", details: { what: "malformed" } }]);
    expect([tracker.nodes, tracker.count("t")]).toEqual([0, 0]);
  });

  test("another version is reported as that; each kind once a minute", () => {
    const pubsub = localPubSub();
    const net = new Net();
    const { tracker, errors } = net.begin({ pubsub });
    const all = () => {
      for (const payload of [{ ...said, v: 2 }, { v: 2 }, null, 7]) pubsub.publish("presence:test", payload);
    };
    all();
    all();
    expect(errors).toMatchObject([{ details: { what: "version" } }, { details: { what: "malformed" } }]);
    expect(tracker.nodes).toBe(0);
    net.advance(60_000);
    all();
    expect(errors).toHaveLength(4);
  });

  test("whatever is said, nothing throws, and what is tracked here stays", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.anything(),
            fc.record(
              {
                v: fc.constantFrom(1, 2, "1"),
                type: fc.constantFrom("beat", "changes", "ask", "goodbye", "x"),
                node: fc.oneof(
                  fc.tuple(fc.constantFrom("n", "own"), fc.constantFrom("r", "s", "__proto__"), fc.nat(9)),
                  fc.anything(),
                ),
                clock: fc.oneof(fc.nat(9), fc.maxSafeNat()),
                silence: fc.nat(20_000),
                hello: fc.boolean(),
                of: fc.constantFrom("r", "own"),
                after: fc.oneof(fc.nat(9), fc.maxSafeNat()),
                clocks: fc.oneof(
                  fc.constantFrom([1, 9], [1, 1, 3, Number.MAX_SAFE_INTEGER], []),
                  fc.array(fc.nat(20), { maxLength: 6 }),
                ),
                entries: fc.array(
                  fc.tuple(
                    fc.nat(9),
                    fc.constantFrom("t", "__proto__"),
                    fc.string(),
                    fc.string(),
                    fc.anything(),
                  ),
                  { maxLength: 3 },
                ),
              },
              { requiredKeys: ["v", "type", "node", "clock", "silence"] },
            ),
          ),
          { maxLength: 30, size: "max" },
        ),
        (payloads) => {
          const pubsub = localPubSub();
          const net = new Net();
          const one = net.begin({ pubsub, name: "own" });
          one.tracker.track("room:1", "h", "k", { n: 1 });
          for (const payload of payloads) {
            pubsub.publish("presence:test", payload);
            net.advance(100);
          }
          net.advance(30_000);
          expect(viewOf(one)).toEqual([at("room:1", "h", "k", 1)]);
          expect(one.errors.filter((error) => (error as { code?: string }).code !== "protocol")).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("[PN31] what is bounded", () => {
  test("more nodes than maxNodes are not listened to, which is reported; one that goes makes room", () => {
    const net = new Net();
    const one = net.begin({ maxNodes: 2 });
    const others = [1, 2, 3].map((n) => {
      const other = net.begin();
      other.tracker.track("t", `h${n}`, "k", { n });
      net.advance(10);
      return other;
    });
    expect([one.tracker.nodes, one.tracker.count("t")]).toEqual([2, 2]);
    expect(one.errors).toMatchObject([{ details: { what: "nodes" } }]);
    others[0]!.tracker.stop();
    net.advance(3_000);
    expect([one.tracker.nodes, one.tracker.count("t")]).toEqual([2, 2]);
  });

  test("more members than maxEntries are not taken in, which is reported; they are once there is room", () => {
    const net = new Net();
    const one = net.begin({ maxEntries: 5 });
    const two = net.begin();
    net.advance(10);
    for (let n = 0; n < 4; n++) two.tracker.track("t", `h${n}`, "k", { n });
    net.advance(100);
    for (let n = 4; n < 8; n++) two.tracker.track("t", `h${n}`, "k", { n });
    net.advance(5_000);
    expect(one.tracker.count("t")).toBe(4);
    expect(one.errors).toMatchObject([{ details: { what: "entries" } }]);
    for (let n = 0; n < 7; n++) two.tracker.untrackAll(`h${n}`);
    net.advance(5_000);
    expect(net.agreed()).toEqual([at("t", "h7", "k", 7)]);
  });

  test("[PN37] at the limit, who comes in place of who goes is taken in, and the own members take no room", () => {
    const net = new Net();
    const one = net.begin({ maxEntries: 5 });
    const two = net.begin();
    net.advance(10);
    for (let n = 0; n < 9; n++) one.tracker.track("t", `own${n}`, "own", { n });
    for (let n = 0; n < 5; n++) two.tracker.track("t", `h${n}`, "k", { n });
    net.advance(5_000);
    expect([one.tracker.count("t"), two.tracker.count("t")]).toEqual([14, 14]);
    // In one message: those who go and those who come, and one who is updated.
    for (let n = 0; n < 4; n++) two.tracker.untrackAll(`h${n}`);
    for (let n = 5; n < 9; n++) two.tracker.track("t", `h${n}`, "k", { n });
    two.tracker.update("t", "h4", "k", { n: 44 });
    net.advance(5_000);
    const there = one.tracker.getByKey("t", "k").map(({ meta }) => meta.n);
    expect(there.toSorted((a, b) => a - b)).toEqual([5, 6, 7, 8, 44]);
    net.agreed();
    expect([one.errors, two.errors]).toEqual([[], []]);
  });

  test("nodes that were killed make room for others, with all that was kept of them", () => {
    const net = new Net();
    const one = net.begin({ maxNodes: 2, maxEntries: 50 });
    for (let life = 0; life < 20; life++) {
      const other = net.begin();
      for (let n = 0; n < 20; n++) other.tracker.track("t", `h${n}`, `k${n}`, { n });
      net.advance(3_000);
      expect([one.tracker.nodes, one.tracker.count("t")]).toEqual([1, 20]);
      net.kill(other);
      net.advance(15_000);
    }
    expect([one.tracker.count("t"), one.errors]).toEqual([0, []]);
  });

  test("over a thousand gaps, what does not close the first is taken as lost, and is asked for", () => {
    const pubsub = localPubSub();
    const net = new Net();
    const one = net.begin({ pubsub });
    const asked: unknown[] = [];
    pubsub.subscribe("presence:test", (payload) => {
      if ((payload as { type?: unknown }).type === "ask") asked.push(payload);
    });
    const say = (clocks: readonly number[], entries: readonly unknown[]): void =>
      pubsub.publish("presence:test", {
        v: 1,
        type: "changes",
        node: ["n", "r", 1],
        clock: 2_100,
        silence: 15_000,
        clocks,
        entries,
      });
    for (let clock = 3; clock < 5_000; clock += 2)
      say([clock, clock], [[clock, "t", "h", "k", { n: clock }]]);
    expect(asked).toMatchObject([{ of: "r", after: 0 }]);
    say([1, 2_100], [[2, "t", "h", "k", { n: 2 }]]);
    expect([one.tracker.count("t"), one.tracker.getByKey("t", "k").map(({ meta }) => meta.n)]).toEqual([
      1,
      [2],
    ]);
  });

  test("who asks again and again is answered now and then", () => {
    const pubsub = localPubSub();
    const net = new Net();
    const one = net.begin({ pubsub });
    let answers = 0;
    for (let n = 0; n < 100; n++) one.tracker.track("t", `h${n}`, "k", { n });
    net.advance(100);
    pubsub.subscribe("presence:test", (payload) => {
      if ((payload as { to?: unknown }).to === "r") answers++;
    });
    for (let i = 0; i < 1_000; i++) {
      pubsub.publish("presence:test", {
        v: 1,
        type: "ask",
        node: ["n", "r", 1],
        clock: 0,
        silence: 15_000,
        of: one.tracker.replica,
        after: i % 7,
      });
      net.advance(1);
    }
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThanOrEqual(4);
  });

  test("a line of one node's changes is as cheap for a topic of thousands as for one of few", () => {
    const bytes = [10, 3_000].map((many) => {
      const { net, all } = nodes(2);
      const [one] = all as [Node];
      for (let n = 0; n < many; n++) one.tracker.track("room:1", `h${n}`, `k${n}`, { n });
      net.advance(1_000);
      net.sent = [];
      one.tracker.untrackAll("h5");
      net.advance(60);
      one.tracker.track("room:1", "h5", "k5", { n: 5 });
      net.advance(60);
      net.agreed();
      return net.sent.filter(({ said }) => said["type"] === "changes").map(({ bytes }) => bytes);
    });
    for (const [i, few] of bytes[0]!.entries()) expect(bytes[1]![i]! - few).toBeLessThanOrEqual(16);
  });
});

test("[PN21] entries of a diff are those of the lists", () => {
  const { net, all } = nodes(2);
  const [one, two] = all as [Node, Node];
  one.tracker.track("t", "h", "k", { n: 1 });
  net.advance(100);
  const [entry] = two.diffs[0]!.joins;
  const meta: Meta = entry!.meta;
  expect(meta).toEqual({ n: 1 });
  expect(two.tracker.getByKey("t", "k")).toEqual([entry]);
  expect(tagOf(entry!)).toBe(tagOf(one.tracker.getByKey("t", "k")[0]!));
});
