// beryl's reference page, section by section: what it says of the wire and of what may be said is done here. Where Calla
// differs on purpose the name says what it does instead, and docs/from-beryl.md why.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Presence, Socket } from "phoenix";
import { expect, onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import * as channelsEntry from "../../src/channels/index.ts";
import { createChannels, noReply, phoenix, push, refused, reply, stop } from "../../src/channels/index.ts";
import { serialiserFor } from "../../src/channels/wire/index.ts";
import * as groupsEntry from "../../src/groups/index.ts";
import * as presenceEntry from "../../src/presence/index.ts";
import { createTracker } from "../../src/presence/index.ts";
import * as stateEntry from "../../src/presence/state/index.ts";
import { localPubSub } from "../../src/cluster/pubsub.ts";
import { scopedPubSub } from "../../src/pubsub/scoped-pubsub.ts";
import { arrive, serve } from "../phoenix-clients/parties.ts";
import { closed, crashed, reply as replied, settled, talk } from "../phoenix-talk.ts";
import { holdOrigin } from "./claims.ts";
import { answered, idIn, inside, named, room } from "./inside.ts";

/** One more on the topic. */
const another = ({ channels }: Pick<ReturnType<typeof inside>, "channels">) => {
  const other = talk(channels);
  other.join("room:a");
  other.take();
  return other;
};

/** What a plain WebSocket hears: it says frames as JSON, and keeps what comes. */
async function plainSocket(url: string): Promise<{ say(frame: unknown): void; heard: unknown[] }> {
  const socket = new WebSocket(url);
  onTestFinished(() => socket.terminate());
  const heard: unknown[] = [];
  socket.on("message", (data: Buffer) => void heard.push(JSON.parse(data.toString())));
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return { say: (frame) => socket.send(JSON.stringify(frame)), heard };
}

holdOrigin(
  "beryl, Reference",
  "[CF8]",
  {
    "Module map": {
      "each module is to be had by itself": () => {
        expect(typeof channelsEntry.createChannels).toBe("function");
        expect(typeof channelsEntry.defineChannel).toBe("function");
        expect(typeof channelsEntry.parsePattern).toBe("function");
        expect(typeof channelsEntry.phoenix).toBe("function");
        expect(typeof scopedPubSub).toBe("function");
        expect(typeof presenceEntry.createTracker).toBe("function");
        expect(typeof stateEntry.PresenceState).toBe("function");
        expect(typeof groupsEntry.createGroups).toBe("function");
        expect(typeof serialiserFor).toBe("function");
      },
    },
    "Broadcast / push / send cheatsheet": {
      "Reply answers by phx_reply, which the message's ref is the key of": () => {
        const { client } = inside(room.handleIn("a", () => reply({ n: 1 })));
        expect(client.say(["1", "5", "room:a", "a", {}])).toEqual([
          replied("1", "5", "room:a", "ok", { n: 1 }),
        ]);
      },
      "Push goes to the current socket only, on its topic, from handle_in": () => {
        const one = inside(room.handleIn("a", () => push("said", {})));
        const other = another(one);
        expect(one.say("a")).toEqual([["1", null, "room:a", "said", {}]]);
        expect(other.take()).toEqual([]);
      },
      "and from handle_info": () => {
        const one = inside(named.handleInfo(() => push("said", {})));
        const other = another(one);
        one.channels.sendInfo(idIn(one.answer), "room:a", {});
        expect([one.client.take(), other.take()]).toEqual([[["1", null, "room:a", "said", {}]], []]);
      },
      "NoReply has no output": () => {
        expect(inside(room.handleIn("a", () => noReply())).say("a")).toEqual([]);
      },
      "broadcast reaches all subscribers, the sender too": () => {
        const one = inside(room.handleIn("a", (_, socket) => socket.broadcast("said", {})));
        const other = another(one);
        const said = [null, null, "room:a", "said", {}];
        expect([one.say("a"), other.take()]).toEqual([[said], [said]]);
      },
      "broadcast_from leaves the originating socket out, on all nodes": () => {
        const pubsub = localPubSub();
        const [one, far] = [inside(named, { pubsub }), inside(room, { pubsub })];
        one.channels.broadcastFrom(idIn(one.answer), "room:a", "said", {});
        far.channels.broadcastFrom(idIn(one.answer), "room:a", "said", {});
        expect([one.client.take().length, far.client.take().length]).toEqual([0, 2]);
      },
      "send_info comes to handle_info, which decodes it there": () => {
        const heard: unknown[] = [];
        const { channels, answer } = inside(named.handleInfo((told) => void heard.push(told)));
        channels.sendInfo(idIn(answer), "room:a", { any: ["value"] });
        expect(heard).toEqual([{ any: ["value"] }]);
      },
    },
    // beryl's last row is below, with the shape of the diff.
    "Phoenix wire protocol reference": {
      "a frame is an array of five: join_ref, ref, topic, event, payload": () => {
        const { decode } = serialiserFor("2.0.0")!;
        expect(decode('["1","2","room:a","say",{"n":1}]')).toEqual({
          joinRef: "1",
          ref: "2",
          topic: "room:a",
          event: "say",
          payload: { n: 1 },
        });
        for (const frame of ['["1","2","room:a","say"]', '{"topic":"room:a"}', "7", "[1,"])
          expect(() => decode(frame)).toThrow();
      },
      "ref is null for what the server says by itself": () => {
        const { channels, client, say } = inside(room.handleIn("a", () => push("pushed", {})));
        channels.broadcast("room:a", "said", {});
        expect([...client.take(), ...say("a")].map((frame) => (frame as unknown[])[1])).toEqual([null, null]);
      },
      "join_ref is null for broadcasts; a push has the channel's, as Phoenix has it": () => {
        const { channels, client, say } = inside(room.handleIn("a", () => push("pushed", {})));
        channels.broadcast("room:a", "said", {});
        expect([...client.take(), ...say("a")].map((frame) => (frame as unknown[])[0])).toEqual([null, "1"]);
      },
    },
    "System events": {
      "phx_join joins a topic": () => {
        expect(inside(room).answer).toEqual([replied("1", "1", "room:a", "ok")]);
      },
      "phx_leave unsubscribes from it": () => {
        const { channels, client, say } = inside(room);
        say("phx_leave");
        channels.broadcast("room:a", "said", {});
        expect(client.take()).toEqual([]);
      },
      "phx_reply answers a message": () => {
        expect(inside(room.handleIn("a", () => reply())).say("a")).toEqual([answered()]);
      },
      "phx_error is a channel's error; a join that is rejected is answered by phx_reply, as Phoenix does":
        () => {
          const { say } = inside(room.handleIn("a", () => stop(new Error("why"))));
          expect(say("a")).toEqual([crashed("1", "room:a")]);
          expect(inside(room.join(() => refused("no"))).answer).toEqual([
            replied("1", "1", "room:a", "error", { reason: "no" }),
          ]);
        },
      "phx_close is a channel that the server has closed": () => {
        expect(inside(room.handleIn("a", () => stop())).say("a")).toEqual([closed("1", "room:a")]);
      },
      "heartbeat keeps a connection, on the topic phoenix": () => {
        const { client } = inside(room);
        expect(client.say([null, "9", "phoenix", "heartbeat", {}])).toEqual([
          replied(null, "9", "phoenix", "ok"),
        ]);
      },
    },
    "Reply shape (phx_reply)": {
      "it has the join_ref, the message's own ref, a status and the response": () => {
        const { client } = inside(room.handleIn("a", () => reply("error", { n: [1] })));
        expect(client.say(["1", "8", "room:a", "a", {}])).toEqual([
          ["1", "8", "room:a", "phx_reply", { status: "error", response: { n: [1] } }],
        ]);
      },
      "a join's reply has the join_ref as both refs": () => {
        expect(talk(inside(room).channels).join("room:lobby")).toEqual([
          ["1", "1", "room:lobby", "phx_reply", { status: "ok", response: {} }],
        ]);
      },
    },
    "Heartbeat shape": {
      "it is answered at once, by ok and {}": () => {
        const { client } = inside(room);
        expect(client.say([null, "ref", "phoenix", "heartbeat", {}])).toEqual([
          [null, "ref", "phoenix", "phx_reply", { status: "ok", response: {} }],
        ]);
      },
      "whatever a handler is doing meanwhile": () => {
        const { client, say } = inside(room.handleIn("wait", () => new Promise<never>(() => undefined)));
        say("wait");
        expect(client.say([null, "3", "phoenix", "heartbeat", {}])).toHaveLength(1);
      },
    },
    "Presence diff shape": {
      "joins and leaves are objects by key, each with its metas, each of those with its phx_ref":
        async () => {
          const { channels, client } = inside(room.presence());
          channels.presence.track("room:a", "app", "user:42", { online_at: 1234567890 });
          channels.presence.track("room:a", "app", "user:99", {});
          await settled();
          client.take();
          channels.presence.untrack("room:a", "app", "user:99");
          channels.presence.update("room:a", "app", "user:42", { online_at: 1234567891 });
          await settled();
          const ref = expect.any(String);
          expect(client.take()).toEqual([
            [
              null,
              null,
              "room:a",
              "presence_diff",
              {
                joins: { "user:42": { metas: [{ phx_ref: ref, phx_ref_prev: ref, online_at: 1234567891 }] } },
                leaves: {
                  "user:42": { metas: [{ phx_ref: ref, online_at: 1234567890 }] },
                  "user:99": { metas: [{ phx_ref: ref }] },
                },
              },
            ],
          ]);
        },
      "broadcast_presence_diff says the diff of a tracker to all on the topic": async () => {
        const tracker = createTracker();
        const { channels, client } = inside(room);
        tracker.onDiff((diff) => channels.broadcastPresenceDiff(diff.topic, diff));
        tracker.track("room:a", "socket", "user:42", { n: 1 });
        await settled();
        expect(client.take()).toMatchObject([
          [null, null, "room:a", "presence_diff", { joins: { "user:42": {} } }],
        ]);
        tracker.stop();
      },
      "only entries with a key are in it": async () => {
        const { channels, client } = inside(room.presence());
        channels.presence.track("room:a", "app", "", { n: 1 });
        await settled();
        expect([client.take(), channels.presence.count("room:a")]).toEqual([[], 1]);
        channels.presence.track("room:a", "app", "user:42", {});
        await settled();
        const [[, , , , diff]] = client.take() as [[0, 0, 0, 0, { joins: object }]];
        expect(Object.keys(diff.joins)).toEqual(["user:42"]);
      },
      "phoenix.js's Presence reads it": async () => {
        const httpServer = createServer();
        const channels = createChannels().register(
          room.presence({ key: ({ socketId }) => socketId, initial: () => ({ n: 1 }) }),
        );
        const mount = phoenix(channels, { httpServer, path: "/socket" });
        httpServer.listen(0, "127.0.0.1");
        await once(httpServer, "listening");
        const { port } = httpServer.address() as AddressInfo;
        const socket = new Socket(`ws://127.0.0.1:${port}/socket`, { transport: WebSocket });
        onTestFinished(async () => {
          socket.disconnect();
          await mount.close();
          httpServer.close();
        });
        socket.connect();
        const channel = socket.channel("room:a");
        const presence = new Presence(channel);
        const here = () => presence.list((key, { metas }) => [key, metas.length]);
        channel.join();
        await vi.waitFor(() => expect(here()).toEqual([[expect.any(String), 1]]));
        channels.presence.track("room:a", "app", "bot", { n: 2 });
        await vi.waitFor(() => expect(here()).toContainEqual(["bot", 1]));
      },
    },
    "Client compatibility": {
      "phoenix.js works as it is": async () => {
        const server = await serve(onTestFinished);
        const cell = { version: "newest", over: "websocket" } as const;
        const topic = (await arrive(onTestFinished, cell, server)).topic("room:lobby", { from: "Ann" });
        expect(await topic.join()).toEqual(["ok", { topic: "room:lobby", given: { from: "Ann" } }]);
        expect(await topic.push("echo", { n: 1 })).toEqual(["ok", { n: 1 }]);
        server.channels.broadcast("room:lobby", "said", { n: 2 });
        await vi.waitFor(() => expect(topic.of("said")).toEqual([{ n: 2 }]));
        expect(await topic.leave()).toEqual(["ok", {}]);
      },
      "a plain WebSocket speaks the arrays, at the client's path and /websocket": async () => {
        const server = await serve(onTestFinished);
        const { say, heard } = await plainSocket(`${server.url}/websocket?vsn=2.0.0`);
        say(["1", "1", "room:lobby", "phx_join", {}]);
        say(["1", "2", "room:lobby", "echo", { n: 1 }]);
        await vi.waitFor(() =>
          expect(heard).toEqual([
            replied("1", "1", "room:lobby", "ok", { topic: "room:lobby", given: {} }),
            replied("1", "2", "room:lobby", "ok", { n: 1 }),
          ]),
        );
      },
      "the path is the caller's": async () => {
        const server = await serve(onTestFinished, { mount: { path: "/elsewhere" } });
        const at = (path: string): string => server.url.replace("/socket", path);
        await plainSocket(`${at("/elsewhere")}/websocket?vsn=2.0.0`);
        await expect(plainSocket(`${at("/socket")}/websocket?vsn=2.0.0`)).rejects.toThrow();
      },
    },
  },
  [
    "Module map",
    "Broadcast / push / send cheatsheet",
    "Phoenix wire protocol reference",
    "System events",
    "Reply shape (phx_reply)",
    "Heartbeat shape",
    "Presence diff shape",
    "Client compatibility",
  ],
);
