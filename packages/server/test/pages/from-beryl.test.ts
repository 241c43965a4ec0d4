// docs/from-beryl.md, row by row: what it says of each of beryl's functions and types is run here, under that name.
import { expect, vi } from "vitest";
import * as z from "zod";
import {
  accept,
  createChannels,
  defineChannel,
  extractId,
  extractWildcards,
  fromSegments,
  joined,
  namespace,
  noReply,
  parsePattern,
  phoenix,
  push,
  refused,
  reply,
  segments,
  stop,
  validate,
} from "../../src/channels/index.ts";
import type { StopReason } from "../../src/channels/index.ts";
import * as wire from "../../src/channels/wire/index.ts";
import { localPubSub } from "../../src/cluster/pubsub.ts";
import { createGroups } from "../../src/groups/index.ts";
import { createTracker } from "../../src/presence/index.ts";
import { PresenceState } from "../../src/presence/state/index.ts";
import { createSupervisor, supervise } from "../../src/supervision/index.ts";
import { closed, crashed, reply as replied, settled, talk } from "../phoenix-talk.ts";
import { handClock } from "../wired.ts";
import { holdPage } from "./claims.ts";
import type { Claims } from "./claims.ts";
import { answered, ends, idIn, inside, named, room } from "./inside.ts";

const claims: Claims = {
  // ------------------------------------------------------------------------------------------------------ the system
  "beryl.start, beryl.default_config": () => {
    expect(createChannels().sockets).toBe(0);
    expect(() => createChannels({ limits: { joinRate: -1 } })).toThrow(/joinRate/);
  },
  "beryl.register": () => {
    const channels = createChannels().register(room).register("lobby:*", room);
    expect(() => channels.register("room:*", room)).toThrow(/room:\*/);
  },
  "beryl.broadcast": () => {
    const typed = defineChannel("room:*").says<{ said: { n: number } }>();
    const { channels, client } = inside(typed);
    channels.broadcast("room:a", "said", { n: 1 });
    channels.broadcast(typed, ["a"], "said", { n: 1 });
    const said = [null, null, "room:a", "said", { n: 1 }];
    expect(client.take()).toEqual([said, said]);
  },
  "beryl.broadcast_from": () => {
    const { channels, client, answer, say } = inside(
      named.handleIn("typing", (_, socket) => socket.broadcastFrom("typing", {})),
    );
    const other = talk(channels);
    other.join("room:a");
    other.take();
    channels.broadcastFrom(idIn(answer), "room:a", "said", {});
    say("typing");
    expect([client.take().length, other.take().length]).toEqual([0, 2]);
  },
  "beryl.send_info": () => {
    const { channels, client, answer, errors } = inside(
      named.handleInfo(z.object({ n: z.number() }), ({ n }) => push("told", { n })),
    );
    channels.sendInfo("nobody", "room:a", { n: 1 });
    channels.sendInfo(idIn(answer), "room:b", { n: 1 });
    channels.sendInfo(idIn(answer), "room:a", { n: 1 });
    channels.sendInfo(idIn(answer), "room:a", { n: "1" });
    expect(client.take()).toEqual([["1", null, "room:a", "told", { n: 1 }]]);
    expect(String(errors)).toMatch(/handleInfo's schema/);
    const without = inside(named);
    without.channels.sendInfo(idIn(without.answer), "room:a", {});
    expect([without.client.take(), without.errors]).toEqual([[], []]);
  },
  "beryl.broadcast_presence_diff": async () => {
    const tracker = createTracker();
    const { channels, client } = inside(room);
    tracker.onDiff((diff) => channels.broadcastPresenceDiff(diff.topic, diff));
    tracker.track("room:a", "socket", "ada", { n: 1 });
    tracker.track("room:a", "socket", "", { n: 2 });
    await settled();
    expect(client.take()).toEqual([
      [
        null,
        null,
        "room:a",
        "presence_diff",
        { joins: { ada: { metas: [{ n: 1, phx_ref: expect.any(String) }] } }, leaves: {} },
      ],
    ]);
    tracker.stop();
    const own = inside(room.presence());
    own.channels.presence.track("room:a", "app", "ada", {});
    await settled();
    expect(own.client.take()).toMatchObject([
      [null, null, "room:a", "presence_diff", { joins: { ada: {} } }],
    ]);
  },
  "beryl/coordinator": () => {
    // A handler that waits holds up neither another topic nor another connection.
    const { channels, client, say } = inside(
      room.handleIn("wait", () => new Promise<never>(() => undefined)).handleIn("ask", () => reply()),
    );
    say("wait");
    client.join("room:b", "2");
    const other = talk(channels);
    other.join("room:a");
    expect(client.say(["2", "3", "room:b", "ask", {}])).toHaveLength(1);
    expect(other.say(["1", "3", "room:a", "ask", {}])).toHaveLength(1);
  },
  "mist_transport.default_config": async () => {
    const mount = phoenix(createChannels(), { path: "/socket" });
    const asks = (url: string) =>
      mount.fetch(new Request(`http://localhost${url}?vsn=2.0.0`, { headers: { host: "localhost" } }));
    expect([(await asks("/socket/longpoll"))?.status, await asks("/socket")]).toEqual([200, undefined]);
    await mount.close();
  },
  "beryl/transport/mist": () => {
    const heard: unknown[] = [];
    const { incoming } = createChannels()
      .register(room)
      .connect({
        send: (data) => void heard.push(data),
        close: () => undefined,
        request: { url: "/socket?vsn=2.0.0", headers: {}, remoteAddress: undefined },
      });
    incoming('["1","1","room:a","phx_join",{}]');
    expect(heard).toEqual(['["1","1","room:a","phx_reply",{"status":"ok","response":{}}]']);
  },

  // ------------------------------------------------------------------------------------------------------ a channel
  "channel.new": () => {
    expect(room.join(() => joined()).pattern).toBe("room:*");
    expect(inside(room).answer).toEqual([replied("1", "1", "room:a", "ok")]);
  },
  Channel: () => {
    const typed = defineChannel("room:*").says<{ said: { n: number } }>();
    // @ts-expect-error -- reason: an event that the channel does not say
    typed.handleIn("a", (_, socket) => socket.push("other", {}));
    expect(inside(typed).answer).toHaveLength(1);
  },
  with_handle_in: () => {
    const one = inside(room.handleIn("n", z.object({ n: z.number() }), ({ n }) => reply({ n })));
    expect([one.say("n", { n: 1 }), one.say("other")]).toEqual([
      [answered({ n: 1 })],
      [answered({ reason: "unmatched event" }, "error")],
    ]);
    const all = inside(room.handleOther((event, payload) => reply({ event, payload: payload as {} })));
    expect(all.say("any", { n: 1 })).toEqual([answered({ event: "any", payload: { n: 1 } })]);
  },
  with_handle_binary: () => {
    const { client } = inside(room.handleBinary("draw", (bytes) => reply({ size: bytes.length })));
    const frame = [0, 1, 1, 6, 4, ...Buffer.from("12room:adraw"), 1, 2, 3];
    expect(client.say(Uint8Array.from(frame))).toEqual([answered({ size: 3 })]);
  },
  with_handle_info: () => claims["beryl.send_info"]!(),
  with_terminate: () => {
    const { reasons, channel } = ends();
    const { client } = inside(channel);
    client.gone();
    client.gone();
    expect(reasons).toHaveLength(1);
  },
  JoinResult: async () => {
    const { client } = inside(room.join(async () => joined({}, { late: true })));
    await new Promise((resolve) => setImmediate(resolve));
    expect(client.take()).toEqual([replied("1", "1", "room:a", "ok", { late: true })]);
  },
  JoinOk: () => {
    expect(inside(room.join(() => joined())).answer).toEqual([replied("1", "1", "room:a", "ok")]);
    expect(inside(room.join(() => joined({}, { status: "joined" }))).answer).toEqual([
      replied("1", "1", "room:a", "ok", { status: "joined" }),
    ]);
  },
  JoinError: () => {
    expect(inside(room.join(() => refused("unauthorized"))).answer).toEqual([
      replied("1", "1", "room:a", "error", { reason: "unauthorized" }),
    ]);
  },
  HandleResult: () => claims["NoReply"]!(),
  NoReply: () => {
    const { say } = inside(room.handleIn("a", () => noReply()).handleIn("b", () => undefined));
    expect([say("a"), say("b")]).toEqual([[], []]);
  },
  Reply: () => {
    const { say } = inside(
      room.handleIn("a", () => reply({ n: 1 })).handleIn("b", () => reply("error", { n: 2 })),
    );
    expect([say("a"), say("b")]).toEqual([[answered({ n: 1 })], [answered({ n: 2 }, "error")]]);
    // @ts-expect-error -- reason: there is no message that it could answer
    room.handleInfo(() => reply());
  },
  Push: () => {
    const { say } = inside(
      room
        .handleIn("a", () => push("said", { n: 1 }))
        .handleIn("b", (_, socket) => socket.push("said", { n: 1 })),
    );
    const said = ["1", null, "room:a", "said", { n: 1 }];
    expect([say("a"), say("b")]).toEqual([[said], [said]]);
  },
  Stop: () => {
    expect(inside(room.handleIn("a", () => stop())).say("a")).toEqual([closed("1", "room:a")]);
    expect(inside(room.handleIn("a", () => stop(new Error("why")))).say("a")).toEqual([
      crashed("1", "room:a"),
    ]);
  },
  StopReason: () => {
    const types: Record<StopReason["type"], true> = {
      normal: true,
      shutdown: true,
      heartbeatTimeout: true,
      error: true,
    };
    expect(Object.keys(types)).toHaveLength(4);
  },
  Normal: () => {
    const { reasons, channel } = ends(room.handleIn("stop", () => stop()));
    inside(channel).say("phx_leave");
    inside(channel).say("stop");
    expect(reasons).toEqual([
      { type: "normal", why: "left" },
      { type: "normal", why: "stopped" },
    ]);
  },
  Shutdown: () => {
    const { reasons, channel } = ends(room.mayStay(() => false));
    inside(channel).client.gone();
    const sent = inside(channel, { connect: () => accept({}, "users:1") });
    sent.channels.disconnect("users:1");
    void inside(channel).channels.stop();
    inside(channel).client.join("room:a", "2");
    inside(channel).channels.reauthorise();
    expect(reasons.map((reason) => (reason.type === "shutdown" ? reason.why : reason.type))).toEqual([
      "closed",
      "disconnected",
      "draining",
      "duplicate-join",
      "rights",
    ]);
  },
  HeartbeatTimeout: () => {
    const { reasons, channel } = ends();
    inside(channel).client.gone("heartbeat");
    expect(reasons).toEqual([{ type: "heartbeatTimeout" }]);
  },
  Error: () => {
    const error = new Error("as asked");
    const { reasons, channel } = ends(
      room.handleIn("throw", () => {
        throw error;
      }),
    );
    inside(channel).say("throw");
    expect(reasons).toEqual([{ type: "error", error }]);
  },

  // ----------------------------------------------------------------------------------------------------- the socket
  Socket: () => {
    const sockets = new Set<object>();
    const { client } = inside(room.joined((socket) => void sockets.add(socket)));
    client.join("room:b", "2");
    expect(sockets.size).toBe(2);
  },
  "socket.id": () => {
    const ids: string[] = [];
    const { answer } = inside(
      named.join(({ socket }) => {
        ids.push(socket.id);
        return joined();
      }),
    );
    expect(ids).toEqual([idIn(answer)]);
  },
  get_assigns: () => claims["set_assigns"]!(),
  set_assigns: () => {
    const { say } = inside(
      room
        .join(() => joined<{ user: string; n: number }>({ user: "ada", n: 0 }))
        .handleIn("more", (_, socket) => {
          socket.assign({ n: socket.assigns.n + 1 });
          return reply({ ...socket.assigns });
        }),
    );
    expect(say("more")).toEqual([answered({ user: "ada", n: 1 })]);
  },
  map_assigns: () => {
    const { say } = inside(
      room
        .join(() => joined<{ game: { level: number } | undefined }>({ game: undefined }))
        .handleIn("begin", (_, socket) => socket.assign({ game: { level: 1 } }))
        .handleIn("level", (_, { assigns }) => reply({ level: assigns.game?.level })),
    );
    say("begin");
    expect(say("level")).toEqual([answered({ level: 1 })]);
  },

  // --------------------------------------------------------------------------------------------------------- topics
  parse_pattern: () => {
    expect(parsePattern("room:*").text).toBe("room:*");
    expect(() => parsePattern("ro*m")).toThrow(/whole segment/);
  },
  "Exact, Wildcard, SegmentWildcard": () => {
    expect(
      ["room:lobby", "room:*", "document:*:ops", "document:*:*"].map((text) => parsePattern(text).kind),
    ).toEqual(["exact", "prefix", "segments", "segments"]);
  },
  extract_id: () => {
    expect(extractId(parsePattern("room:*"), "room:lobby")).toBe("lobby");
    expect(extractId(parsePattern("room:*"), "other")).toBeUndefined();
    expect(inside(room.join(({ params: [id] }) => joined({}, { id }))).answer).toEqual([
      replied("1", "1", "room:a", "ok", { id: "a" }),
    ]);
  },
  extract_wildcards: () => {
    const pattern = parsePattern("document:*:*");
    expect(extractWildcards(pattern, "document:tenant-a:doc-42")).toEqual(["tenant-a", "doc-42"]);
    expect(extractWildcards(pattern, "document:tenant-a")).toBeUndefined();
  },
  "segments, namespace, from_segments": () => {
    expect(segments("room:lobby")).toEqual(["room", "lobby"]);
    expect([namespace("room:lobby"), namespace("room")]).toEqual(["room", "room"]);
    expect(fromSegments(["room", "lobby"])).toBe("room:lobby");
  },
  validate: () => {
    expect([validate("room:lobby"), validate("room:")]).toEqual([undefined, 'ends in ":"']);
  },

  // --------------------------------------------------------------------- pubsub, presence, groups, supervision
  "pubsub.start, pubsub.default_config": () => claims["pubsub.broadcast"]!(),
  "pubsub.broadcast": () => {
    const pubsub = localPubSub();
    const [here, there] = [inside(room, { pubsub }), inside(room, { pubsub })];
    here.channels.broadcast("room:a", "said", {});
    expect([here.client.take().length, there.client.take().length]).toEqual([1, 1]);
  },
  "pubsub.subscribe": () => {
    const pubsub = localPubSub();
    const heard: unknown[] = [];
    const { channels } = inside(room, { pubsub });
    for (const channel of ["mine", "room:a"])
      pubsub.subscribe(channel, (payload) => void heard.push(payload));
    pubsub.publish("mine", { n: 1 });
    channels.broadcast("room:a", "said", {});
    expect(heard).toEqual([{ n: 1 }]);
  },
  "beryl/presence": () => {
    const { channels, client, say } = inside(
      room
        .presence({ key: () => "ada", initial: () => ({ device: "tv" }) })
        .handleIn("away", (_, { presence }) => void presence.update({ device: "phone" }))
        .handleIn("list", (_, { presence }) => reply({ keys: [...presence.list().keys()] })),
    );
    say("away");
    expect(say("list")).toContainEqual(answered({ keys: ["ada"] }));
    expect(channels.presence.list("room:a").get("ada")).toMatchObject([{ device: "phone" }]);
    client.gone();
    expect(channels.presence.count("room:a")).toBe(0);
    const tracker = createTracker<{ device: string }>();
    tracker.track("room:a", "socket", "ada", { device: "tv" });
    expect(tracker.list("room:a").get("ada")).toMatchObject([{ meta: { device: "tv" } }]);
    tracker.stop();
  },
  "presence.default_config": () => {
    expect(() => createTracker({ silence: 1 })).toThrow(/silence/);
    createTracker({ pubsub: localPubSub(), name: "node1", silence: 15_000 }).stop();
  },
  "beryl/presence/state": () => {
    const [one, two] = [new PresenceState<number>("one"), new PresenceState<number>("two")];
    one.join("room:a", "socket", "ada", 1);
    two.replicaUp("one");
    expect(two.merge(one.extract()).joins).toHaveLength(1);
    expect(two.replicaDown("one").leaves).toHaveLength(1);
    expect(two.replicaUp("one").joins).toHaveLength(1);
    one.leave("room:a", "socket", "ada");
    expect(two.merge(one.extract()).leaves).toHaveLength(1);
    expect("compact" in two).toBe(false);
  },
  on_diff: async () => {
    const diffs: unknown[] = [];
    const tracker = createTracker();
    tracker.onDiff(({ topic, joins, leaves }) => void diffs.push([topic, joins.length, leaves.length]));
    tracker.track("room:a", "socket", "ada", {});
    tracker.track("room:a", "socket", "ada", {});
    tracker.untrack("room:b", "socket", "ada");
    tracker.track("room:b", "socket", "ada", {});
    await vi.waitFor(() =>
      expect(diffs).toEqual([
        ["room:a", 1, 0],
        ["room:b", 1, 0],
      ]),
    );
    tracker.stop();
  },
  "group.start, group.create, group.add, group.broadcast": () => {
    const { channels, client } = inside(room);
    client.join("room:b", "2");
    const groups = createGroups({ channels });
    groups.create("team");
    for (const topic of ["room:a", "room:b", "room:c"]) groups.add("team", topic);
    groups.remove("team", "room:c");
    expect([groups.list(), groups.topics("team").channels]).toEqual([["team"], ["room:a", "room:b"]]);
    groups.broadcast("team", "announce", {});
    expect(client.take().map((frame) => (frame as unknown[])[2])).toEqual(["room:a", "room:b"]);
    groups.delete("team");
    expect(groups.list()).toEqual([]);
  },
  "supervisor.start, SupervisedConfig, child_spec": async () => {
    const order: string[] = [];
    const system = supervise({
      channels() {
        order.push("channels");
        return { channels: createChannels().register(room) };
      },
    });
    const child = (name: string) => ({
      name,
      start: () => void order.push(name),
      stop: () => void order.push(`${name} stops`),
    });
    const app = createSupervisor({ children: [child("before"), system.asChild(), child("behind")] });
    await app.start();
    expect(system.inspect().children.map(({ name }) => name)).toEqual([
      "pubsub",
      "channels",
      "presence",
      "groups",
    ]);
    await app.stop();
    expect(order).toEqual(["before", "channels", "behind", "behind stops", "before stops"]);
    expect(system.state).toBe("stopped");
  },
  "beryl/wire": () => {
    const { joinRef, ref, topic, event, payload } = wire
      .serialiserFor("2.0.0")!
      .decode('["1","2","room:a","say",{"n":1}]');
    expect([joinRef, ref, topic, event, payload]).toEqual(["1", "2", "room:a", "say", { n: 1 }]);
  },

  // ---------------------------------------------------------------------------------------------------- on the wire
  "BY1 rates": () => {
    const limits = { joinRate: 1, joinBurst: 1, channelRate: 1, channelBurst: 1 };
    const { client, say, refusals } = inside(
      room.handleIn("a", () => reply()),
      { limits },
    );
    expect(client.join("room:b", "2")).toEqual([
      replied("2", "2", "room:b", "error", { reason: "rate_limited" }),
    ]);
    expect(say("a")).toEqual([answered()]);
    expect(say("a")).toEqual([answered({ reason: "rate_limited" }, "error")]);
    expect(client.say(["1", null, "room:a", "a", {}])).toEqual([]);
    expect(refusals.map(({ code }) => code)).toEqual(["rate", "rate", "rate"]);
    expect(() => createChannels({ limits: { messageRate: 0 } })).toThrow(/messageRate/);
    expect(() => createChannels({ limits: { messageRate: Infinity } })).not.toThrow();
  },
  "BY2 answers": () => {
    const { client, say } = inside(room.handleIn("a", (_, socket) => socket.push("said", {})));
    expect(client.join("other:1")).toEqual([
      replied(null, "1", "other:1", "error", { reason: "unmatched topic" }),
    ]);
    expect(say("a")).toEqual([["1", null, "room:a", "said", {}]]);
    expect(say("phx_leave")).toEqual([answered(), closed("1", "room:a")]);
    expect(say("a")).toEqual([replied(null, "2", "room:a", "error", { reason: "unmatched topic" })]);
    client.say("[1,");
    expect(client.closed).toEqual([{ code: 1011, reason: "malformed" }]);
  },
  "BY3 raw binary frames": () => {
    const { client } = inside(
      room.handleBinary((bytes) => reply({ size: bytes.length })),
      { rawBinary: true },
    );
    client.join("room:b", "2");
    expect(client.say(Uint8Array.of(7, 7))).toEqual([
      ["1", null, "room:a", "binary_reply", { size: 2 }],
      ["2", null, "room:b", "binary_reply", { size: 2 }],
    ]);
    const { client: phoenixs } = inside(room);
    phoenixs.say(Uint8Array.of(7, 7));
    expect(phoenixs.closed).toEqual([{ code: 1011, reason: "malformed" }]);
  },
  "BY4 heartbeats": () => {
    const { clock } = handClock();
    const channels = createChannels({ clock });
    expect(() => phoenix(channels, { websocket: { timeout: 0 } })).toThrow(/timeout/);
    expect(() => phoenix(channels, { websocket: { timeout: 60_000 } })).not.toThrow();
  },
  "BY5 groups": () => {
    const { channels, client } = inside(room);
    const groups = createGroups({ channels });
    groups.create("team");
    expect(() => groups.create("team")).toThrow(expect.objectContaining({ code: "exists" }));
    for (const call of [
      () => groups.delete("none"),
      () => groups.add("none", "room:a"),
      () => groups.remove("none", "room:a"),
      () => groups.topics("none"),
    ])
      expect(call).toThrow(expect.objectContaining({ code: "unknown" }));
    expect([groups.add("team", "room:a"), groups.add("team", "room:a")]).toEqual([true, false]);
    expect([groups.broadcast("team", "announce", {}), groups.broadcast("none", "announce", {})]).toEqual([
      1, 0,
    ]);
    expect(client.take()).toHaveLength(1);
  },
  "BY6 presence between nodes": async () => {
    const pubsub = localPubSub();
    const spoken: string[] = [];
    const reported: unknown[] = [];
    const onError = (error: unknown) => void reported.push(error);
    const listening = {
      ...pubsub,
      subscribe: (channel: string, listener: (told: unknown) => void) => (
        spoken.push(channel),
        pubsub.subscribe(channel, listener)
      ),
    };
    const [one, two] = [createTracker({ pubsub: listening, onError }), createTracker({ pubsub, onError })];
    const diffs: unknown[] = [];
    one.onDiff(({ joins, leaves }) => void diffs.push(joins.length + leaves.length));
    for (const channel of new Set(spoken))
      for (const told of [7, { v: 9 }, { version: 99, replica: 7 }]) pubsub.publish(channel, told);
    expect(reported.length).toBeGreaterThan(0);
    two.track("room:a", "socket", "ada", {});
    await vi.waitFor(() => expect(one.count("room:a")).toBe(1));
    expect(diffs).toEqual([1]);
    for (const tracker of [one, two]) tracker.stop();
  },
  "BY7 supervision": async () => {
    const failing: { channels?: (error: unknown) => void } = {};
    let made = 0;
    const system = supervise({
      onError: () => undefined,
      channels({ failed }) {
        failing.channels = failed;
        made++;
        return { channels: createChannels().register(room) };
      },
    });
    await system.start();
    system.groups.create("team");
    failing.channels?.(new Error("as asked"));
    await vi.waitFor(() => expect([made, system.state]).toEqual([2, "running"]));
    const restarts = Object.fromEntries(
      system.inspect().children.map(({ name, restarts }) => [name, restarts]),
    );
    expect(restarts).toMatchObject({ pubsub: 0, channels: 1, presence: 1 });
    expect(system.groups.list()).toEqual(["team"]);
    await system.stop();
    const { say, client, channels, errors } = inside(
      room
        .handleIn("throw", () => {
          throw new Error("as asked");
        })
        .terminate(() => {
          throw new Error("again");
        }),
    );
    client.join("room:b", "2");
    say("throw");
    channels.broadcast("room:b", "said", {});
    expect(client.take()).toHaveLength(1);
    expect(errors).toHaveLength(2);
  },
};

/** What beryl's pages name. */
const BERYL = [
  ..."beryl.start beryl.default_config beryl.register beryl.broadcast beryl.broadcast_from".split(" "),
  ..."beryl.send_info beryl.broadcast_presence_diff beryl/coordinator beryl/transport/mist".split(" "),
  ..."mist_transport.default_config channel.new with_handle_in with_handle_binary with_handle_info".split(
    " ",
  ),
  ..."with_terminate Channel HandleResult JoinResult StopReason JoinOk JoinError NoReply Reply Push Stop".split(
    " ",
  ),
  ..."Normal Shutdown HeartbeatTimeout Error Socket socket.id get_assigns set_assigns map_assigns".split(" "),
  ..."parse_pattern Exact Wildcard SegmentWildcard extract_id extract_wildcards segments namespace".split(
    " ",
  ),
  ..."from_segments validate pubsub.start pubsub.default_config pubsub.subscribe pubsub.broadcast".split(" "),
  ..."beryl/presence presence.default_config beryl/presence/state on_diff beryl/wire".split(" "),
  ..."group.start group.create group.add group.broadcast supervisor.start SupervisedConfig".split(" "),
  ..."child_spec".split(" "),
];
holdPage("docs/from-beryl.md", "[CF2]", claims, BERYL);
