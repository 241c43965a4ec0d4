// beryl's page about channels, section by section: what it says a channel does is done here. Where Calla differs on purpose
// the name says what it does instead, and docs/from-beryl.md why.
import { expect } from "vitest";
import * as z from "zod";
import {
  createChannels,
  defineChannel,
  extractId,
  extractWildcards,
  joined,
  namespace,
  noReply,
  parsePattern,
  push,
  refused,
  reply,
  segments,
  stop,
} from "../../src/channels/index.ts";
import { closed, crashed, reply as replied, talk } from "../phoenix-talk.ts";
import { handClock } from "../wired.ts";
import { holdOrigin } from "./claims.ts";
import { answered, ends, idIn, inside, named, room } from "./inside.ts";

/** Which of a pattern's channels answers topics: its name, or that none does. */
function routed(patterns: readonly string[], topics: readonly string[]): unknown[] {
  const channels = createChannels();
  for (const pattern of patterns)
    channels.register(
      pattern,
      defineChannel("any:*").join(() => joined({}, { pattern })),
    );
  const client = talk(channels);
  return topics.map((topic, i) => {
    const [frame] = client.join(topic, `${i}`) as [[0, 0, 0, 0, { response: { pattern?: string } }]];
    return frame[4].response.pattern;
  });
}

const ticks = z.discriminatedUnion("type", [
  z.object({ type: z.literal("tick"), at: z.number() }),
  z.object({ type: z.literal("notify"), text: z.string() }),
]);
const told = named.handleInfo(ticks, (message) =>
  message.type === "tick" ? push("tick", { at: message.at }) : push("notification", { text: message.text }),
);

holdOrigin(
  "beryl, Channels",
  "[CF8]",
  {
    "Topics and patterns": {
      "an exact pattern matches its topic alone": () => {
        expect(parsePattern("room:lobby").kind).toBe("exact");
        expect(routed(["room:lobby"], ["room:lobby", "room:lobby:1", "room:lobbying", "room"])).toEqual([
          "room:lobby",
          undefined,
          undefined,
          undefined,
        ]);
      },
      "a trailing wildcard matches whatever begins so": () => {
        expect(parsePattern("room:*").kind).toBe("prefix");
        expect(routed(["room:*"], ["room:lobby", "room:123", "room:a:b", "rooms:1"])).toEqual([
          "room:*",
          "room:*",
          "room:*",
          undefined,
        ]);
      },
      "a segment wildcard matches one whole segment for each *": () => {
        expect(parsePattern("document:*:ops").kind).toBe("segments");
        expect(
          routed(["document:*:ops"], ["document:1:ops", "document:1:2:ops", "document:1:other"]),
        ).toEqual(["document:*:ops", undefined, undefined]);
      },
      "document:*:* matches the exact shape, and gives both ids": () => {
        const pattern = parsePattern("document:*:*");
        expect(pattern.kind).toBe("segments");
        expect(extractWildcards(pattern, "document:tenant-a:doc-42")).toEqual(["tenant-a", "doc-42"]);
        expect(extractWildcards(pattern, "document:tenant-a:doc-42:ops")).toBeUndefined();
        expect(
          inside(
            defineChannel("document:*:*").join(({ params }) => joined({}, { params: [...params] })),
            {},
            "document:tenant-a:doc-42",
          ).answer,
        ).toEqual([replied("1", "1", "document:tenant-a:doc-42", "ok", { params: ["tenant-a", "doc-42"] })]);
      },
      "document:tenant-a:* keeps the prefix's meaning: all documents of one tenant": () => {
        expect(parsePattern("document:tenant-a:*").kind).toBe("prefix");
        expect(
          routed(
            ["document:tenant-a:*"],
            ["document:tenant-a:1", "document:tenant-a:1:ops", "document:tenant-b:1"],
          ),
        ).toEqual(["document:tenant-a:*", "document:tenant-a:*", undefined]);
      },
      "extract_id gives the dynamic part": () => {
        expect(extractId(parsePattern("room:*"), "room:lobby")).toBe("lobby");
      },
      "segments and namespace take a topic apart": () => {
        expect(segments("room:lobby")).toEqual(["room", "lobby"]);
        expect(namespace("room:lobby")).toBe("room");
      },
    },
    "Defining a channel": {
      "a channel is built from a join, and handlers behind it": () => {
        const heard: string[] = [];
        const built = room
          .join(() => {
            heard.push("join");
            return joined({ user: "user_123" });
          })
          .handleIn("in", (_, { assigns }) => void heard.push(`in ${assigns.user}`))
          .handleBinary("bytes", () => void heard.push("binary"))
          .terminate(() => void heard.push("terminate"));
        const { client, say } = inside(built);
        say("in");
        client.say(Uint8Array.from([0, 1, 1, 6, 5, ...Buffer.from("12room:abytes"), 1]));
        client.gone();
        expect(heard).toEqual(["join", "in user_123", "binary", "terminate"]);
      },
      "assigns are checked by the compiler": () => {
        const typed = room.join(() => joined({ user_id: "user_123", room_id: "a" }));
        // @ts-expect-error -- reason: no such assign
        typed.handleIn("a", (_, { assigns }) => reply({ n: assigns.other }));
        const { say } = inside(typed.handleIn("who", (_, { assigns }) => reply({ ...assigns })));
        expect(say("who")).toEqual([answered({ user_id: "user_123", room_id: "a" })]);
      },
    },
    "Join callback": {
      "it is called with the topic and what the client gave": () => {
        const given: unknown[] = [];
        const { client } = inside(
          room.join(({ topic, payload }) => {
            given.push([topic, payload]);
            return joined();
          }),
        );
        client.join("room:b", "2", { token: "t" });
        expect(given).toEqual([
          ["room:a", {}],
          ["room:b", { token: "t" }],
        ]);
      },
      "JoinOk accepts, with a reply or without": () => {
        expect(inside(room.join(() => joined({}, { status: "joined" }))).answer).toEqual([
          replied("1", "1", "room:a", "ok", { status: "joined" }),
        ]);
        expect(inside(room.join(() => joined())).answer).toEqual([replied("1", "1", "room:a", "ok")]);
      },
      "JoinError rejects, and nothing is joined": () => {
        const { answer, say } = inside(room.join(() => refused("unauthorized")));
        expect(answer).toEqual([replied("1", "1", "room:a", "error", { reason: "unauthorized" })]);
        expect(say("a")).toEqual([replied(null, "2", "room:a", "error", { reason: "unmatched topic" })]);
      },
      "what the join assigned is there for the handlers": () => {
        const { say } = inside(
          room
            .join(({ params: [id] }) => joined({ room: id }))
            .handleIn("where", (_, { assigns }) => reply({ room: assigns.room })),
        );
        expect(say("where")).toEqual([answered({ room: "a" })]);
      },
    },
    "Message handler": {
      "it is called for each message, by its event": () => {
        const events: string[] = [];
        const { say } = inside(room.handleOther((event) => void events.push(event)));
        for (const event of ["new_message", "typing", "update_status"]) say(event);
        expect(events).toEqual(["new_message", "typing", "update_status"]);
      },
      "new_message is answered by phx_reply, typing by nothing, update_status by a push": () => {
        const { say } = inside(
          room
            .handleIn("new_message", (payload) => reply(payload))
            .handleIn("typing", () => noReply())
            .handleIn("update_status", () => push("status_changed", { updated: true })),
        );
        expect(say("new_message", { text: "hi" })).toEqual([answered({ text: "hi" })]);
        expect(say("typing")).toEqual([]);
        expect(say("update_status")).toEqual([["1", null, "room:a", "status_changed", { updated: true }]]);
      },
      "any other event changes nothing; the client is told that nobody takes it": () => {
        const { say } = inside(room.handleIn("a", () => reply()));
        expect(say("other")).toEqual([answered({ reason: "unmatched event" }, "error")]);
        expect(say("a")).toEqual([answered()]);
      },
    },
    "Handle results": {
      "NoReply goes on, and sends nothing": () => {
        const { say } = inside(room.handleIn("a", () => noReply()));
        expect([say("a"), say("a")]).toEqual([[], []]);
      },
      "Reply is tied to the message's ref": () => {
        const { client } = inside(room.handleIn("a", () => reply({ n: 1 })));
        expect(client.say(["1", "77", "room:a", "a", {}])).toEqual([
          replied("1", "77", "room:a", "ok", { n: 1 }),
        ]);
      },
      "Push has no ref": () => {
        const { say } = inside(room.handleIn("a", () => push("said", { n: 1 })));
        expect(say("a")).toEqual([["1", null, "room:a", "said", { n: 1 }]]);
      },
      "Stop ends the channel": () => {
        const { reasons, channel } = ends(room.handleIn("a", () => stop()));
        const { say, client } = inside(channel);
        expect(say("a")).toEqual([closed("1", "room:a")]);
        expect(client.join("room:a", "2")).toEqual([replied("2", "2", "room:a", "ok")]);
        expect(reasons).toHaveLength(1);
      },
    },
    "Binary handler": {
      "raw binary frames pass the wire protocol by, where they are asked for": () => {
        const { client } = inside(
          room.handleBinary((bytes) => push("size", { size: bytes.length })),
          { rawBinary: true },
        );
        // It is no frame of Phoenix's.
        expect(client.say(Uint8Array.of(0, 255, 255))).toEqual([["1", null, "room:a", "size", { size: 3 }]]);
        expect(client.closed).toEqual([]);
      },
      "NoReply there sends nothing": () => {
        const { client } = inside(
          room.handleBinary(() => noReply()),
          { rawBinary: true },
        );
        expect(client.say(Uint8Array.of(1))).toEqual([]);
      },
    },
    "Terminate callback": {
      "it is called when a client leaves, and when it disconnects": () => {
        const { reasons, channel } = ends();
        inside(channel).say("phx_leave");
        inside(channel).client.gone();
        expect(reasons).toHaveLength(2);
      },
      "Normal is a clean leave": () => {
        const { reasons, channel } = ends();
        inside(channel).say("phx_leave");
        expect(reasons).toEqual([{ type: "normal", why: "left" }]);
      },
      "Shutdown comes of the server": async () => {
        const { reasons, channel } = ends();
        await inside(channel).channels.stop();
        expect(reasons).toEqual([{ type: "shutdown", why: "draining" }]);
      },
      "HeartbeatTimeout is a client that went silent": () => {
        const { reasons, channel } = ends();
        inside(channel).client.gone("heartbeat");
        expect(reasons).toEqual([{ type: "heartbeatTimeout" }]);
      },
      "Error is something that went wrong, and says what": () => {
        const error = new Error("boom");
        const { reasons, channel } = ends(
          room.handleIn("a", () => {
            throw error;
          }),
        );
        expect(inside(channel).say("a")).toEqual([crashed("1", "room:a")]);
        expect(reasons).toEqual([{ type: "error", error }]);
      },
    },
    "Server-originated message handler": {
      "handle_info is called with what the server tells, and may push": () => {
        const { channels, client, answer } = inside(told);
        channels.sendInfo(idIn(answer), "room:a", { type: "tick", at: 7 });
        channels.sendInfo(idIn(answer), "room:a", { type: "notify", text: "hello!" });
        expect(client.take()).toEqual([
          ["1", null, "room:a", "tick", { at: 7 }],
          ["1", null, "room:a", "notification", { text: "hello!" }],
        ]);
      },
      "what is told is decoded before it is used, and what does not fit is not pushed": () => {
        const { channels, client, answer, errors, say } = inside(told.handleIn("a", () => reply()));
        channels.sendInfo(idIn(answer), "room:a", { type: "other" });
        channels.sendInfo(idIn(answer), "room:a", 7);
        expect(client.take()).toEqual([]);
        expect(errors).toHaveLength(2);
        expect(say("a")).toEqual([answered()]);
      },
      "there is no ref to reply to: a reply does not compile, and crashes where it is forced": () => {
        // @ts-expect-error -- reason: there is no message that it could answer
        const forced = named.handleInfo(() => reply());
        const { channels, client, answer, errors } = inside(forced);
        channels.sendInfo(idIn(answer), "room:a", {});
        expect(client.take()).toEqual([crashed("1", "room:a")]);
        expect(String(errors)).toMatch(/reply\(\) where no message of a client is handled/);
      },
    },
    "Sending messages with send_info": {
      "it reaches one socket's topic, and nobody else": () => {
        const { channels, client, answer } = inside(told);
        const other = talk(channels);
        other.join("room:a");
        client.join("room:b", "2");
        for (const one of [client, other]) one.take();
        channels.sendInfo(idIn(answer), "room:a", { type: "notify", text: "hello!" });
        expect(client.take()).toEqual([["1", null, "room:a", "notification", { text: "hello!" }]]);
        expect(other.take()).toEqual([]);
      },
      "without such a socket, such a topic or a handler nothing happens": () => {
        const { channels, client, answer, errors } = inside(told);
        channels.sendInfo("nobody", "room:a", { type: "tick", at: 1 });
        channels.sendInfo(idIn(answer), "room:other", { type: "tick", at: 1 });
        const without = inside(named);
        without.channels.sendInfo(idIn(without.answer), "room:a", { type: "tick", at: 1 });
        expect([client.take(), errors, without.client.take(), without.errors]).toEqual([[], [], [], []]);
      },
    },
    "Timer and background job patterns": {
      "a timer of a join ticks for its client, and ends with the channel": async () => {
        const { clock, advance } = handClock();
        let ticking = 0;
        const ticks = room.joined((socket) => {
          const tick = (): void => {
            ticking++;
            socket.push("tick", { at: clock.now() });
            cancel = clock.setTimeout(tick, 5_000);
          };
          let cancel = clock.setTimeout(tick, 5_000);
          socket.signal.addEventListener("abort", () => cancel());
        });
        const { client, say } = inside(ticks, { clock });
        await advance(10_000);
        expect(client.take().map((frame) => (frame as unknown[])[3])).toEqual(["tick", "tick"]);
        say("phx_leave");
        await advance(60_000);
        expect(ticking).toBe(2);
      },
      "the same by send_info, from outside": async () => {
        const { clock, advance } = handClock();
        const { channels, client, answer } = inside(told, { clock });
        clock.setTimeout(
          () => channels.sendInfo(idIn(answer), "room:a", { type: "tick", at: clock.now() }),
          5_000,
        );
        await advance(5_000);
        expect(client.take()).toEqual([["1", null, "room:a", "tick", { at: 6_000 }]]);
      },
    },
    "Registering channels": {
      "each topic goes to the channel of its pattern": () => {
        expect(routed(["room:*", "user:*", "system"], ["room:1", "user:1", "system", "other:1"])).toEqual([
          "room:*",
          "user:*",
          "system",
          undefined,
        ]);
      },
    },
    Broadcasting: {
      "broadcast reaches everyone on the topic": () => {
        const { channels, client } = inside(room);
        const [other, elsewhere] = [talk(channels), talk(channels)];
        other.join("room:a");
        elsewhere.join("room:b");
        for (const one of [other, elsewhere]) one.take();
        channels.broadcast("room:a", "new_message", { text: "Hello!" });
        const said = [null, null, "room:a", "new_message", { text: "Hello!" }];
        expect([client.take(), other.take(), elsewhere.take()]).toEqual([[said], [said], []]);
      },
      "broadcast_from reaches everyone but one socket": () => {
        const { channels, client, answer } = inside(named);
        const other = talk(channels);
        other.join("room:a");
        other.take();
        channels.broadcastFrom(idIn(answer), "room:a", "user_typing", { user: "alice" });
        expect([client.take(), other.take()]).toEqual([
          [],
          [[null, null, "room:a", "user_typing", { user: "alice" }]],
        ]);
      },
    },
    "Socket state": {
      "assigns are kept across messages": () => {
        const { say } = inside(
          room
            .join(() => joined<{ user: string; room: string }>({ user: "alice", room: "old" }))
            .handleIn("move", (_, socket) => socket.assign({ room: "new" }))
            .handleIn("where", (_, { assigns }) => reply({ ...assigns })),
        );
        say("move");
        expect([say("where"), say("where")]).toEqual([
          [answered({ user: "alice", room: "new" })],
          [answered({ user: "alice", room: "new" })],
        ]);
      },
      "they are apart for each socket and topic": () => {
        const counting = room
          .join(() => joined<{ n: number }>({ n: 0 }))
          .handleIn("more", (_, socket) => {
            socket.assign({ n: socket.assigns.n + 1 });
            return reply({ n: socket.assigns.n });
          });
        const { channels, client, say } = inside(counting);
        say("more");
        client.join("room:b", "2");
        const other = talk(channels);
        other.join("room:a");
        expect(client.say(["2", "3", "room:b", "more", {}])).toEqual([
          replied("2", "3", "room:b", "ok", { n: 1 }),
        ]);
        expect(other.say(["1", "3", "room:a", "more", {}])).toEqual([
          replied("1", "3", "room:a", "ok", { n: 1 }),
        ]);
        expect(say("more")).toEqual([answered({ n: 2 })]);
      },
      "they may become of another type, which the join declares": () => {
        const { say } = inside(
          room
            .join(() => joined<{ user: string | { id: string } }>({ user: "alice" }))
            .handleIn("known", (_, socket) => socket.assign({ user: { id: "7" } }))
            .handleIn("who", (_, { assigns }) => reply({ ...assigns })),
        );
        say("known");
        expect(say("who")).toEqual([answered({ user: { id: "7" } })]);
      },
    },
  },
  [
    "Topics and patterns",
    "Defining a channel",
    "Join callback",
    "Message handler",
    "Handle results",
    "Binary handler",
    "Terminate callback",
    "Server-originated message handler",
    "Sending messages with send_info",
    "Timer and background job patterns",
    "Registering channels",
    "Broadcasting",
    "Socket state",
  ],
);
