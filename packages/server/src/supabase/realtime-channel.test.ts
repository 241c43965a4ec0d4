// The channel of supabase's topics, frame by frame over real sockets. The real client is in test/supabase.
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../test/phoenix-clients/phoenix-js.ts";
import { Raw } from "../../test/supabase/raw.ts";
import { rooms, serve } from "../../test/supabase/realtime-server.ts";
import type { ServerOptions } from "../../test/supabase/realtime-server.ts";
import { VSNS } from "../../test/supabase/realtime-js.ts";
import { handClock } from "../../test/wired.ts";
import { localPubSub } from "../cluster/pubsub.ts";
import { memoryReplay } from "./replay.ts";

const ROOM = "realtime:room";
const OK = { status: "ok", response: { postgres_changes: [] } };
const DONE = { status: "ok", response: {} };
const PRIVATE = { private: true };
const privately = (name: string) => [PRIVATE, { access_token: name }] as const;
const refusedAs = (reason: string) => ({
  status: "error",
  response: { reason: expect.stringContaining(reason) },
});
const start = (options?: ServerOptions) => serve(onTestFinished, options);
const open = (...[server, options]: [{ url: string }, Parameters<typeof Raw.open>[2]?]) =>
  Raw.open(onTestFinished, server, options);

describe("joining", () => {
  test("[SB1] needs a name, of characters that a name can have", async () => {
    const client = await open(await start());
    expect(await client.join("realtime:")).toEqual(refusedAs("TopicNameRequired: "));
    for (const name of ["a\u0001b", "\u0001room", "x".repeat(1_001)]) {
      const other = await open(await start());
      expect(await other.join(`realtime:${name}`)).toEqual(refusedAs("TopicNameInvalid: "));
    }
  });

  test.for(VSNS)(
    "[SB2] [SB6] vsn %s: is answered with the list of changes, with a config or without",
    async (vsn) => {
      const server = await start();
      const client = await open(server, { vsn });
      expect(await client.join(ROOM)).toEqual(OK);
      const old = await open(server, { vsn });
      old.tell({ joinRef: "1", ref: "1", topic: "realtime:public:table", event: "phx_join", payload: {} });
      expect(await old.answerTo("1")).toEqual(OK);
      expect(server.refusals).toEqual([]);
    },
  );

  test("[SB3] flags may be texts, and nulls are nothing", async () => {
    const server = await start({ supabase: rooms });
    const ann = await open(server);
    const broadcast = { ack: "TRUE", self: "true", replication_ready: null };
    expect(await ann.join(ROOM, { broadcast, private: "False", postgres_changes: [null] })).toEqual(OK);
    expect(await ann.broadcast(ROOM, "said", 1)).toEqual(DONE);
    expect(ann.heard("broadcast")).toHaveLength(1);
    expect(server.refusals).toEqual([]);
  });

  test("[SB4] a field that cannot be read takes its default, but never private", async () => {
    const server = await start({ supabase: rooms });
    const ann = await open(server);
    expect(await ann.join(ROOM, { broadcast: { ack: 5, self: true }, presence: 7 })).toEqual(OK);
    expect(await ann.broadcast(ROOM, "said")).toBeUndefined();
    expect(ann.heard("broadcast")).toHaveLength(1);
    expect(server.refusals).toMatchObject([
      { code: "invalid", topic: ROOM, details: { unread: ["config.presence", "config.broadcast.ack"] } },
    ]);
    const more = { presence: { key: 5 }, postgres_changes: "*" };
    expect(await (await open(server)).join(ROOM, more)).toEqual(OK);
    expect(server.refusals[1]).toMatchObject({
      details: { unread: ["config.presence.key", "config.postgres_changes"] },
    });
    for (const config of [{ private: "yes" }, { private: 1 }, 5, []])
      expect(await (await open(server)).join(ROOM, config)).toEqual(refusedAs("InvalidJoin: "));
  });

  test("[SB5] changes of a database are not to be had here", async () => {
    const client = await open(await start());
    const changes = [{ event: "*", schema: "public" }];
    expect(await client.join(ROOM, { postgres_changes: changes })).toEqual(
      refusedAs("PostgresChangesNotServed: "),
    );
  });

  test("[SB36] replication_ready is told once", async () => {
    const client = await open(await start());
    await client.join(ROOM, { broadcast: { replication_ready: true } });
    await client.beat();
    expect(client.heard("system")).toEqual([
      { extension: "system", status: "ok", message: expect.any(String), channel: "room" },
    ]);
  });
});

describe("broadcasts", () => {
  test.for(VSNS)("[SB8] [SB9] [SB10] vsn %s: self and ack are the sender's own", async (vsn) => {
    const server = await start();
    const [ann, bo, eve] = await Promise.all([
      open(server, { vsn }),
      open(server, { vsn }),
      open(server, { vsn }),
    ]);
    await ann.join(ROOM, { broadcast: { self: true } });
    await bo.join(ROOM, { broadcast: { ack: true } });
    await eve.join("realtime:other");
    expect(await ann.broadcast(ROOM, "said", { n: 1 })).toBeUndefined();
    expect(await bo.broadcast(ROOM, "said", { n: 2 })).toEqual(DONE);
    await ann.beat();
    const [one, two] = [1, 2].map((n) => ({ type: "broadcast", event: "said", payload: { n } }));
    expect(ann.heard("broadcast")).toEqual([one, two]);
    expect(bo.heard("broadcast")).toEqual([one]);
    expect(eve.heard("broadcast")).toEqual([]);
  });

  test("[SB11] [SB14] kind 3 becomes kind 4 for version 2, and JSON for version 1", async () => {
    const server = await start();
    const [ann, bo, old] = [await open(server), await open(server), await open(server, { vsn: "1.0.0" })];
    for (const one of [ann, bo, old]) await one.join(ROOM, { broadcast: { ack: true } });
    expect(await ann.kind3(ROOM, "said", 1, '{"a": 1}')).toEqual(DONE);
    for (const one of [bo, old]) await one.beat();
    expect(bo.kind4).toEqual([{ topic: ROOM, event: "said", meta: "", encoding: 1, data: '{"a": 1}' }]);
    expect(bo.heard("broadcast")).toEqual([]);
    expect(old.heard("broadcast")).toEqual([{ type: "broadcast", event: "said", payload: { a: 1 } }]);
    expect(ann.kind4).toEqual([]);
  });

  test("[SB12] text stays text in either version, and nothing beside event and payload is handed on", async () => {
    const server = await start();
    const [ann, bo, old] = [await open(server), await open(server), await open(server, { vsn: "1.0.0" })];
    for (const one of [ann, bo, old]) await one.join(ROOM);
    const extra = { ids: [1], meta: { replayed: true }, data: null };
    await old.push(ROOM, "broadcast", { type: "other", event: "said", payload: [1], ...extra });
    for (const one of [ann, bo]) {
      await one.beat();
      expect(one.heard("broadcast")).toEqual([{ type: "broadcast", event: "said", payload: [1] }]);
      expect(one.kind4).toEqual([]);
    }
    await ann.broadcast(ROOM, "said", null);
    await old.beat();
    expect(old.heard("broadcast")).toEqual([{ type: "broadcast", event: "said", payload: null }]);
  });

  test("[SB13] bytes reach version 2; of those who hear nothing the operator is told once", async () => {
    const server = await start();
    const [ann, bo, old] = [await open(server), await open(server), await open(server, { vsn: "1.0.0" })];
    for (const one of [ann, bo, old]) await one.join(ROOM);
    for (const data of ["\u0001\u00ff", "\u0002"]) await ann.kind3(ROOM, "said", 0, data);
    for (const one of [bo, old]) await one.beat();
    expect(bo.kind4.map(({ encoding }) => encoding)).toEqual([0, 0]);
    expect(old.heard("broadcast")).toEqual([]);
    expect(server.errors).toHaveLength(1);
    expect(server.errors[0]).toContain("carries bytes");
  });

  test("[SB15] JSON that is none is heard by nobody, and its sender goes on", async () => {
    const server = await start();
    const [ann, bo] = [await open(server), await open(server)];
    for (const one of [ann, bo]) await one.join(ROOM);
    await ann.kind3(ROOM, "said", 1, "{");
    await ann.kind3(ROOM, "said", 1, "2", '{"replayed":true}');
    await bo.beat();
    expect(bo.kind4).toEqual([{ topic: ROOM, event: "said", meta: "", encoding: 1, data: "2" }]);
    expect(server.refusals).toMatchObject([{ code: "malformed" }]);
  });

  test("[SB16] too much is heard by nobody", async () => {
    const server = await start({ supabase: { limits: { maxBroadcastBytes: 100 } } });
    const [ann, bo] = [await open(server), await open(server)];
    for (const one of [ann, bo]) await one.join(ROOM, { broadcast: { ack: true } });
    const tooMuch = { status: "error", response: "payload_size_exceeded" };
    expect(await ann.broadcast(ROOM, "said", "x".repeat(99))).toEqual(tooMuch);
    expect(await ann.kind3(ROOM, "said", 1, `"${"x".repeat(99)}"`)).toEqual(tooMuch);
    expect(await ann.broadcast(ROOM, "said", "x".repeat(98))).toEqual(DONE);
    expect(await ann.kind3(ROOM, "said", 1, `"${"x".repeat(98)}"`)).toEqual(DONE);
    await bo.beat();
    expect(bo.heard("broadcast")).toHaveLength(1);
    expect(bo.kind4).toHaveLength(1);
  });

  test("[SB10] [SB17] an event that is none is heard by nobody, and told only with ack", async () => {
    const server = await start();
    const [ann, bo] = [await open(server), await open(server)];
    await ann.join(ROOM, { broadcast: { ack: true } });
    await bo.join(ROOM);
    for (const event of [5, null, undefined, "e".repeat(256)]) {
      expect(await ann.broadcast(ROOM, event)).toEqual(refusedAs("A broadcast needs an event"));
      expect(await bo.broadcast(ROOM, event)).toBeUndefined();
    }
    expect(await ann.push(ROOM, "broadcast", null)).toEqual(refusedAs("A broadcast needs an event"));
    expect([...ann.heard("broadcast"), ...bo.heard("broadcast")]).toEqual([]);
  });

  test("[SB18] [SB19] the server says something to public or to private channels of a topic", async () => {
    const server = await start({ supabase: rooms });
    const [ann, bo] = [await open(server), await open(server)];
    await ann.join(ROOM);
    await bo.join(ROOM, ...privately("bo"));
    server.realtime.broadcast("room", "open", { n: 1 });
    server.realtime.broadcast("room", "closed", { n: 2 }, { private: true });
    server.realtime.broadcast("room", "bytes", new Uint8Array([7]), { private: true });
    for (const one of [ann, bo]) await one.beat();
    expect(ann.heard("broadcast")).toEqual([{ type: "broadcast", event: "open", payload: { n: 1 } }]);
    expect(bo.heard("broadcast")).toEqual([{ type: "broadcast", event: "closed", payload: { n: 2 } }]);
    expect(bo.kind4).toMatchObject([{ event: "bytes", encoding: 0, data: "\u0007" }]);
    expect(ann.kind4).toEqual([]);
    for (const [topic, event] of [
      ["", "x"],
      ["room", ""],
      ["a\u0001", "x"],
      ["room", "e".repeat(256)],
    ] as const)
      expect(() => server.realtime.broadcast(topic, event, {})).toThrow(
        expect.objectContaining({ code: "topic" }),
      );
  });

  test("[SB19] what a client says in public is not heard in private, and the other way round", async () => {
    const server = await start({ supabase: rooms });
    const [ann, bo, eve] = [await open(server), await open(server), await open(server)];
    await ann.join(ROOM, { broadcast: { self: true } });
    await bo.join(ROOM, { private: true, broadcast: { self: true } }, { access_token: "bo" });
    await eve.join(`${ROOM}\u0001`);
    await ann.broadcast(ROOM, "said", "public");
    await bo.broadcast(ROOM, "said", "private");
    for (const one of [ann, bo, eve]) await one.beat();
    expect(ann.heard("broadcast")).toEqual([{ type: "broadcast", event: "said", payload: "public" }]);
    expect(bo.heard("broadcast")).toEqual([{ type: "broadcast", event: "said", payload: "private" }]);
  });

  test("[SB20] a malformed frame is dropped, and told; too many end the connection", async () => {
    const server = await start({ channels: { limits: { messageRate: 1, messageBurst: 10 } } });
    const client = await open(server);
    expect(await client.join(ROOM)).toEqual(OK);
    client.say("{");
    client.say(Buffer.from([0, 1, 2]));
    await client.beat();
    expect(server.refusals.map(({ code }) => code)).toEqual(["malformed", "malformed"]);
    for (let i = 0; i < 20; i++) client.say("[]");
    await until(() => client.code === 1011);
  });

  test("[SB21] another node's broadcasts are heard as one's own, bytes and private ones too", async () => {
    const pubsub = localPubSub();
    const between = {
      publish: (channel: string, said: unknown) => pubsub.publish(channel, JSON.parse(JSON.stringify(said))),
      subscribe: pubsub.subscribe,
    };
    const [here, there] = [
      await start({ channels: { pubsub: between }, supabase: rooms }),
      await start({ channels: { pubsub: between }, supabase: rooms }),
    ];
    const [ann, bo, eve] = [await open(here), await open(there), await open(there)];
    await ann.join(ROOM, ...privately("ann"));
    await bo.join(ROOM, ...privately("bo"));
    await eve.join(ROOM);
    await ann.kind3(ROOM, "said", 1, '{"n":1}');
    await ann.kind3(ROOM, "said", 0, "\u0007");
    await ann.broadcast(ROOM, "said", 2);
    for (const one of [bo, eve]) await one.beat();
    expect(bo.kind4.map(({ encoding, data }) => [encoding, data])).toEqual([
      [1, '{"n":1}'],
      [0, "\u0007"],
    ]);
    expect(bo.heard("broadcast")).toEqual([{ type: "broadcast", event: "said", payload: 2 }]);
    expect(eve.frames.filter((one) => Buffer.isBuffer(one))).toEqual([]);
    expect(eve.heard("broadcast")).toEqual([]);
  });
});

describe("rights", () => {
  test("[SB22] a private channel is for whom mayRead says", async () => {
    const server = await start({ supabase: rooms });
    expect(await (await open(server)).join(ROOM, ...privately("ann"))).toEqual(OK);
    expect(await (await open(server)).join(ROOM, PRIVATE)).toEqual(refusedAs("Unauthorized: "));
    const stranger = await open(server);
    expect(await stranger.join(ROOM, ...privately("stranger"))).toEqual(
      refusedAs("read from this Channel topic: room"),
    );
    expect(server.errors).toEqual([]);
  });

  test("[SB22] only true is yes, and a hook that throws refuses", async () => {
    let answer: () => unknown = () => "yes";
    const server = await start({ supabase: { ...rooms, mayRead: () => answer() as boolean } });
    expect(await (await open(server)).join(ROOM, ...privately("ann"))).toEqual(refusedAs("Unauthorized: "));
    answer = () => {
      throw new Error("no database");
    };
    expect(await (await open(server)).join(ROOM, ...privately("ann"))).toEqual(refusedAs("join crashed"));
    expect(server.errors).toEqual(["Error: no database"]);
  });

  test("[SB23] without mayRead private channels are refused, with the cure, told once", async () => {
    const server = await start();
    for (let i = 0; i < 2; i++)
      expect(await (await open(server)).join(ROOM, PRIVATE)).toEqual(
        refusedAs("until its operator writes supabase(channels, { mayRead })"),
      );
    expect(server.errors).toHaveLength(1);
    expect(server.errors[0]).toContain("write supabase(channels, { mayRead })");
  });

  test("[SB24] who may not write is heard by nobody; with ack it is told", async () => {
    let asked = 0;
    const mayWrite: (typeof rooms)["mayWrite"] = (asking) => (asked++, rooms.mayWrite!(asking));
    const server = await start({ supabase: { ...rooms, mayWrite } });
    const [ann, reader] = [await open(server), await open(server)];
    await ann.join(ROOM, { private: true, broadcast: { self: true } }, { access_token: "ann" });
    await reader.join(ROOM, { private: true, broadcast: { ack: true } }, { access_token: "reader" });
    expect(await reader.broadcast(ROOM, "said")).toEqual(refusedAs("write to this Channel topic: room"));
    expect(await reader.kind3(ROOM, "said", 1, "1")).toEqual(refusedAs("Unauthorized: "));
    await ann.broadcast(ROOM, "said", 1);
    await ann.broadcast(ROOM, "said", 2);
    expect(ann.heard("broadcast")).toHaveLength(2);
    expect(ann.kind4).toEqual([]);
    expect(asked).toBe(2);
    expect(server.refusals.map(({ code, topic }) => [code, topic])).toEqual([
      ["write-refused", ROOM],
      ["write-refused", ROOM],
    ]);
  });

  test("[SB25] without mayWrite nobody may write, told once", async () => {
    const { mayWrite: _, ...readOnly } = rooms;
    const server = await start({ supabase: readOnly });
    const ann = await open(server);
    await ann.join(ROOM, { private: true, broadcast: { ack: true } }, { access_token: "ann" });
    for (let i = 0; i < 2; i++)
      expect(await ann.broadcast(ROOM, "said")).toEqual(refusedAs("Unauthorized: "));
    expect(server.errors).toEqual([expect.stringContaining("write supabase(channels, { mayWrite })")]);
  });

  test("[SB26] reauthorise asks both hooks again", async () => {
    const allowed = { read: true, write: true };
    const server = await start({
      supabase: { ...rooms, mayRead: () => allowed.read, mayWrite: () => allowed.write },
    });
    const ann = await open(server);
    await ann.join(ROOM, { private: true, broadcast: { ack: true } }, { access_token: "ann" });
    expect(await ann.broadcast(ROOM, "said")).toEqual(DONE);
    allowed.write = false;
    server.channels.reauthorise();
    expect(await ann.broadcast(ROOM, "said")).toEqual(refusedAs("Unauthorized: "));
    allowed.read = false;
    server.channels.reauthorise("someone");
    await until(() => ann.heard("phx_close").length === 1);
    expect(ann.heard("system")).toMatchObject([{ status: "error", channel: "room" }]);
  });

  test("[SB26] [SB27] rights that change while a join is decided are asked about behind it", async () => {
    const asked: ((answer: boolean) => void)[] = [];
    const mayRead = () => new Promise<boolean>((resolve) => void asked.push(resolve));
    const server = await start({ supabase: { ...rooms, mayRead } });
    const ann = await open(server);
    const joining = ann.join(ROOM, ...privately("ann"));
    await until(() => asked.length === 1);
    server.channels.reauthorise();
    asked[0]!(true);
    expect(await joining).toEqual(OK);
    await until(() => asked.length === 2);
    asked[1]!(false);
    await until(() => ann.heard("phx_close").length === 1);
    expect(ann.heard("system")).toMatchObject([{ status: "error", channel: "room" }]);
  });

  test("[SB27] an answer to what was asked before rights changed is not taken", async () => {
    const asked: ((answer: boolean) => void)[] = [];
    const server = await start({
      supabase: { ...rooms, mayWrite: () => new Promise<boolean>((resolve) => void asked.push(resolve)) },
    });
    const [ann, bo] = [await open(server), await open(server)];
    await ann.join(ROOM, { private: true, broadcast: { ack: true } }, { access_token: "ann" });
    await bo.join(ROOM, ...privately("bo"));
    expect(await ann.broadcast(ROOM, "said", 1)).toBeUndefined();
    await until(() => asked.length === 1);
    server.channels.reauthorise();
    asked[0]!(true);
    await until(() => asked.length === 2);
    asked[1]!(false);
    expect(await ann.answerTo("100")).toEqual(refusedAs("Unauthorized: "));
    await bo.beat();
    expect(bo.heard("broadcast")).toEqual([]);
  });

  test("[SB27] a new token's right to read is asked again, if rights change meanwhile", async () => {
    const asked: ((answer: boolean) => void)[] = [];
    const server = await start({
      supabase: {
        ...rooms,
        mayRead: ({ user }) =>
          user?.name === "ann" || new Promise<boolean>((resolve) => void asked.push(resolve)),
      },
    });
    const ann = await open(server);
    await ann.join(ROOM, ...privately("ann"));
    await ann.push(ROOM, "access_token", { access_token: "other" });
    await until(() => asked.length === 1);
    server.channels.reauthorise();
    await ann.beat();
    asked[0]!(true);
    await until(() => asked.length === 2);
    asked[1]!(false);
    await until(() => ann.heard("phx_close").length === 1);
  });
});

describe("tokens", () => {
  test("[SB28] the key, sb_ and null are no token", async () => {
    const seen: unknown[] = [];
    const server = await start({
      supabase: { ...rooms, authenticate: ({ token }) => (seen.push(token), { name: token }) },
    });
    for (const token of ["key", "sb_secret_x", null, "", 5, "ann"])
      await (await open(server)).join(ROOM, {}, { access_token: token });
    expect(seen).toEqual(["ann"]);
  });

  test("[SB28] hooks hear what connect gave, and the key", async () => {
    const seen: unknown[] = [];
    const server = await start({
      supabase: {
        authenticate: ({ token, apikey, assigns }) => (seen.push([apikey, assigns]), { name: token }),
        mayRead: ({ topic, user, assigns }) => (seen.push([topic, user, assigns]), true),
      },
    });
    await (await open(server)).join(ROOM, ...privately("ann"));
    expect(seen).toEqual([
      ["key", { key: "key" }],
      ["room", { name: "ann" }, { key: "key" }],
    ]);
  });

  test("[SB29] a refused token refuses the join, of a public channel too", async () => {
    const server = await start({ supabase: rooms });
    for (const config of [{}, PRIVATE])
      expect(await (await open(server)).join(ROOM, config, { access_token: "bad" })).toEqual(
        refusedAs("InvalidJWTToken: "),
      );
  });

  test("[SB30] another token changes the user, and nothing is answered", async () => {
    const seen: string[] = [];
    const server = await start({
      supabase: { ...rooms, authenticate: ({ token }) => (seen.push(token), { name: token }) },
    });
    const ann = await open(server);
    await ann.join(ROOM, { private: true, broadcast: { ack: true } }, { access_token: "ann" });
    expect(await ann.broadcast(ROOM, "said")).toEqual(DONE);
    for (const token of ["ann", null, "key", "sb_x", "reader", "reader"])
      expect(await ann.push(ROOM, "access_token", { access_token: token })).toBeUndefined();
    expect(await ann.push(ROOM, "access_token", null)).toBeUndefined();
    expect(await ann.broadcast(ROOM, "said")).toEqual(refusedAs("Unauthorized: "));
    expect(seen).toEqual(["ann", "reader"]);
    expect(ann.heard("phx_close")).toEqual([]);
  });

  test.for([
    ["bad", "InvalidJWTToken: "],
    ["stranger", "Unauthorized: "],
  ] as const)(
    "[SB31] [SB32] the token %s ends the channel, by system and phx_close",
    async ([token, message]) => {
      const server = await start({ supabase: rooms });
      const ann = await open(server);
      await ann.join(ROOM, ...privately("ann"));
      await ann.push(ROOM, "access_token", { access_token: token });
      await until(() => ann.heard("phx_close").length === 1);
      const events = ann.frames.flatMap((one) =>
        Buffer.isBuffer(one) || one.topic !== ROOM ? [] : [one.event],
      );
      expect(events).toEqual(["phx_reply", "system", "phx_close"]);
      expect(ann.heard("system")).toEqual([
        { extension: "system", status: "error", message: expect.stringContaining(message), channel: "room" },
      ]);
      expect(server.errors).toEqual([]);
    },
  );

  test("[SB33] a private channel ends with its token, a public one does not", async () => {
    const { clock, advance } = handClock();
    const exp = clock.now() / 1_000 + 60;
    const authenticate = ({ token }: { token: string }) => ({ name: token, exp: token === "old" ? 0 : exp });
    const server = await start({ channels: { clock }, supabase: { ...rooms, authenticate } });
    const [ann, bo, old] = [await open(server), await open(server), await open(server)];
    expect(await ann.join(ROOM, ...privately("ann"))).toEqual(OK);
    expect(await bo.join(ROOM, {}, { access_token: "bo" })).toEqual(OK);
    expect(await old.join(ROOM, ...privately("old"))).toEqual(refusedAs("InvalidJWTToken: "));
    await advance(59_900);
    await ann.beat();
    expect(ann.heard("phx_close")).toEqual([]);
    await advance(200);
    await until(() => ann.heard("phx_close").length === 1);
    expect(ann.heard("system")).toMatchObject([{ status: "error", message: "Token has expired" }]);
    await bo.beat();
    expect(bo.heard("phx_close")).toEqual([]);
  });

  test("[SB33] a new token's time counts in place of the old one's", async () => {
    const { clock, advance } = handClock();
    const from = clock.now() / 1_000;
    const authenticate = ({ token }: { token: string }) => ({ name: token, exp: from + Number(token) });
    const server = await start({ channels: { clock }, supabase: { ...rooms, authenticate } });
    const ann = await open(server);
    await ann.join(ROOM, ...privately("40"));
    await ann.push(ROOM, "access_token", { access_token: "50" });
    await advance(45_000);
    await ann.beat();
    expect(ann.heard("phx_close")).toEqual([]);
    await advance(6_000);
    await until(() => ann.heard("phx_close").length === 1);
  });

  test("[SB33] a clock that is set: nothing is said behind the end, and nobody is ended before it", async () => {
    const { clock, advance } = handClock();
    const exp = clock.now() / 1_000 + 60;
    const authenticate = ({ token }: { token: string }) => ({ name: token, exp });
    const server = await start({ channels: { clock }, supabase: { ...rooms, authenticate } });
    const [ann, bo] = [await open(server), await open(server)];
    for (const one of [ann, bo]) await one.join(ROOM, ...privately("ann"));
    clock.step(-30_000);
    await advance(61_000);
    expect(await ann.broadcast(ROOM, "said", 1)).toBeUndefined();
    await bo.beat();
    expect(bo.heard("broadcast")).toHaveLength(1);
    clock.step(60_000);
    await ann.broadcast(ROOM, "said", 2);
    await until(() => ann.heard("phx_close").length === 1);
    expect(ann.heard("system")).toMatchObject([{ message: "Token has expired" }]);
    await bo.beat();
    expect(bo.heard("broadcast")).toHaveLength(1);
  });

  test("[SB29] a token that is longer than any is refused, whoever reads it", async () => {
    const server = await start();
    const long = { access_token: "x".repeat(16_385) };
    expect(await (await open(server)).join(ROOM, {}, long)).toEqual(refusedAs("InvalidJWTToken: "));
    expect(server.errors).toEqual([]);
  });

  test("[SB34] without authenticate tokens are not read, told once", async () => {
    const server = await start({ supabase: { mayRead: ({ user }) => user === undefined } });
    for (let i = 0; i < 2; i++)
      expect(await (await open(server)).join(ROOM, ...privately("ann"))).toEqual(OK);
    expect(server.errors).toEqual([expect.stringContaining("write supabase(channels, { authenticate })")]);
  });
});

describe("bounds", () => {
  test("[SB35] who is too fast loses that channel, and only that", async () => {
    const server = await start({ supabase: { limits: { broadcastRate: 0.001, broadcastBurst: 3 } } });
    const [ann, bo] = [await open(server), await open(server)];
    await bo.join(ROOM);
    await ann.join("realtime:other");
    await ann.join(ROOM);
    for (let i = 0; i < 5; i++) await ann.broadcast(ROOM, "said", i);
    await bo.beat();
    expect(bo.heard("broadcast")).toHaveLength(3);
    expect(ann.heard("system")).toMatchObject([{ status: "error", message: "Too many messages per second" }]);
    expect(ann.heard("phx_close")).toHaveLength(1);
    expect(server.refusals[0]).toMatchObject({ code: "rate", topic: ROOM });
    await ann.broadcast("realtime:other", "said");
    expect(ann.code).toBeUndefined();
  });

  test("[SB35] who joins again has no new burst, also a second time", async () => {
    const server = await start({ supabase: { limits: { broadcastRate: 0.001, broadcastBurst: 3 } } });
    const [ann, bo] = [await open(server), await open(server)];
    await bo.join(ROOM);
    for (const said of [2, 2, 1]) {
      await ann.join(ROOM);
      for (let i = 0; i < said; i++) await ann.broadcast(ROOM, "said", i);
      await ann.push(ROOM, "phx_leave", {});
    }
    await bo.beat();
    expect(bo.heard("broadcast")).toHaveLength(3);
    await ann.join("realtime:other");
    await ann.broadcast("realtime:other", "said");
    expect(ann.code).toBeUndefined();
  });

  test.for(VSNS)(
    "[SB37] vsn %s: a drain is told to each channel, then the connection ends with 1012",
    async (vsn) => {
      const server = await start();
      const client = await open(server, { vsn });
      for (const topic of [ROOM, "realtime:left", "realtime:other"]) await client.join(topic);
      await client.push("realtime:left", "phx_leave", {});
      await server.channels.drain({ over: 0 });
      await until(() => client.code === 1012);
      expect(client.heard("system")).toEqual(
        ["room", "other"].map((channel) => ({
          extension: "system",
          status: "ok",
          message: "Server requested disconnect",
          channel,
        })),
      );
    },
  );
});

describe("replay", () => {
  const replay = (since: unknown, limit?: unknown) => ({
    private: true,
    broadcast: { replay: { since, limit } },
  });
  const token = { access_token: "ann" };

  test.for(VSNS)(
    "[SB40] vsn %s: a join is told what was kept, the oldest first, not what was public",
    async (vsn) => {
      const { clock, advance } = handClock();
      const server = await start({ channels: { clock }, supabase: { ...rooms, replay: memoryReplay() } });
      const ann = await open(server);
      await ann.join(ROOM, PRIVATE, token);
      for (let n = 1; n <= 4; n++) {
        await ann.kind3(ROOM, "said", 1, `{"n":${n}}`);
        await advance(10);
      }
      server.realtime.broadcast("room", "said", { n: 5 }, { private: true });
      server.realtime.broadcast("room", "said", { n: 0 });
      server.realtime.broadcast("room", "bytes", new Uint8Array([7]), { private: true });
      const bo = await open(server, { vsn });
      expect(await bo.join(ROOM, replay(1_010, 4), token)).toEqual(OK);
      await bo.beat();
      const told = bo.heard("broadcast") as { payload: { n: number }; meta: { id: string } }[];
      expect(told.map(({ payload }) => payload.n)).toEqual([3, 4, 5]);
      expect(told[0]).toEqual({
        type: "broadcast",
        event: "said",
        payload: { n: 3 },
        meta: { replayed: true, id: expect.any(String) },
      });
      expect(new Set(told.map(({ meta }) => meta.id)).size).toBe(3);
      expect(bo.kind4.map(({ event, meta }) => [event, JSON.parse(meta).replayed])).toEqual(
        vsn === "2.0.0" ? [["bytes", true]] : [],
      );
      const eve = await open(server, { vsn });
      await eve.join(ROOM, replay(0), token);
      await eve.beat();
      expect(eve.heard("broadcast")).toHaveLength(5);
    },
  );

  test("[SB41] what is said while the store is read is heard once", async () => {
    const store = memoryReplay();
    const reads: (() => void)[] = [];
    const slow = {
      ...store,
      read: async (...asked: Parameters<typeof store.read>) => {
        await new Promise<void>((resolve) => void reads.push(resolve));
        return store.read(...asked);
      },
    };
    const server = await start({ supabase: { ...rooms, replay: slow } });
    const say = (n: number): void => server.realtime.broadcast("room", "said", n, { private: true });
    say(1);
    const ann = await open(server);
    await ann.join(ROOM, replay(0), token);
    await until(() => reads.length === 1);
    say(2);
    reads[0]!();
    await until(() => ann.heard("broadcast").length >= 2);
    await ann.beat();
    const told = ann.heard("broadcast") as { payload: number; meta: { replayed?: boolean } }[];
    expect(told.map(({ payload, meta }) => [payload, meta.replayed])).toEqual([
      [2, undefined],
      [1, true],
    ]);
  });

  test("[SB42] a replay that cannot be had refuses the join", async () => {
    const server = await start({ supabase: { ...rooms, replay: memoryReplay() } });
    const none = await start({ supabase: rooms });
    const refusedJoin = refusedAs("UnableToReplayMessages: ");
    for (const config of [replay("now"), replay(0, 0), replay(0, "x"), { ...replay(0), private: false }])
      expect(await (await open(server)).join(ROOM, config, token)).toEqual(refusedJoin);
    expect(await (await open(none)).join(ROOM, replay(0), token)).toEqual(refusedJoin);
  });

  test("[SB44] a store that cannot keep holds nobody up; one that cannot read ends the channel, which is joined again", async () => {
    const broken = {
      keep: () => Promise.reject(new Error("full")),
      read: () => Promise.reject(new Error("gone")),
    };
    const server = await start({ supabase: { ...rooms, replay: broken } });
    const ann = await open(server);
    await ann.join(ROOM, { private: true, broadcast: { self: true } }, token);
    await ann.broadcast(ROOM, "said", 1);
    expect(ann.heard("broadcast")).toHaveLength(1);
    await until(() => server.errors.length === 1);
    const bo = await open(server);
    expect(await bo.join(ROOM, replay(0), token)).toEqual(OK);
    await until(() => bo.heard("phx_error").length === 1);
    expect(server.errors).toEqual(["Error: full", "Error: gone"]);
  });
});
