import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { ear } from "../../test/stub.ts";
import { OPCODE, writeFrame } from "../wire/frame.ts";
import { RawSocket } from "../wire/raw-socket.ts";
import { SocketLine } from "./socket-line.ts";

let server: Server | undefined;
const sockets: RawSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.vanish();
  await new Promise((resolve) => server?.close(resolve));
});

/** Takes every text, and nothing else. */
async function opened(headers: Readonly<Record<string, string>> = {}) {
  const said: string[] = [];
  const gone: number[] = [];
  let line: SocketLine | undefined;
  server = createServer().on("upgrade", (request, socket, head: Buffer) => {
    socket.on("error", () => undefined);
    const opening = {
      over: "websocket",
      path: request.url ?? "",
      headers: request.headers,
      behind: "",
    } as const;
    line = new SocketLine(1, opening, socket, {
      says: (_, { opcode, payload }) => {
        if (opcode === OPCODE.text) said.push(payload.toString());
        return opcode === OPCODE.text;
      },
      gone: ({ number }) => gone.push(number),
    });
    line.open(headers, head, () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server?.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const { hear, until } = ear();
  const client = new RawSocket({ host: "127.0.0.1", port, path: "/" }, hear);
  sockets.push(client);
  const [first] = await until(1);
  return { client, first, until, said, gone, line: line as SocketLine };
}

it("opens as a server does, with the headers that were recorded", async () => {
  const { first } = await opened({ "sec-websocket-protocol": "phoenix" });
  expect(first).toMatchObject({
    heard: "upgraded",
    accepted: true,
    answer: { headers: { "sec-websocket-protocol": "phoenix" } },
  });
});

it("writes each kind of frame unmasked, and nothing behind a close", async () => {
  const { line, until, gone } = await opened();
  line.hear({ hear: "text", json: ["ä"] });
  line.hear({ hear: "binary", hex: "00ff" });
  line.hear({ hear: "close", code: 1012 });
  line.hear({ hear: "text", json: [] });
  const heard = await until(4);
  expect(heard.slice(1)).toMatchObject([
    { heard: "text", text: '["ä"]' },
    { heard: "binary", bytes: Buffer.of(0, 255) },
    { heard: "close", code: 1012 },
  ]);
  expect(gone).toEqual([1]);
});

it("answers pings and closes by the rules, where no conversation does", async () => {
  const { client, until, said, gone } = await opened();
  client.text("hello");
  client.ping(Buffer.from("p"));
  client.close(1000);
  expect((await until(3)).slice(1)).toMatchObject([
    { heard: "pong", bytes: Buffer.from("p") },
    { heard: "close", code: 1000 },
  ]);
  expect(said).toEqual(["hello"]);
  expect(gone).toEqual([1]);
});

it("tells that a client is gone, and is bounded in what it keeps of a frame", async () => {
  const one = await opened();
  one.client.vanish();
  await expect.poll(() => one.gone).toEqual([1]);
  await new Promise((resolve) => server?.close(resolve));
  const two = await opened();
  const head = writeFrame(OPCODE.text, Buffer.alloc(17 * 1024 * 1024));
  two.client.raw(head.subarray(0, head.length - 1));
  await expect.poll(() => two.gone, { timeout: 15_000 }).toEqual([1]);
}, 20_000);
