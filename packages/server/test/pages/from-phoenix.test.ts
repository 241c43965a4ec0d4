// docs/from-phoenix.md, row by row: what it says of each of Phoenix's words is run here, under that word. And the channel
// that it writes twice is run as it is printed.
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LongPoll, Socket } from "phoenix";
import { afterAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import {
  accept,
  createChannels,
  defineChannel,
  deny,
  joined,
  noReply,
  phoenix,
  push,
  refused,
  reply,
  stop,
} from "../../src/channels/index.ts";
import type {
  Channel,
  Channels,
  ChannelsOptions,
  ChannelSocket,
  PhoenixMount,
  PhoenixOptions,
  PhoenixRequest,
} from "../../src/channels/index.ts";
import * as entry from "../../src/channels/index.ts";
import { serialiserFor } from "../../src/channels/wire/index.ts";
import { localPubSub } from "../../src/cluster/pubsub.ts";
import { closed, crashed, reply as replied, settled, talk } from "../phoenix-talk.ts";
import { holdPage } from "./claims.ts";
import type { Claims } from "./claims.ts";
import { programsIn, textOf } from "./page.ts";
import { handClock } from "../wired.ts";

const room = defineChannel("room:*");
/** One client of a channel, in its topic; and what the system has reported. */
function inside(channel: Channel, options: ChannelsOptions<object> = {}, topic = "room:a") {
  const errors: unknown[] = [];
  const channels = createChannels({ onError: (error) => void errors.push(error), ...options }).register(
    channel,
  );
  const client = talk(channels);
  const answer = client.join(topic);
  const say = (event: string, payload: unknown = {}) => client.say(["1", "2", topic, event, payload]);
  return { channels, client, errors, answer, say };
}
/** What the reply of a "me" says. */
const idIn = ([frame]: readonly unknown[]): string =>
  (frame as { readonly response: { readonly id: string } }[])[4]!.response.id;
const answered = (response: object = {}, status = "ok") =>
  replied("1", "2", "room:a", status, response as never);

/** A mount on a port of its own, as long as a claim needs it. */
async function mounted(
  given: { channels?: ChannelsOptions<object>; mount?: PhoenixOptions },
  use: (at: {
    host: string;
    channels: Channels;
    mount: PhoenixMount;
    asked: PhoenixRequest[];
  }) => Promise<void>,
) {
  const asked: PhoenixRequest[] = [];
  const channels = createChannels<object>({
    connect: (request) => {
      asked.push(request);
      return accept({});
    },
    ...given.channels,
  }).register(room);
  const httpServer = createServer((request, response) => {
    if (!mount.handle(request, response)) response.writeHead(404).end();
  });
  const mount = phoenix(channels, { httpServer, ...given.mount });
  await new Promise<void>((resolve) => httpServer.listen(0, "127.0.0.1", resolve));
  try {
    await use({ host: `127.0.0.1:${(httpServer.address() as AddressInfo).port}`, channels, mount, asked });
  } finally {
    await channels.stop();
    await mount.close();
    httpServer.closeAllConnections();
    httpServer.close();
  }
}
/** The status with which a WebSocket is answered: 101, or a refusal's. */
async function statusOf(url: string, options: { headers?: Record<string, string> } = {}): Promise<number> {
  const socket = new WebSocket(url, options);
  socket.on("error", () => undefined);
  const opened = once(socket, "open").then(() => 101);
  const refusal = once(socket, "unexpected-response").then(
    (given) => (given[1] as { readonly statusCode: number }).statusCode,
  );
  const status = await Promise.race([opened.catch(() => 0), refusal.catch(() => 0)]);
  socket.terminate();
  return status;
}
const opened = async (url: string, protocols: string[] = []): Promise<WebSocket> => {
  const socket = new WebSocket(url, protocols);
  await once(socket, "open");
  return socket;
};

const claims: Claims = {
  // ------------------------------------------------------------------------------------ the socket and its endpoint
  "socket/3": () =>
    mounted({ mount: { path: "/live" } }, async ({ host }) => {
      expect(await statusOf(`ws://${host}/live/websocket?vsn=2.0.0`)).toBe(101);
      expect((await fetch(`http://${host}/live/longpoll?vsn=2.0.0`)).status).toBe(200);
      const other = phoenix(createChannels(), { path: "/only", longpoll: false });
      await other.close();
    }),
  "channel/3": () => {
    const which = (name: string) => defineChannel("room:*").handleIn("which", () => reply({ name }));
    const channels = createChannels()
      .register("document:*:ops", which("ops"))
      .register("room:lobby", which("lobby"))
      .register(which("room"));
    const client = talk(channels);
    const told = ["document:7:ops", "room:lobby", "room:b"].map((topic) => {
      client.join(topic);
      return client.say(["1", "2", topic, "which", {}]);
    });
    expect(told.flat().map((frame) => (frame as never[])[4])).toMatchObject(
      ["ops", "lobby", "room"].map((name) => ({ response: { name } })),
    );
    expect(client.join("document:7:x:ops")).toEqual([
      replied(null, "1", "document:7:x:ops", "error", { reason: "unmatched topic" }),
    ]);
    expect(() => channels.register("a:b*", which("half"))).toThrow(/whole segment/);
  },
  "connect/3": () => {
    const channels = createChannels({
      connect: ({ params, signal }) => {
        expect(signal.aborted).toBe(false);
        return accept({ user: params["user"] });
      },
    }).register(
      defineChannel("room:*")
        .socket<{ user: unknown }>()
        .handleIn("who", (_, { assigns }) => reply({ user: assigns.user as string })),
    );
    const client = talk(channels, { params: { user: "ada" } });
    client.join("room:a");
    expect(client.say(["1", "2", "room:a", "who", {}])).toEqual([answered({ user: "ada" })]);
  },
  ":error, {:error, reason}, error_handler": () =>
    mounted(
      { channels: { connect: async ({ params }) => (params["ok"] ? accept({}) : deny(429, "later")) } },
      async ({ host }) => {
        expect(await statusOf(`ws://${host}/socket/websocket?vsn=2.0.0`)).toBe(429);
        expect(await statusOf(`ws://${host}/socket/websocket?vsn=2.0.0&ok=1`)).toBe(101);
      },
    ),
  "id/1": () => {
    const channels = createChannels({
      connect: ({ params }) => (params["id"] ? accept({}, "users:1") : accept({})),
    });
    const [with_, without] = [talk(channels, { params: { id: 1 } }), talk(channels)];
    channels.disconnect("users:1");
    expect([with_.closed.length, without.closed.length]).toEqual([1, 0]);
  },
  connect_info: () =>
    mounted({}, async ({ host, asked }) => {
      const socket = new WebSocket(`ws://${host}/socket/websocket?vsn=2.0.0&a[b]=c`, {
        headers: { cookie: "session=1", "user-agent": "me" },
      });
      await once(socket, "open");
      socket.terminate();
      const [{ headers, url, remoteAddress, params }] = asked as [PhoenixRequest];
      expect([headers["cookie"], headers["user-agent"], remoteAddress]).toEqual([
        "session=1",
        "me",
        "127.0.0.1",
      ]);
      expect(url).toContain("/socket/websocket?");
      expect(params).toMatchObject({ a: { b: "c" } });
    }),
  auth_token: () =>
    mounted({ mount: { authToken: true } }, async ({ host, asked }) => {
      const token = Buffer.from("secret").toString("base64").replace(/=+$/, "");
      const socket = await opened(`ws://${host}/socket/websocket?vsn=2.0.0`, [
        "phoenix",
        `base64url.bearer.phx.${token}`,
      ]);
      expect(socket.protocol).toBe("phoenix");
      socket.terminate();
      expect(asked[0]!.authToken).toBe("secret");
    }),
  check_origin: async () => {
    const from = (host: string, origin: string) =>
      statusOf(`ws://${host}/socket/websocket?vsn=2.0.0`, { headers: { origin } });
    await mounted({}, async ({ host }) => {
      expect([await from(host, `http://${host}`), await from(host, "https://evil.example")]).toEqual([
        101, 403,
      ]);
    });
    await mounted({ mount: { origins: ["//*.app.example"] } }, async ({ host }) => {
      expect([await from(host, "https://a.app.example"), await from(host, `http://${host}`)]).toEqual([
        101, 403,
      ]);
    });
    await mounted({ channels: { origins: "any" } }, async ({ host }) => {
      expect(await from(host, "https://evil.example")).toBe(101);
    });
  },
  serializer: () =>
    mounted({ mount: { vsns: ["2.0.0"] } }, async ({ host }) => {
      expect(await statusOf(`ws://${host}/socket/websocket?vsn=2.0.0`)).toBe(101);
      expect(await statusOf(`ws://${host}/socket/websocket?vsn=1.0.0`)).toBe(403);
      expect(["1.0.0", "2.0.0"].map((vsn) => serialiserFor(vsn)?.vsn)).toEqual(["1.0.0", "2.0.0"]);
    }),
  "timeout, max_frame_size": () =>
    mounted({ mount: { websocket: { timeout: 60_000, maxFrameBytes: 1_000 } } }, async ({ host }) => {
      const socket = await opened(`ws://${host}/socket/websocket?vsn=2.0.0`);
      socket.send("x".repeat(1_001));
      expect((await once(socket, "close"))[0]).toBe(1009);
    }),
  "window_ms, crypto": () => {
    const channels = createChannels();
    expect(() => phoenix(channels, { longpoll: { window: 600, secret: "x".repeat(64) } })).toThrow(/guessed/);
    const secret = "4f1c0b8e2d7a96355a7e91d0c3b2f6484f1c0b8e2d7a96355a7e91d0c3b2f648";
    expect(() => phoenix(channels, { longpoll: { window: 600, secret } })).not.toThrow();
    expect(() => phoenix(channels, { longpoll: { window: 0 } })).toThrow(/window/);
  },
  subprotocols: () =>
    mounted({ mount: { subprotocols: ["one", "two"] } }, async ({ host }) => {
      const socket = await opened(`ws://${host}/socket/websocket?vsn=2.0.0`, ["two", "one"]);
      expect(socket.protocol).toBe("one");
      socket.terminate();
    }),
  compress: () =>
    mounted({}, async ({ host }) => {
      const socket = await opened(`ws://${host}/socket/websocket?vsn=2.0.0`);
      expect(socket.extensions).toBe("");
      socket.terminate();
    }),
  drainer: async () => {
    const { clock, advance } = handClock();
    const channels = createChannels({ clock }).register(room);
    const clients = [talk(channels), talk(channels)];
    const drained = channels.drain({ over: 2_000 });
    await advance(2_000);
    await drained;
    expect(clients.map((client) => client.closed[0]?.code)).toEqual([1012, 1012]);
  },
  "Endpoint.broadcast/3": () => {
    const typed = defineChannel("room:*").says<{ said: { n: number } }>();
    const { channels, client } = inside(typed);
    channels.broadcast("room:a", "said", { n: 1 });
    channels.broadcast(typed, ["a"], "said", { n: 1 });
    // @ts-expect-error -- reason: what does not compile
    channels.broadcast(typed, ["a"], "other", { n: 1 });
    expect(client.take().slice(0, 2)).toEqual([
      [null, null, "room:a", "said", { n: 1 }],
      [null, null, "room:a", "said", { n: 1 }],
    ]);
  },
  "Endpoint.broadcast_from/4": () => {
    const { channels, client, say } = inside(
      room.handleIn("me", (_, socket) => reply({ id: socket.socketId })),
    );
    const other = talk(channels);
    other.join("room:a");
    channels.broadcastFrom(idIn(say("me")), "room:a", "said", {});
    expect([client.take().length, other.take().length]).toEqual([0, 1]);
  },
  "Endpoint.local_broadcast/3": () => {
    const pubsub = localPubSub();
    const [here, there] = [inside(room, { pubsub }), inside(room, { pubsub })];
    here.channels.localBroadcast("room:a", "said", {});
    expect([here.client.take().length, there.client.take().length]).toEqual([1, 0]);
    here.channels.broadcast("room:a", "said", {});
    expect([here.client.take().length, there.client.take().length]).toEqual([1, 1]);
  },
  'Endpoint.broadcast(id, "disconnect", %{})': () => {
    const { channels, client } = inside(room, { connect: () => accept({}, "users:1") });
    channels.broadcast("users:1", "disconnect", {});
    expect(client.closed).toEqual([]);
    channels.disconnect("users:1");
    expect(client.closed).toEqual([{ code: 1001, reason: "disconnected" }]);
  },
  "Phoenix.PubSub": () => {
    const published: string[] = [];
    const { publish, subscribe } = localPubSub();
    const pubsub = {
      publish: (channel: string, payload: unknown) => {
        published.push(channel);
        publish(channel, JSON.parse(JSON.stringify(payload)));
      },
      subscribe,
    };
    const [here, there] = [inside(room, { pubsub }), inside(room, { pubsub })];
    here.channels.broadcast("room:a", "said", { n: 1 });
    expect(there.client.take()).toEqual([[null, null, "room:a", "said", { n: 1 }]]);
    expect(published).toHaveLength(1);
    const own: unknown[] = [];
    pubsub.subscribe("my own", (payload) => void own.push(payload));
    pubsub.publish("my own", { n: 2 });
    expect(own).toEqual([{ n: 2 }]);
  },
  "Phoenix.Presence": async () => {
    const pubsub = localPubSub();
    const present = room.presence({ key: ({ socketId }) => socketId, initial: () => ({ n: 1 }) });
    const [here, there] = [inside(present, { pubsub }), inside(present, { pubsub })];
    expect(here.answer.map((frame) => (frame as unknown[])[3])).toEqual(["phx_reply", "presence_state"]);
    await vi.waitFor(() => expect(here.channels.presence.count("room:a")).toBe(2));
    await settled();
    here.client.take();
    there.client.gone();
    await vi.waitFor(() =>
      expect(here.client.take()).toEqual([
        [null, null, "room:a", "presence_diff", { joins: {}, leaves: expect.any(Object) }],
      ]),
    );
    // What changes in one turn is one diff.
    const { client, channels } = inside(room.presence());
    for (const key of ["ada", "bo"]) channels.presence.track("room:a", "app", key, {});
    await settled();
    expect(client.take()).toMatchObject([
      [null, null, "room:a", "presence_diff", { joins: { ada: {}, bo: {} } }],
    ]);
  },
  "Presence.track/3, update/3, untrack/2": () => {
    const codeOf = (act: () => unknown): unknown => {
      try {
        act();
      } catch (error) {
        return (error as { code?: unknown }).code;
      }
      return undefined;
    };
    const { say } = inside(
      room
        .presence({ meta: z.object({ n: z.number() }), key: () => "ada" })
        .handleIn("act", (_, { presence }) => {
          presence.track({ n: 1 });
          presence.track("other", { n: 2 });
          presence.update(({ n }) => ({ n: n + 1 }));
          presence.untrack("other");
          presence.untrack("nobody");
          return reply({
            n: presence.getByKey("ada")[0]?.n,
            twice: codeOf(() => presence.track({ n: 1 })),
            none: codeOf(() => presence.update("nobody", { n: 1 })),
            wrong: codeOf(() => presence.update({ n: "1" } as never)),
          } as never);
        }),
    );
    expect(say("act").at(-1)).toEqual(answered({ n: 2, twice: "exists", none: "unknown", wrong: "invalid" }));
  },
  "Presence.list/1, get_by_key/2": () => {
    const { channels, say } = inside(
      room
        .presence({ state: false })
        .handleIn("in", (_, { presence }) => void presence.track("ada", { n: 1 }))
        .handleIn("list", (_, { presence }) => {
          presence.pushState();
          return reply({ keys: [...presence.list().keys()] });
        }),
    );
    say("in");
    expect([...channels.presence.list(room, ["a"])]).toEqual([["ada", [expect.objectContaining({ n: 1 })]]]);
    expect(channels.presence.getByKey("room:a", "ada")).toMatchObject([{ n: 1 }]);
    const frames = say("list");
    expect(frames).toContainEqual(answered({ keys: ["ada"] }));
    expect(frames.map((frame) => (frame as unknown[])[3])).toContain("presence_state");
  },
  'push(socket, "presence_state", …) in handle_info(:after_join)': () => {
    const events = (answer: readonly unknown[]) => answer.map((frame) => (frame as unknown[])[3]);
    expect(events(inside(room.presence()).answer)).toEqual(["phx_reply", "presence_state"]);
    expect(events(inside(room.presence({ state: false })).answer)).toEqual(["phx_reply"]);
    const { channels } = inside(room.presence({ key: () => "ada", initial: () => ({ n: 1 }) }));
    expect(channels.presence.getByKey("room:a", "ada")).toMatchObject([{ n: 1 }]);
  },
  "fetch/2": async () => {
    const fetched = room.presence({
      state: false,
      fetch: async (_, presences) =>
        new Map([...presences.keys()].map((key) => [key, { user: `name-${key}` }])),
    });
    const { client, channels } = inside(fetched);
    channels.presence.track("room:a", "app", "ada", { n: 1 });
    await vi.waitFor(() =>
      expect(client.take()).toMatchObject([
        [null, null, "room:a", "presence_diff", { joins: { ada: { user: "name-ada", metas: [{ n: 1 }] } } }],
      ]),
    );
  },
  "handle_metas/4": () => {
    const { channels } = inside(room.presence());
    const heard: unknown[] = [];
    channels.presence.onDiff(
      ({ topic, joins, leaves }) => void heard.push([topic, [...joins.keys()], [...leaves.keys()]]),
    );
    channels.presence.track("room:a", "app", "ada", {});
    channels.presence.untrack("room:a", "app", "ada");
    expect(heard).toEqual([
      ["room:a", ["ada"], []],
      ["room:a", [], ["ada"]],
    ]);
  },
  "Phoenix.Token": () => {
    const channels = createChannels({
      connect: ({ authToken }) => (authToken === undefined ? accept({}) : deny()),
    });
    expect(() => talk(channels)).not.toThrow();
  },
  "Phoenix.ChannelTest": () => {
    expect(reply({ a: 1 })).toEqual({ type: "reply", status: "ok", response: { a: 1 } });
    const heard: unknown[] = [];
    const { incoming, disconnect } = createChannels()
      .register(room)
      .connect({
        send: (data) => void heard.push(data),
        close: () => undefined,
        request: { url: "/socket?vsn=2.0.0", headers: {}, remoteAddress: undefined },
      });
    incoming('["1","1","room:a","phx_join",{}]');
    expect(heard).toEqual(['["1","1","room:a","phx_reply",{"status":"ok","response":{}}]']);
    disconnect();
  },
  "telemetry, Logger": () => {
    const events: string[] = [];
    inside(room, { observe: ({ type }) => void events.push(type) });
    expect(events).toEqual(["socket-connected", "channel-joined"]);
  },

  // ---------------------------------------------------------------------------------------------------- the channel
  "use Phoenix.Channel": () => {
    const more = room.handleIn("ask", () => reply());
    expect(more).not.toBe(room);
    expect(inside(more).say("ask")).toEqual([answered()]);
    expect(inside(room).say("ask")).toEqual([answered({ reason: "unmatched event" }, "error")]);
  },
  "join/3": () => {
    const asked: unknown[] = [];
    const { client } = inside(
      room.join(z.object({ as: z.string().default("me") }), ({ params, payload }) => {
        asked.push([params, payload]);
        return joined();
      }),
    );
    client.join("room:b", "2", { as: "you" });
    expect(asked).toEqual([
      [["a"], { as: "me" }],
      [["b"], { as: "you" }],
    ]);
    expect(inside(room).answer).toEqual([replied("1", "1", "room:a", "ok")]);
  },
  "{:ok, socket}, {:ok, reply, socket}": () => {
    const { answer, say } = inside(
      defineChannel("room:*")
        .socket<{ user: string }>()
        .join(() => joined({ id: 7 }, { motd: "hello" }))
        .handleIn("all", (_, { assigns }) => reply({ ...assigns })),
      { connect: () => accept({ user: "ada" }) },
    );
    expect(answer).toEqual([replied("1", "1", "room:a", "ok", { motd: "hello" })]);
    expect(say("all")).toEqual([answered({ user: "ada", id: 7 })]);
  },
  "{:error, reply}": () => {
    expect(inside(room.join(() => refused("full"))).answer).toEqual([
      replied("1", "1", "room:a", "error", { reason: "full" }),
    ]);
    expect(inside(room.join(() => refused({ code: 7 }))).answer).toEqual([
      replied("1", "1", "room:a", "error", { code: 7 }),
    ]);
  },
  "send(self(), :after_join)": () => {
    expect(inside(room.joined((socket) => socket.push("after", {}))).answer).toEqual([
      replied("1", "1", "room:a", "ok"),
      ["1", null, "room:a", "after", {}],
    ]);
  },
  "handle_in/3": () => {
    const { say } = inside(room.handleIn("n", z.object({ n: z.number() }), ({ n }) => reply({ n: n + 1 })));
    expect(say("n", { n: 1 })).toEqual([answered({ n: 2 })]);
    expect(say("n", { n: "1" })[0]).toMatchObject([
      "1",
      "2",
      "room:a",
      "phx_reply",
      { status: "error", response: { reason: "invalid payload" } },
    ]);
  },
  "handle_in(event, {:binary, data}, socket)": () => {
    const { client } = inside(room.handleBinary("draw", (bytes) => reply({ size: bytes.length })));
    const frame = [0, 1, 1, 6, 4, ...Buffer.from("12room:adraw"), 1, 2, 3];
    expect(client.say(Uint8Array.from(frame))).toEqual([answered({ size: 3 })]);
  },
  "a clause for any event": () => {
    expect(inside(room.handleOther((event) => reply({ event }))).say("what")).toEqual([
      answered({ event: "what" }),
    ]);
    const { say } = inside(room.handleIn("ping", () => reply()));
    expect(say("what")).toEqual([answered({ reason: "unmatched event" }, "error")]);
    expect(say("ping")).toEqual([answered()]);
  },
  "{:reply, status, socket}, {:reply, {status, response}, socket}": () => {
    const { say } = inside(
      room
        .handleIn("ok", () => reply())
        .handleIn("response", () => reply({ a: 1 }))
        .handleIn("both", () => reply("teapot", { a: 1 })),
    );
    expect([say("ok"), say("response"), say("both")]).toEqual([
      [answered()],
      [answered({ a: 1 })],
      [answered({ a: 1 }, "teapot")],
    ]);
  },
  "{:noreply, socket}": () => {
    const { say } = inside(room.handleIn("a", () => noReply()).handleIn("b", () => undefined));
    expect([say("a"), say("b")]).toEqual([[], []]);
  },
  "{:stop, reason, socket}, {:stop, reason, reply, socket}": () => {
    const ends = room
      .handleIn("normal", () => stop())
      .handleIn("shutdown", () => stop("shutdown", reply({ bye: true })))
      .handleIn("error", () => stop(new Error("as asked")));
    expect(inside(ends).say("normal")).toEqual([closed("1", "room:a")]);
    expect(inside(ends).say("shutdown")).toEqual([answered({ bye: true }), closed("1", "room:a")]);
    expect(inside(ends).say("error")).toEqual([crashed("1", "room:a")]);
  },
  "socket_ref/1, reply/2": () => {
    let later = (): void => undefined;
    const { say, client } = inside(
      room.handleIn("ask", (_, socket) => {
        const { ref } = socket;
        later = () => socket.reply(ref, reply({ later: true }));
      }),
    );
    expect(say("ask")).toEqual([]);
    later();
    later();
    expect(client.take()).toEqual([answered({ later: true })]);
    say("ask");
    client.gone();
    later();
    expect(client.take()).toEqual([]);
  },
  "push/3": () => {
    const pushed = ["1", null, "room:a", "said", { n: 1 }];
    expect(inside(room.handleIn("a", (_, socket) => socket.push("said", { n: 1 }))).say("a")).toEqual([
      pushed,
    ]);
    expect(inside(room.handleIn("a", () => push("said", { n: 1 }))).say("a")).toEqual([pushed]);
  },
  "broadcast/3, broadcast!/3": () => {
    expect(inside(room.handleIn("a", (_, socket) => socket.broadcast("said", {}))).say("a")).toHaveLength(1);
    const { channels } = inside(room);
    expect(() => channels.broadcast("room:a", "said", [] as never)).toThrow(TypeError);
  },
  "broadcast_from/3, broadcast_from!/3": () => {
    const { say, channels } = inside(room.handleIn("a", (_, socket) => socket.broadcastFrom("said", {})));
    const other = talk(channels);
    other.join("room:a");
    expect([say("a").length, other.take().length]).toEqual([0, 1]);
  },
  "intercept/1, handle_out/3": () => {
    const { channels, client, errors } = inside(
      defineChannel("room:*")
        .says<{ said: { n: number; mine?: boolean }; kept: { n: number }; late: {} }>()
        .handleOut("said", (said) => ({ ...said, mine: true }))
        .handleOut("kept", () => undefined)
        .handleOut("late", (async () => ({})) as never),
    );
    for (const event of ["said", "kept"]) channels.broadcast("room:a", event, { n: 1 });
    expect(client.take()).toEqual([["1", null, "room:a", "said", { n: 1, mine: true }]]);
    channels.broadcast("room:a", "late", {});
    expect([client.take(), errors]).toEqual([[crashed("1", "room:a")], [expect.any(TypeError)]]);
  },
  "handle_info/2": () => {
    const { channels, client, say } = inside(
      room
        .handleIn("me", (_, socket) => reply({ id: socket.socketId }))
        .handleInfo(z.object({ n: z.number() }), ({ n }) => push("told", { n })),
    );
    channels.sendInfo(idIn(say("me")), "room:a", { n: 7 });
    expect(client.take()).toEqual([["1", null, "room:a", "told", { n: 7 }]]);
  },
  "handle_call/3, handle_cast/2": () => {
    expect(
      Object.keys(room)
        .filter((name) => name.startsWith("handle"))
        .toSorted(),
    ).toEqual(["handleBinary", "handleIn", "handleInfo", "handleOther", "handleOut"]);
  },
  "terminate/2": async () => {
    const ends: unknown[] = [];
    const channel = room
      .handleIn("crash", () => {
        throw new Error("as asked");
      })
      .terminate((reason) => void ends.push("why" in reason ? reason.why : reason.type));
    inside(channel).say("crash");
    inside(channel).say("phx_leave");
    inside(channel).client.gone();
    await inside(channel).channels.stop();
    expect(ends).toEqual(["error", "left", "closed", "draining"]);
  },
  "assign/3": () => {
    const { say } = inside(
      room
        .join(() => joined<{ n: number }>({ n: 0 }))
        .handleIn("more", (_, socket) => {
          socket.assign({ n: socket.assigns.n + 1 });
          return reply({ n: socket.assigns.n });
        }),
    );
    expect([say("more"), say("more")]).toEqual([[answered({ n: 1 })], [answered({ n: 2 })]]);
  },
  "socket.assigns, socket.topic, socket.join_ref": () => {
    const { say } = inside(
      room.handleIn("a", (_, { assigns, topic, joinRef }) => reply({ assigns, topic, joinRef })),
    );
    expect(say("a")).toEqual([answered({ assigns: {}, topic: "room:a", joinRef: "1" })]);
  },
  "socket.channel_pid, socket.transport_pid": () => {
    let seen: ChannelSocket | undefined;
    inside(room.joined((socket) => void (seen = socket)));
    expect([typeof seen!.socketId, seen!.transport]).toEqual(["string", "websocket"]);
  },
  "hibernate, fullsweep_after": () => {
    expect(Object.keys(entry).filter((name) => /hibernate|sweep/.test(name))).toEqual([]);
  },

  // --------------------------------------------------------------------------------- what one Node process changes
  "a handler that waits (a database, a request)": async () => {
    let go = (): void => undefined;
    const { say, client } = inside(
      room
        .handleIn("wait", () => new Promise<void>((resolve) => (go = resolve)))
        .handleIn("ask", () => reply()),
    );
    client.join("room:b");
    say("wait");
    expect(say("ask")).toEqual([]);
    expect(client.say(["1", "2", "room:b", "ask", {}])).toHaveLength(1);
    expect(client.say([null, "9", "phoenix", "heartbeat", {}])).toHaveLength(1);
    go();
    await settled();
    expect(client.take()).toEqual([answered()]);
  },
  "a handler that computes": async () => {
    const order: string[] = [];
    const { say } = inside(
      room.handleIn("compute", () => {
        const end = performance.now() + 20;
        while (performance.now() < end);
        order.push("computed");
      }),
    );
    const due = new Promise<void>((resolve) => {
      setTimeout(() => {
        order.push("everything else");
        resolve();
      }, 0);
    });
    say("compute");
    await due;
    expect(order).toEqual(["computed", "everything else"]);
  },
  "a handler that never answers": () => {
    const { say, client } = inside(
      room.handleIn("never", () => new Promise<never>(() => undefined)),
      { limits: { maxWaitingMessages: 2 } },
    );
    for (let i = 0; i < 4; i++) say("never");
    expect(client.closed).toEqual([{ code: 1013, reason: "busy" }]);
  },
  "a handler that throws": () => {
    const kept: number[] = [];
    const { say, client } = inside(
      room
        .join(() => joined<{ n: number }>({ n: 0 }))
        .handleIn("half", (_, socket) => {
          socket.assign({ n: 1 });
          kept.push(1);
          throw new Error("as asked");
        })
        .handleIn("n", (_, { assigns }) => reply({ n: assigns.n })),
    );
    expect(say("half")).toEqual([crashed("1", "room:a")]);
    client.join("room:a");
    expect(say("n")).toEqual([answered({ n: 0 })]);
    expect(kept).toEqual([1]);
  },
  "code outside of handlers that throws (a timer, a promise nobody awaits)": async () => {
    // Node's own word of it, which needs a process of its own.
    const { spawnSync } = await import("node:child_process");
    const { status } = spawnSync(
      process.execPath,
      ["-e", "setInterval(()=>{},1e9);setTimeout(()=>{throw 1},0)"],
      {
        stdio: "ignore",
      },
    );
    expect(status).not.toBe(0);
  },
  "a slow client": () => {
    const { client, channels } = inside(room, { limits: { maxBufferedBytes: 1_000 } });
    client.unwritten = 1_001;
    channels.broadcast("room:a", "said", {});
    expect(client.closed).toEqual([{ code: 1013, reason: "slow" }]);
  },
  "all cores": () => claims["Endpoint.local_broadcast/3"]!(),
  "a new version of the code": () => claims["drainer"]!(),
};

/** Of Phoenix's sockets, endpoints and channels. */
const PHOENIX = [
  "use Phoenix.Channel",
  ..."socket/3 channel/3 connect/3 id/1 connect_info auth_token check_origin serializer drainer".split(" "),
  ..."timeout max_frame_size window_ms crypto subprotocols compress error_handler".split(" "),
  ..."Endpoint.broadcast/3 Endpoint.broadcast_from/4 Endpoint.local_broadcast/3".split(" "),
  ..."Phoenix.PubSub Phoenix.Presence Phoenix.Token Phoenix.ChannelTest".split(" "),
  ..."Presence.track/3 update/3 untrack/2 Presence.list/1 get_by_key/2 fetch/2 handle_metas/4".split(" "),
  ..."join/3 handle_in/3 intercept/1 handle_out/3 handle_info/2 terminate/2 assign/3 push/3".split(" "),
  ..."broadcast/3 broadcast!/3 broadcast_from/3 broadcast_from!/3 socket_ref/1 reply/2".split(" "),
];
holdPage("docs/from-phoenix.md", "[CF1]", claims, PHOENIX);

describe("the channel that is written twice", () => {
  const folder = new URL("./.from-phoenix/", import.meta.url);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each([
    ["WebSocket", WebSocket],
    ["LongPoll", LongPoll],
  ])("[CF1] serves phoenix.js over %s as it is printed", async (name, transport) => {
    const programs = programsIn(await textOf("docs/from-phoenix.md"));
    expect([...programs.keys()]).toEqual(["room-channel.ts", "server.ts"]);
    const at = new URL(`${name}/`, folder);
    await mkdir(at, { recursive: true });
    await writeFile(
      new URL("stores.ts", at),
      `export const history = { lines: [] as string[], of: (_: string) => history.lines, add: (_: string, text: string) => history.lines.push(text) };
       export const seen = { ended: [] as unknown[], left: (user: string, reason: unknown) => void seen.ended.push([user, reason]) };
       export const verify = (token: string | undefined) => token?.replace(/^token of /, "");`,
    );
    await writeFile(new URL("room-channel.ts", at), programs.get("room-channel.ts")!);
    await writeFile(
      new URL("server.ts", at),
      programs.get("server.ts")!.replace("listen(4000)", 'listen(0, "127.0.0.1")'),
    );
    const served = (await import(new URL("server.ts", at).href)) as {
      channels: Channels;
      mount: PhoenixMount;
      httpServer: HttpServer;
    };
    const { seen } = (await import(new URL("stores.ts", at).href)) as { seen: { ended: unknown[] } };
    if (!served.httpServer.listening) await once(served.httpServer, "listening");
    const url = `ws://127.0.0.1:${(served.httpServer.address() as AddressInfo).port}/socket`;
    const heard: unknown[] = [];
    const come = async (user: string) => {
      const socket = new Socket(url, { transport, authToken: `token of ${user}` });
      socket.connect();
      const channel = socket.channel("room:lobby");
      for (const event of ["history", "new_msg", "typing"])
        channel.on(event, (payload) => void heard.push([user, event, payload]));
      const answer = await new Promise((resolve) => {
        const joining = channel.join();
        for (const status of ["ok", "error"]) joining.receive(status, (told) => resolve([status, told]));
      });
      expect(answer).toEqual(["ok", { motd: "welcome" }]);
      return { socket, channel };
    };
    try {
      const [ada, bo] = [await come("ada"), await come("bo")];
      const told = await new Promise((resolve) => {
        ada.channel.push("new_msg", { text: "hello" }).receive("ok", resolve);
      });
      bo.channel.push("typing", {});
      expect(told).toEqual({ at: 1 });
      await expect.poll(() => heard).toHaveLength(5);
      expect(heard).toEqual(
        expect.arrayContaining([
          ["ada", "history", { lines: [] }],
          ["bo", "history", { lines: [] }],
          ["ada", "new_msg", { from: "ada", text: "hello", mine: true }],
          ["bo", "new_msg", { from: "ada", text: "hello", mine: false }],
          ["ada", "typing", { from: "bo" }],
        ]),
      );
      const secret = ada.socket.channel("room:secret");
      const refusal = await new Promise((resolve) => void secret.join().receive("error", resolve));
      expect(refusal).toEqual({ reason: "unauthorized" });
      secret.leave();
      await served.channels.stop();
      expect(seen.ended.toSorted()).toEqual(
        ["ada", "bo"].map((user) => [user, { type: "shutdown", why: "draining" }]),
      );
      for (const { socket } of [ada, bo]) socket.disconnect();
    } finally {
      await served.channels.stop();
      await served.mount.close();
      served.httpServer.closeAllConnections();
      served.httpServer.close();
    }
  });
});
