// A tracker whose state is not trusted begins anew: what those see who listen, on its own node and on others.
import { afterEach, describe, expect, test, vi } from "vitest";
import { localPubSub } from "../cluster/pubsub.ts";
import type { Meta, Node } from "./net.arbitrary.ts";
import { Net } from "./net.arbitrary.ts";
import { Members } from "./state/members.ts";
import type { PresenceEntry } from "./state/entry.ts";
import type { TrackerSettings } from "./tracker.ts";

afterEach(() => void vi.restoreAllMocks());

const namesOf = (entries: readonly PresenceEntry<Meta>[]) => entries.map(({ holder }) => holder).toSorted();
const toldTo = ({ diffs }: Node) =>
  diffs.map(({ topic, joins, leaves }) => [topic, namesOf(joins), namesOf(leaves)]);

/** Three nodes, with a holder of each on one topic, and what they were told so far forgotten. */
function three(options: Partial<TrackerSettings> = {}) {
  const net = new Net();
  const all = [net.begin(options), net.begin(), net.begin()] as const;
  net.advance(100);
  all.forEach(({ tracker }, n) => tracker.track("t", `h${n}`, "k", { n }));
  net.advance(100);
  for (const node of all) node.diffs.length = 0;
  const [one] = all;
  const trackAgain = () => void one.tracker.track("t", "h0", "k", { n: 0 });
  return { net, all, one, trackAgain };
}

describe.each([{}, { name: "web-1" }])("a node %j", (options) => {
  test("[PN50] [PN52] begins anew in one diff on each node, and nobody of others goes", () => {
    const { net, all, one, trackAgain } = three(options);
    const { replica } = one.tracker;
    one.tracker.onRestart(trackAgain);
    one.tracker.restart();
    expect(one.tracker.replica).not.toBe(replica);
    // At once, before it has heard of anybody.
    expect(namesOf(one.tracker.getByKey("t", "k"))).toEqual(["h0", "h1", "h2"]);
    net.advance(20_000);
    for (const node of all) expect(toldTo(node)).toEqual([["t", ["h0"], ["h0"]]]);
    expect(net.agreed()).toHaveLength(3);
    expect(all.map(({ tracker }) => tracker.nodes)).toEqual([2, 2, 2]);
  });

  test("[PN50] a second time, and a third before anything was heard, it is the same", () => {
    const { net, all, one, trackAgain } = three(options);
    one.tracker.onRestart(trackAgain);
    one.tracker.restart();
    net.advance(20_000);
    one.tracker.restart();
    one.tracker.restart();
    net.advance(20_000);
    expect(toldTo(one)).toEqual(Array.from({ length: 3 }, () => ["t", ["h0"], ["h0"]]));
    for (const { diffs } of all.slice(1)) expect([2, 3]).toContain(diffs.length);
    expect(net.agreed()).toHaveLength(3);
  });
});

test("[PN50] who does not track again is gone, in one diff", () => {
  const { net, all, one } = three();
  one.tracker.restart();
  net.advance(100);
  for (const node of all) expect(toldTo(node)).toEqual([["t", [], ["h0"]]]);
});

test("[PN52] what others changed while nothing was heard of them is told when they are heard", () => {
  const { net, all, one, trackAgain } = three();
  const [, two, three_] = all;
  one.tracker.onRestart(trackAgain);
  net.cut(one, two);
  net.cut(one, three_);
  one.tracker.restart();
  two.tracker.untrackAll("h1");
  two.tracker.track("t", "new", "k", { n: 9 });
  net.advance(5_000);
  net.mend();
  net.advance(5_000);
  const changes = toldTo(one).slice(1);
  expect(changes.flatMap(([, joins]) => joins)).toEqual(["new"]);
  expect(changes.flatMap(([, , leaves]) => leaves)).toEqual(["h1"]);
  expect(net.agreed()).toHaveLength(3);
});

test("[PN52] a node that died meanwhile is gone once it was silent for T", () => {
  const { net, all, one, trackAgain } = three();
  one.tracker.onRestart(trackAgain);
  net.kill(all[2]);
  one.tracker.restart();
  net.advance(10_000);
  expect(namesOf(one.tracker.getByKey("t", "k"))).toEqual(["h0", "h1", "h2"]);
  net.advance(7_000);
  expect(namesOf(one.tracker.getByKey("t", "k"))).toEqual(["h0", "h1"]);
  net.agreed();
});

test("[PN52] a life that has ended stays ended for the next one, and so does the node's own earlier one", () => {
  const pubsub = localPubSub();
  const net = new Net();
  const one = net.begin({ pubsub });
  const own = one.tracker.replica;
  const words = (replica: string) => ({ v: 1, node: [replica, replica, 1], clock: 1, silence: 15_000 });
  const late = (replica: string) =>
    pubsub.publish("presence:test", {
      ...words(replica),
      type: "changes",
      clocks: [1, 1],
      entries: [[1, "t", "h", "k", {}]],
    });
  late("r");
  expect(one.tracker.count("t")).toBe(1);
  pubsub.publish("presence:test", { ...words("r"), type: "goodbye" });
  one.tracker.restart();
  late("r");
  late(own);
  expect([one.tracker.count("t"), one.tracker.nodes]).toEqual([0, 0]);
});

test("[PN50] the undo of onRestart takes its listener away; one that throws disturbs nobody", () => {
  const { net, one, trackAgain } = three();
  const boom = new Error("boom");
  one.tracker.onRestart(() => {
    throw boom;
  });
  const undo = one.tracker.onRestart(() => expect.fail("it was taken away"));
  one.tracker.onRestart(trackAgain);
  undo();
  one.tracker.restart();
  expect(one.errors).toEqual([boom]);
  net.advance(100);
  expect(net.agreed()).toHaveLength(3);
});

test("[PN50] stopped, it does not begin again", () => {
  const { net, one } = three();
  const { replica } = one.tracker;
  one.tracker.onRestart(() => expect.fail("it has stopped"));
  one.tracker.stop();
  one.tracker.restart();
  net.advance(100);
  expect(one.tracker.replica).toBe(replica);
});

describe("[PN51] what throws within", () => {
  /** The next entry but one that is listed anywhere throws. */
  function failing(boom: Error) {
    const { add } = Members.prototype;
    let calls = 0;
    vi.spyOn(Members.prototype, "add").mockImplementation(function (this: Members<unknown>, entry) {
      if (++calls === 2) throw boom;
      return add.call(this, entry);
    });
  }
  const twoComeElsewhere = ({ all, net }: ReturnType<typeof three>) => {
    all[1].tracker.stop();
    all[1].alive = false;
    net.advance(100);
    all[0].diffs.length = 0;
    const late = net.begin();
    late.tracker.track("u", "a", "k", { n: 1 });
    late.tracker.track("u", "b", "k", { n: 2 });
    return late;
  };

  test("is a failure, and what the lists say by then was told: behind a restart nothing is astray", () => {
    const boom = new Error("boom");
    const failures: unknown[] = [];
    const scene = three({ failed: (error) => void failures.push(error) });
    const { net, one, trackAgain } = scene;
    one.tracker.onRestart(trackAgain);
    twoComeElsewhere(scene);
    // Both come in one message: it is in the middle of it that the second is listed.
    failing(boom);
    net.settle();
    vi.restoreAllMocks();
    net.advance(20_000);
    expect(one.errors).toEqual([]);
    expect(failures).toEqual([boom]);
    one.tracker.restart();
    net.advance(20_000);
    expect(net.agreed()).toHaveLength(4);
  });

  test("is reported where nobody hears failures", () => {
    const boom = new Error("boom");
    const scene = three();
    twoComeElsewhere(scene);
    failing(boom);
    scene.net.settle();
    scene.net.advance(100);
    const errors = scene.net.nodes.flatMap((node) => node.errors);
    expect(errors).toEqual([boom]);
  });
});
