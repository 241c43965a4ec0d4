// The presence of channels, frame by frame: what each client of a topic hears of who is there. CP1 to CP18 are by
// number the lines of presence in the conformance kit.
import { describe, expect, it } from "vitest";
import { closed, reply as replied } from "../../../test/phoenix-talk.ts";
import type { Talker } from "../../../test/phoenix-talk.ts";
import { diff, metas, nodes, room, say, state, TOPIC, track, update } from "../../../test/presence-talk.ts";
import { createTracker } from "../../presence/create-tracker.ts";
import { accept, defineChannel } from "../index.ts";
import type { JsonObject } from "../index.ts";

describe("what clients hear", () => {
  it("[CP1] [CP11] whoever is tracked is told to all on the topic, at the end of the turn", async () => {
    const { settle, join } = nodes();
    const [ada, bob] = [await join(), await join()];
    const ref = track(ada, "ada", { at: 1 });
    expect(typeof ref).toBe("string");
    expect(bob.take()).toEqual([]);
    await settle();
    const told = [diff({ ada: metas({ at: 1, phx_ref: ref }) })];
    expect(ada.take()).toEqual(told);
    expect(bob.take()).toEqual(told);
  });
  it("[CP2] a state is a push of all who are here, and empty where nobody is", async () => {
    const { settle, join } = nodes();
    const ada = await join();
    expect(say(ada, "list")).toEqual([state({})]);
    const ref = track(ada, "ada", { at: 1 });
    await settle();
    ada.take();
    expect(say(ada, "list")).toEqual([state({ ada: metas({ at: 1, phx_ref: ref }) })]);
  });
  it("[CP3] [CP6] two devices of a user are two metas, in their order, and go one by one", async () => {
    const { settle, join } = nodes();
    const [ada, too] = [await join(), await join()];
    const [first, second] = [track(ada, "ada", { d: "a" }), track(too, "ada", { d: "b" })];
    await settle();
    ada.take();
    expect(say(ada, "list")).toEqual([
      state({ ada: metas({ d: "a", phx_ref: first }, { d: "b", phx_ref: second }) }),
    ]);
    too.gone();
    await settle();
    expect(ada.take()).toEqual([diff({}, { ada: metas({ d: "b", phx_ref: second }) })]);
    expect(say(ada, "list")).toEqual([state({ ada: metas({ d: "a", phx_ref: first }) })]);
  });
  it("[CP4] [CP5] an update is one diff, whose join names the ref before, also in the state", async () => {
    const { settle, join } = nodes();
    const ada = await join();
    const first = track(ada, "ada", { v: 1 });
    await settle();
    const second = update(ada, "ada", { v: 2 });
    ada.take();
    await settle();
    const now = { v: 2, phx_ref: second, phx_ref_prev: first };
    expect(ada.take()).toEqual([diff({ ada: metas(now) }, { ada: metas({ v: 1, phx_ref: first }) })]);
    expect(say(ada, "list")).toEqual([state({ ada: metas(now) })]);
    const third = update(ada, "ada", { v: 3 });
    await settle();
    expect(ada.take()).toEqual([
      diff({ ada: metas({ v: 3, phx_ref: third, phx_ref_prev: second }) }, { ada: metas(now) }),
    ]);
  });
  it.each([
    ["untrack", (ada: Talker) => say(ada, "untrack", { key: "ada" })],
    ["leave", (ada: Talker) => say(ada, "phx_leave")],
    ["crash", (ada: Talker) => say(ada, "raise")],
    ["socket close", (ada: Talker) => ada.gone()],
    ["duplicate join", (ada: Talker) => ada.join(TOPIC, "2")],
  ])("[CP6] %s is a leave, once", async (_, end) => {
    const { settle, join } = nodes();
    const [ada, bob] = [await join(), await join()];
    const ref = track(ada, "ada");
    await settle();
    bob.take();
    end(ada);
    await settle();
    expect(bob.take()).toEqual([diff({}, { ada: metas({ phx_ref: ref }) })]);
    ada.gone();
    await settle();
    expect(bob.take()).toEqual([]);
  });
  it("[CP6] who joins again hears the end of the channel before, as others do", async () => {
    const { settle, join } = nodes();
    const ada = await join();
    const ref = track(ada, "ada");
    await settle();
    ada.take();
    expect(ada.join(TOPIC, "2")).toEqual([replied("2", "2", TOPIC, "ok"), closed("1", TOPIC)]);
    await settle();
    expect(ada.take()).toEqual([diff({}, { ada: metas({ phx_ref: ref }) })]);
  });
  it("[CP6] so are disconnect and the end that another part of the server gives it", async () => {
    const channel = room.handleIn(
      "ended",
      (_, socket) => void setImmediate(() => socket.stop(new Error("boom"))),
    );
    const { settle, join, channels } = nodes({ channel, connect: () => accept({}, "x") });
    const ada = await join();
    track(ada, "ada");
    say(ada, "ended");
    await settle();
    expect(channels.presence.list(TOPIC).size).toBe(0);
    const bob = await join();
    track(bob, "bob");
    channels.disconnect("x");
    expect(channels.presence.list(TOPIC).size).toBe(0);
  });
  it("[CP8] a key may be any text", async () => {
    const { settle, join } = nodes();
    const ada = await join();
    for (const key of ["__proto__", "42", "constructor", "toString", "ä\u2028"]) {
      const ref = track(ada, key, { v: 1 });
      await settle();
      const one = JSON.parse(`{${JSON.stringify(key)}:{"metas":[{"v":1,"phx_ref":${JSON.stringify(ref)}}]}}`);
      const [said] = ada.take();
      expect(JSON.stringify(said)).toBe(JSON.stringify(diff(one as JsonObject)));
      const [told] = say(ada, "list") as [[0, 0, 0, 0, object]];
      expect(JSON.stringify(told[4])).toBe(JSON.stringify(one));
      say(ada, "untrack", { key });
      await settle();
      ada.take();
    }
  });
  it("[CP9] refs that a client writes into its meta are dropped", async () => {
    const { settle, join } = nodes();
    const ada = await join();
    const ref = track(ada, "ada", { phx_ref: "mine", phx_ref_prev: "mine too", v: 1 });
    await settle();
    expect(ada.take()).toEqual([diff({ ada: metas({ v: 1, phx_ref: ref }) })]);
  });
  it("[CP9] also those that an app of another node has let through, and metas that are none", async () => {
    const { clock, pubsub, settle, all } = nodes({ count: 2 });
    const ada = await all[0]!.join();
    // As an app of its own on the same line.
    const far = createTracker<unknown>({ pubsub, scope: "house", clock });
    far.track(`c:${TOPIC}`, "somebody", "eve", { phx_ref: "mine", phx_ref_prev: "x", v: 1 });
    far.track(`c:${TOPIC}`, "somebody", "text", "none");
    await settle();
    expect(ada.take()).toEqual([
      diff({
        eve: metas({ v: 1, phx_ref: expect.stringMatching(/^[\w-]+\.\w+$/) as never }),
        text: metas({ phx_ref: expect.any(String) as never }),
      }),
    ]);
  });
  it("[CP10] tracked twice is an error, as is an update of nothing; untracked twice is nothing", async () => {
    const heard: unknown[] = [];
    const channel = defineChannel("room:*")
      .presence()
      .handleIn("try", (_, { presence }) => {
        for (const attempt of [
          () => presence.update("ada", {}),
          () => presence.track("ada", { v: 1 }),
          () => presence.track("ada", { v: 2 }),
          () => presence.untrack("ada"),
          () => presence.untrack("ada"),
          () => presence.update("ada", {}),
        ])
          try {
            heard.push(typeof attempt());
          } catch (error) {
            heard.push((error as { code: string }).code);
          }
      });
    const { join, settle } = nodes({ channel });
    const ada = await join();
    say(ada, "try");
    await settle();
    expect(heard).toEqual(["unknown", "string", "exists", "undefined", "undefined", "unknown"]);
    expect(ada.take()).toEqual([]);
  });
  it("[CP11] no two metas have one ref, on whatever nodes", async () => {
    const { settle, all } = nodes({ count: 2 });
    const given = new Set<string>();
    for (const node of all) {
      const client = await node.join();
      for (let n = 0; n < 20; n++) {
        given.add(track(client, `k${n}`));
        given.add(update(client, `k${n}`, { n }));
      }
    }
    await settle();
    expect(given.size).toBe(80);
  });
  it("[CP13] V1 says the same in its frames", async () => {
    const { settle, join } = nodes();
    const [ada, old] = [await join(), await join({ vsn: "1.0.0" })];
    const ref = track(ada, "ada", { v: 1 });
    await settle();
    const payload = { joins: { ada: metas({ v: 1, phx_ref: ref }) }, leaves: {} };
    expect(old.take()).toEqual([{ topic: TOPIC, event: "presence_diff", payload, ref: null }]);
    expect(old.say({ topic: TOPIC, event: "list", payload: {}, ref: "2" })).toEqual([
      { topic: TOPIC, event: "presence_state", payload: payload.joins, ref: null },
    ]);
  });
  it("[CP14] a channel has several keys, which end with it in one diff", async () => {
    const { settle, join } = nodes();
    const [ada, bob] = [await join(), await join()];
    const [one, two] = [track(ada, "one"), track(ada, "two")];
    await settle();
    expect(bob.take()).toEqual([diff({ one: metas({ phx_ref: one }), two: metas({ phx_ref: two }) })]);
    ada.gone();
    await settle();
    expect(bob.take()).toEqual([diff({}, { one: metas({ phx_ref: one }), two: metas({ phx_ref: two }) })]);
  });
  it("[CP15] who has no key is counted, and told to nobody", async () => {
    const { settle, join, channels } = nodes();
    const ada = await join();
    track(ada, "", { v: 1 });
    await settle();
    expect(ada.take()).toEqual([]);
    expect(say(ada, "list")).toEqual([state({})]);
    expect([channels.presence.count(TOPIC), channels.presence.list(TOPIC).size]).toEqual([1, 0]);
  });
});
