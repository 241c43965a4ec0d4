import { afterEach, expect, it } from "vitest";
import { ear, stub, switching, type Stub } from "../../test/stub.ts";
import { FrameReader, OPCODE, writeFrame } from "./frame.ts";
import { RawSocket, type Heard } from "./raw-socket.ts";

const unmasked = { masked: false };
let server: Stub | undefined;
afterEach(async () => {
  await server?.close();
});

/** What is heard of a server that answers the handshake and then writes these bytes, and ends where `end` is true. */
const hearing = async (bytes: readonly Uint8Array[], count: number, end = false): Promise<Heard[]> => {
  server = await stub((socket, _, accept) => {
    socket.write(Buffer.concat([Buffer.from(switching(accept)), ...bytes]));
    if (end) socket.end();
  });
  const { hear, until } = ear();
  const socket = new RawSocket({ host: "127.0.0.1", port: server.port, path: "/" }, hear);
  const all = await until(count);
  socket.vanish();
  return all;
};

it("shows the handshake, each message by its opcode, and the code of the close", async () => {
  const [upgraded, ...rest] = await hearing(
    [
      writeFrame(OPCODE.text, Buffer.from("he"), { ...unmasked, fin: false }),
      writeFrame(OPCODE.ping, Buffer.from("p"), unmasked),
      writeFrame(OPCODE.continuation, Buffer.from("llo"), unmasked),
      writeFrame(OPCODE.binary, Buffer.of(1, 2), unmasked),
      writeFrame(OPCODE.pong, Buffer.from("q"), unmasked),
      writeFrame(OPCODE.close, Buffer.from("\x03\xf4bye", "latin1"), unmasked),
      writeFrame(OPCODE.text, Buffer.from("behind the close"), unmasked),
    ],
    6,
  );
  expect(upgraded).toMatchObject({ heard: "upgraded", accepted: true, answer: { status: 101 } });
  expect(rest).toMatchObject([
    { heard: "ping", bytes: Buffer.from("p") },
    { heard: "text", text: "hello" },
    { heard: "binary", bytes: Buffer.of(1, 2) },
    { heard: "pong", bytes: Buffer.from("q") },
    { heard: "close", code: 1012, reason: "bye" },
  ]);
});

it("tells a close without a code, and an end without a close", async () => {
  expect((await hearing([writeFrame(OPCODE.close, Buffer.alloc(0), unmasked)], 2))[1]).toMatchObject({
    heard: "close",
    code: 1005,
    reason: "",
  });
  await server?.close();
  expect((await hearing([], 2, true))[1]).toMatchObject({ heard: "end" });
});

it("calls broken what no server may write", async () => {
  for (const [frame, what] of [
    [writeFrame(OPCODE.text, Buffer.from("x")), "a masked frame"],
    [writeFrame(OPCODE.text, Buffer.from("x"), { masked: false, rsv: 4 }), "a frame with RSV 4"],
    [writeFrame(OPCODE.continuation, Buffer.from("x"), unmasked), "opcode 0 of nothing"],
    [writeFrame(3, Buffer.from("x"), unmasked), "opcode 3 of nothing"],
  ] as const) {
    expect((await hearing([frame], 2))[1]).toMatchObject({ heard: "broken", what });
    await server?.close();
  }
});

it("tells an accept that is not of its key, and a refusal with its body", async () => {
  server = await stub((socket, head) => {
    socket.end(
      head.includes("/refused")
        ? "HTTP/1.1 429 Too Many\r\ncontent-length: 8\r\n\r\ntoo many"
        : switching("not this key's"),
    );
  });
  const { port } = server;
  const { hear, until } = ear();
  const path = "/accept";
  const socket = new RawSocket({ host: "127.0.0.1", port, path }, hear);
  await until(1);
  socket.vanish();
  const refused = new RawSocket({ host: "127.0.0.1", port, path: "/refused" }, hear);
  const [first, second] = await until(2);
  refused.vanish();
  expect(first).toMatchObject({ heard: "upgraded", accepted: false });
  expect(second).toMatchObject({ heard: "answer", answer: { status: 429, body: Buffer.from("too many") } });
});

it("writes its own headers in place of a handshake's, leaves some out, and sends bytes in the same packet", async () => {
  let arrived: (said: { head: string; body: string }) => void = () => undefined;
  const said = new Promise<{ head: string; body: string }>((resolve) => {
    arrived = resolve;
  });
  server = await stub((_, head, __, body) => arrived({ head, body }));
  const behind = writeFrame(OPCODE.text, Buffer.from("early"));
  const socket = new RawSocket(
    {
      host: "127.0.0.1",
      port: server.port,
      path: "/p?q",
      headers: { "sec-websocket-key": [], "sec-websocket-version": "8", origin: "null" },
      protocols: ["a", "b"],
      behind,
    },
    () => undefined,
  );
  const { head, body } = await said;
  socket.vanish();
  expect(head.split("\r\n").toSorted()).toEqual(
    [
      "GET /p?q HTTP/1.1",
      `host: 127.0.0.1:${server.port}`,
      "upgrade: websocket",
      "connection: Upgrade",
      "sec-websocket-version: 8",
      "sec-websocket-protocol: a,b",
      "origin: null",
    ].toSorted(),
  );
  const [frame] = new FrameReader().read(Buffer.from(body, "latin1"));
  expect(frame).toMatchObject({ masked: true, payload: Buffer.from("early") });
});
