// Raw `ws`: a plain loop of `socket.send(stringOnce)` for each message and an acknowledgement to its sender. With
// `batched`, what comes in one turn of the event loop leaves as one frame for each subscriber.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { control } from "./control.ts";

interface Frame {
  readonly join?: string;
  readonly topic: string;
  readonly id: number;
  readonly message: unknown;
}

const subscribers = new Map<string, Set<WebSocket>>();
const none: ReadonlySet<WebSocket> = new Set();
const take = process.argv.includes("batched") ? batched() : plain;

function plain(socket: WebSocket, { topic, id, message }: Frame): void {
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
    if (topics.size === 0) setImmediate(flush);
    const messages = topics.get(topic);
    if (messages === undefined) topics.set(topic, [JSON.stringify(message)]);
    else messages.push(JSON.stringify(message));
    const ids = acks.get(socket);
    if (ids === undefined) acks.set(socket, [id]);
    else ids.push(id);
  };
}

function join(socket: WebSocket, topic: string): void {
  let all = subscribers.get(topic);
  if (all === undefined) subscribers.set(topic, (all = new Set()));
  all.add(socket);
  socket.send(JSON.stringify({ joined: topic }));
}

const httpServer = createServer();
const server = new WebSocketServer({ server: httpServer, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as Frame;
    if (frame.join !== undefined) join(socket, frame.join);
    else take(socket, frame);
  });
});
httpServer.listen(0, "127.0.0.1", () => control((httpServer.address() as AddressInfo).port));
