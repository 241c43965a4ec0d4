// What a channel with presence declares, and when its client hears what.
import { describe, expect, it } from "vitest";
import { reply as replied, talk } from "../../../test/phoenix-talk.ts";
import { diff, metas, nodes, say, state, TOPIC, track } from "../../../test/presence-talk.ts";
import { defineChannel, joined } from "../index.ts";
import type { JsonObject } from "../index.ts";

const any = expect.any(String) as unknown as string;
const keyed = defineChannel("room:*")
  .join(({ socket }) => joined({ me: socket.id.slice(0, 4) }))
  .presence({ key: ({ assigns }) => assigns.me, initial: () => ({ here: true }) });

describe("what a channel declares", () => {
  it("[CP19] whoever joins hears the answer, then who is here, then of itself as all do", async () => {
    const { settle, connect, join } = nodes({ channel: keyed });
    const bob = await join();
    const ada = connect();
    const [answer, told, ...rest] = ada.take();
    expect(answer).toEqual(replied("1", "1", TOPIC, "ok"));
    const [[, [bobs]]] = Object.entries(
      (told as [0, 0, 0, 0, Record<string, { metas: JsonObject[] }>])[4],
    ).map(([key, one]) => [key, one.metas] as const) as [[string, [JsonObject]]];
    expect(bobs).toEqual({ here: true, phx_ref: any });
    expect(rest).toEqual([]);
    await settle();
    const own = ada.take();
    expect(own).toEqual([diff({ [keyOf(own)]: metas({ here: true, phx_ref: any }) })]);
    expect(bob.take()).toEqual(own);
  });
  it("[CP19] before the handler that runs then, and with no more than it declares", async () => {
    const order: unknown[] = [];
    const channel = defineChannel("room:*")
      .presence({ key: () => "ada" })
      .joined(({ presence }) => void order.push([...presence.list().keys()], presence.track({ late: true })));
    const { settle, connect, errors } = nodes({ channel });
    const ada = connect();
    expect(ada.take().slice(1)).toEqual([state({})]);
    await settle();
    expect(ada.take()).toEqual([diff({ ada: metas({ late: true, phx_ref: any }) })]);
    expect([order, errors]).toEqual([[[], any], []]);
  });
  it("[CP19] what its functions throw crashes the channel of that client, and no other", async () => {
    const channel = defineChannel("room:*").presence({
      key: () => "ada",
      initial: () => {
        throw new Error("boom");
      },
    });
    const { connect, channels, errors } = nodes({ channel });
    expect(
      connect()
        .take()
        .map((frame) => (frame as string[])[3]),
    ).toEqual(["phx_reply", "presence_state", "phx_error"]);
    expect(errors.map(String)).toEqual(["Error: boom"]);
    expect(channels.presence.count(TOPIC)).toBe(0);
  });
  it("[CP20] what comes and goes within a turn is not told, and what changes twice is told once", async () => {
    const { settle, join } = nodes();
    const [ada, bob] = [await join(), await join()];
    track(bob, "bob", { v: 0 });
    await settle();
    const [told] = bob.take() as [[0, 0, 0, 0, { joins: { bob: { metas: [{ phx_ref: string }] } } }]];
    const first = told[4].joins.bob.metas[0].phx_ref;
    ada.take();
    track(ada, "ada");
    say(ada, "untrack", { key: "ada" });
    say(bob, "update", { key: "bob", meta: { v: 1 } });
    const last = track(bob, "bob", { v: 2 }, "update");
    bob.take();
    await settle();
    expect(bob.take()).toEqual([
      diff(
        { bob: metas({ v: 2, phx_ref: last, phx_ref_prev: any }) },
        { bob: metas({ v: 0, phx_ref: first }) },
      ),
    ]);
  });
  it("[CP20] a state stands behind what it lists, so that whoever goes in the same turn is told to have gone", async () => {
    const { settle, join } = nodes();
    const [ada, bob] = [await join(), await join()];
    const ref = track(ada, "ada");
    expect(say(bob, "list")).toEqual([
      diff({ ada: metas({ phx_ref: ref }) }),
      state({ ada: metas({ phx_ref: ref }) }),
    ]);
    say(ada, "untrack", { key: "ada" });
    await settle();
    expect(bob.take()).toEqual([diff({}, { ada: metas({ phx_ref: ref }) })]);
  });
  it("[CP21] a diff is written once for each version of the wire, and a state until the list changes", async () => {
    const { settle, all, channels } = nodes();
    const json = JSON.stringify.bind(JSON);
    const clients = [...Array.from({ length: 5 }, () => talk(channels)), talk(channels, { vsn: "1.0.0" })];
    void all;
    for (const one of clients.slice(0, 5)) one.join(TOPIC);
    clients[5]!.say({ topic: TOPIC, event: "phx_join", payload: {}, ref: "1" });
    await settle();
    let written = 0;
    const counting = (value: unknown): string => {
      // A diff, or a key of a state.
      if (value === "ada" || "joins" in Object(value)) written++;
      return json(value);
    };
    JSON.stringify = counting as typeof JSON.stringify;
    try {
      channels.presence.track(TOPIC, "app", "ada", { v: 1 });
      await settle();
      // The payload's JSON, for both versions.
      expect(written).toBe(1);
      for (const one of clients.slice(0, 5)) one.say(`["1","9","${TOPIC}","list",{}]`);
      expect(written).toBe(2);
      channels.presence.update(TOPIC, "app", "ada", { v: 2 });
      await settle();
      for (const one of clients.slice(0, 5)) one.say(`["1","9","${TOPIC}","list",{}]`);
      expect(written).toBe(4);
    } finally {
      JSON.stringify = json as typeof JSON.stringify;
    }
    expect(clients[0]!.take()).toEqual([]);
  });
  it("[CP21] a list that is read is the same object until it changes", () => {
    const { channels } = nodes();
    channels.presence.track(TOPIC, "app", "ada", {});
    const list = channels.presence.list(TOPIC);
    expect(channels.presence.list(TOPIC)).toBe(list);
    channels.presence.track(TOPIC, "app", "bob", {});
    expect(channels.presence.list(TOPIC)).not.toBe(list);
    expect([...channels.presence.list(TOPIC).keys()]).toEqual(["ada", "bob"]);
  });
});

const keyOf = (frames: readonly unknown[]): string =>
  Object.keys((frames[0] as [0, 0, 0, 0, { joins: object }])[4].joins)[0]!;
