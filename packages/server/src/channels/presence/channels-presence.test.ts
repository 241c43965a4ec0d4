// Presence in the hand of the app: reading, tracking and hearing from outside of channels.
import { describe, expect, it } from "vitest";
import { talk } from "../../../test/phoenix-talk.ts";
import { diff, metas, nodes, room, TOPIC, track } from "../../../test/presence-talk.ts";
import { localPubSub } from "../../cluster/pubsub.ts";
import { createTracker } from "../../presence/create-tracker.ts";
import { createChannels, defineChannel, joined } from "../index.ts";
import type { JsonObject, TopicPresenceDiff } from "../index.ts";

const any = expect.any(String) as unknown as string;

describe("the app", () => {
  it("[CP24] reads who is on a topic, by its text or its channel", async () => {
    const { join, channels } = nodes();
    const ada = await join();
    const ref = track(ada, "ada", { v: 1 });
    const one = { v: 1, phx_ref: ref };
    expect([...channels.presence.list(TOPIC)]).toEqual([["ada", [one]]]);
    expect([...channels.presence.list(room, ["1"])]).toEqual([["ada", [one]]]);
    expect(channels.presence.getByKey(TOPIC, "ada")).toEqual([one]);
    expect(channels.presence.getByKey(room, ["1"], "nobody")).toEqual([]);
    expect([channels.presence.count(room, ["1"]), channels.presence.count("room:2")]).toEqual([1, 0]);
  });
  it("[CP24] tracks holders of its own, apart from connections, until it says otherwise", async () => {
    const { settle, join, channels } = nodes();
    const ada = await join();
    const { presence } = channels;
    const ref = presence.track(room, ["1"], "bot", "bot", { n: 1 });
    presence.track("room:2", "bot", "bot", {});
    presence.update(TOPIC, "bot", "bot", (before) => ({ n: Number(before["n"]) + 1 }));
    expect(() => presence.track(TOPIC, "bot", "bot", {})).toThrow(/already/);
    expect(() => presence.update(TOPIC, "nobody", "bot", {})).toThrow(/track\(key, meta\)/);
    await settle();
    expect(ada.take()).toEqual([diff({ bot: metas({ n: 2, phx_ref: any, phx_ref_prev: ref }) })]);
    presence.untrack(TOPIC, "bot", "nobody");
    presence.untrack(TOPIC, "nobody", "bot");
    presence.untrack(TOPIC, "bot", "bot");
    expect([presence.count(TOPIC), presence.count("room:2")]).toEqual([0, 1]);
    presence.track(TOPIC, "bot", "bot", {});
    presence.untrackAll("bot");
    presence.untrackAll("bot");
    expect([presence.count(TOPIC), presence.count("room:2")]).toEqual([0, 0]);
  });
  it("[CP24] hears who comes and goes on whatever topic of a channel, until it has heard enough", async () => {
    const { join, channels, errors } = nodes();
    const heard: TopicPresenceDiff[] = [];
    channels.presence.onDiff(() => {
      throw new Error("boom");
    });
    const enough = channels.presence.onDiff((one) => void heard.push(one));
    const ada = await join();
    const ref = track(ada, "ada", { v: 1 });
    ada.gone();
    enough();
    channels.presence.track(TOPIC, "app", "bot", {});
    const here = new Map([["ada", [{ v: 1, phx_ref: ref }]]]);
    expect(heard).toEqual([
      { topic: TOPIC, joins: here, leaves: new Map() },
      { topic: TOPIC, joins: new Map(), leaves: here },
    ]);
    expect(errors.map(String)).toEqual(["Error: boom", "Error: boom", "Error: boom"]);
  });
  it("[CP25] tells this node's clients the diffs of a tracker of its own, without those who have no key", async () => {
    const channels = createChannels().register(defineChannel("room:*"));
    const ada = talk(channels);
    ada.join(TOPIC);
    ada.take();
    const tracker = createTracker();
    tracker.onDiff((one) => channels.broadcastPresenceDiff(one.topic, one));
    tracker.track(TOPIC, "a", "ada", { v: 1 });
    expect(ada.take()).toEqual([diff({ ada: metas({ v: 1, phx_ref: any }) })]);
    const [entry] = tracker.getByKey(TOPIC, "ada");
    channels.broadcastPresenceDiff(TOPIC, { joins: [{ ...entry!, key: "" }], leaves: [] });
    expect(ada.take()).toEqual([]);
    tracker.stop();
  });
  it("[CP27] without presence in a channel nothing is said of it between nodes", async () => {
    const pubsub = localPubSub();
    const said: unknown[] = [];
    pubsub.subscribe("presence:house", (one) => said.push(one));
    const { advance, join } = nodes({ pubsub, channel: defineChannel("room:*") });
    await join();
    await advance(60_000);
    expect(said).toEqual([]);
  });
  it("[CP28] handleOut changes and drops what is told, for one client", async () => {
    const channel = room
      .join(({ socket }) => joined({ me: socket.id }))
      .handleOut("presence_diff", (payload, socket) =>
        channels.presence.count(TOPIC) > 1
          ? undefined
          : { ...(payload as JsonObject), me: socket.assigns.me },
      );
    const { settle, join, channels } = nodes({ channel });
    const ada = await join();
    const ref = track(ada, "ada");
    await settle();
    expect(ada.take()).toEqual([
      ["1", null, TOPIC, "presence_diff", { joins: { ada: metas({ phx_ref: ref }) }, leaves: {}, me: any }],
    ]);
    track(ada, "bob");
    await settle();
    expect(ada.take()).toEqual([]);
  });
});
