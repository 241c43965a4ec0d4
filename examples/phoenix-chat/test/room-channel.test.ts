// The rooms as their visitors meet them, by the package phoenix over loopback: what is said is kept, once, and heard by all.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { memoryLog } from "@calla/server";
import { createChannels, phoenix } from "@calla/server/channels";
import type { Channels } from "@calla/server/channels";
import { Presence, Socket } from "phoenix";
import type { Channel } from "phoenix";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createChat } from "../server/chat.ts";
import { history } from "../server/history.ts";
import { roomChannel } from "../server/room-channel.ts";
import { authorOf, visitor } from "../server/visitor.ts";
import type { Heard, Line, Looking, Welcome } from "../shared/chat.ts";

type Answer = readonly [status: string, response: unknown];
const LONG = "x".repeat(1_001);
const KEY = { ann: "ann-0123456789-0123456789", bo: "bo-0123456789-0123456789" };

let chat: ReturnType<typeof createChat>;
let url: string;
let ends: (() => Promise<unknown>)[] = [];
let sockets: Socket[] = [];
/** Milliseconds since the chat began. */
let time = 0;

/** Where clients connect from now on. */
async function serve(channels: Channels): Promise<void> {
  const httpServer = createServer();
  const mount = phoenix(channels, { httpServer, path: "/socket", authToken: true });
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  url = `ws://127.0.0.1:${(httpServer.address() as AddressInfo).port}/socket`;
  ends.push(
    () => channels.stop(),
    () => mount.close(),
    async () => httpServer.close(),
  );
}

beforeEach(async () => {
  time = 0;
  chat = createChat(memoryLog(), () => time);
  await serve(chat.channels);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await chat.server.stop();
  for (const end of ends.splice(0)) await end();
});

function connect(authToken: string, name: unknown): Socket {
  const socket = new Socket(url, {
    authToken,
    params: name === undefined ? {} : { name },
    transport: WebSocket as unknown as new (endpoint: string) => object,
    reconnectAfterMs: () => 1e9,
  });
  sockets.push(socket);
  socket.connect();
  return socket;
}
const answered = (push: ReturnType<Channel["push"]>): Promise<Answer> =>
  new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"] as const)
      push.receive(status, (response) => resolve([status, response]));
  });

async function join(who: keyof typeof KEY, room = "lobby", after: unknown = null, here?: unknown) {
  const channel = connect(KEY[who], ` ${who} `).channel(`room:${room}`, { after, here });
  const people = new Presence(channel);
  const heard: [keyof Heard, unknown][] = [];
  for (const event of ["line", "missed", "typing"] as const)
    channel.on(event, (payload) => void heard.push([event, payload]));
  const welcome = await answered(channel.join());
  return {
    channel,
    heard,
    welcome,
    /** Who looks at the room, as this page knows it: names of an author's metas. */
    people: () =>
      people.list((author: string, { metas }: { readonly metas: readonly object[] }) => [
        author,
        ...metas.map((meta) => (meta as Looking).name),
      ]),
    ask: (event: string, payload: object) => answered(channel.push(event, payload)),
  };
}
const said = (n: number, who: keyof typeof KEY, id: string, text: string): Line => ({
  n,
  id,
  author: authorOf(KEY[who]),
  name: who,
  text,
  at: expect.any(Number) as number,
});

test("what one says all in the room hear once, its author too, and nobody in another room", async () => {
  const [ann, bo, garden] = [await join("ann"), await join("bo"), await join("bo", "garden")];
  const line = said(1, "ann", "line-0001", "hello");
  expect(await ann.ask("say", { id: "line-0001", text: " hello " })).toEqual(["ok", { line }]);
  // The same line again: its answer was lost, perhaps, or another page of the same browser has it too.
  expect(await ann.ask("say", { id: "line-0001", text: "hello" })).toEqual(["ok", { line }]);
  const annAgain = await join("ann");
  expect(await annAgain.ask("say", { id: "line-0001", text: "something else" })).toEqual(["ok", { line }]);
  // Of somebody else it is another line.
  const theirs = said(2, "bo", "line-0001", "hello");
  expect(await bo.ask("say", { id: "line-0001", text: "hello" })).toEqual(["ok", { line: theirs }]);
  for (const { heard } of [ann, bo])
    await expect
      .poll(() => heard)
      .toEqual([
        ["line", line],
        ["line", theirs],
      ]);
  expect(garden.heard).toEqual([]);
  expect((await chat.server.topic(history, "lobby").read()).model.count).toBe(2);
});

test("a join brings what was said, and a later one what was missed", async () => {
  const ann = await join("ann");
  expect(ann.welcome).toEqual([
    "ok",
    { lines: [], earlier: false, continues: false, you: authorOf(KEY.ann) },
  ]);
  for (const n of [1, 2, 3]) await ann.ask("say", { id: `line-000${n}`, text: `${n}` });
  const texts = ([, welcome]: Answer) => (welcome as Welcome).lines.map(({ text }) => text);
  expect(texts((await join("bo")).welcome)).toEqual(["1", "2", "3"]);
  const back = await join("bo", "lobby", { n: 2, id: "line-0002" });
  expect([texts(back.welcome), (back.welcome[1] as Welcome).continues]).toEqual([["3"], true]);
  const other = await join("bo", "lobby", { n: 2, id: "line-9999" });
  expect([texts(other.welcome), (other.welcome[1] as Welcome).continues]).toEqual([["1", "2", "3"], false]);
  const asked = await back.ask("history", { before: 3 });
  expect(texts(asked)).toEqual(["1", "2"]);
  expect(texts(await back.ask("history", { after: { n: 1, id: "line-0001" } }))).toEqual(["2", "3"]);
});

test("what is said between a join's look at the history and the room is brought after it", async () => {
  const before = { ...said(1, "ann", "line-0001", "before"), at: 1 };
  const between = { ...said(2, "ann", "line-0002", "between"), at: 2 };
  for (const [first, missed] of [
    [[before], { lines: [between], continues: true }],
    [[], { lines: [before, between], continues: false }],
    [[before, between], undefined],
  ] as const) {
    let looks = 0;
    const read = async () => {
      const lines = looks++ === 0 ? [...first] : [before, between];
      return { count: lines.length, lines };
    };
    const room = roomChannel({ read, say: () => Promise.reject(new Error("nobody speaks")) }, () => 0);
    await serve(createChannels({ connect: visitor }).register(room));
    const { welcome, heard, ask } = await join("bo");
    expect((welcome[1] as Welcome).lines).toEqual(first);
    // What is answered now was asked after that.
    await ask("typing", {});
    expect(heard).toEqual(missed ? [["missed", { ...missed, earlier: false }]] : []);
  }
});

test("who types is told to the others, not too often, and only to them", async () => {
  const [ann, bo] = [await join("ann"), await join("bo")];
  for (let times = 0; times < 5; times++) ann.channel.push("typing", { typing: true });
  for (let times = 0; times < 5; times++) ann.channel.push("typing", { typing: false });
  await ann.ask("say", { id: "line-0001", text: "x" });
  const typing = (typing: boolean) => ["typing", { author: authorOf(KEY.ann), name: "ann", typing }];
  await expect.poll(() => bo.heard).toEqual([typing(true), typing(false), ["line", expect.anything()]]);
  expect(ann.heard).toEqual([["line", expect.anything()]]);
});

test("that somebody goes on typing is told once a second, from the first moment of a server on", async () => {
  const [ann, bo] = [await join("ann"), await join("bo")];
  for (const at of [0, 999, 1_000, 1_999]) {
    time = at;
    ann.channel.push("typing", { typing: true });
    // Answered behind it.
    await ann.ask("history", { before: 1 });
  }
  await bo.ask("history", { before: 1 });
  expect(bo.heard.map(([event]) => event)).toEqual(["typing", "typing"]);
});

test.each([
  ["say", { id: "line-0001", text: LONG }],
  ["say", { id: "line-0001", text: " \n " }],
  ["say", { id: "short", text: "x" }],
  ["say", { id: "../../etc", text: "x" }],
  ["say", { text: "x" }],
  ["typing", {}],
  ["history", {}],
  ["history", { before: "3" }],
])("%s with a payload that does not fit is refused, and nothing is said: %#", async (event, payload) => {
  const ann = await join("ann");
  expect(await ann.ask(event, payload)).toEqual([
    "error",
    expect.objectContaining({ reason: "invalid payload" }),
  ]);
  expect((await chat.server.topic(history, "lobby").read()).model.count).toBe(0);
});

test("who looks at a room is listed there by author, once for each page, and not in what they only hear", async () => {
  const [annKey, boKey] = [authorOf(KEY.ann), authorOf(KEY.bo)];
  const ann = await join("ann", "lobby", null, true);
  const bo = await join("bo", "lobby", null, false);
  await expect.poll(ann.people).toEqual([[annKey, "ann"]]);
  await bo.ask("here", { here: true });
  const tab = await join("bo", "lobby", null, true);
  for (const { people } of [ann, bo, tab])
    await expect.poll(people).toEqual([
      [annKey, "ann"],
      [boKey, "bo", "bo"],
    ]);
  // Said twice it is said once.
  for (const here of [true, false, false]) await bo.ask("here", { here });
  await expect.poll(ann.people).toEqual([
    [annKey, "ann"],
    [boKey, "bo"],
  ]);
  tab.channel.leave();
  await expect.poll(ann.people).toEqual([[annKey, "ann"]]);
  // A page of an earlier version says nothing of it.
  const old = await join("bo");
  expect(old.welcome[0]).toBe("ok");
  expect(await ann.ask("here", { here: "yes" })).toMatchObject(["error", { reason: "invalid payload" }]);
  await expect.poll(old.people).toEqual([[annKey, "ann"]]);
});

test("there are the rooms that there are, and a wrong cursor does not come in", async () => {
  expect((await join("ann", "cellar")).welcome).toEqual(["error", { reason: "no such room" }]);
  expect((await join("ann", "lobby", { n: "1" })).welcome[0]).toBe("error");
});

test.each([
  ["no key", "", "ann"],
  ["a key that is soon guessed", "ann", "ann"],
  ["no name", KEY.ann, undefined],
  ["an empty name", KEY.ann, "  "],
  ["a long name", KEY.ann, "x".repeat(25)],
  ["a name that is none", KEY.ann, ["ann"]],
])("with %s nobody connects", async (_, key, name) => {
  const socket = connect(key, name);
  const ended = new Promise((resolve) => {
    socket.onOpen(() => resolve("open"));
    socket.onError(() => resolve("refused"));
  });
  expect(await ended).toBe("refused");
});
