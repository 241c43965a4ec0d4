// What the app's own code does to the channels while they call it, and what comes late: connections that end in the midst
// of a join, an answer or a broadcast. A talker's connection is gone in the same turn in which it is closed, as LongPoll's is.
import { describe, expect, it } from "vitest";
import { handClock, inHand } from "../../../test/wired.ts";
import { closed, crashed, reply as replied, settled, talk } from "../../../test/phoenix-talk.ts";
import type { ServerEvent } from "../../app/events.ts";
import { accept, createChannels, defineChannel, joined, reply } from "../index.ts";
import type { ChannelSocket, Channels, ReplyRef, StopReason } from "../index.ts";

const connect = () => accept({}, "ada");
const room = defineChannel("room:*");
const watched = () => {
  const events: ServerEvent["type"][] = [];
  return { events, observe: ({ type }: ServerEvent) => void events.push(type) };
};
/** Who still hears "room:1": an ended channel that is left on its topic is asked by `handleOut`. */
const slow = { limits: { maxBufferedBytes: 100 } };

describe("a connection that ends in the midst of a join", () => {
  it("[JN29] by the join's own handler: nothing is said, and the acceptance is terminated", () => {
    const reasons: StopReason[] = [];
    const heard: string[] = [];
    const { events, observe } = watched();
    const channels: Channels = createChannels({ connect, observe });
    channels.register(
      room
        .join(() => {
          channels.disconnect("ada");
          return joined();
        })
        .joined(() => void heard.push("joined"))
        .handleOut("said", () => void heard.push("said"))
        .terminate((reason) => void reasons.push(reason)),
    );
    const client = talk(channels);
    expect(client.join("room:1")).toEqual([]);
    channels.broadcast("room:1", "said", {});
    expect(heard).toEqual([]);
    expect(reasons).toEqual([{ type: "shutdown", why: "disconnected" }]);
    expect(events).toEqual(["socket-connected", "socket-disconnected"]);
  });

  it("[JN29] [DC9] by the answer, which is more than it takes in", () => {
    const reasons: StopReason[] = [];
    const heard: string[] = [];
    const channels = createChannels(slow).register(
      room
        .joined(() => void heard.push("joined"))
        .handleOut("said", () => void heard.push("said"))
        .terminate((reason) => void reasons.push(reason)),
    );
    const client = talk(channels);
    client.unwritten = 101;
    client.join("room:1");
    channels.broadcast("room:1", "said", {});
    expect(heard).toEqual([]);
    expect(reasons).toEqual([{ type: "shutdown", why: "closed" }]);
    expect(client.closed).toEqual([{ code: 1013, reason: "slow" }]);
  });

  it("[LV30] [JN29] by the farewell to the channel before, or by its terminate", () => {
    for (const by of ["farewell", "terminate"]) {
      const reasons: StopReason[] = [];
      const heard: string[] = [];
      let joins = 0;
      const channels: Channels = createChannels({ connect, ...slow });
      channels.register(
        room
          .join(() => joined({ n: ++joins }))
          .joined(() => void heard.push("joined"))
          .handleOut("said", () => void heard.push("said"))
          .terminate((reason) => {
            reasons.push(reason);
            if (by === "terminate") channels.disconnect("ada");
          }),
      );
      const client = talk(channels);
      client.join("room:1", "1");
      let frames = 0;
      Object.defineProperty(client, "unwritten", {
        get: () => (++frames > 1 && by === "farewell" ? 101 : 0),
      });
      client.join("room:1", "2");
      channels.broadcast("room:1", "said", {});
      expect(heard).toEqual(["joined"]);
      expect(client.closed).toHaveLength(1);
      const ends = { type: "shutdown", why: "duplicate-join" };
      expect(reasons).toEqual(by === "terminate" ? [ends] : [ends, { type: "shutdown", why: "closed" }]);
      // A join that would be for nobody is not asked.
      expect(joins).toBe(by === "terminate" ? 1 : 2);
    }
  });

  it("[JN32] by a client in this process, which leaves in the midst of the answer", () => {
    const reasons: StopReason[] = [];
    const began: string[] = [];
    const channels = createChannels().register(
      room.joined(() => void began.push("joined")).terminate((reason) => void reasons.push(reason)),
    );
    const heard: unknown[] = [];
    const { incoming, disconnect } = channels.connect({
      send(data) {
        heard.push(JSON.parse(data as string));
        if (heard.length === 1) incoming(JSON.stringify(["1", "2", "room:1", "phx_leave", {}]));
      },
      close: () => undefined,
      request: { url: "/socket/websocket?vsn=2.0.0", headers: {}, remoteAddress: undefined },
    });
    incoming(JSON.stringify(["1", "1", "room:1", "phx_join", {}]));
    expect(heard).toEqual([replied("1", "1", "room:1", "ok"), replied("1", "2", "room:1", "ok")]);
    expect(began).toEqual([]);
    expect(reasons).toEqual([{ type: "normal", why: "left" }]);
    disconnect();
    expect(reasons).toHaveLength(1);
  });

  it("[LV17] [JN28] an acceptance that comes late hears why nobody waited", async () => {
    const hand = handClock();
    const reasons: StopReason[] = [];
    const { events, observe } = watched();
    for (const why of ["timeout", "heartbeat"]) {
      const deciding = inHand<ReturnType<typeof joined>>();
      const channels = createChannels({ clock: hand.clock, observe }).register(
        room.join(() => deciding.promise).terminate((reason) => void reasons.push(reason)),
      );
      const client = talk(channels);
      client.join("room:1");
      if (why === "timeout") await hand.advance(10_000);
      client.gone(why === "heartbeat" ? why : undefined);
      deciding.keep(joined());
      await hand.settle();
    }
    expect(reasons).toEqual([{ type: "shutdown", why: "timeout" }, { type: "heartbeatTimeout" }]);
    expect(events).not.toContain("channel-left");
  });
});

describe("a connection that the server closes", () => {
  it("[LV19] ends its channels at once, though its peer does not answer, and what waited is not handled", async () => {
    const handled: number[] = [];
    const reasons: StopReason[] = [];
    const first = inHand<undefined>();
    let id = "";
    const channels = createChannels({ connect }).register(
      room
        .joined((socket) => void (id = socket.socketId))
        .handleIn("said", (n) => {
          handled.push(n as number);
          return n === 1 ? first.promise : undefined;
        })
        .handleOut("told", () => void handled.push(0))
        .terminate((reason) => void reasons.push(reason)),
    );
    const client = talk(channels, { answersClose: false });
    client.join("room:1");
    for (const n of [1, 2]) client.say(["1", null, "room:1", "said", n]);
    channels.disconnect("ada");
    channels.disconnect("ada");
    expect(reasons).toEqual([{ type: "shutdown", why: "disconnected" }]);
    expect(channels.push(id, "room:1", "x", {})).toBe(false);
    channels.broadcast("room:1", "told", {});
    client.say(["1", null, "room:1", "said", 3]);
    first.keep(undefined);
    await settled();
    expect(handled).toEqual([1]);
    expect(client.closed).toEqual([{ code: 1001, reason: "disconnected" }]);
    expect(channels.sockets).toBe(1);
    client.gone();
    expect(channels.sockets).toBe(0);
    expect(reasons).toHaveLength(1);
  });

  it("[LV18] also where its terminate disconnects it once more, or ends the others", () => {
    const reasons: [string, StopReason][] = [];
    const all: ChannelSocket[] = [];
    const channels: Channels = createChannels({ connect });
    channels.register(
      room
        .joined((socket) => void all.push(socket))
        .terminate((reason, { topic }) => {
          reasons.push([topic, reason]);
          channels.disconnect("ada");
          for (const socket of all) socket.stop();
        }),
    );
    const client = talk(channels);
    client.join("room:1");
    client.join("room:2");
    client.gone();
    expect(reasons).toEqual([
      ["room:1", { type: "shutdown", why: "closed" }],
      ["room:2", { type: "normal", why: "stopped" }],
    ]);
  });
});

describe("rights", () => {
  it("[LV22] are asked for at once, also where a handler takes for ever", () => {
    const channels = createChannels().register(
      room.handleIn("hang", () => new Promise<undefined>(() => undefined)).mayStay(() => false),
    );
    const client = talk(channels);
    client.join("room:1");
    client.say(["1", "2", "room:1", "hang", {}]);
    channels.reauthorise();
    expect(client.take()).toEqual([closed("1", "room:1")]);
  });

  it("[LV22] which changed while a join was decided are asked for when it is accepted", async () => {
    const deciding = inHand<ReturnType<typeof joined>>();
    const channels = createChannels().register(room.join(() => deciding.promise).mayStay(() => false));
    const client = talk(channels);
    client.join("room:1");
    channels.reauthorise();
    deciding.keep(joined());
    await settled();
    expect(client.take()).toEqual([replied("1", "1", "room:1", "ok"), closed("1", "room:1")]);
  });
});

describe("refs", () => {
  it("[MS20] one that is taken behind the reply that was returned answers nothing", () => {
    const later: (() => void)[] = [];
    const channels = createChannels().register(
      room.handleIn("ask", (_, socket) => {
        later.push(() => socket.reply(socket.ref, reply({ twice: true })));
        return reply();
      }),
    );
    const client = talk(channels);
    client.join("room:1");
    expect(client.say(["1", "2", "room:1", "ask", {}])).toEqual([replied("1", "2", "room:1", "ok")]);
    later[0]!();
    expect(client.take()).toEqual([]);
  });

  it.each([
    ["a topic", `room:${"x".repeat(1_020)}`, "1", "1"],
    ["a join_ref", "room:1", "x".repeat(1_025), "1"],
    ["a ref", "room:1", "1", { deep: ["x".repeat(1_025)] }],
  ])("[JN31] %s that is too long is refused, and nothing is held", (_, topic, joinRef, ref) => {
    const held: string[] = [];
    const channels = createChannels().register(
      room.handleIn("ask", () => reply()).joined((socket) => void held.push(socket.topic)),
    );
    const client = talk(channels);
    expect(client.say([joinRef, ref, topic, "phx_join", {}])).toEqual([
      replied(joinRef, ref, topic, "error", { reason: "too long" }),
    ]);
    expect(client.say([null, "2", topic, "ask", {}])).toEqual([
      replied(null, "2", topic, "error", { reason: "unmatched topic" }),
    ]);
    expect(client.join(`room:${"x".repeat(1_019)}`, "x".repeat(1_024))).toHaveLength(1);
    expect(held).toEqual([`room:${"x".repeat(1_019)}`]);
  });

  it("[JN11] [MS28] topics and events named as what objects inherit are like others", () => {
    const channels = createChannels().register(
      defineChannel("__proto__").handleIn("constructor", () => reply()),
    );
    const client = talk(channels);
    expect(client.join("__proto__")).toEqual([replied("1", "1", "__proto__", "ok")]);
    expect(client.say(["1", "2", "__proto__", "constructor", {}])).toEqual([
      replied("1", "2", "__proto__", "ok"),
    ]);
    expect(client.say(["1", "3", "__proto__", "toString", {}])).toEqual([
      replied("1", "3", "__proto__", "error", { reason: "unmatched event" }),
    ]);
    expect(client.join("constructor")).toEqual([
      replied(null, "1", "constructor", "error", { reason: "unmatched topic" }),
    ]);
  });
});

it("[MS32] what an observer of a join tells the channel leaves the count of what waits as it was", async () => {
  const telling = inHand<undefined>();
  let began = 0;
  const channels: Channels = createChannels({
    limits: { maxWaitingMessages: 1 },
    observe(event) {
      if (event.type === "channel-joined") channels.sendInfo(event.socketId, event.topic, {});
    },
  });
  channels.register(
    room
      .handleInfo(() => telling.promise)
      .joined(() => void began++)
      .handleIn("ask", () => reply()),
  );
  const client = talk(channels);
  client.join("room:1");
  // The joined handler waits behind the info, so there is no room for one more.
  client.say(["1", "2", "room:1", "ask", {}]);
  expect(client.closed).toEqual([{ code: 1013, reason: "busy" }]);
  telling.keep(undefined);
  await settled();
  expect(began).toBe(0);
});

it("[BC7] a broadcast that JSON cannot write throws at who makes it, each time, and nobody hears", () => {
  const errors: unknown[] = [];
  const channels = createChannels({
    onError: (error) => void errors.push(error),
  }).register(room);
  const [ada, bob] = [talk(channels), talk(channels)];
  for (const one of [ada, bob]) one.join("room:1");
  for (const one of [ada, bob]) one.take();
  for (let i = 0; i < 2; i++)
    expect(() => channels.broadcast("room:1", "said", { n: 1n } as never)).toThrow("JSON cannot write this");
  expect([...ada.take(), ...bob.take(), ...errors]).toEqual([]);
});

it("[DC14] a socket of another library that throws is gone, and others hear", () => {
  const errors: unknown[] = [];
  const reasons: StopReason[] = [];
  const channels = createChannels({
    onError: (error) => void errors.push(error),
  }).register(room.terminate((reason) => void reasons.push(reason)));
  let broken = false;
  const raise = (what: string) => {
    throw new Error(what);
  };
  const foreign = channels.connect({
    send: () => broken && raise("send"),
    close: () => raise("close"),
    request: {
      url: "/socket/websocket?vsn=2.0.0",
      headers: {},
      remoteAddress: undefined,
    },
  });
  foreign.incoming(JSON.stringify(["1", "1", "room:1", "phx_join", {}]));
  const ada = talk(channels);
  ada.join("room:1");
  ada.take();
  broken = true;
  channels.broadcast("room:1", "said", {});
  expect(ada.take()).toEqual([[null, null, "room:1", "said", {}]]);
  expect(errors.map(String)).toEqual(["Error: send", "Error: close"]);
  expect(reasons).toEqual([{ type: "shutdown", why: "closed" }]);
  expect(channels.sockets).toBe(1);
  foreign.disconnect();
});

it("[MS19] a ref is a channel's own and outlives its message", () => {
  const kept: ReplyRef[] = [];
  const channels = createChannels().register(
    room
      .handleIn("ask", (_, socket) => void kept.push(socket.ref))
      .handleIn("answer", (_, socket) => {
        for (const ref of kept) socket.reply(ref, reply({ late: true }));
      }),
  );
  const client = talk(channels);
  client.join("room:1");
  client.say(["1", { a: 1 }, "room:1", "ask", {}]);
  const answers = client.say(["1", null, "room:1", "answer", {}]);
  expect(answers.at(-1)).toEqual(replied("1", { a: 1 }, "room:1", "ok", { late: true }));
});

describe("a broadcast in the midst of another", () => {
  it("[BC10] by the terminate of who does not get over it, is heard behind it by all", () => {
    const errors: unknown[] = [];
    const channels = createChannels({ onError: (error) => void errors.push(error) }).register(
      room
        .join(({ payload }) => joined({ name: payload }))
        .handleOut("said", (payload, socket) => {
          if ((socket.assigns as { name?: unknown }).name === "bob") throw new Error("boom");
          return payload;
        })
        .terminate((_, socket) => socket.broadcast("left", {})),
    );
    const [ada, bob, eve] = ["ada", "bob", "eve"].map((name) => {
      const one = talk(channels);
      one.join("room:1", "1", name);
      one.take();
      return one;
    });
    channels.broadcast("room:1", "said", {});
    for (const one of [ada!, eve!])
      expect(one.take()).toEqual([
        ["1", null, "room:1", "said", {}],
        [null, null, "room:1", "left", {}],
      ]);
    expect(bob!.take()).toEqual([crashed("1", "room:1")]);
    expect(errors.map(String)).toEqual(["Error: boom"]);
  });

  it("[BC10] by a handleOut that repeats itself, comes to an end: it crashes, and the server lives", () => {
    const errors: unknown[] = [];
    const channels = createChannels({ onError: (error) => void errors.push(error) }).register(
      room.handleOut("said", (_, socket) => {
        socket.broadcast("said", {});
        return undefined;
      }),
    );
    const ada = talk(channels);
    ada.join("room:1");
    ada.take();
    channels.broadcast("room:1", "said", {});
    expect(ada.take()).toEqual([crashed("1", "room:1")]);
    expect(errors.map(String)).toEqual(['Error: Broadcasts on "room:1" bring forth others without end.']);
    channels.broadcast("room:1", "said", {});
  });
});

it("[DC9] onRefused may say something to whom it hears of as slow", () => {
  const heard: string[] = [];
  const channels: Channels = createChannels({
    ...slow,
    onRefused({ code }) {
      heard.push(code);
      channels.broadcast("room:1", "slow", {});
    },
  }).register(room);
  const [ada, bob] = [talk(channels), talk(channels)];
  for (const one of [ada, bob]) one.join("room:1");
  bob.take();
  ada.unwritten = 101;
  channels.broadcast("room:1", "said", {});
  expect(heard).toEqual(["slow"]);
  expect(ada.closed).toEqual([{ code: 1013, reason: "slow" }]);
  expect(bob.take().map((frame) => (frame as unknown[])[3])).toEqual(
    expect.arrayContaining(["said", "slow"]),
  );
});

it("[MS32] onRefused may tell something to whom it hears of as busy", () => {
  const heard: string[] = [];
  const told: string[] = [];
  const channels: Channels = createChannels({
    limits: { maxWaitingMessages: 1 },
    onRefused({ code, socketId }) {
      heard.push(code);
      channels.sendInfo(socketId!, "room:1", "busy");
    },
  }).register(
    room
      .handleIn("ask", () => new Promise<void>(() => {}))
      .handleInfo((info: string) => void told.push(info)),
  );
  const client = talk(channels);
  client.join("room:1");
  for (let i = 0; i < 3; i++) client.say(["1", "2", "room:1", "ask", {}]);
  expect([heard, told]).toEqual([["busy"], []]);
  expect(client.closed).toEqual([{ code: 1013, reason: "busy" }]);
});

it("[LV19] a malformed frame's connection ends its channels at once, though its peer does not answer", () => {
  const reasons: StopReason[] = [];
  const channels = createChannels().register(room.terminate((reason) => void reasons.push(reason)));
  const client = talk(channels, { answersClose: false });
  client.join("room:1");
  client.take();
  client.say("malformed");
  expect(reasons).toEqual([{ type: "shutdown", why: "closed" }]);
  channels.broadcast("room:1", "said", {});
  expect(client.say([null, "1", "phoenix", "heartbeat", {}])).toEqual([]);
  expect(client.closed).toEqual([{ code: 1011, reason: "malformed" }]);
  client.gone();
  expect([reasons.length, channels.sockets]).toEqual([1, 0]);
});

it("[LV17] [JN6] an acceptance whose response cannot be said is terminated", () => {
  const errors: unknown[] = [];
  const reasons: StopReason[] = [];
  const channels = createChannels({
    onError: (error) => void errors.push(error),
  }).register(
    room.join(() => joined({}, new Uint8Array([1]))).terminate((reason) => void reasons.push(reason)),
  );
  const client = talk(channels, { vsn: "1.0.0" });
  const answer = { status: "error", response: { reason: "join crashed" } };
  expect(client.say({ topic: "room:1", event: "phx_join", payload: {}, ref: "1" })).toMatchObject([
    { event: "phx_reply", payload: answer },
  ]);
  expect(errors).toHaveLength(1);
  expect(reasons).toMatchObject([{ type: "error" }]);
});

it("[LV22] a join that was asked for with other rights says nothing before it is asked again", async () => {
  const gate = inHand<void>();
  const heard: string[] = [];
  const channels = createChannels().register(
    room
      .join(async () => {
        await gate.promise;
        return joined();
      })
      .joined(() => void heard.push("joined"))
      .mayStay(() => false),
  );
  const client = talk(channels);
  client.join("room:1");
  channels.reauthorise();
  gate.keep();
  await settled();
  expect(client.take()).toEqual([replied("1", "1", "room:1", "ok"), closed("1", "room:1")]);
  expect(heard).toEqual([]);
});

it("[DC14] a socket of another library that cannot say what waits is gone, and others hear", () => {
  const errors: unknown[] = [];
  const ends: number[] = [];
  const channels = createChannels({
    onError: (error) => void errors.push(error),
  }).register(room);
  let broken = false;
  const foreign = channels.connect({
    send: () => undefined,
    close: (code) => void ends.push(code),
    bufferedAmount() {
      if (broken) throw new Error("bufferedAmount");
      return 0;
    },
    request: {
      url: "/socket/websocket?vsn=2.0.0",
      headers: {},
      remoteAddress: undefined,
    },
  });
  foreign.incoming(JSON.stringify(["1", "1", "room:1", "phx_join", {}]));
  const ada = talk(channels);
  ada.join("room:1");
  ada.take();
  broken = true;
  channels.broadcast("room:1", "said", {});
  expect(ada.take()).toEqual([[null, null, "room:1", "said", {}]]);
  expect([errors.map(String), ends, channels.sockets]).toEqual([["Error: bufferedAmount"], [1011], 1]);
});
