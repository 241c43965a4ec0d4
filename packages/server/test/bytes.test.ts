// What is counted in bytes, over real sockets and a real server: what a peer may hold of it by saying too much, too
// slowly, or by not listening.
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import type { Server as HttpServer } from "node:http";
import { connect as connectTcp } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { automatic, json } from "@calla/shared";
import type { Limits } from "@calla/shared";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { hello, list, wiring } from "./wired.ts";
import type { Connection } from "../src/base/connection.ts";
import { createServer } from "../src/server.ts";
import { http } from "../src/transports/http/http.ts";
import { webSocket } from "../src/transports/websocket/websocket.ts";

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function serve(limits: Partial<Limits> = {}, trustedProxies: readonly string[] = []) {
  const limited: string[] = [];
  const refused: string[] = [];
  const server = createServer({
    wiring,
    serialiser: automatic(json()),
    limits,
    trustedProxies,
    onRefused: ({ code }) => void refused.push(code),
    observe: (event) => void (event.type === "limited" && limited.push(event.limit)),
  });
  server.handle(list, { public: true });
  const node: HttpServer = createHttp();
  const sockets: Socket[] = [];
  node.on("connection", (socket) => void sockets.push(socket));
  const upgrades = webSocket(server, { httpServer: node, path: "/ws", closeTimeout: 200 });
  const requests = http(server, { path: "/calla" });
  node.on("request", (request, response) => requests.node(request, response));
  node.listen(0, "127.0.0.1");
  await once(node, "listening");
  ends.push(async () => {
    node.closeAllConnections();
    for (const socket of sockets) socket.destroy();
    await upgrades.close();
    await server.stop();
    node.close();
  });
  const { port } = node.address() as AddressInfo;
  return { server, limited, refused, sockets, port, upgrades };
}

async function dial(port: number, origin?: string) {
  const client = new WebSocket(
    `ws://127.0.0.1:${port}/ws`,
    ["calla.json"],
    origin === undefined ? {} : { origin },
  );
  client.on("error", () => undefined);
  const heard: { readonly type: string; readonly code?: string; readonly retryable?: boolean }[] = [];
  client.on("message", (data) => void heard.push(JSON.parse(String(data)) as (typeof heard)[number]));
  ends.push(() => client.terminate());
  await once(client, "open");
  const raw = (client as unknown as { readonly _socket: Socket })._socket;
  return { client, heard, raw };
}
const greet = async (it: Awaited<ReturnType<typeof dial>>): Promise<void> => {
  it.client.send(JSON.stringify(hello()));
  await until(() => it.heard.some(({ type }) => type === "Connected"));
};
const until = (holds: () => unknown) =>
  expect.poll(() => Boolean(holds()), { interval: 2, timeout: 25_000 }).toBe(true);
const after = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** A client's frame, masked with zeros. */
function frame(opcode: number, payload: Buffer, fin = true): Buffer {
  const size = payload.length;
  const head = size < 126 ? [size | 0x80] : [126 | 0x80, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode, ...head, 0, 0, 0, 0]), payload]);
}

test.each([
  ["pings with 125 bytes", frame(9, Buffer.alloc(125))],
  ["pongs", frame(10, Buffer.alloc(1))],
  ["empty fragments", frame(0, Buffer.alloc(0), false)],
  ["messages", frame(1, Buffer.from(JSON.stringify({ type: "Unsubscribe", target: "list:1", ref: 0 })))],
])("[LM40] a flood of %s is read at the byte rate, and its memory is the peer's", async (what, one) => {
  const { port, sockets, limited } = await serve({ byteRate: 200_000, byteBurst: 100_000, messageRate: 1e6 });
  const flood = await dial(port);
  await greet(flood);
  if (what === "empty fragments") flood.raw.write(frame(1, Buffer.from("x"), false));
  const before = sockets[0]!.bytesRead;
  const many = Buffer.concat(Array.from({ length: Math.ceil(64_000 / one.length) }, () => one));
  const started = performance.now();
  for (let said = 0; said < 6_000_000; said += many.length) flood.raw.write(many);
  await after(1_000);
  const read = sockets[0]!.bytesRead - before;
  const seconds = (performance.now() - started) / 1_000;
  expect(read).toBeGreaterThan(100_000);
  // A chunk more than burst and rate.
  expect(read).toBeLessThan(100_000 + 200_000 * seconds + 131_072);
  expect(limited.filter((limit) => limit === "byteRate")).toEqual(["byteRate"]);
  expect(flood.client.readyState).toBe(WebSocket.OPEN);
});

test.each([
  ["a frame that stops", frame(1, Buffer.alloc(1_000)).subarray(0, 500)],
  ["a message whose fragments do not end", frame(1, Buffer.alloc(10), false)],
  ["half a header", frame(1, Buffer.alloc(1_000)).subarray(0, 1)],
])("[LM41] %s is cut off", async (_, bytes) => {
  const { port, limited } = await serve({ frameTimeout: 100 });
  const it = await dial(port);
  await greet(it);
  it.raw.write(bytes);
  await once(it.client, "close");
  expect(limited).toEqual(["frameTimeout"]);
  expect(it.heard.at(-1)).toMatchObject({ type: "Closing", code: "too-slow", retryable: true });
});

test("[LM41] who goes on talking, and always has begun another message, is not cut off", async () => {
  const { port, limited } = await serve({ frameTimeout: 200 });
  const it = await dial(port);
  await greet(it);
  const one = frame(1, Buffer.from(JSON.stringify({ type: "Ping", cursors: [] })));
  const from = one.length / 2;
  const across = Buffer.concat([one.subarray(from), one.subarray(0, from)]);
  it.raw.write(one.subarray(0, from));
  for (let i = 0; i < 30; i++) {
    await after(20);
    it.raw.write(across);
  }
  expect(limited).toEqual([]);
  await until(() => it.heard.filter(({ type }) => type === "Pong").length === 30);
  await once(it.client, "close"); // the last one never comes whole
  expect(limited).toEqual(["frameTimeout"]);
});

test("[LM41] many unfinished messages of one address: its share, and the others go on", async () => {
  const { port, limited } = await serve({ maxUnfinishedBytesPerAddress: 100_000 });
  const all = await Promise.all(Array.from({ length: 10 }, () => dial(port)));
  for (const one of all) await greet(one);
  for (const one of all) {
    one.raw.write(frame(1, Buffer.alloc(20_000), false));
    await after(5);
  }
  await until(() => all.filter(({ client }) => client.readyState === WebSocket.CLOSED).length >= 5);
  expect(all.filter(({ client }) => client.readyState === WebSocket.OPEN).length).toBeGreaterThanOrEqual(4);
  expect(new Set(limited)).toEqual(new Set(["maxUnfinishedBytesPerAddress"]));
});

test("[LM42] before Connected no more than a Hello is read, in one piece, in many, or in control frames", async () => {
  const { port, sockets } = await serve({ maxHelloBytes: 10_000 });
  const says: readonly ((it: Awaited<ReturnType<typeof dial>>) => void)[] = [
    ({ client }) => client.send(JSON.stringify(hello({ token: "x".repeat(900_000) }))),
    ({ raw }) =>
      void (raw.write(frame(1, Buffer.alloc(60_000), false)),
      raw.write(frame(0, Buffer.alloc(60_000), false))),
    ({ raw }) =>
      void raw.write(Buffer.concat(Array.from({ length: 2_000 }, () => frame(9, Buffer.alloc(125))))),
  ];
  for (const [at, say] of says.entries()) {
    const it = await dial(port);
    say(it);
    await once(it.client, "close");
    expect(it.heard).toMatchObject([{ type: "Closing", code: "too-large", retryable: true }]);
    expect(sockets[at]!.bytesRead).toBeLessThan(200_000);
  }
  const fine = await dial(port);
  await greet(fine);
});

test("[LM42] a page of a refused origin that goes on talking is cut off", async () => {
  const { port, sockets } = await serve();
  const it = await dial(port, "https://evil.example");
  for (let i = 0; i < 100; i++) it.raw.write(frame(9, Buffer.alloc(125)));
  it.raw.write(Buffer.alloc(10_000_000));
  await once(it.client, "close");
  await until(() => sockets[0]!.destroyed);
  expect(sockets[0]!.bytesRead).toBeLessThan(400_000);
});

// ---------------------------------------------------------------------------------------------------------- HTTP

const HEAD = "POST /calla HTTP/1.1\r\nHost: x\r\nContent-Type: application/calla.json\r\n";

async function request(port: number, bytes: string) {
  const socket = connectTcp(port, "127.0.0.1");
  socket.on("error", () => undefined);
  ends.push(() => void socket.destroy());
  await once(socket, "connect");
  let heard = "";
  socket.on("data", (data) => void (heard += String(data)));
  socket.write(bytes);
  return { socket, heard: () => heard };
}

test("[LM41] parallel POSTs that do not end: an address has its share, others are told to retry, and all of it ends", async () => {
  const { port, limited, refused, server } = await serve({
    maxUnfinishedBytesPerAddress: 200_000,
    helloTimeout: 1_500,
  });
  const all = await Promise.all(
    Array.from({ length: 20 }, () => request(port, `${HEAD}Content-Length: 1000\r\n\r\nx`)),
  );
  await until(() => all.filter(({ heard }) => heard().includes("503")).length >= 8);
  expect(all.filter(({ heard }) => heard() === "").length).toBeGreaterThanOrEqual(10);
  expect(new Set(limited)).toEqual(new Set(["maxUnfinishedBytesPerAddress"]));
  expect(refused).toContain("busy");
  await until(() => all.every(({ heard }) => /503|408/.test(heard())));
  const late = await request(port, `${HEAD}Content-Length: 2\r\n\r\n[]`);
  await until(() => late.heard().includes("200 OK"));
  expect(server.limits.helloTimeout).toBe(1_500);
});

test("[LM40] POSTs on one socket are read at the byte rate, come whole, and time out by no pause of ours", async () => {
  const { port, limited } = await serve({ byteRate: 100_000, byteBurst: 20_000, helloTimeout: 300 });
  const started = performance.now();
  const body = " ".repeat(40_000);
  const { socket, heard } = await request(port, `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
  await until(() => heard().includes("200 OK"));
  socket.write(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
  await until(() => heard().split("200 OK").length === 3);
  expect(performance.now() - started).toBeGreaterThan(500);
  expect(limited).toContain("byteRate");
});

test("[LM40] [LM43] 500 users behind a trusted proxy's one keep-alive connection work on; who takes too much is read more slowly", async () => {
  const { port, limited } = await serve({ byteRate: 2_000, byteBurst: 5_000, helloTimeout: 5_000 }, [
    "127.0.0.1",
  ]);
  const { socket, heard } = await request(port, "");
  let asked = 0;
  const post = async (user: number, body: string): Promise<void> => {
    const from = `X-Forwarded-For: 203.0.${user >> 8}.${user & 255}\r\n`;
    socket.write(`${HEAD}${from}Content-Length: ${body.length}\r\n\r\n${body}`);
    asked++;
    await until(() => heard().split("200 OK").length === asked + 1);
  };
  const started = performance.now();
  for (let times = 0; times < 2; times++)
    for (let user = 0; user < 500; user++) await post(user, `[${" ".repeat(1_000)}]`);
  expect(limited).toEqual([]);
  // At one rate for all of them it would have taken 17 minutes.
  expect(performance.now() - started).toBeLessThan(60_000);
  await post(7, `[${" ".repeat(8_000)}]`);
  expect(limited).toEqual(["byteRate"]);
}, 60_000);

test("[LM42] [CL20] a stream's Hello over its limit is 413 before it is read, and says how large it may be", async () => {
  const { port } = await serve({ maxHelloBytes: 1_000 });
  const { heard } = await request(port, `${HEAD}Accept: text/event-stream\r\nContent-Length: 1001\r\n\r\n`);
  await until(() => heard().includes("413"));
  expect(heard()).toContain('"maxBytes":1000');
});

test.each([
  ["a packet's", "*/*"],
  ["a stream's", "text/event-stream"],
])(
  "[LM41] [LM44] %s answer that is whole and not taken in is cut off; one that is slowly taken in is not",
  async (_, accept) => {
    const large = { bytes: Buffer.alloc(12_000_000), text: true };
    const answer = ({ connection }: { readonly connection: Connection }) => {
      connection.send(large);
      connection.close(1000, "");
      return { incoming: () => undefined, disconnect: () => undefined, drained: () => undefined };
    };
    let over = 0;
    const transport = http({
      connect: answer,
      speak: (spoken) => answer(spoken).disconnect,
      receive: () => ({ received: () => undefined, over: () => void over++ }),
      allowsOrigin: () => true,
      limits: { maxFrameBytes: 1_000, helloTimeout: 1_000, stallTimeout: 500 },
      serialiser: { formats: [{ name: "json", binary: false }] },
    });
    const node = createHttp(transport.node);
    const sockets: Socket[] = [];
    node.on("connection", (socket) => void sockets.push(socket));
    node.listen(0, "127.0.0.1");
    await once(node, "listening");
    ends.push(async () => {
      node.closeAllConnections();
      await transport.close();
      node.close();
    });
    const { port } = node.address() as AddressInfo;
    const ask = `${HEAD}Accept: ${accept}\r\nContent-Length: 2\r\n\r\n[]`;
    const deaf = await request(port, ask);
    deaf.socket.pause();
    const slow = await request(port, ask);
    const reading = setInterval(
      () => (slow.socket.isPaused() ? slow.socket.resume() : slow.socket.pause()),
      20,
    );
    ends.push(() => clearInterval(reading));
    await until(() => sockets[0]?.destroyed);
    await until(() => slow.heard().length > 12_000_000);
    await until(() => over >= 2);
  },
);
