// Presence of channels over several nodes, in virtual time: what clients hear when a node is killed, stops, comes back, and
// when its tracker is made anew.
import { describe, expect, it } from "vitest";
import {
  counted,
  diff,
  metas,
  nodes,
  say,
  state,
  TOPIC,
  track,
  update,
} from "../../../test/presence-talk.ts";
import type { PubSub } from "../../cluster/pubsub.ts";
import type { JsonObject } from "../index.ts";

const any = expect.any(String) as unknown as string;

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

describe("a tracker that begins anew", () => {
  it("[CP26] is told again all that is tracked here, as it was last, and clients hear one diff of it", async () => {
    const { settle, advance, all } = nodes({ count: 2, besideServers: true });
    const [here, there] = [await all[0]!.join(), await all[1]!.join()];
    const { presence } = all[0]!.channels;
    const far = track(there, "far");
    const before = track(here, "ada", { v: 1 });
    const ada = update(here, "ada", { v: 2 });
    track(here, "too");
    say(here, "untrack", { key: "too" });
    const bot = presence.track(TOPIC, "app", "bot", {});
    presence.track(TOPIC, "app", "gone", {});
    presence.untrack(TOPIC, "app", "gone");
    await advance(1_000);
    for (const one of [here, there]) one.take();
    all[0]!.tracker!.restart();
    expect(presence.list(TOPIC).size).toBe(3);
    await advance(60_000);
    const again = diff(
      { ada: metas({ v: 2, phx_ref: any }), bot: metas({ phx_ref: any }) },
      {
        ada: metas({ v: 2, phx_ref: ada, phx_ref_prev: before }),
        bot: metas({ phx_ref: bot }),
      },
    );
    for (const one of [here, there]) expect(one.take()).toEqual([again]);
    expect(presence.getByKey(TOPIC, "far")).toEqual([{ phx_ref: far }]);
    // What it tracks is its own again, to change and to end.
    update(here, "ada", { v: 3 });
    here.gone();
    presence.untrackAll("app");
    await settle();
    await advance(1_000);
    expect([...presence.list(TOPIC).keys()]).toEqual(["far"]);
    expect([...all[1]!.channels.presence.list(TOPIC).keys()]).toEqual(["far"]);
  });
  it("[CP26] once more, and with states that clients ask for meanwhile", async () => {
    const { settle, all } = nodes({ besideServers: true });
    const here = await all[0]!.join();
    track(here, "ada");
    await settle();
    here.take();
    for (let n = 0; n < 2; n++) {
      all[0]!.tracker!.restart();
      const [again, told] = say(here, "list") as [[0, 0, 0, string, { joins: JsonObject }], unknown];
      expect([again[3], told]).toEqual(["presence_diff", state(again[4].joins)]);
      await settle();
      expect(here.take()).toEqual([]);
    }
  });
});
