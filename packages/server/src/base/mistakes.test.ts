// What the first hour gets wrong about connecting is said by the server in development, once (SV11).
import { createServer as createHttpServer } from "node:http";
import { once } from "node:events";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { wire } from "../../test/wired.ts";
import { mistakeTeller } from "./mistakes.ts";
import { http } from "../transports/http/http.ts";
import { webSocket } from "../transports/websocket/websocket.ts";

afterEach(() => vi.unstubAllEnvs());
const messages = (errors: readonly unknown[]): string[] => errors.map((error) => (error as Error).message);

async function dialled(it: ReturnType<typeof wire>, path: string, ...protocols: string[]): Promise<void> {
  const httpServer = createHttpServer();
  const transport = webSocket(it.server, { httpServer, path: "/ws" });
  await new Promise<void>((resolve) => void httpServer.listen(0, "127.0.0.1", resolve));
  for (let time = 0; time < 2; time++) {
    const client = new WebSocket(
      `ws://127.0.0.1:${(httpServer.address() as AddressInfo).port}${path}`,
      protocols,
    );
    client.on("error", () => undefined);
    await new Promise((closed) => client.on("close", closed));
  }
  await transport.close();
  httpServer.close();
}

test("[SV11] a WebSocket at another path: reported once, recorded each time, answered 404", async () => {
  const it = wire();
  await dialled(it, "/socket?token=secret", "calla.json");
  expect(messages(it.errors)).toEqual([
    'A client asked for a WebSocket at "/socket". WebSockets are at "/ws": give the client that path, or webSocket(server, { path }) the client\'s.',
  ]);
  expect(it.refused.map(({ code }) => code)).toEqual(["path", "path"]);
});

test("[SV11] a format that the server does not have: reported once; other programs' requests are not", async () => {
  const it = wire();
  await dialled(it, "/ws", "calla.cbor");
  expect(messages(it.errors)).toEqual([expect.stringMatching(/"calla.cbor".*calla.json.*same serialiser/)]);
  const other = wire();
  await dialled(other, "/ws", "chat");
  await dialled(other, "/elsewhere", "chat");
  expect([other.errors, other.refused.map(({ code }) => code)]).toEqual([[], ["format", "format"]]);
});

test("[SV11] [SV16] requests at another path, or in another format: reported once; a whole url as target is its path", async () => {
  const it = wire({ origins: "any" });
  const transport = http(it.server, { path: "/calla" });
  const ask = (path: string, type: string) =>
    transport.fetch(
      new Request(`http://a.example${path}`, {
        method: "POST",
        headers: { "content-type": type },
        body: "[]",
      }),
    );
  for (let time = 0; time < 2; time++) {
    expect((await ask("/api", "application/calla.json")).status).toBe(404);
    expect((await ask("/calla", "application/calla.cbor")).status).toBe(415);
    expect((await ask("/api", "text/plain")).status).toBe(404);
    expect((await ask("/calla", "text/plain")).status).toBe(415);
  }
  expect(messages(it.errors)).toEqual([
    expect.stringMatching(/requests to "\/api".*answered at "\/calla"/),
    expect.stringMatching(/application\/calla.json.*same serialiser/),
  ]);
  await transport.close();
});

test.each(["http://a.example/ws?x=1", "HTTP://a.example:80/ws", "/ws"])(
  "[SV11] [SV16] a WebSocket whose request's target is %s is at /ws",
  async (target) => {
    const httpServer = createHttpServer();
    const transport = webSocket(wire().server, { httpServer });
    await new Promise<void>((resolve) => void httpServer.listen(0, "127.0.0.1", resolve));
    const socket = connect((httpServer.address() as AddressInfo).port, "127.0.0.1");
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: calla.json\r\n\r\n`,
    );
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 101 /);
    socket.destroy();
    await transport.close();
    httpServer.close();
  },
);

test("[SV11] a page of another origin: which, and what to write, once for each", () => {
  const it = wire();
  const from = (origin: string) => ({ url: "/ws", headers: { origin }, remoteAddress: "::1" });
  for (const origin of ["http://localhost:5173", "http://localhost:5173", "null"])
    it.server.refused({ reason: "origin", request: from(origin) });
  expect(messages(it.errors)).toEqual([
    'Pages of the origin "http://localhost:5173" may not connect. If it is your app\'s, write createServer({ origins: ["http://localhost:5173"] }).',
    expect.stringContaining('"null"'),
  ]);
});

test("[SV11] [HA1] a slice without a handler: reported once, whoever asks for whichever topic of it", () => {
  const heard: unknown[] = [];
  const tell = mistakeTeller(
    true,
    (error) => heard.push(error),
    (target) => (target.startsWith("list:") ? "list:*" : undefined),
  );
  for (const target of ["list:1", "list:2", "what:1"]) tell({ code: "unhandled", target });
  tell({ code: "forbidden", target: "list:1" });
  expect(heard).toMatchObject([
    { code: "unhandled", message: expect.stringContaining('"list:*"') as string },
  ]);
});

test("[SV11] what is remembered of what was reported is bounded, and in production nothing is reported", () => {
  const heard: unknown[] = [];
  const tell = mistakeTeller(
    true,
    (error) => heard.push(error),
    () => undefined,
  );
  for (let i = 0; i < 1_000; i++)
    tell({ code: "origin", origin: `https://${"x".repeat(9_000)}${i}.example` });
  for (let i = 0; i < 1_000; i++) tell({ code: "origin", origin: `https://${i}.example` });
  expect(heard).toHaveLength(100);
  expect(Math.max(...messages(heard).map(({ length }) => length))).toBeLessThan(800);
  vi.stubEnv("NODE_ENV", "production");
  const it = wire();
  it.server.refused({
    reason: "origin",
    request: { url: "/ws", headers: { origin: "https://evil.example" }, remoteAddress: "::1" },
  });
  expect([it.errors, it.refused.length]).toEqual([[], 1]);
});
