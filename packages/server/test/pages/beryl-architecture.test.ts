// beryl's page about its architecture, section by section: what each part is said to do is done here. Where Calla differs on
// purpose the name says what it does instead, and docs/from-beryl.md why.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import {
  createChannels,
  defineChannel,
  extractId,
  fromSegments,
  joined,
  namespace,
  parsePattern,
  phoenix,
  push,
  reply,
  segments,
  validate,
} from "../../src/channels/index.ts";
import { serialiserFor } from "../../src/channels/wire/index.ts";
import { localPubSub } from "../../src/cluster/pubsub.ts";
import { createGroups } from "../../src/groups/index.ts";
import { createTracker } from "../../src/presence/index.ts";
import { PresenceState } from "../../src/presence/state/index.ts";
import { Members } from "../../src/presence/state/members.ts";
import { scopedPubSub } from "../../src/pubsub/scoped-pubsub.ts";
import { createSupervisor, supervise } from "../../src/supervision/index.ts";
import { closed, reply as replied, talk } from "../phoenix-talk.ts";
import { handClock } from "../wired.ts";
import { holdOrigin } from "./claims.ts";
import { answered, ends, idIn, inside, named, room } from "./inside.ts";

const presentRoom = room.presence({ key: () => "ada", initial: () => ({}) });
/** Channels under a supervisor, and how to make them fail. */
function supervised(broker = localPubSub()) {
  const failing: { channels?: (error: unknown) => void } = {};
  const system = supervise({
    onError: () => undefined,
    pubsub: () => broker,
    channels({ pubsub, failed }) {
      failing.channels = failed;
      return { channels: createChannels({ pubsub }).register(presentRoom) };
    },
  });
  const restarts = (): Readonly<Record<string, number>> =>
    Object.fromEntries(system.inspect().children.map(({ name, restarts }) => [name, restarts]));
  return { system, failing, restarts };
}

holdOrigin(
  "beryl, Architecture Overview",
  "[CF8]",
  {
    "Layer diagram": {
      "each layer works without those above it": () => {
        const heard: unknown[] = [];
        const pubsub = scopedPubSub(localPubSub());
        pubsub.subscribe("t", ({ event }) => void heard.push(event));
        pubsub.broadcast("t", "said", {});
        expect(heard).toEqual(["said"]);
        const tracker = createTracker();
        expect(tracker.track("t", "holder", "ada", {})).toBe(true);
        tracker.stop();
        // Channels without a transport, and the wire without channels.
        expect(inside(room).answer).toHaveLength(1);
        expect(serialiserFor("2.0.0")?.decode('[null,"1","phoenix","heartbeat",{}]').event).toBe("heartbeat");
      },
    },
    "PubSub (beryl/pubsub)": {
      "subscribers of a topic receive what is broadcast there": () => {
        const heard: unknown[] = [];
        const pubsub = scopedPubSub(localPubSub());
        const stop = pubsub.subscribe("room:lobby", (message) => void heard.push(message));
        pubsub.broadcast("room:lobby", "event", { n: 1 });
        pubsub.broadcast("room:other", "event", { n: 2 });
        stop();
        pubsub.broadcast("room:lobby", "event", { n: 3 });
        expect(heard).toEqual([{ topic: "room:lobby", event: "event", payload: { n: 1 } }]);
      },
      "it works across nodes": () => {
        const engine = localPubSub();
        const [here, there] = [scopedPubSub(engine), scopedPubSub(engine)];
        const heard: unknown[] = [];
        there.subscribe("room:lobby", ({ payload }) => void heard.push(payload));
        here.broadcast("room:lobby", "event", { n: 1 });
        expect(heard).toEqual([{ n: 1 }]);
      },
      "channels broadcast over it": () => {
        const pubsub = localPubSub();
        const [here, there] = [inside(room, { pubsub }), inside(room, { pubsub })];
        here.channels.broadcast("room:a", "said", {});
        expect([here.client.take().length, there.client.take().length]).toEqual([1, 1]);
      },
    },
    "Coordinator (beryl/coordinator)": {
      "topic patterns are mapped to handlers": () => {
        const channels = createChannels()
          .register(room.join(() => joined({}, { of: "room" })))
          .register(defineChannel("user:*").join(() => joined({}, { of: "user" })));
        const client = talk(channels);
        expect([client.join("room:a"), client.join("user:a", "2")]).toEqual([
          [replied("1", "1", "room:a", "ok", { of: "room" })],
          [replied("2", "2", "user:a", "ok", { of: "user" })],
        ]);
      },
      "connected sockets are tracked, with the topics that each is on": () => {
        const { channels, client } = inside(room);
        const other = talk(channels);
        expect(channels.sockets).toBe(2);
        client.gone();
        expect(channels.sockets).toBe(1);
        channels.broadcast("room:a", "said", {});
        expect([client.take(), other.take()]).toEqual([[], []]);
      },
      "topics are mapped to their subscribers": () => {
        const { channels, client } = inside(room);
        client.join("room:b", "2");
        const other = talk(channels);
        other.join("room:b");
        for (const one of [client, other]) one.take();
        channels.broadcast("room:a", "said", {});
        channels.broadcast("room:b", "said", {});
        expect([client.take().length, other.take().length]).toEqual([2, 1]);
      },
      "messages are decoded and dispatched to their handlers": () => {
        const { say } = inside(room.handleIn("a", (payload) => reply({ payload })));
        expect(say("a", [1])).toEqual([answered({ payload: [1] })]);
      },
      "sockets that miss heartbeats are evicted, by a timer": async () => {
        const { reasons, channel } = ends();
        const { clock, advance } = handClock();
        const httpServer = createServer();
        const channels = createChannels({ clock }).register(channel);
        const mount = phoenix(channels, { httpServer, path: "/socket", websocket: { timeout: 60_000 } });
        httpServer.listen(0, "127.0.0.1");
        await once(httpServer, "listening");
        const { port } = httpServer.address() as AddressInfo;
        const socket = new WebSocket(`ws://127.0.0.1:${port}/socket/websocket?vsn=2.0.0`);
        onTestFinished(async () => {
          socket.terminate();
          await mount.close();
          httpServer.close();
        });
        await once(socket, "open");
        const heard = once(socket, "message");
        socket.send('["1","1","room:a","phx_join",{}]');
        await heard;
        const beat = async (): Promise<void> => {
          const answer = once(socket, "message");
          socket.send('[null,"2","phoenix","heartbeat",{}]');
          await answer;
        };
        await advance(45_000);
        await beat();
        await advance(45_000);
        expect(reasons).toEqual([]);
        const closes = once(socket, "close");
        await advance(30_000);
        expect((await closes)[0]).toBe(1001);
        expect(reasons).toEqual([{ type: "heartbeatTimeout" }]);
      },
      "handlers of different assigns stand in one registry": () => {
        const channels = createChannels()
          .register(
            room.join(() => joined({ n: 1 })).handleIn("a", (_, { assigns }) => reply({ n: assigns.n })),
          )
          .register(
            defineChannel("user:*")
              .join(() => joined({ name: "ada" }))
              .handleIn("a", (_, { assigns }) => reply({ name: assigns.name })),
          );
        const client = talk(channels);
        client.join("room:a");
        client.join("user:a", "2");
        expect([
          client.say(["1", "3", "room:a", "a", {}]),
          client.say(["2", "4", "user:a", "a", {}]),
        ]).toEqual([
          [replied("1", "3", "room:a", "ok", { n: 1 })],
          [replied("2", "4", "user:a", "ok", { name: "ada" })],
        ]);
      },
    },
    "Channels (beryl/channel)": {
      "a channel is built from a join and its handlers": () => {
        const built = room
          .join(() => joined({ user: "ada" }))
          .handleIn("a", () => reply())
          .handleBinary("b", () => push("said", {}))
          .terminate(() => undefined);
        expect(inside(built).say("a")).toEqual([answered()]);
      },
      "its assigns are typed": () => {
        const built = room.join(() => joined({ user: "ada" }));
        // @ts-expect-error -- reason: no such assign
        built.handleIn("a", (_, { assigns }) => reply({ n: assigns.n }));
        expect(inside(built).answer).toHaveLength(1);
      },
    },
    "Presence (beryl/presence, beryl/presence/state)": {
      "the state is pure: join, leave, merge, replicas up and down, queries": () => {
        const [one, two] = [new PresenceState<number>("one"), new PresenceState<number>("two")];
        one.join("room:a", "socket", "ada", 1);
        expect(two.list("room:a").size).toBe(0);
        two.replicaUp("one");
        two.merge(one.extract());
        expect([...two.list("room:a").keys()]).toEqual(["ada"]);
        two.replicaDown("one");
        expect(two.list("room:a").size).toBe(0);
        two.replicaUp("one");
        expect(two.getByKey("room:a", "ada")).toHaveLength(1);
        one.leave("room:a", "socket", "ada");
        two.merge(one.extract());
        expect(two.count("room:a")).toBe(0);
      },
      "add wins: who joins while another leaves that holder and key stays": () => {
        const [one, two] = [new PresenceState<number>("one"), new PresenceState<number>("two")];
        for (const [state, other] of [
          [one, "two"],
          [two, "one"],
        ] as const)
          state.replicaUp(other);
        one.join("room:a", "socket", "ada", 1);
        two.merge(one.extract());
        one.leave("room:a", "socket", "ada");
        two.join("room:a", "socket", "ada", 2);
        one.merge(two.extract());
        two.merge(one.extract());
        for (const state of [one, two])
          expect(state.getByKey("room:a", "ada").map(({ meta }) => meta)).toEqual([2]);
      },
      "compact is after every step, by itself": () => {
        expect("compact" in new PresenceState<number>("one")).toBe(false);
      },
      "track and untrack are replicated over the pubsub, and told by on_diff": async () => {
        const pubsub = localPubSub();
        const { clock, advance } = handClock();
        const [here, there] = [createTracker({ pubsub, clock }), createTracker({ pubsub, clock })];
        const diffs: unknown[] = [];
        there.onDiff(({ topic, joins, leaves }) => void diffs.push([topic, joins.length, leaves.length]));
        await advance(2_000);
        here.track("room:a", "socket", "ada", {});
        await advance(2_000);
        expect(there.count("room:a")).toBe(1);
        here.untrack("room:a", "socket", "ada");
        await advance(2_000);
        expect(diffs).toEqual([
          ["room:a", 1, 0],
          ["room:a", 0, 1],
        ]);
        for (const tracker of [here, there]) tracker.stop();
      },
      "what is lost on the way is told again, periodically": async () => {
        const { clock, advance } = handClock();
        const engine = localPubSub();
        let loses = true;
        const publish = (channel: string, told: unknown): void => {
          if (!loses) engine.publish(channel, told);
        };
        const [sender, hearer] = [
          createTracker({ pubsub: { ...engine, publish }, clock }),
          createTracker({ pubsub: engine, clock }),
        ];
        sender.track("room:a", "socket", "ada", {});
        await advance(5_000);
        expect(hearer.count("room:a")).toBe(0);
        loses = false;
        await advance(10_000);
        expect(hearer.count("room:a")).toBe(1);
        for (const tracker of [sender, hearer]) tracker.stop();
      },
    },
    "Groups (beryl/group)": {
      "topics are added to a group, and a broadcast reaches all of them": () => {
        const { channels, client } = inside(room, {}, "room:frontend");
        client.join("room:backend", "2");
        client.join("room:other", "3");
        client.take();
        const groups = createGroups({ channels });
        groups.create("team:eng");
        groups.add("team:eng", "room:frontend");
        groups.add("team:eng", "room:backend");
        groups.broadcast("team:eng", "announce", { n: 1 });
        expect(client.take()).toEqual([
          [null, null, "room:frontend", "announce", { n: 1 }],
          [null, null, "room:backend", "announce", { n: 1 }],
        ]);
      },
    },
    "Supervisor (beryl/supervisor)": {
      "it starts channels, presence and groups in order, and gives each": async () => {
        const { system, restarts } = supervised();
        await system.start();
        expect(Object.keys(restarts())).toEqual(["pubsub", "channels", "presence", "groups"]);
        const client = talk(system.channels);
        expect(client.join("room:a")).toHaveLength(2);
        expect([...system.channels.presence.list("room:a").keys()]).toEqual(["ada"]);
        system.groups.create("team");
        system.groups.add("team", "room:a");
        client.take();
        expect(system.groups.broadcast("team", "announce", {})).toBe(1);
        await system.stop();
        expect(client.closed).toEqual([{ code: 1012, reason: expect.any(String) }]);
      },
      "rest for one: where the channels crash, what stands on them is made anew": async () => {
        const { system, restarts, failing } = supervised();
        await system.start();
        const client = talk(system.channels);
        failing.channels?.(new Error("crash"));
        await vi.waitFor(() =>
          expect([system.state, restarts()]).toMatchObject([
            "running",
            { pubsub: 0, channels: 1, presence: 1 },
          ]),
        );
        expect(client.closed).toHaveLength(1);
        expect(talk(system.channels).join("room:a")).toHaveLength(2);
        await system.stop();
      },
      "where presence crashes, the channels are not touched": async () => {
        const broker = localPubSub();
        const { system, restarts } = supervised(broker);
        await system.start();
        const client = talk(system.channels);
        client.join("room:a");
        const other = createChannels({ pubsub: broker }).register(presentRoom);
        await vi.waitFor(() => {
          talk(other).join("room:a");
          expect(system.channels.presence.count("room:a")).toBeGreaterThan(1);
        });
        other.presence.track("room:a", "app", "bob", {});
        // The next is what the supervised node hears of it.
        const once = vi.spyOn(Members.prototype, "add").mockImplementationOnce(() => {
          throw new Error("merge broke");
        });
        await vi.waitFor(() => expect(restarts()["presence"]).toBe(1), { timeout: 10_000 });
        once.mockRestore();
        expect([restarts()["channels"], client.closed]).toEqual([0, []]);
        await vi.waitFor(() => expect(system.channels.presence.getByKey("room:a", "bob")).toHaveLength(1), {
          timeout: 10_000,
        });
        await Promise.all([system.stop(), other.stop()]);
      },
      "child_spec: it stands inside a larger app's supervisor": async () => {
        const { system } = supervised();
        const order: string[] = [];
        const before = {
          name: "database",
          start: () => void order.push("start"),
          stop: () => void order.push("stop"),
        };
        const app = createSupervisor({ children: [before, system.asChild()] });
        await app.start();
        expect([order, system.state]).toEqual([["start"], "running"]);
        await app.stop();
        expect([order, system.state]).toEqual([["start", "stop"], "stopped"]);
      },
    },
    "Wire Protocol (beryl/wire)": {
      "messages are parsed from arrays": () => {
        expect(serialiserFor("2.0.0")?.decode('["1","2","room:a","say",{"n":1}]')).toMatchObject({
          joinRef: "1",
          ref: "2",
          topic: "room:a",
          event: "say",
          payload: { n: 1 },
        });
      },
      "replies have a status and a response": () => {
        const { say } = inside(
          room.handleIn("a", () => reply({ n: 1 })).handleIn("b", () => reply("error", { n: 2 })),
        );
        expect([...say("a"), ...say("b")]).toEqual([answered({ n: 1 }), answered({ n: 2 }, "error")]);
      },
      "pushes of the server have no ref": () => {
        const { channels, client, answer } = inside(named);
        channels.push(idIn(answer), "room:a", "said", {});
        expect(client.take()).toEqual([["1", null, "room:a", "said", {}]]);
      },
      "heartbeats are answered": () => {
        expect(inside(room).client.say([null, "3", "phoenix", "heartbeat", {}])).toEqual([
          replied(null, "3", "phoenix", "ok"),
        ]);
      },
      "payloads are any JSON": () => {
        const { say } = inside(room.handleIn("a", (payload) => reply(payload)));
        for (const payload of [null, 1, "text", [1, { a: null }], { a: { b: true } }])
          expect(say("a", payload)).toEqual([answered(payload as object)]);
      },
    },
    "WebSocket Transport (beryl/transport/mist)": {
      "each connection has an id of its own": () => {
        const { channels, answer } = inside(named);
        const other = talk(channels).join("room:a");
        expect(idIn(other)).not.toBe(idIn(answer));
      },
      "what is said to a socket goes by the function that it came with": () => {
        const heard: unknown[] = [];
        const channels = createChannels().register(named);
        const { incoming } = channels.connect({
          send: (data) => void heard.push(JSON.parse(String(data))),
          close: () => undefined,
          request: { url: "/socket?vsn=2.0.0", headers: {}, remoteAddress: undefined },
        });
        incoming('["1","1","room:a","phx_join",{}]');
        channels.push(idIn(heard), "room:a", "said", {});
        expect(heard.at(-1)).toEqual(["1", null, "room:a", "said", {}]);
      },
      "text frames go through the decoder, binary ones directly, where they are the app's own": () => {
        const { client, say } = inside(
          room.handleIn("a", () => reply()).handleBinary((bytes) => push("bytes", { size: bytes.length })),
          { rawBinary: true },
        );
        expect(say("a")).toEqual([answered()]);
        expect(client.say(Uint8Array.of(1, 2))).toEqual([["1", null, "room:a", "bytes", { size: 2 }]]);
      },
      "a connection that closes ends its channels": () => {
        const { reasons, channel } = ends();
        const { client } = inside(channel);
        client.join("room:b", "2");
        client.gone();
        expect(reasons).toEqual([
          { type: "shutdown", why: "closed" },
          { type: "shutdown", why: "closed" },
        ]);
      },
    },
    "Topic (beryl/topic)": {
      "exact matches one topic, a wildcard whatever begins so": () => {
        expect([parsePattern("room:lobby").kind, parsePattern("room:*").kind]).toEqual(["exact", "prefix"]);
        expect([
          extractId(parsePattern("room:*"), "room:lobby"),
          extractId(parsePattern("room:*"), "user:1"),
        ]).toEqual(["lobby", undefined]);
      },
      "segments, namespace, from_segments, validate": () => {
        expect(fromSegments(segments("room:lobby"))).toBe("room:lobby");
        expect(namespace("room:lobby")).toBe("room");
        expect([validate("room:lobby"), validate(""), validate(":a"), validate("a:")].map(Boolean)).toEqual([
          false,
          true,
          true,
          true,
        ]);
      },
    },
    "Socket (beryl/socket)": {
      "it has an id, and typed state": () => {
        const { say } = inside(
          room
            .join(({ socket }) => joined<{ id: string; n: number }>({ id: socket.id, n: 0 }))
            .handleIn("a", (_, socket) => {
              socket.assign({ n: socket.assigns.n + 1 });
              return reply({ same: socket.assigns.id === socket.socketId, n: socket.assigns.n });
            }),
        );
        expect([say("a"), say("a")]).toEqual([
          [answered({ same: true, n: 1 })],
          [answered({ same: true, n: 2 })],
        ]);
      },
      "its transport is reached through it alone": () => {
        const { say, client } = inside(room.handleIn("a", (_, socket) => socket.stop()));
        expect(say("a")).toEqual([closed("1", "room:a")]);
        expect(client.closed).toEqual([]);
      },
    },
  },
  [
    "Layer diagram",
    "PubSub (beryl/pubsub)",
    "Coordinator (beryl/coordinator)",
    "Channels (beryl/channel)",
    "Presence (beryl/presence, beryl/presence/state)",
    "Groups (beryl/group)",
    "Supervisor (beryl/supervisor)",
    "Wire Protocol (beryl/wire)",
    "WebSocket Transport (beryl/transport/mist)",
    "Topic (beryl/topic)",
    "Socket (beryl/socket)",
  ],
);
