// The system: registering, connecting, disconnecting, draining; and beside a server of the sync half.
import { describe, expect, it } from "vitest";
import { handClock, wire } from "../../test/wired.ts";
import { closed, reply as replied, settled, talk } from "../../test/phoenix-talk.ts";
import { localPubSub } from "../cluster/pubsub.ts";
import { healthHandler } from "../health.ts";
import { accept, createChannels, defineChannel, reply } from "./index.ts";
import type { ChannelsOptions, StopReason } from "./index.ts";
import { hostOf } from "./engine/hosts.ts";

const room = defineChannel("room:*").handleIn("echo", (payload) => reply(payload));
describe("register", () => {
  it("[JN8] refuses a pattern twice, and what is no channel", () => {
    const channels = createChannels().register(room);
    expect(() => channels.register(room)).toThrow(/room:\*/);
    channels.register("lobby:*", room);
    expect(() => channels.register("x:*", {} as never)).toThrow(/defineChannel/);
    expect(() => channels.register(undefined as never)).toThrow(/defineChannel/);
    expect(talk(channels).join("lobby:1")).toEqual([replied("1", "1", "lobby:1", "ok")]);
  });
});

describe("disconnect and drain", () => {
  const named = (options: ChannelsOptions<object> = {}) =>
    createChannels({ connect: ({ params }) => accept({}, params["id"] as string), ...options }).register(
      room.terminate((reason) => void ends.push(reason)),
    );
  let ends: StopReason[] = [];

  it("[DC1] [DC2] [DC5] closes those with the id, on every node", () => {
    ends = [];
    const pubsub = localPubSub();
    const [here, there] = [named({ pubsub }), named({ pubsub })];
    const [ada, bob, far] = [
      talk(here, { params: { id: "ada" } }),
      talk(here, { params: { id: "bob" } }),
      talk(there, { params: { id: "ada" } }),
    ];
    for (const one of [ada, bob, far]) one.join("room:1");
    here.broadcast("ada", "other", {});
    here.disconnect("nobody");
    expect([ada, bob, far].flatMap(({ closed: codes }) => codes)).toEqual([]);
    here.disconnect("ada");
    const away = [{ code: 1001, reason: "disconnected" }];
    expect([ada, bob, far].map(({ closed: codes }) => codes)).toEqual([away, [], away]);
    expect(ends).toEqual([
      { type: "shutdown", why: "disconnected" },
      { type: "shutdown", why: "disconnected" },
    ]);
  });
  it("[LV22] reauthorise crosses nodes", async () => {
    const pubsub = localPubSub();
    const strict = () => createChannels({ pubsub }).register(room.mayStay(() => false));
    const [here, there] = [strict(), strict()];
    const far = talk(there);
    far.join("room:1");
    far.take();
    here.reauthorise();
    expect(far.take()).toEqual([closed("1", "room:1")]);
  });
  it("[DC3] drain closes a share at a time, and takes nobody new", async () => {
    ends = [];
    const hand = handClock();
    const channels = named({ clock: hand.clock });
    const all = Array.from({ length: 10 }, () => talk(channels));
    all[0]!.join("room:1");
    let done = false;
    void channels.drain({ over: 500 }).then(() => (done = true));
    const gone = () => all.filter(({ closed: [end] }) => end?.code === 1012).length;
    expect(gone()).toBe(2);
    await hand.advance(100);
    expect(gone()).toBe(4);
    expect(done).toBe(false);
    const request = {
      url: "/",
      headers: {},
      remoteAddress: undefined,
      params: {},
      vsn: "2.0.0",
      authToken: undefined,
    };
    expect(hostOf(channels).admit({ ...request, transport: "websocket" }, new AbortController())).toEqual({
      accepted: false,
      status: 503,
      body: "",
    });
    await hand.advance(400);
    expect(gone()).toBe(10);
    await settled();
    expect(done).toBe(true);
    expect(ends).toEqual([{ type: "shutdown", why: "draining" }]);
    expect(channels.sockets).toBe(0);
  });
  it("[DC9] who takes too little in is closed", () => {
    const channels = createChannels({ limits: { maxBufferedBytes: 1_000 } }).register(room);
    const client = talk(channels);
    client.join("room:1");
    client.unwritten = 1_001;
    channels.broadcast("room:1", "said", {});
    channels.broadcast("room:1", "said", {});
    expect(client.closed).toEqual([{ code: 1013, reason: "slow" }]);
  });
});

describe("beside a server", () => {
  it("[DC11] limits, addresses, origins and leaving are the server's", async () => {
    const { server, settle } = wire({
      limits: { maxConnectionsPerAddress: 1 },
      origins: ["https://app.example"],
    });
    const channels = createChannels({ beside: server }).register(room);
    const asked = (origin: string) =>
      hostOf(channels).allowsOrigin({ url: "/", headers: { origin }, remoteAddress: undefined });
    expect([asked("https://app.example"), asked("https://other.example")]).toEqual([true, false]);
    const first = talk(channels, { remoteAddress: "10.0.0.1" });
    const second = talk(channels, { remoteAddress: "10.0.0.1" });
    expect([first.closed, second.closed]).toEqual([[], [{ code: 1013, reason: "too-many-connections" }]]);
    void server.stop();
    await settle();
    expect(first.closed).toEqual([{ code: 1012, reason: "draining" }]);
    expect(hostOf(channels).stopping).toBe(true);
  });
  it("[DC11] takes from the server what is the server's, and says so", () => {
    const { server } = wire();
    expect(() => createChannels({ beside: server, origins: "any" })).toThrow(
      "createChannels({ beside: server }) takes origins from the server: write createServer({ origins }) instead.",
    );
    expect(() => createChannels({ beside: server, limits: { maxFrameBytes: 1 } })).toThrow(
      /write createServer\(\{ limits: \{ maxFrameBytes \} \}\) instead/,
    );
    expect(() => createChannels({ beside: {} })).toThrow(/createServer/);
    expect(() => createChannels({ limits: { messageRat: 1 } as never })).toThrow(/messageRat/);
    expect(() => createChannels({ limits: { joinRate: 0 } })).toThrow(/joinRate/);
  });
  it("[DC11] the server's stop ends a drain that is under way, and waits for it", async () => {
    const { server, settle, advance } = wire();
    const channels = createChannels({ beside: server }).register(room);
    const clients = [1, 2].map(() => talk(channels, { answersClose: false }));
    let stopped = false;
    void channels.drain({ over: 10_000 });
    void server.stop().then(() => (stopped = true));
    await settle();
    expect(clients.map(({ closed: codes }) => codes.map(({ code }) => code))).toEqual([[1012], [1012]]);
    expect(stopped).toBe(false);
    for (const client of clients) client.gone();
    await advance(20_000);
    expect(stopped).toBe(true);
  });
  it("[DC16] ready until it drains or stops, or the server beside does", async () => {
    const answer = (channels: { readonly ready: boolean }): string => {
      let answered = "";
      const response = { writeHead: () => undefined, end: (text: string) => void (answered = text) };
      healthHandler(channels)({ url: "/readyz", method: "GET" } as never, response as never);
      return answered;
    };
    const { server, settle } = wire();
    const ends = [
      [createChannels(), "drain"],
      [createChannels(), "stop"],
      [createChannels({ beside: server }), "server"],
    ] as const;
    for (const [channels, by] of ends) {
      expect(answer(channels)).toBe("ok\n");
      void (by === "server" ? server.stop() : channels[by]());
      if (by === "server") await settle();
      expect(answer(channels)).toBe("not ready\n");
    }
    await settle();
    for (const [channels] of ends) expect(answer(channels)).toBe("not ready\n");
  });
  it("[DC3] drain and stop may be called again, and leave the other nodes once", async () => {
    let silences = 0;
    const channels = createChannels({
      pubsub: {
        publish: () => undefined,
        subscribe: () => () => void silences++,
      },
    });
    await channels.drain();
    await channels.stop();
    expect(silences).toBe(1);
  });
  it("[CN66] whatever transport tells of a refusal, no query stands in its record", () => {
    const told: unknown[] = [];
    const channels = createChannels({
      onRefused: ({ details }) => void told.push(details),
    });
    hostOf(channels).refused({
      status: 413,
      reason: "too-large",
      request: {
        url: "/socket/longpoll?vsn=2.0.0&token=secret",
        headers: {},
        remoteAddress: undefined,
      },
    });
    expect(told).toEqual([{ status: 413, reason: "too-large", url: "/socket/longpoll" }]);
  });
});
