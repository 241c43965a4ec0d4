// What a joined channel answers, and how it ends, frame by frame.
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { handClock, inHand } from "../../../test/wired.ts";
import { closed, crashed, reply as replied, settled, talk } from "../../../test/phoenix-talk.ts";
import { createChannels, defineChannel, joined, noReply, push, refused, reply, stop } from "../index.ts";
import type { ChannelsOptions, ReplyRef, StopReason } from "../index.ts";

const silent = { onError: () => undefined };
const room = defineChannel("room:*");

/** A client that has joined "room:1" of this channel. */
function on(channel: object, options: ChannelsOptions<object> = {}) {
  const channels = createChannels({ ...silent, ...options }).register(channel as typeof room);
  const client = talk(channels);
  client.join("room:1");
  client.take();
  return { channels, client };
}
const said = (client: ReturnType<typeof talk>, event: string, payload: unknown = {}, ref = "2") =>
  client.say(["1", ref, "room:1", event, payload]);
const unmatched = (ref: string) => replied(null, ref, "room:1", "error", { reason: "unmatched topic" });

describe("messages", () => {
  it.each([
    ["MS1", reply({ a: 1 }), "ok", { a: 1 }],
    ["MS2", reply(), "ok", {}],
    ["MS3", reply("error", {}), "error", {}],
    ["MS4", reply("error", { why: "full" }), "error", { why: "full" }],
    ["MS5", reply("teapot", { a: 1 }), "teapot", { a: 1 }],
    ["MS6", reply([1, 2]), "ok", [1, 2]],
    ["MS6", reply(null), "ok", null],
    ["MS6", reply("text"), "ok", "text"],
  ])("[MS1] [MS2] [MS3] [MS4] [MS5] [MS6] %s: %j is answered", (_, result, status, response) => {
    const { client } = on(room.handleIn("ask", () => result));
    expect(said(client, "ask")).toEqual([replied("1", "2", "room:1", status, response)]);
  });
  it("[MS7] a handler that returns nothing says nothing", () => {
    const { client } = on(room.handleIn("quiet", () => undefined).handleIn("none", () => noReply()));
    expect(said(client, "quiet")).toEqual([]);
    expect(said(client, "none")).toEqual([]);
  });
  it("[MS8] a push has the join_ref and no ref", () => {
    const { client } = on(room.handleIn("ask", () => push("said", { a: 1 })));
    expect(said(client, "ask")).toEqual([["1", null, "room:1", "said", { a: 1 }]]);
  });
  it("[MS9] [MS10] what is pushed before and after a reply comes so", () => {
    const { client } = on(
      room
        .handleIn("before", (_, socket) => {
          socket.push("said", {});
          return reply();
        })
        .handleIn("after", (_, socket) => {
          socket.reply(socket.ref, reply());
          socket.push("said", {});
        }),
    );
    const word = ["1", null, "room:1", "said", {}];
    expect(said(client, "before")).toEqual([word, replied("1", "2", "room:1", "ok")]);
    expect(said(client, "after")).toEqual([replied("1", "2", "room:1", "ok"), word]);
  });
  it.each([[[1]], [null], ["text"], [7]])("[MS11] a push of %j closes the channel", (payload) => {
    const { client } = on(room.handleIn("ask", () => push("said", payload as never)));
    expect(said(client, "ask")).toEqual([crashed("1", "room:1")]);
  });
  it.each([[null], ["text"], [{ a: { b: [1, { c: null }] } }]])("[MS12] %j comes in as it is", (payload) => {
    const { client } = on(room.handleIn("echo", (given) => reply(given)));
    expect(said(client, "echo", payload)).toEqual([replied("1", "2", "room:1", "ok", payload)]);
  });
  it("[MS13] an event may have no name", () => {
    const { client } = on(room.handleIn("", () => reply({ empty: true })));
    expect(said(client, "")).toEqual([replied("1", "2", "room:1", "ok", { empty: true })]);
  });
  it("[MS14] an event that nobody takes is refused, and the channel lives", () => {
    const refusals: unknown[] = [];
    const { client } = on(
      room.handleIn("ask", () => reply()),
      { onRefused: (one) => void refusals.push(one.code) },
    );
    expect(said(client, "nope")).toEqual([
      replied("1", "2", "room:1", "error", { reason: "unmatched event" }),
    ]);
    expect(client.say(["1", null, "room:1", "nope", {}])).toEqual([]);
    expect(said(client, "ask")).toHaveLength(1);
    expect(said(client, "constructor")).toHaveLength(1);
    expect(refusals).toEqual(["unmatched-event", "unmatched-event", "unmatched-event"]);
  });
  it("[MS14] under strictPhoenix it crashes", () => {
    const { client } = on(room, { strictPhoenix: true });
    expect(said(client, "nope")).toEqual([crashed("1", "room:1")]);
  });
  it("[MS14] handleOther takes it", () => {
    const { client } = on(room.handleOther((event, payload) => reply({ event, payload: payload as never })));
    expect(said(client, "nope", { a: 1 })).toEqual([
      replied("1", "2", "room:1", "ok", { event: "nope", payload: { a: 1 } }),
    ]);
  });
  it.each([5, null, {}])(
    "[MS36] an event that is named %j crashes the channel, and is refused, not reported",
    (event) => {
      const heard: unknown[] = [];
      const { client } = on(room, {
        onError: (error) => void heard.push(error),
        onRefused: ({ code, topic }) => void heard.push(code, topic),
      });
      expect(client.say(["1", "2", "room:1", event, {}])).toEqual([crashed("1", "room:1")]);
      expect(heard).toEqual(["malformed", "room:1"]);
    },
  );
  it("[MS15] a topic that is not joined is unmatched", () => {
    const { client } = on(room);
    expect(client.say(["1", "2", "room:2", "ask", {}])).toEqual([
      replied(null, "2", "room:2", "error", { reason: "unmatched topic" }),
    ]);
  });
  it("[MS16] [LV13] [LV14] after a crash the topic is not joined, and can be again", () => {
    const errors: unknown[] = [];
    const boom = new Error("boom");
    const channel = room
      .handleIn("raise", () => {
        throw boom;
      })
      .handleIn("echo", (payload) => reply(payload));
    const { client } = on(channel, { onError: (error) => void errors.push(error) });
    client.join("room:2", "9");
    client.take();
    expect(said(client, "raise")).toEqual([crashed("1", "room:1")]);
    expect(errors).toEqual([boom]);
    expect(said(client, "echo")).toEqual([unmatched("2")]);
    expect(client.say(["9", "3", "room:2", "echo", {}])).toEqual([replied("9", "3", "room:2", "ok")]);
    expect(client.join("room:1", "5")).toEqual([replied("5", "5", "room:1", "ok")]);
    expect(client.closed).toEqual([]);
  });
  it("[MS17] [MS18] another join_ref is ignored, none is taken", () => {
    const { client } = on(room.handleIn("echo", (payload) => reply(payload)));
    expect(client.say(["0", "2", "room:1", "echo", {}])).toEqual([]);
    expect(client.say([null, "2", "room:1", "echo", {}])).toEqual([replied("1", "2", "room:1", "ok")]);
  });
  it("[MS19] a reply may come later", () => {
    let kept: { ref: ReplyRef; answer: () => void } | undefined;
    const { client } = on(
      room
        .handleIn("later", (_, socket) => {
          const { ref } = socket;
          kept = { ref, answer: () => socket.reply(ref, reply({ late: true })) };
        })
        .handleIn("echo", (payload) => reply(payload)),
    );
    expect(said(client, "later")).toEqual([]);
    expect(said(client, "echo", {}, "3")).toHaveLength(1);
    kept!.answer();
    expect(client.take()).toEqual([replied("1", "2", "room:1", "ok", { late: true })]);
  });
  const twice = room.handleIn("twice", (_, socket) => {
    socket.reply(socket.ref, reply({ n: 1 }));
    socket.reply(socket.ref, reply({ n: 2 }));
    return reply({ n: 3 });
  });
  it("[MS20] the first of two replies is said", () => {
    expect(said(on(twice).client, "twice")).toEqual([replied("1", "2", "room:1", "ok", { n: 1 })]);
  });
  it("[MS20] under strictPhoenix all are", () => {
    expect(said(on(twice, { strictPhoenix: true }).client, "twice")).toHaveLength(3);
  });
  it.each([
    [false, []],
    [true, [replied("1", "2", "room:1", "ok", { late: true })]],
  ])("[MS21] a reply behind the end (strictPhoenix %j) is %j", (strictPhoenix, heard) => {
    let answer = (): void => undefined;
    const channel = room.handleIn("later", (_, socket) => {
      const { ref } = socket;
      answer = () => socket.reply(ref, reply({ late: true }));
    });
    const { client } = on(channel, { strictPhoenix });
    said(client, "later");
    said(client, "phx_leave", {}, "3");
    answer();
    expect(client.take()).toEqual(heard);
  });
  it("[MS22] [MS23] a topic's messages are handled in order, and others do not wait", async () => {
    const gate = inHand<void>();
    const channel = room
      .handleIn("slow", async () => {
        await gate.promise;
        return reply({ slow: true });
      })
      .handleIn("echo", (payload) => reply(payload));
    const { client } = on(channel);
    client.join("room:2", "9");
    client.take();
    expect(said(client, "slow")).toEqual([]);
    expect(said(client, "echo", { n: 1 }, "3")).toEqual([]);
    expect(said(client, "slow", {}, "4")).toEqual([]);
    expect(said(client, "echo", { n: 2 }, "5")).toEqual([]);
    expect(client.say(["9", "6", "room:2", "echo", {}])).toHaveLength(1);
    gate.keep();
    await settled();
    expect(client.take()).toEqual([
      replied("1", "2", "room:1", "ok", { slow: true }),
      replied("1", "3", "room:1", "ok", { n: 1 }),
      replied("1", "4", "room:1", "ok", { slow: true }),
      replied("1", "5", "room:1", "ok", { n: 2 }),
    ]);
  });
  it.each(["phx_reply", "phx_close", "phx_error", "phx_drain"])(
    "[MS24] %s of a client is an event",
    (event) => {
      const { client } = on(room.handleIn(event, () => reply({ mine: true })));
      expect(said(client, event)).toEqual([replied("1", "2", "room:1", "ok", { mine: true })]);
    },
  );
  it("[MS25] a schema refuses what does not fit, by the field", async () => {
    let runs = 0;
    const text = z.object({ text: z.string() });
    const channel = room
      .handleIn("say", text, (payload) => {
        runs++;
        return reply({ said: payload.text });
      })
      .handleIn(
        "slow",
        text.refine(async () => true),
        (payload) => reply({ said: payload.text }),
      );
    const { client } = on(channel);
    const wrong = (ref: string) =>
      replied("1", ref, "room:1", "error", {
        reason: "invalid payload",
        issues: [{ message: expect.any(String) as string, path: ["text"] }],
      });
    expect(said(client, "say", { text: 1 })).toEqual([wrong("2")]);
    expect(client.say(["1", null, "room:1", "say", { text: 1 }])).toEqual([]);
    expect(runs).toBe(0);
    expect(said(client, "say", { text: "a" })).toEqual([replied("1", "2", "room:1", "ok", { said: "a" })]);
    expect(said(client, "slow", { text: "b" }, "3")).toEqual([]);
    said(client, "slow", { text: 1 }, "4");
    await settled();
    expect(client.take()).toEqual([replied("1", "3", "room:1", "ok", { said: "b" }), wrong("4")]);
  });
  it("[MS26] too many messages are told so, where somebody waits for the answer", async () => {
    const hand = handClock();
    const channel = room.handleIn("echo", (payload) => reply(payload));
    const over = replied("1", "4", "room:1", "error", { reason: "rate_limited" });
    for (const limits of [
      { messageRate: 1, messageBurst: 3 },
      { channelRate: 1, channelBurst: 2 },
    ]) {
      const { client } = on(channel, { clock: hand.clock, limits });
      said(client, "echo", {}, "2");
      said(client, "echo", {}, "3");
      expect(said(client, "echo", {}, "4")).toEqual([over]);
      expect(client.say(["1", null, "room:1", "echo", {}])).toEqual([]);
      await hand.advance(1_000);
      expect(said(client, "echo", {}, "5")).toEqual([replied("1", "5", "room:1", "ok")]);
    }
  });
  it("[MS29] assigns are a connection's and a topic's", () => {
    const channel = defineChannel("room:*")
      .socket<{ user: string }>()
      .join(({ params: [id] }) => joined({ id, n: 0 }))
      .handleIn("bump", (_, socket) => {
        socket.assign({ n: socket.assigns.n + 1 });
        return reply({ ...socket.assigns });
      });
    const channels = createChannels({
      connect: () => ({ type: "accepted", assigns: { user: "ada" }, id: undefined }),
    });
    const client = talk(channels.register(channel));
    client.join("room:1", "1");
    client.join("room:2", "2");
    client.take();
    const bump = (topic: string, joinRef: string) =>
      (client.say([joinRef, "x", topic, "bump", {}])[0] as never)[4] as { response: unknown };
    expect(bump("room:1", "1").response).toEqual({ user: "ada", id: "1", n: 1 });
    expect(bump("room:1", "1").response).toEqual({ user: "ada", id: "1", n: 2 });
    expect(bump("room:2", "2").response).toEqual({ user: "ada", id: "2", n: 1 });
  });
  it("[MS30] sendInfo reaches one connection's channel, in its turn, and is nothing elsewhere", async () => {
    const gate = inHand<void>();
    let id = "";
    const channel = room
      .handleIn("who", (_, socket) => void (id = socket.socketId))
      .handleIn("slow", () => gate.promise)
      .handleInfo<{ n: number }>(({ n }) => push("tick", { n }));
    const { channels, client } = on(channel);
    said(client, "who");
    channels.sendInfo(id, "room:1", { n: 1 });
    channels.sendInfo(id, channel, ["1"], { n: 2 });
    expect(client.take()).toEqual([
      ["1", null, "room:1", "tick", { n: 1 }],
      ["1", null, "room:1", "tick", { n: 2 }],
    ]);
    channels.sendInfo(id, "room:2", { n: 2 });
    channels.sendInfo("nobody", "room:1", { n: 3 });
    expect(client.take()).toEqual([]);
    said(client, "slow");
    channels.sendInfo(id, "room:1", { n: 4 });
    expect(client.take()).toEqual([]);
    gate.keep();
    await settled();
    expect(client.take()).toEqual([["1", null, "room:1", "tick", { n: 4 }]]);
  });
  it("[MS31] a reply of handleInfo is a mistake that is told", () => {
    const errors: unknown[] = [];
    let id = "";
    // @ts-expect-error -- reason: a reply answers a message; there is none
    const channel = room.joined((socket) => void (id = socket.socketId)).handleInfo(() => reply({}));
    const { channels, client } = on(channel, { onError: (error) => void errors.push(error) });
    channels.sendInfo(id, "room:1", {});
    expect(client.take()).toEqual([crashed("1", "room:1")]);
    expect(String(errors[0])).toContain("push(event, payload)");
  });
  it("[MS34] what sendInfo tells must fit its schema, or the app hears", () => {
    const errors: unknown[] = [];
    let id = "";
    const channel = room
      .joined((socket) => void (id = socket.socketId))
      .handleInfo(z.object({ n: z.number() }), ({ n }) => push("tick", { n }));
    const { channels, client } = on(channel, { onError: (error) => void errors.push(error) });
    channels.sendInfo(id, "room:1", { n: "1" });
    channels.sendInfo(id, "room:1", { n: 2 });
    expect(client.take()).toEqual([["1", null, "room:1", "tick", { n: 2 }]]);
    expect(errors).toHaveLength(1);
    expect(String(errors[0])).toMatch(/room:[*].*handleInfo.*n: /);
  });
  it("[MS32] what waits for handlers is bounded", () => {
    const channel = room.handleIn("hang", () => new Promise<void>(() => undefined));
    const { client } = on(channel, { limits: { maxWaitingMessages: 2 } });
    for (let i = 0; i < 3; i++) said(client, "hang");
    expect(client.closed).toEqual([]);
    said(client, "hang");
    expect(client.closed).toEqual([{ code: 1013, reason: "busy" }]);
    const bytes = on(channel, { limits: { maxWaitingBytes: 500 } }).client;
    said(bytes, "hang");
    said(bytes, "hang", "x".repeat(1_000));
    expect(bytes.closed).toEqual([{ code: 1013, reason: "busy" }]);
  });
  it("[MS32] what had to wait and was handled counts no more", async () => {
    const channel = room.handleIn("slow", () => settled());
    const { client } = on(channel, { limits: { maxWaitingMessages: 2 } });
    for (let i = 0; i < 5; i++) {
      for (let n = 0; n < 3; n++) said(client, "slow");
      for (let n = 0; n < 6; n++) await settled();
    }
    expect(client.closed).toEqual([]);
  });
  it("[MS33] bytes reach handleBinary", () => {
    const channel = room
      .handleBinary("file", (bytes) => reply({ size: bytes.length }))
      .handleIn("file", () => reply("error", {}));
    const { client } = on(channel);
    const frame = (event: string) =>
      new Uint8Array(
        Buffer.concat([
          Buffer.from([0, 1, 1, 6, event.length]),
          Buffer.from(`12room:1${event}`),
          Buffer.from([7, 8, 9]),
        ]),
      );
    expect(client.say(frame("file"))).toEqual([replied("1", "2", "room:1", "ok", { size: 3 })]);
    expect(client.say(frame("else"))).toEqual([
      replied("1", "2", "room:1", "error", { reason: "unmatched event" }),
    ]);
  });
  it("[MS33] raw frames go to every joined topic, and are answered by binary_reply", () => {
    const channel = room.handleBinary((bytes, socket) => reply({ topic: socket.topic, size: bytes.length }));
    const { client } = on(channel, { rawBinary: true });
    client.join("room:2", "5");
    client.take();
    expect(client.say(new Uint8Array([1, 2, 3]))).toEqual([
      ["1", null, "room:1", "binary_reply", { topic: "room:1", size: 3 }],
      ["5", null, "room:2", "binary_reply", { topic: "room:2", size: 3 }],
    ]);
  });
});

describe("end", () => {
  const ending = (ends: StopReason[]) =>
    room
      .handleIn("stop", () => stop())
      .handleIn("shutdown", () => stop("shutdown"))
      .handleIn("last", () => stop("normal", reply({ bye: true })))
      .handleIn("fail", () => stop(new Error("failed")))
      .handleIn("fail_elsewhere", () => stop(runInNewContext('new Error("failed")') as Error))
      .handleIn("fail_last", () => stop(new Error("failed"), reply({ bye: true })))
      .handleIn("raise", () => {
        throw new Error("boom");
      })
      .handleIn("reject", () => Promise.reject(new Error("boom")))
      .handleInfo(() => stop("shutdown"))
      .terminate((reason) => void ends.push(reason));

  it("[LV1] [LV2] a leave is answered, then closed", () => {
    const { client } = on(room);
    expect(said(client, "phx_leave")).toEqual([replied("1", "2", "room:1", "ok"), closed("1", "room:1")]);
    client.join("room:1", "3");
    client.take();
    expect(client.say([null, "4", "room:1", "phx_leave", {}])).toEqual([
      replied("3", "4", "room:1", "ok"),
      closed("3", "room:1"),
    ]);
  });
  it("[LV3] a stale leave is ignored", () => {
    const { client } = on(room.handleIn("echo", (payload) => reply(payload)));
    expect(client.say(["0", "2", "room:1", "phx_leave", {}])).toEqual([]);
    expect(said(client, "echo")).toHaveLength(1);
  });
  it("[LV4] a leave of what is not joined is ok", () => {
    const { client } = on(room);
    expect(client.say(["7", "2", "room:2", "phx_leave", {}])).toEqual([replied("7", "2", "room:2", "ok")]);
  });
  it("[LV5] [LV6] behind a leave nothing more is answered until the channel is closed", async () => {
    const gate = inHand<void>();
    const { client } = on(
      room.handleIn("slow", () => gate.promise).handleIn("echo", (payload) => reply(payload)),
    );
    said(client, "slow");
    expect(said(client, "phx_leave", {}, "3")).toEqual([]);
    expect(said(client, "phx_leave", {}, "4")).toEqual([]);
    expect(said(client, "echo", {}, "5")).toEqual([]);
    gate.keep();
    await settled();
    expect(client.take()).toEqual([replied("1", "3", "room:1", "ok"), closed("1", "room:1")]);
    expect(said(client, "echo", {}, "6")).toEqual([unmatched("6")]);
  });
  it("[LV7] leave and join together", () => {
    const hanging = room.handleIn("hang", () => new Promise<void>(() => undefined));
    const { client } = on(hanging);
    said(client, "hang");
    said(client, "phx_leave", {}, "3");
    expect(client.join("room:1", "4")).toEqual([
      replied("1", "3", "room:1", "ok"),
      closed("1", "room:1"),
      replied("4", "4", "room:1", "ok"),
    ]);
  });
  it.each([
    ["LV9", "stop", [closed("1", "room:1")], { type: "normal", why: "stopped" }],
    ["LV9", "shutdown", [closed("1", "room:1")], { type: "shutdown", why: "stopped" }],
    [
      "LV10",
      "last",
      [replied("1", "2", "room:1", "ok", { bye: true }), closed("1", "room:1")],
      { type: "normal", why: "stopped" },
    ],
    ["LV11", "fail", [crashed("1", "room:1")], { type: "error", error: new Error("failed") }],
    [
      "LV11",
      "fail_elsewhere",
      [crashed("1", "room:1")],
      { type: "error", error: expect.objectContaining({ message: "failed" }) as Error },
    ],
    [
      "LV12",
      "fail_last",
      [replied("1", "2", "room:1", "ok", { bye: true }), crashed("1", "room:1")],
      { type: "error", error: new Error("failed") },
    ],
    ["LV13", "raise", [crashed("1", "room:1")], { type: "error", error: new Error("boom") }],
    ["LV13", "reject", [crashed("1", "room:1")], { type: "error", error: new Error("boom") }],
  ])("[LV9] [LV10] [LV11] [LV12] [LV13] [HA25] %s: %s", async (_, event, heard, reason) => {
    const ends: StopReason[] = [];
    const errors: unknown[] = [];
    const { client } = on(ending(ends), { onError: (error) => void errors.push(error) });
    said(client, event);
    await settled();
    // what `said` took is lost otherwise
    expect(ends).toEqual([reason]);
    expect(errors).toHaveLength(reason.type === "error" ? 1 : 0);
    const again = on(ending([])).client;
    const now = said(again, event);
    await settled();
    expect([...now, ...again.take()]).toEqual(heard);
  });
  it("[LV15] [LV16] it ends from outside, and from handleInfo", () => {
    const ends: StopReason[] = [];
    let end: (reason: "shutdown" | Error) => void = () => undefined;
    let id = "";
    const channel = ending(ends).joined((socket) => {
      id = socket.socketId;
      end = (reason) => socket.stop(reason);
    });
    const { channels, client } = on(channel);
    end(new Error("gone"));
    expect(client.take()).toEqual([crashed("1", "room:1")]);
    client.join("room:1", "2");
    client.take();
    channels.sendInfo(id, "room:1", {});
    expect(client.take()).toEqual([closed("2", "room:1")]);
    expect(ends.map(({ type }) => type)).toEqual(["error", "shutdown"]);
  });
  it.each([
    ["heartbeat", { type: "heartbeatTimeout" }],
    ["inactive", { type: "shutdown", why: "inactive" }],
    [undefined, { type: "shutdown", why: "closed" }],
  ])("[LV17] [LV19] a connection that ends (%s) ends its channels, once each", (why, reason) => {
    const ends: StopReason[] = [];
    const { client } = on(ending(ends));
    client.join("room:2", "2");
    client.gone(why);
    client.gone(why);
    expect(ends).toEqual([reason, reason]);
    expect(client.take()).toEqual([]);
  });
  it("[LV17] its signal is aborted when it ends", () => {
    const signals: AbortSignal[] = [];
    const channel = room.joined((socket) => void signals.push(socket.signal));
    const { client } = on(channel);
    expect(signals[0]!.aborted).toBe(false);
    said(client, "phx_leave");
    expect(signals[0]!.aborted).toBe(true);
  });
  it("[LV18] what terminate throws is reported", async () => {
    const errors: unknown[] = [];
    for (const terminate of [
      () => {
        throw new Error("boom");
      },
      () => Promise.reject(new Error("boom")),
    ]) {
      const { client } = on(room.terminate(terminate), { onError: (error) => void errors.push(error) });
      expect(said(client, "phx_leave")).toHaveLength(2);
      await settled();
    }
    expect(errors).toEqual([new Error("boom"), new Error("boom")]);
  });
  it("[LV20] over V1 its end has no ref, unless the join gave a join_ref", () => {
    const client = talk(createChannels().register(room), { vsn: "1.0.0" });
    const close = (ref: string | null) => ({ topic: "room:1", event: "phx_close", payload: {}, ref });
    const leave = (more = {}) =>
      client.say({ topic: "room:1", event: "phx_leave", payload: {}, ref: "9", ...more }).at(-1);
    client.say({ topic: "room:1", event: "phx_join", payload: {}, ref: "1" });
    expect(leave()).toEqual(close(null));
    client.say({ topic: "room:1", event: "phx_join", payload: {}, ref: "2", join_ref: "2" });
    expect(leave({ join_ref: "2" })).toEqual(close("2"));
  });
  it("[LV21] what terminate broadcasts is heard before the end", () => {
    const channel = room.terminate((_, socket) => {
      if (socket.topic === "room:1") channels.broadcast("room:2", "ended", {});
    });
    const { channels, client } = on(channel);
    client.join("room:2", "2");
    client.take();
    expect(said(client, "phx_leave", {}, "3")).toEqual([
      replied("1", "3", "room:1", "ok"),
      [null, null, "room:2", "ended", {}],
      closed("1", "room:1"),
    ]);
  });
  it("[LV22] who may not stay is closed", async () => {
    const ends: StopReason[] = [];
    let stays: boolean | Error = true;
    const channel = room
      .mayStay(async () => {
        if (stays instanceof Error) throw stays;
        return stays;
      })
      .terminate((reason) => void ends.push(reason));
    const { channels, client } = on(channel);
    channels.reauthorise();
    await settled();
    expect(client.take()).toEqual([]);
    stays = false;
    channels.reauthorise("somebody else");
    await settled();
    expect(client.take()).toEqual([]);
    channels.reauthorise();
    await settled();
    expect(client.take()).toEqual([closed("1", "room:1")]);
    client.join("room:1", "2");
    client.take();
    stays = new Error("the database is away");
    channels.reauthorise();
    await settled();
    expect(client.take()).toEqual([crashed("2", "room:1")]);
    expect(ends).toEqual([
      { type: "shutdown", why: "rights" },
      { type: "error", error: stays },
    ]);
  });
  it("[LV30] [LV32] [LV34] a topic that is joined again", () => {
    const ends: StopReason[] = [];
    const channel = room
      .joined((socket) => socket.push("after_join", {}))
      .handleIn("echo", (payload) => reply(payload))
      .terminate((reason) => void ends.push(reason));
    const { client } = on(channel);
    expect(client.join("room:1", "2")).toEqual([
      replied("2", "2", "room:1", "ok"),
      closed("1", "room:1"),
      ["2", null, "room:1", "after_join", {}],
    ]);
    expect(said(client, "echo")).toEqual([]);
    expect(client.say(["2", "3", "room:1", "echo", {}])).toHaveLength(1);
    expect(ends).toEqual([{ type: "shutdown", why: "duplicate-join" }]);
  });
  it("[LV31] and is refused then", () => {
    let first = true;
    const channel = room.join(() => {
      const answer = first ? joined() : refused("no");
      first = false;
      return answer;
    });
    const { client } = on(channel);
    expect(client.join("room:1", "2")).toEqual([
      replied("2", "2", "room:1", "error", { reason: "no" }),
      closed("1", "room:1"),
    ]);
    expect(said(client, "echo", {}, "3")).toEqual([unmatched("3")]);
  });
  it("[LV33] with the same join_ref, or none, nothing is closed", () => {
    const { client } = on(room);
    expect(client.join("room:1", "1")).toEqual([replied("1", "1", "room:1", "ok")]);
    const none = on(room, { strictPhoenix: true }).client;
    expect(none.join("room:1", "1")).toEqual([replied("1", "1", "room:1", "ok"), closed("1", "room:1")]);
    client.say([null, "5", "room:2", "phx_join", {}]);
    expect(client.say([null, "6", "room:2", "phx_join", {}])).toEqual([replied(null, "6", "room:2", "ok")]);
  });
  it("[LV35] nor is it held up by the old one", async () => {
    const never = new Promise<void>(() => undefined);
    const { client } = on(room.handleIn("hang", () => never).terminate(() => never));
    said(client, "hang");
    expect(client.join("room:1", "2")).toEqual([replied("2", "2", "room:1", "ok"), closed("1", "room:1")]);
  });
});
