// Presence of channels over several nodes, in virtual time: what clients hear when a node is killed, stops, comes back, and
// when its tracker is made anew.
import { describe, expect, it } from "vitest";
import { counted, diff, metas, nodes, say, state, TOPIC, track } from "../../../test/presence-talk.ts";
import { countingRandom, handClock } from "../../../test/wired.ts";
import { localPubSub } from "../../cluster/pubsub.ts";
import type { PubSub } from "../../cluster/pubsub.ts";
import { Tracker } from "../../presence/tracker.ts";
import type { JsonObject, Json } from "../index.ts";
import type { SharedEvent } from "../wire/shared-message.ts";
import { ChannelsPresence } from "./channels-presence.ts";

/** A node whose line can be cut: it neither hears nor is heard. */
function lines() {
  const cut = new Set<number>();
  const pubsubOf = (pubsub: PubSub, node: number): PubSub => ({
    publish: (channel, payload) => void (cut.has(node) || pubsub.publish(channel, payload)),
    subscribe: (channel, listener) =>
      pubsub.subscribe(channel, (payload) => void (cut.has(node) || listener(payload))),
  });
  return { cut, pubsubOf };
}

describe("several nodes", () => {
  it("[CP16] members of a killed node leave in one diff after T, and join in one when it is back", async () => {
    const { cut, pubsubOf } = lines();
    const { advance, settle, all } = nodes({ count: 2, pubsubOf });
    const [here, there] = [await all[0]!.join(), await all[1]!.join()];
    const [ada, bob] = [track(there, "ada", { v: 1 }), track(there, "bob", { v: 2 })];
    await settle();
    const both = { ada: metas({ v: 1, phx_ref: ada }), bob: metas({ v: 2, phx_ref: bob }) };
    expect(here.take()).toEqual([diff(both)]);
    cut.add(1);
    await advance(14_999);
    expect(here.take()).toEqual([]);
    await advance(1_600);
    expect(here.take()).toEqual([diff({}, both)]);
    expect(say(here, "list")).toEqual([state({})]);
    say(there, "untrack", { key: "bob" });
    await advance(1_000);
    cut.delete(1);
    await advance(5_000);
    expect(here.take()).toEqual([diff({ ada: both.ada })]);
  });
  it("[CP17] members of a node that stops leave at once", async () => {
    const { settle, all } = nodes({ count: 2 });
    const [here, there] = [await all[0]!.join(), await all[1]!.join()];
    const ada = track(there, "ada");
    await settle();
    here.take();
    await all[1]!.channels.stop();
    await settle();
    expect(here.take()).toEqual([diff({}, { ada: metas({ phx_ref: ada }) })]);
  });
  it("[CP16] a node hears of members before any of its own clients has tracked somebody", async () => {
    const { settle, all } = nodes({ count: 2 });
    const there = await all[1]!.join();
    const ada = track(there, "ada");
    await settle();
    const here = await all[0]!.join();
    expect(say(here, "list")).toEqual([state({ ada: metas({ phx_ref: ada }) })]);
  });
  it("[CP18] all nodes count, and list again", async () => {
    const { settle, advance, all } = nodes({ count: 2, limits: { maxPresenceList: 4 } });
    const [here, there] = [await all[0]!.join(), await all[1]!.join()];
    for (let n = 0; n < 3; n++) {
      all[0]!.channels.presence.track(TOPIC, "app", `here ${n}`, {});
      all[1]!.channels.presence.track(TOPIC, "app", `there ${n}`, {});
    }
    await settle();
    await advance(1_100);
    for (const one of [here, there]) expect(one.take().at(-1)).toEqual(counted(6));
    all[1]!.channels.presence.untrackAll("app");
    await advance(10_000);
    for (const one of [here, there]) {
      const last = one.take().at(-1) as [0, 0, 0, string, object];
      expect([last[3], Object.keys(last[4]).toSorted()]).toEqual([
        "presence_state",
        ["here 0", "here 1", "here 2"],
      ]);
    }
  });
});

describe("a tracker that is made anew", () => {
  /** Presence over a tracker that the test makes anew, and what the clients of one topic are told. */
  function restartable(most = 100) {
    const hand = handClock();
    const pubsub = localPubSub();
    const random = countingRandom();
    const make = (): Tracker =>
      new Tracker({
        pubsub,
        clock: hand.clock,
        random,
        report: (error) => expect.fail(String(error)),
        scope: "house",
        name: undefined,
        silence: 15_000,
        period: 1_500,
        spread: () => 0,
        maxNodes: 10,
        maxEntries: 1_000,
      });
    let tracker = make();
    const told: Json[] = [];
    const presence = new ChannelsPresence({
      clock: hand.clock,
      report: (error) => expect.fail(String(error)),
      bounds: { maxPresenceList: most, maxPresenceBytes: 100, maxPresenceKeys: 10 },
      tracker: () => tracker,
      tell: (_, { event, payload }) => void told.push([event, payload as Json]),
    });
    const asked: Json[] = [];
    const client = {
      audience: "1",
      topic: "1",
      definition: { pattern: "*", presence: undefined },
      pushShared: ({ event, payload }: SharedEvent) => void asked.push([event, payload as Json]),
    };
    presence.opens(client as never);
    return {
      ...hand,
      presence,
      far: make(),
      asked,
      told: () => told.splice(0),
      ask: () => presence.pushState(client as never),
      restart() {
        tracker.stop();
        tracker = make();
        presence.trackAgain();
      },
    };
  }
  const keys = (said: Json | undefined): unknown => {
    const [event, payload] = said as [string, JsonObject];
    return [event, ...Object.keys(payload)];
  };

  it("[CP26] is told all that is tracked here again, as it was last, and clients one state with the others", async () => {
    const { presence, far, advance, settle, told, restart } = restartable();
    const [ada, gone] = [presence.holder("1", "a", undefined), presence.holder("1", "b", undefined)];
    far.track("c:1", "f", "far", {});
    ada.track("ada", { v: 1 });
    ada.update("ada", { v: 2 });
    ada.track("too", {});
    ada.untrack("too");
    gone.track("gone", {});
    gone.untrackAll();
    await settle();
    told();
    restart();
    expect(presence.getByKey("1", "ada")).toEqual([expect.objectContaining({ v: 2 })]);
    expect(presence.list("1").size).toBe(1);
    await advance(999);
    expect(told()).toEqual([]);
    await advance(1);
    expect(told().map(keys)).toEqual([["presence_state", "ada", "far"]]);
    ada.track("more", {});
    await settle();
    expect(told().map(keys)).toEqual([["presence_diff", "joins", "leaves"]]);
    await advance(60_000);
    expect(told()).toEqual([]);
    expect(far.list("c:1").size).toBe(3);
  });
  it("[CP26] answers who asks meanwhile, keeps the app's listeners, and may be made anew twice", async () => {
    const { presence, advance, settle, told, asked, ask, restart } = restartable();
    const heard: unknown[] = [];
    presence.onDiff(({ joins }) => void heard.push([...joins.keys()]));
    const ada = presence.holder("1", "a", undefined);
    ada.track("ada", {});
    await settle();
    told();
    restart();
    await advance(500);
    restart();
    ask();
    expect(asked.map(keys)).toEqual([["presence_state", "ada"]]);
    await advance(2_000);
    expect(told().map(keys)).toEqual([["presence_state", "ada"]]);
    expect(heard).toEqual([["ada"], ["ada"], ["ada"]]);
  });
  it("[CP26] tells how many there are, where that is what is told", async () => {
    const { presence, advance, told, restart } = restartable(1);
    const ada = presence.holder("1", "a", undefined);
    for (const key of ["a", "b", "c"]) ada.track(key, {});
    await advance(2_000);
    expect(told()).toEqual([["presence_count", { count: 3 }]]);
    restart();
    await advance(2_000);
    expect(told().at(-1)).toEqual(["presence_count", { count: 3 }]);
  });
});
