// Who hears a broadcast, and how, frame by frame.
import { describe, expect, it } from "vitest";
import { talk } from "../../../test/phoenix-talk.ts";
import { localPubSub } from "../../cluster/pubsub.ts";
import { createChannels, defineChannel, reply } from "../index.ts";
import type { ChannelsOptions } from "../index.ts";

const room = defineChannel("room:*")
  .handleIn("all", (payload, socket) => socket.broadcast("said", payload as never))
  .handleIn("others", (payload, socket) => socket.broadcastFrom("said", payload as never))
  .handleIn("who", (_, socket) => reply({ id: socket.socketId }))
  .handleIn("raise", () => {
    throw new Error("boom");
  });
const quiet = { onError: () => undefined };
const word = (topic: string, payload: unknown = {}, event = "said") => [null, null, topic, event, payload];

function people(options: ChannelsOptions<object> = {}, channel: typeof room = room) {
  const channels = createChannels({ ...quiet, ...options }).register(channel);
  const [ada, bob] = [talk(channels), talk(channels)];
  for (const one of [ada, bob]) {
    one.join("room:1");
    one.take();
  }
  return { channels, ada, bob };
}

describe("a broadcast", () => {
  it("[BC1] reaches all on its topic", () => {
    const { ada, bob } = people();
    expect(ada.say(["1", "2", "room:1", "all", { a: 1 }])).toEqual([word("room:1", { a: 1 })]);
    expect(bob.take()).toEqual([word("room:1", { a: 1 })]);
  });
  it("[BC2] or all but its sender", () => {
    const { ada, bob } = people();
    expect(ada.say(["1", "2", "room:1", "others", { a: 1 }])).toEqual([]);
    expect(bob.take()).toEqual([word("room:1", { a: 1 })]);
  });
  it("[BC3] each as its wire says it", () => {
    const { channels, ada } = people();
    const old = talk(channels, { vsn: "1.0.0" });
    old.say({ topic: "room:1", event: "phx_join", payload: {}, ref: "1" });
    const poll = talk(channels, { transport: "longpoll" });
    poll.join("room:1");
    for (const one of [old, poll]) one.take();
    channels.broadcast("room:1", "said", { a: 1 });
    expect(ada.take()).toEqual([word("room:1", { a: 1 })]);
    expect(poll.take()).toEqual([word("room:1", { a: 1 })]);
    expect(old.take()).toEqual([{ topic: "room:1", event: "said", payload: { a: 1 }, ref: null }]);
  });
  it("[BC4] [BC5] [BC6] not who is on another topic, has left or has crashed", () => {
    const { channels, ada, bob } = people();
    const eve = talk(channels);
    eve.join("room:2");
    ada.say(["1", "2", "room:1", "phx_leave", {}]);
    bob.say(["1", "2", "room:1", "raise", {}]);
    for (const one of [eve, bob]) one.take();
    channels.broadcast("room:1", "said", {});
    expect([ada, bob, eve].map((one) => one.take())).toEqual([[], [], []]);
  });
  it.each([[null], [[1]], ["text"], [7]])("[BC7] of %j throws at the caller", (payload) => {
    const { channels, ada } = people();
    expect(() => channels.broadcast("room:1", "said", payload as never)).toThrow(TypeError);
    expect(() => channels.localBroadcast("room:1", "said", payload as never)).toThrow(TypeError);
    expect(ada.take()).toEqual([]);
  });
  it("[BC8] [BC9] is changed or kept from one client by handleOut", () => {
    const channel = defineChannel("room:*")
      .says<{ said: { a: number }; other: { b: number } }>()
      .join(({ socket }) => ({ type: "joined", assigns: { me: socket.id }, response: {} }))
      .handleOut("said", ({ a }, socket) => (a > 1 ? { a, me: socket.assigns.me } : undefined));
    const { channels, ada } = people({}, channel as never);
    channels.broadcast("room:1", "said", { a: 1 });
    channels.broadcast(channel, ["1"], "other", { b: 1 });
    channels.broadcast(channel, ["1"], "said", { a: 2 });
    expect(ada.take()).toEqual([
      word("room:1", { b: 1 }, "other"),
      ["1", null, "room:1", "said", { a: 2, me: expect.any(String) as string }],
    ]);
  });
  it("[BC8] a handleOut that throws closes its own channel only", () => {
    let id = "";
    const channel = room
      .joined((socket) => void (id ||= socket.socketId))
      .handleOut("said", (payload, socket) => {
        if (socket.socketId === id) throw new Error("boom");
        return payload;
      });
    const { channels, ada, bob } = people({}, channel);
    channels.broadcast("room:1", "said", {});
    expect(ada.take()).toEqual([["1", "1", "room:1", "phx_error", { reason: "channel_crash" }]]);
    expect(bob.take()).toEqual([["1", null, "room:1", "said", {}]]);
  });
  it("[BC10] [BC14] two come in order, a frame each", () => {
    const { channels, ada } = people();
    channels.broadcast("room:1", "said", { n: 1 });
    channels.broadcast("room:1", "said", { n: 2 });
    expect(ada.take()).toEqual([word("room:1", { n: 1 }), word("room:1", { n: 2 })]);
  });
  it("[BC11] [BC12] crosses nodes, or stays on its own", () => {
    const pubsub = localPubSub();
    const [here, there] = [people({ pubsub }), people({ pubsub })];
    const all = [here.ada, here.bob, there.ada, there.bob];
    const heard = () => all.map((one) => one.take().length);
    here.channels.broadcast("room:1", "said", { n: 1 });
    expect(heard()).toEqual([1, 1, 1, 1]);
    here.ada.say(["1", "2", "room:1", "others", { n: 2 }]);
    expect(heard()).toEqual([0, 1, 1, 1]);
    const id = (
      (here.ada.say(["1", "3", "room:1", "who", {}])[0] as never)[4] as { response: { id: string } }
    ).response.id;
    there.channels.broadcastFrom(id, "room:1", "said", { n: 3 });
    expect(heard()).toEqual([0, 1, 1, 1]);
    here.channels.localBroadcast("room:1", "said", { n: 4 });
    expect(heard()).toEqual([1, 1, 0, 0]);
    here.channels.broadcast("room:1", "said", new Uint8Array([1, 2, 255]));
    expect(there.ada.take()).toEqual([
      new Uint8Array(Buffer.from("\x02\x06\x04room:1said\x01\x02\xff", "latin1")),
    ]);
  });
  it("[BC11] a topic on which nobody is any more is not listened for", () => {
    const inner = localPubSub();
    const listening = new Set<string>();
    const pubsub = {
      publish: inner.publish,
      subscribe(channel: string, listener: (payload: unknown) => void) {
        listening.add(channel);
        const silence = inner.subscribe(channel, listener);
        return () => {
          listening.delete(channel);
          silence();
        };
      },
    };
    const before = people({ pubsub });
    const busy = [...listening];
    for (const one of [before.ada, before.bob]) one.gone();
    expect(busy.filter((channel) => !listening.has(channel))).toEqual(["phoenix:room:1"]);
  });
  it("[BC15] a push reaches one connection, and says whether it is there", () => {
    const { channels, ada, bob } = people();
    const id = ((ada.say(["1", "3", "room:1", "who", {}])[0] as never)[4] as { response: { id: string } })
      .response.id;
    expect(channels.push(id, "room:1", "said", { n: 1 })).toBe(true);
    expect(channels.push(id, room, ["1"], "said", { n: 2 })).toBe(true);
    expect(channels.push(id, "room:2", "said", {})).toBe(false);
    expect(channels.push("nobody", "room:1", "said", {})).toBe(false);
    expect(ada.take()).toEqual([
      ["1", null, "room:1", "said", { n: 1 }],
      ["1", null, "room:1", "said", { n: 2 }],
    ]);
    expect(bob.take()).toEqual([]);
  });
  it("[BC16] of bytes passes over who cannot hear them, which is told once", () => {
    const errors: unknown[] = [];
    const { channels, ada } = people({ onError: (error) => void errors.push(error) });
    const old = talk(channels, { vsn: "1.0.0" });
    old.say({ topic: "room:1", event: "phx_join", payload: {}, ref: "1" });
    old.take();
    for (let i = 0; i < 2; i++) channels.broadcast("room:1", "said", new Uint8Array([1]));
    expect(old.take()).toEqual([]);
    expect(ada.take()).toHaveLength(2);
    expect(errors).toHaveLength(1);
    expect(old.say({ topic: "room:1", event: "who", payload: {}, ref: "2" })).toHaveLength(1);
  });
  it("[BC16] whose names are too long for a binary frame: it says so", () => {
    const errors: unknown[] = [];
    const { channels } = people({ onError: (error) => void errors.push(error) });
    channels.broadcast("room:1", "é".repeat(128), new Uint8Array([1]));
    expect(errors.map(String)).toEqual([expect.stringContaining("event has at most 255 bytes")]);
  });
  it.each([
    null,
    7,
    {},
    { node: "x" },
    { node: "x", event: "said", payload: [1] },
    { node: "x", event: 7, payload: {} },
  ])("[BC17] another node's %j is none", (told) => {
    const errors: unknown[] = [];
    const pubsub = localPubSub();
    const { ada } = people({ pubsub, onError: (error) => void errors.push(error) });
    pubsub.publish("phoenix:room:1", told);
    expect(ada.take()).toEqual([]);
    expect(errors).toHaveLength(1);
  });
});
