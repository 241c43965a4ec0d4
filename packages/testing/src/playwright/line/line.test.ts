// The line over real sockets, without a browser: what gets through, what does not, and what both ends see of it.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { virtualClock } from "../../doubles/clock.ts";
import { Line } from "./line.ts";

const clock = virtualClock();
/** How often the line has waited. */
let waits = 0;
let server: Server;
let line: Line;
/** The server's ends, in the order they came. */
let arrived: Peer[];
let opened: Peer[];

/** One end of a connection, and all that has come to it. */
class Peer {
  readonly socket: Socket;
  text = "";
  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data) => (this.text += data.toString("latin1")));
    socket.on("error", () => undefined);
    opened.push(this);
  }
  say(text: string): void {
    this.socket.write(text, "latin1");
  }
  get closed(): boolean {
    return this.socket.closed;
  }
}

/** Sockets answer when they answer; whoever waits for what never comes is stopped by the runner. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(async () => {
  [arrived, opened] = [[], []];
  server = createServer((socket) => void arrived.push(new Peer(socket)));
  server.listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  waits = 0;
  line = await Line.to(() => port, {
    setTimeout: (run, milliseconds) => (waits++, clock.setTimeout(run, milliseconds)),
  });
});
afterEach(async () => {
  for (const { socket } of opened) socket.destroy();
  await line.close();
  server.close();
});

async function page(): Promise<{ readonly page: Peer; readonly atServer: Peer }> {
  const before = arrived.length;
  const socket = connect(Number(new URL(line.url).port), "127.0.0.1");
  const page = new Peer(socket);
  await until(() => arrived.length > before);
  return { page, atServer: arrived[before]! };
}

const UPGRADE = "GET /ws?a=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
const AGREED = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
const frame = (text: string): string => `\u0081${String.fromCharCode(text.length)}${text}`;
const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

async function webSocket() {
  const ends = await page();
  ends.page.say(UPGRADE);
  await until(() => ends.atServer.text === UPGRADE);
  ends.atServer.say(AGREED);
  await until(() => ends.page.text === AGREED);
  ends.page.text = "";
  ends.atServer.text = "";
  return ends;
}

test("[PW1] a whole line carries both ways, and an end with it", async () => {
  const { page: ann, atServer } = await webSocket();
  ann.say(frame("to the server"));
  atServer.say(frame("to the page"));
  await until(() => atServer.text !== "" && ann.text !== "");
  expect([atServer.text, ann.text]).toEqual([frame("to the server"), frame("to the page")]);
  atServer.socket.end(frame("bye"), "latin1");
  await until(() => ann.closed);
  expect(ann.text).toBe(frame("to the page") + frame("bye"));
  expect(line.disturbed).toBe(false);
});

test("[PW1] a cut line breaks every connection and lets none come about, until it is mended", async () => {
  const { page: ann, atServer } = await webSocket();
  line.cut();
  expect([line.whole, line.disturbed]).toEqual([false, true]);
  await until(() => ann.closed && atServer.closed);
  const late = new Peer(connect(Number(new URL(line.url).port), "127.0.0.1"));
  await until(() => late.closed);
  expect(arrived).toHaveLength(1);
  line.mend();
  expect(line.whole).toBe(true);
  await webSocket();
  expect(arrived).toHaveLength(2);
});

test("[PW1] a line that is cut but for pages carries pages, and neither WebSockets nor sync over HTTP", async () => {
  const { page: ann } = await webSocket();
  line.cutButPages();
  await until(() => ann.closed);
  for (const request of [UPGRADE, ask("/calla/stream"), ask("/socket/longpoll")]) {
    const { page: bo, atServer } = await page();
    bo.say(request);
    await until(() => bo.closed);
    expect(atServer.text).toBe("");
  }
  expect(line.attempts).toBe(4);
  const { page: cy, atServer } = await page();
  cy.say(ask("/script.js"));
  await until(() => atServer.text === ask("/script.js"));
  expect(line.attempts).toBe(4);
});

test("[PW2] what is lost of a WebSocket is lost as whole messages, in one direction, and it goes on", async () => {
  const { page: ann, atServer } = await webSocket();
  const torn = frame("begun before");
  ann.say(torn.slice(0, 5));
  await until(() => atServer.text.length === 5);
  line.lose("toServer");
  ann.say(torn.slice(5) + frame("lost") + frame("also"));
  // The other direction is whole, and says that the line has read what came before.
  await until(() => atServer.text === torn);
  atServer.say(frame("heard"));
  await until(() => ann.text === frame("heard"));
  ann.say(frame("half lost").slice(0, 4));
  const again = await webSocketWhileLosing();
  line.mend();
  ann.say(frame("half lost").slice(4) + frame("kept"));
  await until(() => atServer.text.length > torn.length);
  expect(atServer.text).toBe(torn + frame("kept"));
  await until(() => again.closed);
  expect([ann.closed, line.disturbed]).toEqual([false, true]);
});

/** Its request never arrives: mended, it is a connection with a hole in it, and ends. */
async function webSocketWhileLosing(): Promise<Peer> {
  const { page: bo } = await page();
  const { attempts } = line;
  bo.say(UPGRADE);
  await until(() => line.attempts > attempts);
  return bo;
}

test("[PW3] WebSockets are refused with a status, whoever asks; requests are not", async () => {
  line.refuseWebSockets();
  const { page: ann, atServer } = await page();
  ann.say(UPGRADE);
  await until(() => ann.closed);
  expect([ann.text.slice(0, 12), atServer.text]).toEqual(["HTTP/1.1 400", ""]);
  const { page: bo, atServer: its } = await page();
  bo.say(ask("/calla"));
  await until(() => its.text === ask("/calla"));
  line.refuseWebSockets(false);
  await webSocket();
  expect(line.attempts).toBe(3);
});

test("[PW3] streams are held back: an answer comes whole or not at all, and WebSockets are none", async () => {
  line.holdBackStreams();
  const { page: ann, atServer } = await page();
  ann.say(ask("/calla"));
  await until(() => atServer.text !== "");
  const whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  atServer.say(whole.slice(0, -2));
  const { page: bo, atServer: its } = await webSocket();
  its.say(frame("at once"));
  await until(() => bo.text === frame("at once"));
  expect(ann.text).toBe("");
  atServer.say(whole.slice(-2));
  await until(() => ann.text === whole);
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
  ann.say(ask("/calla"));
  atServer.say(chunked);
  its.say(frame("later"));
  await until(() => bo.text.endsWith(frame("later")));
  expect(ann.text).toBe(whole);
  atServer.say("0\r\n\r\n");
  await until(() => ann.text.endsWith("0\r\n\r\n"));
  expect(ann.text).toBe(`${whole}${chunked}0\r\n\r\n`);
});

test("[PW4] a delayed line is late in both directions, in order, and an end is late too", async () => {
  const { page: ann, atServer } = await webSocket();
  line.delay(100);
  ann.say(frame("one"));
  await until(() => waits === 1);
  await clock.advance(60);
  atServer.say(frame("two"));
  await until(() => waits === 2);
  // A shorter delay does not overtake.
  line.delay(1);
  ann.say(frame("three"));
  await until(() => waits === 3);
  await clock.advance(39);
  expect([ann.text, atServer.text]).toEqual(["", ""]);
  await clock.advance(1);
  await until(() => atServer.text === frame("one") + frame("three"));
  expect(ann.text).toBe("");
  line.delay(50);
  atServer.socket.end();
  await until(() => waits === 4);
  await clock.advance(60);
  await until(() => ann.closed);
  expect(ann.text).toBe(frame("two"));
});
