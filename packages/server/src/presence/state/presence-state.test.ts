import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PresencePart } from "./entry.ts";
import { PresenceState } from "./presence-state.ts";
import { changing, talking, viewOf } from "./world.arbitrary.ts";

const stateOf = (replica: string, up: readonly string[] = []): PresenceState<number> => {
  const state = new PresenceState<number>(replica);
  for (const other of up) state.replicaUp(other);
  return state;
};
/** All that somebody who knows nothing makes of parts. */
const heard = (parts: readonly PresencePart<number>[], names: readonly string[]) => {
  const state = stateOf("reader", names);
  for (const part of parts) state.merge([part]);
  return { view: viewOf(state), clocks: names.map((name) => state.clocksOf(name)) };
};

describe("one replica", () => {
  test("[PN1] every join and update has a tag of its own, and clocks only grow", () => {
    const state = stateOf("a");
    const tags = [
      ...state.join("t", "h", "k", 1).joins,
      ...state.update("t", "h", "k", 2).joins,
      ...state.join("t", "h", "k", 3).joins,
      ...state.join("t", "g", "k", 4).joins,
    ].map(({ clock, replaced }) => [clock, replaced]);
    expect(tags).toEqual([
      [1, undefined],
      [3, 1],
      [5, 3],
      [6, undefined],
    ]);
    state.leave("t", "g", "k");
    expect(state.clock).toBe(7);
    expect(state.join("t", "g", "k", 5).joins).toMatchObject([{ clock: 8, replica: "a" }]);
  });

  test("[PN2] a holder is once on a topic under a key: to join again changes it, in one diff", () => {
    const state = stateOf("a");
    state.join("t", "h", "k", 1);
    const diff = state.join("t", "h", "k", 2);
    expect(diff.joins.map(({ meta }) => meta)).toEqual([2]);
    expect(diff.leaves.map(({ meta }) => meta)).toEqual([1]);
    expect(
      state
        .list("t")
        .get("k")!
        .map(({ meta }) => meta),
    ).toEqual([2]);
    state.join("t", "h", "other", 3);
    state.join("u", "h", "k", 4);
    state.join("t", "g", "k", 5);
    expect([state.count("t"), state.count("u"), state.getByKey("t", "k").length]).toEqual([3, 1, 2]);
    expect(state.leaveHolder("h").leaves.map(({ meta }) => meta)).toEqual([2, 3, 4]);
    expect([...state.topics()]).toEqual(["t"]);
    expect([...state.holders()]).toEqual(["g"]);
  });

  test("[PN2] what is not there is neither updated nor left, and takes no clock", () => {
    const state = stateOf("a");
    state.join("t", "h", "k", 1);
    for (const diff of [
      state.update("t", "h", "other", 2),
      state.update("t", "other", "k", 2),
      state.leave("other", "h", "k"),
      state.leaveHolder("other"),
    ])
      expect(diff).toEqual({ joins: [], leaves: [] });
    expect([state.clock, state.count("t")]).toEqual([1, 1]);
  });

  test("[PN14] texts are told apart, whatever they are", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "1:a", ":", "a1:"));
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(text, text, text), { selector: String }), (places) => {
        const unique = new Map(places.map((place) => [JSON.stringify(place), place]));
        const state = stateOf("__proto__");
        for (const [topic, holder, key] of unique.values())
          expect(state.join(topic, holder, key, 1).leaves).toEqual([]);
        const reader = heard(state.extract(), ["__proto__"]);
        expect(reader.view).toEqual(viewOf(state));
        expect(reader.view.size).toBe(unique.size);
        for (const [topic, holder, key] of unique.values())
          expect(state.leave(topic, holder, key).leaves).toHaveLength(1);
        expect([state.size, [...state.topics()], [...state.holders()]]).toEqual([0, [], []]);
      }),
    );
  });

  test("[PN15] entries without a key are counted, and not listed", () => {
    const state = stateOf("a");
    state.join("t", "h", "", 1);
    state.join("t", "g", "", 2);
    state.join("t", "g", "k", 3);
    expect([state.count("t"), [...state.list("t").keys()]]).toEqual([3, ["k"]]);
  });

  test("[PN15] a list is the same object until it changes, and is never changed itself", () => {
    const state = stateOf("a");
    state.join("t", "h", "k", 1);
    const listed = state.list("t");
    state.join("u", "h", "k", 1);
    expect(state.list("t")).toBe(listed);
    state.join("t", "g", "l", 2);
    expect(state.list("t")).not.toBe(listed);
    expect([...listed.keys()]).toEqual(["k"]);
    expect([...state.list("t").keys()]).toEqual(["k", "l"]);
    state.leaveHolder("g");
    expect([...state.list("t").keys()]).toEqual(["k"]);
  });
});

describe("several replicas", () => {
  test("[PN6] [PN8] every step does what the definition says, and its diff is what the lists differ by", () => {
    fc.assert(
      fc.property(changing, (world) => {
        for (const i of world.members.keys()) world.check(i);
      }),
      { numRuns: 120 },
    );
  });

  test("[PN13] by how much a merge would grow is known before it", () => {
    let shrunk = 0;
    fc.assert(
      fc.property(talking, fc.infiniteStream(fc.boolean()), ({ said, members }, chance) => {
        const names = members.map(({ state }) => state.replica);
        const state = stateOf("reader", names);
        for (const part of [...said, ...said].filter(() => chance.next().value as boolean)) {
          const before = state.size;
          const growth = state.growthBy(part);
          expect(state.size).toBe(before);
          state.merge([part]);
          expect(state.size - before).toBe(growth);
          if (growth < 0) shrunk++;
        }
        const [first] = said;
        if (first === undefined) return;
        state.replicaRemove(first.replica);
        expect(state.growthBy(first)).toBe(0);
      }),
      { numRuns: 60 },
    );
    expect(shrunk).toBeGreaterThan(0);
  });

  test("[PN4] parts may be merged in any order, grouped in any way, and more than once", () => {
    fc.assert(
      fc.property(talking, fc.infiniteStream(fc.nat()), ({ said, members }, chance) => {
        const names = members.map(({ state }) => state.replica);
        const shuffled = said
          .flatMap((part) => [part, part])
          .map((part) => ({ part, at: chance.next().value as number }))
          .toSorted((a, b) => a.at - b.at)
          .map(({ part }) => part);
        const once = heard(said, names);
        expect(heard(shuffled, names)).toEqual(once);
        // Two that have heard some, and then what the other has heard.
        const [one, two] = [stateOf("one", names), stateOf("two", names)];
        for (const [i, part] of said.entries()) (i % 2 === 0 ? one : two).merge([part]);
        const both = [one.extract(), two.extract()] as const;
        one.merge(both[1]);
        two.merge(both[0]);
        for (const state of [one, two]) {
          expect(viewOf(state)).toEqual(once.view);
          expect(names.map((name) => state.clocksOf(name))).toEqual(once.clocks);
          expect(state.merge([...both[0], ...both[1]])).toEqual({ joins: [], leaves: [] });
        }
      }),
      { numRuns: 80 },
    );
  });

  test("[PN10] [PN11] once all have heard all, all list the same, and nothing is left of the gaps", () => {
    fc.assert(
      fc.property(talking, (world) => {
        world.meet();
        world.meet();
        const [first] = world.members;
        for (const { state } of world.members) {
          expect(viewOf(state)).toEqual(viewOf(first!.state));
          for (const { state: other } of world.members) {
            const { replica, clock } = other;
            expect(state.clocksOf(replica)).toEqual(clock === 0 ? [] : [[1, clock]]);
            expect([state.contextOf(replica), state.gapsOf(replica)]).toEqual([clock, 0]);
          }
        }
      }),
      { numRuns: 80 },
    );
  });

  test("[PN10] what somebody lacks gives him what all would", () => {
    fc.assert(
      fc.property(talking, ({ members }) => {
        const names = members.map(({ state }) => state.replica);
        for (const { state: from } of members)
          for (const { state: to } of members) {
            const twins = [stateOf("twin", names), stateOf("twin", names)] as const;
            for (const twin of twins) twin.merge(to.extract());
            twins[0].merge(from.extract());
            twins[1].merge(from.extract(twins[1].clocks()));
            expect(viewOf(twins[1])).toEqual(viewOf(twins[0]));
            for (const name of names) expect(twins[1].clocksOf(name)).toEqual(twins[0].clocksOf(name));
          }
      }),
      { numRuns: 30 },
    );
  });

  test("[PN9] [PN11] the changes after what somebody knows, taken a few at a time, give him all", () => {
    fc.assert(
      fc.property(talking, fc.integer({ min: 1, max: 5 }), fc.nat(), ({ members }, most, lag) => {
        const { state } = members[0]!;
        const reader = stateOf("reader", [state.replica]);
        const writer = new PresenceState<number>("w", { remembered: 2 });
        reader.replicaUp("w");
        for (let i = 0; i < 12; i++) {
          writer.join("t", `h${i % 4}`, "k", i);
          if (i % 5 === 4) writer.leaveHolder(`h${i % 3}`);
          if (i === lag % 12) reader.merge(writer.extract());
        }
        for (const from of [state, writer])
          for (let known = reader.contextOf(from.replica); known < from.clock;) {
            const { part, upTo } = from.changes(known, most);
            expect(part.entries.length).toBeLessThanOrEqual(most);
            reader.merge([part]);
            expect(reader.contextOf(from.replica)).toBe(upTo);
            expect(upTo).toBeGreaterThan(known);
            known = upTo;
          }
        const whole = stateOf("whole", [state.replica, "w"]);
        whole.merge(state.extract().filter(({ replica }) => replica === state.replica));
        whole.merge(writer.extract());
        expect(viewOf(reader)).toEqual(viewOf(whole));
      }),
      { numRuns: 80 },
    );
  });

  test("[PN7] who joins while another replica's entry of the same holder and key is ended stays", () => {
    const [a, b] = [stateOf("a", ["b"]), stateOf("b", ["a"])];
    a.join("t", "h", "k", 1);
    b.merge(a.extract());
    a.leave("t", "h", "k");
    b.join("t", "h", "k", 2);
    const [fromA, fromB] = [a.extract(), b.extract()];
    expect(a.merge(fromB).joins.map(({ meta }) => meta)).toEqual([2]);
    expect(b.merge(fromA).leaves.map(({ meta }) => meta)).toEqual([1]);
    for (const state of [a, b]) expect(state.getByKey("t", "k").map(({ meta }) => meta)).toEqual([2]);
  });

  test("[PN7] what was ended never comes back, whoever still tells of it", () => {
    const [a, b, c] = [stateOf("a", ["b", "c"]), stateOf("b", ["a", "c"]), stateOf("c", ["a", "b"])];
    a.join("t", "h", "k", 1);
    const old = a.extract();
    b.merge(old);
    a.leaveHolder("h");
    c.merge(old);
    c.merge(a.extract());
    c.merge(b.extract());
    c.merge(old);
    expect([c.count("t"), c.size]).toEqual([0, 0]);
    b.merge(c.extract());
    expect(b.count("t")).toBe(0);
  });

  test("[PN8] who is told that an entry is dead does not pass for somebody who knows what took its place", () => {
    const [a, b] = [stateOf("a"), stateOf("b", ["a"])];
    a.join("t", "h", "k", 1);
    b.merge(a.extract());
    const parts: PresencePart<number>[] = [];
    for (const meta of [2, 3]) {
      const known = a.clock;
      a.update("t", "h", "k", meta);
      parts.push(a.changes(known, 100).part);
    }
    a.leaveHolder("h");
    // The first update is lost.
    b.merge([parts[1]!, a.changes(5, 100).part]);
    b.merge([a.changes(b.contextOf("a"), 100).part]);
    expect([b.count("t"), b.clocksOf("a")]).toEqual([0, [[1, 6]]]);
  });

  test("[PN16] who comes again elsewhere takes the place of what he held before, in one diff, and gives it back as he goes", () => {
    const [a, b, c] = [stateOf("a", ["b"]), stateOf("b", ["a"]), stateOf("c", ["a", "b"])];
    a.join("t", "client", "k", 1, 1);
    a.join("u", "client", "k", 2, 1);
    a.join("t", "another", "k", 3, 1);
    a.join("t", "client", "uncounted", 4);
    c.merge(a.extract());
    b.join("t", "client", "other", 5, 2);
    const parts = b.extract();
    const diff = c.merge(parts);
    expect([diff.joins, diff.leaves].map((all) => all.map(({ meta }) => meta))).toEqual([[5], [1]]);
    expect([c.count("t"), c.count("u"), c.attemptOf("t", "client")]).toEqual([3, 1, 2]);
    // The earlier one's late changes are not listed, and its end is no news.
    const before = a.clock;
    a.update("t", "client", "k", 6);
    expect(c.merge([a.changes(before, 9).part])).toEqual({ joins: [], leaves: [] });
    // An update of the later one does not show the earlier one for a moment.
    const known = b.clock;
    b.update("t", "client", "other", 7);
    const updated = c.merge([b.changes(known, 9).part]);
    expect([updated.joins, updated.leaves].map((all) => all.map(({ meta }) => meta))).toEqual([[7], [5]]);
    const gone = c.replicaDown("b");
    expect([gone.joins, gone.leaves].map((all) => all.map(({ meta }) => meta))).toEqual([[6], [7]]);
    expect(a.leaveOlder("t", "client", 2).leaves.map(({ meta }) => meta)).toEqual([6]);
    expect([...a.list("t").keys()].toSorted()).toEqual(["k", "uncounted"]);
    expect(a.leaveHolder("client", 0).leaves.map(({ meta }) => meta)).toEqual([4]);
    expect(a.leaveHolder("client").leaves.map(({ meta }) => meta)).toEqual([2]);
  });

  test("[PN3] what others say of a replica's own entries changes none of them", () => {
    const a = stateOf("a", ["b"]);
    a.join("t", "h", "k", 1);
    const before = viewOf(a);
    const lie: PresencePart<number> = {
      replica: "a",
      clocks: [[1, 9]],
      entries: [{ topic: "t", holder: "x", key: "x", meta: 9, replica: "a", clock: 9 }],
    };
    expect(a.merge([lie])).toEqual({ joins: [], leaves: [] });
    for (const end of [a.replicaDown("a"), a.replicaForget("a"), a.replicaRemove("a")])
      expect(end).toEqual({ joins: [], leaves: [] });
    expect([viewOf(a), a.clock, a.clocksOf("a"), a.statusOf("a")]).toEqual([before, 1, [[1, 1]], "up"]);
  });

  test("[PN12] a replica that is down is kept and not listed; up again, it is listed as it is by then", () => {
    const [a, b] = [stateOf("a"), stateOf("b", ["a"])];
    a.join("t", "h", "k", 1);
    a.join("t", "g", "l", 2);
    b.merge(a.extract());
    const before = viewOf(b);
    expect(b.replicaDown("a").leaves).toHaveLength(2);
    expect([b.count("t"), b.size, b.statusOf("a"), b.clocks().map(([name]) => name)]).toEqual([
      0,
      2,
      "down",
      ["b"],
    ]);
    expect(b.replicaDown("a").leaves).toEqual([]);
    expect(b.replicaUp("a").joins).toHaveLength(2);
    expect(viewOf(b)).toEqual(before);
    b.replicaDown("a");
    a.leaveHolder("h");
    a.join("t", "f", "m", 3);
    expect(b.merge(a.extract(b.clocks()))).toEqual({ joins: [], leaves: [] });
    expect(b.replicaUp("a").joins.map(({ meta }) => meta)).toEqual([2, 3]);
    expect(b.replicaUp("a").joins).toEqual([]);
  });

  test("[PN12] a replica that was only heard of is not listed before it is up", () => {
    const [a, b] = [stateOf("a"), stateOf("b")];
    a.join("t", "h", "k", 1);
    expect(b.merge(a.extract())).toEqual({ joins: [], leaves: [] });
    expect([b.count("t"), b.statusOf("a")]).toEqual([0, "down"]);
    expect(b.replicaUp("a").joins).toHaveLength(1);
  });

  test("[PN12] forgotten, a replica may come again and is learnt anew; removed, it never does", () => {
    const [a, b] = [stateOf("a"), stateOf("b", ["a"])];
    a.join("t", "h", "k", 1);
    b.merge(a.extract());
    expect(b.replicaForget("a").leaves).toHaveLength(1);
    expect([b.statusOf("a"), b.size, b.clocksOf("a")]).toEqual([undefined, 0, []]);
    b.merge(a.extract());
    expect(b.replicaUp("a").joins).toHaveLength(1);
    expect(b.replicaRemove("a").leaves).toHaveLength(1);
    expect(b.merge(a.extract())).toEqual({ joins: [], leaves: [] });
    expect([b.replicaUp("a").joins, b.statusOf("a"), b.size]).toEqual([[], "removed", 0]);
  });

  test("[PN12] a node that starts again is another replica, and its earlier life's removal does not touch it", () => {
    const b = stateOf("b", ["a.1"]);
    const first = stateOf("a.1");
    first.join("t", "h", "k", 1);
    b.merge(first.extract());
    const second = stateOf("a.2");
    second.join("t", "h", "k", 2);
    b.merge(second.extract());
    expect(b.replicaUp("a.2").joins.map(({ meta }) => meta)).toEqual([2]);
    expect(b.replicaRemove("a.1").leaves.map(({ meta }) => meta)).toEqual([1]);
    b.merge(first.extract());
    expect(b.getByKey("t", "k").map(({ meta }) => meta)).toEqual([2]);
  });

  test("[PN15] all list a key's entries in one order", () => {
    const [a, b, c] = [stateOf("a"), stateOf("b"), stateOf("c", ["a", "b"])];
    const parts = [a, b].flatMap((state) => {
      for (let i = 0; i < 3; i++) state.join("t", `h${i}`, "k", i);
      return state.extract();
    });
    c.merge(parts.toReversed());
    const d = stateOf("d", ["a", "b"]);
    d.merge(b.extract());
    d.merge(a.extract());
    expect(c.getByKey("t", "k")).toEqual(d.getByKey("t", "k"));
    expect(c.list("t").get("k")).toEqual(c.getByKey("t", "k"));
    expect(c.getByKey("t", "k").map(({ replica, meta }) => [replica, meta])).toEqual([
      ["a", 0],
      ["a", 1],
      ["a", 2],
      ["b", 0],
      ["b", 1],
      ["b", 2],
    ]);
  });
});

describe("[PN13] what it costs", () => {
  const filled = (many: number): PresenceState<number> => {
    const state = stateOf("a");
    for (let i = 0; i < many; i++) state.join("t", `h${i}`, `k${i}`, i);
    return state;
  };
  /** How much is walked for a join, an update and a leave of one in so many, by who makes and by who merges them. */
  const walk = (many: number): readonly number[] => {
    const state = filled(many);
    const reader = stateOf("b", ["a"]);
    reader.merge(state.extract());
    const before = [state.walked, reader.walked] as const;
    for (const change of [
      () => state.join("t", "new", "new", 1),
      () => state.update("t", "h7", "k7", 1),
      () => state.leaveHolder("h50"),
    ]) {
      const known = state.clock;
      change();
      reader.merge([state.changes(known, 1_000).part]);
    }
    expect(viewOf(reader)).toEqual(viewOf(state));
    return [state.walked - before[0], reader.walked - before[1]];
  };

  test("merging walks what changed, and not who is there", () => {
    const [few, many] = [walk(100), walk(3_000)];
    expect(many).toEqual(few);
    expect(Math.max(...many)).toBeLessThanOrEqual(20);
  });

  test("a part that names more clocks than there are entries costs the entries", () => {
    const state = filled(10);
    for (let i = 0; i < 5_000; i++) state.update("t", "h0", "k0", i);
    const reader = stateOf("b", ["a"]);
    reader.merge(state.extract());
    const before = reader.walked;
    reader.merge(state.extract());
    expect(reader.walked - before).toBeLessThanOrEqual(50);
  });

  test("what is kept is bounded by who is there: neither ends nor updates leave anything", () => {
    const [state, reader] = [stateOf("a"), stateOf("b", ["a"])];
    for (let i = 0; i < 1_000; i++) {
      state.join("t", `h${i}`, "k", i);
      if (i >= 3) state.leaveHolder(`h${i - 3}`);
      reader.merge([state.changes(reader.contextOf("a"), 100).part]);
    }
    expect([state.size, reader.size, reader.clocksOf("a").length, [...state.holders()].length]).toEqual([
      3, 3, 1, 3,
    ]);
  });
});

describe("[PN52] a state that succeeds another", () => {
  const earlier = () => {
    const [a, b] = [new PresenceState<number>("a"), new PresenceState<number>("b")];
    for (const state of [a, b]) state.replicaUp(state === a ? "b" : "a");
    b.join("t", "h1", "k", 1);
    b.join("t", "h2", "k", 2);
    a.join("t", "own", "k", 0);
    a.merge(b.extract());
    return { a, b };
  };
  const holders = (state: PresenceState<number>) => state.getByKey("t", "k").map(({ holder }) => holder);

  test("lists what it had of others, and knows nothing of them", () => {
    const { a, b } = earlier();
    a.replicaRemove("gone");
    const next = new PresenceState<number>("a2");
    next.succeed(a);
    expect(holders(next)).toEqual(["h1", "h2"]);
    expect([next.contextOf("b"), next.size, next.clock]).toEqual([0, 2, 0]);
    expect([next.statusOf("a"), next.statusOf("gone"), next.statusOf("b")]).toEqual([
      "removed",
      "removed",
      "up",
    ]);
    // What it does not know it does not tell.
    expect(next.extract().flatMap(({ entries }) => entries)).toEqual([]);
    // Told anew, nothing has changed.
    expect(next.growthBy(b.extract([])[0]!)).toBe(0);
    expect(next.merge(b.extract())).toEqual({ joins: [], leaves: [] });
    expect([next.contextOf("b"), next.size]).toEqual([b.clock, 2]);
  });

  test("hears what came and went meanwhile, and nothing else", () => {
    const { a, b } = earlier();
    const next = new PresenceState<number>("a2");
    next.succeed(a);
    b.leave("t", "h1", "k");
    b.join("t", "h3", "k", 3);
    const { joins, leaves } = next.merge(b.extract());
    expect([joins, leaves].map((all) => all.map(({ holder }) => holder))).toEqual([["h3"], ["h1"]]);
    expect(next.extract().flatMap(({ entries }) => entries)).toHaveLength(2);
  });
});
