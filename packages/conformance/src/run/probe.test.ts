import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { json, stub, switching, type Stub } from "../../test/stub.ts";
import { startStub } from "../stub/start-stub.ts";
import { FrameReader, OPCODE, writeFrame } from "../wire/frame.ts";
import { probe } from "./probe.ts";
import { targetOf } from "./target.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
const probed = (url: string, ...needed: string[]): ReturnType<typeof probe> => {
  const target = targetOf(url);
  return probe(target, new Set(needed), target);
};
async function bytes(serve: Parameters<typeof stub>[0]): Promise<string> {
  const server: Stub = await stub(serve);
  closing.push(() => server.close());
  return `ws://127.0.0.1:${server.port}/socket`;
}

it("[KT2] names what a server lacks of the app, and nothing that it has or refuses", async () => {
  const server = await startStub();
  closing.push(() => server.close());
  expect(await probed(server.url, "/quick over LongPoll", "/few over WebSocket", "the topic room:*")).toEqual(
    {
      lacks: new Set(),
    },
  );
  const url = await bytes((socket, head, accept) => {
    if (!head.includes(" /socket/websocket"))
      return void socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    const reader = new FrameReader();
    socket.write(switching(accept));
    socket.on("data", (chunk) => {
      for (const { payload } of reader.read(chunk)) {
        const [joinRef, ref, topic] = JSON.parse(payload.toString()) as string[];
        const status = topic === "system" ? "error" : "ok";
        const reply = JSON.stringify([joinRef, ref, topic, "phx_reply", { status, response: {} }]);
        socket.write(writeFrame(OPCODE.text, Buffer.from(reply), { masked: false }));
      }
    });
  });
  const needed = ["/socket over WebSocket", "/few over WebSocket", "the topic system", "the topic watch:*"];
  expect(await probed(url, ...needed)).toEqual({
    lacks: new Set(["the topic system", "/few over WebSocket"]),
  });
});

it("[KT2] says in one sentence what is there in place of a Phoenix server", async () => {
  const silent = await bytes((socket, _, accept) => {
    socket.write(switching(accept));
    socket.on("data", () => socket.write(writeFrame(OPCODE.text, Buffer.from("hello"), { masked: false })));
  });
  expect((await probed(silent)).problem).toMatch(
    /opens a WebSocket and does not answer a heartbeat as Phoenix does: it says .*"hello".* Point the kit at a Phoenix socket[.]$/,
  );
  const web = await bytes((socket) => void socket.end(json({ hello: 1 })));
  expect((await probed(web)).problem).toMatch(
    /is no socket of the fixture app: on a handshake, it says .*200.*Mount the app/,
  );
});

it("[KT2] says that nobody is there", async () => {
  const server: Server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  expect((await probed(`ws://127.0.0.1:${port}`)).problem).toMatch(
    /^Nobody answers at 127[.]0[.]0[.]1:\d+ [(].*[)][.] Start/,
  );
});
