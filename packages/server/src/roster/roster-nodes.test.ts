// Members over several nodes: who comes back elsewhere, nodes that are killed, drained and stopped, and a tracker that begins
// anew; and, at random, all of it together.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PubSub } from "../cluster/pubsub.ts";
import { houseOf } from "../house/house.ts";
import { Guest, rosters, track } from "../../test/rosters.ts";
import type { Node } from "../../test/rosters.ts";
import { subscribe } from "../../test/wired.ts";

const TOPIC = "board:1";
const trackerOf = ({ server }: Node) => houseOf(server)!.presence.tracker;

/** A node's own way to the others, which a kill cuts: nothing more is heard of it, and nothing by it. */
function line(pubsub: PubSub) {
  let cut = false;
  const own: PubSub = {
    publish: (channel, payload) => (cut ? undefined : pubsub.publish(channel, payload)),
    subscribe: (channel, listener) =>
      pubsub.subscribe(channel, (payload) => (cut ? undefined : listener(payload))),
  };
  return { own, kill: () => void (cut = true) };
}

describe("several nodes", () => {
  test("[SP6] a client that comes to another node takes its place there, and the first one waits no more", async () => {
    const {
      nodes: [here, there],
      advance,
    } = rosters({ nodes: 2 });
    const watcher = await (await Guest.at(there!)).enter(TOPIC);
    const ada = await (await Guest.at(here!)).enter(TOPIC, "Ada");
    await advance(100);
    expect(await watcher.sees(TOPIC)).toEqual(["Ada"]);
    ada.drop();
    await ada.connect(there!);
    await ada.enter(TOPIC, "Ada, back");
    await advance(100);
    expect(await watcher.hear()).toMatchObject([
      { joins: [[ada.tag(TOPIC), expect.any(String), { name: "Ada, back" }]] },
    ]);
    // The grace of the first node would be over here, and ends nothing of the second.
    await advance(30_000);
    expect(await watcher.hear()).toEqual([]);
    expect([trackerOf(here!).count("s:board:1"), trackerOf(there!).count("s:board:1")]).toEqual([1, 1]);
    ada.drop(1001);
    await advance(100);
    expect(trackerOf(here!).count("s:board:1")).toBe(0);
  });

  test("[SP7] who comes with a lower count, for another node has a later one, is listed once that goes: nobody stays invisible", async () => {
    const {
      nodes: [here, there],
      advance,
    } = rosters({ nodes: 2 });
    const watcher = await (await Guest.at(here!)).enter(TOPIC);
    const ada = await Guest.at(here!);
    await ada.enter(TOPIC, "before");
    await advance(100);
    ada.drop();
    // Its page's clock was set back before it was loaded again.
    await ada.connect(there!, 5);
    await ada.enter(TOPIC, "behind");
    await advance(1_000);
    expect(await watcher.sees(TOPIC)).toEqual(["before"]);
    // Changed while it waits: the newest counts.
    ada.say(track(TOPIC, { name: "newest" }));
    await advance(9_500);
    expect(await watcher.sees(TOPIC)).toEqual(["newest"]);
    expect(await ada.untracked()).toEqual([]);
    // On the same node the later connection counts, whatever it says.
    ada.drop();
    await ada.connect(there!, 4);
    await ada.enter(TOPIC, "lower still");
    await advance(100);
    expect(await watcher.sees(TOPIC)).toEqual(["lower still"]);
    expect((await watcher.hear()).length).toBe(0);
  });

  test("[SP7] a connection that is half open does not take the place of the one on another node, and is forgotten with it", async () => {
    const {
      nodes: [here, there],
      advance,
    } = rosters({ nodes: 2 });
    const watcher = await (await Guest.at(here!)).enter(TOPIC);
    const ada = await Guest.at(here!);
    await ada.enter(TOPIC, "first");
    const first = ada.socket;
    await ada.connect(there!);
    await ada.enter(TOPIC, "second");
    await advance(100);
    first.say(track(TOPIC, { name: "late" }));
    await advance(100);
    expect(await watcher.sees(TOPIC)).toEqual(["second"]);
    first.drop(1006);
    await advance(20_000);
    expect(await watcher.sees(TOPIC)).toEqual(["second"]);
    ada.drop(1001);
    await advance(100);
    expect(await watcher.sees(TOPIC)).toEqual([]);
  });

  test("[SP8] a node that is killed: its members stay until it was silent for 15 s, and nobody flickers who is back by then", async () => {
    const {
      nodes: [here],
      start,
      pubsub,
      advance,
    } = rosters();
    const { own, kill } = line(pubsub);
    const there = start(99, own);
    const watcher = await (await Guest.at(here!)).enter(TOPIC);
    const [ada, bob] = [
      await (await Guest.at(there)).enter(TOPIC, "Ada"),
      await (await Guest.at(there)).enter(TOPIC, "Bob"),
    ];
    await advance(2_000);
    expect(await watcher.sees(TOPIC)).toEqual(["Ada", "Bob"]);
    kill();
    await advance(5_000);
    await ada.connect(here!);
    await ada.enter(TOPIC, "Ada");
    await advance(7_500);
    expect(await watcher.hear()).toEqual([]);
    await advance(5_000);
    expect(await watcher.hear()).toMatchObject([{ joins: [], leaves: [bob.tag(TOPIC)] }]);
    expect(await watcher.sees(TOPIC)).toEqual(["Ada"]);
  });

  test("[SP8] [PN53] a node that drains, and one that stops: its members are kept for as long as their clients take to come back", async () => {
    for (const how of ["drain", "stop"] as const) {
      const {
        nodes: [here, there],
        advance,
        settle,
      } = rosters({ nodes: 2 });
      const watcher = await (await Guest.at(here!)).enter(TOPIC);
      const [ada, bob] = [
        await (await Guest.at(there!)).enter(TOPIC, "Ada"),
        await (await Guest.at(there!)).enter(TOPIC, "Bob"),
      ];
      await advance(200);
      await watcher.hear();
      let stopped = false;
      const ends =
        how === "drain" ? there!.server.drain({ over: 200, reconnectWithin: 15_000 }) : there!.server.stop();
      void ends.then(() => (stopped = true));
      await advance(1_000);
      expect(stopped).toBe(true);
      await advance(8_000);
      await ada.connect(here!);
      await ada.enter(TOPIC, "Ada");
      await advance(500);
      expect(await watcher.hear()).toEqual([]);
      await advance(how === "drain" ? 9_000 : 2_000);
      await settle();
      expect(await watcher.hear()).toMatchObject([{ joins: [], leaves: [bob.tag(TOPIC)] }]);
      expect(await watcher.sees(TOPIC)).toEqual(["Ada"]);
    }
  });

  test("[SP8] a node that stops where nobody is waited for says goodbye: nothing of it is kept", async () => {
    const {
      nodes: [here, there],
      advance,
    } = rosters({ nodes: 2 });
    const watcher = await (await Guest.at(here!)).enter(TOPIC);
    const ada = await (await Guest.at(there!)).enter(TOPIC, "Ada");
    await advance(200);
    ada.drop(1001);
    await advance(200);
    expect(await watcher.sees(TOPIC)).toEqual([]);
    const ends = there!.server.stop();
    await advance(100);
    await ends;
    expect(trackerOf(here!).nodes).toBe(0);
  });

  test("[SP9] a tracker that begins anew lists those again who are listed here, and watchers hear nothing", async () => {
    const {
      nodes: [here, there],
      advance,
    } = rosters({ nodes: 2 });
    const near = await (await Guest.at(here!)).enter(TOPIC, "Near");
    const far = await (await Guest.at(there!)).enter(TOPIC, "Far");
    const lost = await (await Guest.at(here!)).enter(TOPIC, "Lost");
    await advance(200);
    lost.drop();
    for (const one of [near, far]) expect(await one.sees(TOPIC)).toEqual(["Far", "Lost", "Near"]);
    for (let times = 0; times < 2; times++) {
      houseOf(here!.server)!.presence.restart();
      await advance(2_000);
      for (const one of [near, far]) expect(await one.hear()).toEqual([]);
      expect([trackerOf(here!).count("s:board:1"), trackerOf(there!).count("s:board:1")]).toEqual([3, 3]);
    }
    await advance(10_000);
    for (const one of [near, far]) expect(await one.sees(TOPIC)).toEqual(["Far", "Near"]);
  });

  test("[SP10] whatever clients do on whatever nodes: once it is quiet, all who watch see the same, and exactly those who are listed", async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant("enter" as const),
        who: fc.nat(4),
        node: fc.nat(2),
        name: fc.constantFrom("a", "b", undefined),
      }),
      fc.record({
        do: fc.constant("say" as const),
        who: fc.nat(4),
        name: fc.constantFrom("a", "b", "c", undefined),
        watch: fc.boolean(),
      }),
      fc.record({ do: fc.constant("lose" as const), who: fc.nat(4), code: fc.constantFrom(1006, 1001) }),
      fc.record({ do: fc.constant("leave" as const), who: fc.nat(4) }),
      fc.record({ do: fc.constant("slow" as const), who: fc.nat(4), slow: fc.boolean() }),
      fc.record({ do: fc.constant("wait" as const), time: fc.constantFrom(0, 60, 2_000, 9_900, 10_100) }),
      fc.record({ do: fc.constant("restart" as const), node: fc.nat(2) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 60 }),
        fc.constantFrom(1_000, 2),
        async (steps, most) => {
          const it = rosters({ nodes: 3, limits: { maxPresenceList: most } });
          const watchers = await Promise.all(
            it.nodes.map(async (node) => (await Guest.at(node)).enter(TOPIC)),
          );
          const guests = await Promise.all(Array.from({ length: 5 }, (_, n) => Guest.at(it.nodes[n % 3]!)));
          /** What each is listed by; with `at` where it watches. */
          const is = guests.map(() => ({
            on: true,
            in: false,
            name: undefined as string | undefined,
            watch: false,
            slow: false,
            ref: 1,
          }));
          for (const one of steps) {
            if (one.do === "wait") await it.advance(one.time);
            else if (one.do === "restart") houseOf(it.nodes[one.node]!.server)!.presence.restart();
            else {
              const [guest, state] = [guests[one.who]!, is[one.who]!];
              if (one.do === "enter") {
                if (state.on && guest.node !== it.nodes[one.node]) guest.drop(1006);
                if (!state.on || guest.node !== it.nodes[one.node]) {
                  await guest.connect(it.nodes[one.node]!);
                  Object.assign(state, { in: false, slow: false });
                }
                guest.say(subscribe(TOPIC, ++state.ref), track(TOPIC, one.name && { name: one.name }, true));
                Object.assign(state, { on: true, in: true, name: one.name, watch: true });
              } else if (!state.on) continue;
              else if (one.do === "lose") {
                guest.drop(one.code);
                Object.assign(state, { on: false, in: false, name: undefined, watch: false });
              } else if (one.do === "slow") {
                state.slow = one.slow;
                guest.socket.stuff(one.slow ? 2_000_000 : 0);
                if (!one.slow) guest.socket.drain();
              } else if (!state.in) continue;
              else if (one.do === "say") {
                guest.say(track(TOPIC, one.name && { name: one.name }, one.watch));
                Object.assign(state, { name: one.name, watch: one.watch });
              } else if (one.do === "leave") {
                guest.leave(TOPIC, state.ref);
                Object.assign(state, { in: false, name: undefined, watch: false });
              }
              await guest.hear();
            }
          }
          for (const guest of guests) guest.socket.drain();
          await it.advance(25_000);
          const listed = is.flatMap(({ name }) => (name === undefined ? [] : [name])).toSorted();
          for (const node of it.nodes) expect(trackerOf(node).count("s:board:1")).toBe(listed.length);
          const all = [...watchers, ...guests.filter((_, n) => is[n]!.watch)];
          for (const one of all) {
            const sees = await one.sees(TOPIC);
            // Between four fifths and all of the limit either kind may stand.
            if (listed.length > most) expect(sees).toBe(listed.length);
            else if (listed.length < most * 0.8 || most > 5) expect(sees).toEqual(listed);
            else expect([listed.length, listed]).toContainEqual(sees);
          }
          for (const node of it.nodes) expect(node.errors).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);
});
