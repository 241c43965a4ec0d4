// Raw `ws`: a plain loop of `socket.send(stringOnce)` for each message and an acknowledgement to its sender. Topics of
// lists have a state, which whoever joins is sent. With `batched`, what comes in one turn of the event loop leaves as one
// frame for each subscriber; with `corked`, as a frame for each message, all of them in one write; with `once`, the state
// is encoded once for all who get the same; with `records`, who comes back is sent what it missed, encoded once too.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { control } from "./control.ts";
import { firstItems, isList } from "./fixtures.ts";
import type { Item, Moved } from "./fixtures.ts";

interface Frame {
  readonly join?: string;
  /** What the joiner has already. */
  readonly after?: number;
  readonly topic: string;
  readonly id: number;
  readonly message: unknown;
}
interface List {
  readonly items: Item[];
  readonly messages: Moved[];
  /** Encodings by where they begin: 0 is the whole state. */
  encoded: Map<number, string>;
}

/** What lies under it, where that is corked. */
class RawSocket extends WebSocket {
  raw: Duplex | undefined;
}

const kind = process.argv[2];
const subscribers = new Map<string, Set<RawSocket>>();
const lists = new Map<string, List>();
const none: ReadonlySet<RawSocket> = new Set();
const take = kind === "batched" ? batched() : kind === "corked" ? corked() : plain;

function plain(socket: RawSocket, { topic, id, message }: Frame): void {
  apply(topic, message);
  const text = JSON.stringify({ topic, message });
  for (const subscriber of subscribers.get(topic) ?? none)
    if (subscriber.readyState === WebSocket.OPEN) subscriber.send(text);
  socket.send(`{"ack":${id}}`);
}

function batched(): typeof plain {
  let topics = new Map<string, string[]>();
  let acks = new Map<WebSocket, number[]>();
  const flush = (): void => {
    const [said, told] = [topics, acks];
    topics = new Map();
    acks = new Map();
    for (const [topic, messages] of said) {
      const frame = Buffer.from(`{"topic":${JSON.stringify(topic)},"messages":[${messages.join(",")}]}`);
      for (const subscriber of subscribers.get(topic) ?? none)
        if (subscriber.readyState === WebSocket.OPEN) subscriber.send(frame, { binary: false });
    }
    for (const [socket, ids] of told) socket.send(`{"acks":[${ids.join(",")}]}`);
  };
  return (socket, { topic, id, message }) => {
    apply(topic, message);
    if (topics.size === 0) setImmediate(flush);
    const messages = topics.get(topic);
    if (messages === undefined) topics.set(topic, [JSON.stringify(message)]);
    else messages.push(JSON.stringify(message));
    const ids = acks.get(socket);
    if (ids === undefined) acks.set(socket, [id]);
    else ids.push(id);
  };
}

function corked(): typeof plain {
  let held: Duplex[] = [];
  const release = (): void => {
    const all = held;
    held = [];
    for (const raw of all) raw.uncork();
  };
  const send = (socket: RawSocket, frame: Buffer): void => {
    const { raw } = socket;
    if (raw?.writableCorked === 0) {
      raw.cork();
      if (held.push(raw) === 1) setImmediate(release);
    }
    socket.send(frame, { binary: false });
  };
  return (socket, { topic, id, message }) => {
    apply(topic, message);
    const frame = Buffer.from(JSON.stringify({ topic, message }));
    for (const subscriber of subscribers.get(topic) ?? none)
      if (subscriber.readyState === WebSocket.OPEN) send(subscriber, frame);
    send(socket, Buffer.from(`{"ack":${id}}`));
  };
}

function apply(topic: string, message: unknown): void {
  if (!isList(topic)) return;
  const { items, messages, encoded } = listOf(topic);
  const { item, x, y } = message as Moved;
  items[item] = { ...items[item]!, x, y };
  messages.push(message as Moved);
  encoded.clear();
}

function listOf(topic: string): List {
  let list = lists.get(topic);
  if (list === undefined)
    lists.set(topic, (list = { items: [...firstItems()], messages: [], encoded: new Map() }));
  return list;
}

/** What whoever joins is sent. */
function welcome(topic: string, after: number): string {
  if (!isList(topic)) return JSON.stringify({ joined: topic });
  const { items, messages, encoded } = listOf(topic);
  const from = kind === "records" ? after : 0;
  let text = encoded.get(from);
  if (text === undefined) {
    const sequence = messages.length;
    text = JSON.stringify({
      joined: topic,
      sequence,
      ...(from > 0 ? { after: from, messages: messages.slice(from) } : { items }),
    });
    if (kind === "records" || kind === "once") encoded.set(from, text);
  }
  return text;
}

function join(socket: RawSocket, topic: string, after: number): void {
  let all = subscribers.get(topic);
  if (all === undefined) subscribers.set(topic, (all = new Set()));
  all.add(socket);
  socket.on("close", () => all.delete(socket));
  socket.send(welcome(topic, after));
}

const httpServer = createServer();
const server = new WebSocketServer({ server: httpServer, perMessageDeflate: false, WebSocket: RawSocket });
server.on("connection", (socket, request) => {
  if (kind === "corked") socket.raw = request.socket;
  socket.on("error", () => undefined);
  socket.on("message", (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as Frame;
    if (frame.join !== undefined) join(socket, frame.join, frame.after ?? 0);
    else take(socket, frame);
  });
});
const unwritten = (): number =>
  [...server.clients].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0);
httpServer.listen(0, "127.0.0.1", () => control((httpServer.address() as AddressInfo).port, unwritten));
