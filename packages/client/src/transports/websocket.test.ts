import type { AddressInfo } from "node:net";
import { json as jsonFormat } from "@calla/shared";
import type { Format } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import { afterEach, expect, test, vi } from "vitest";
import NodeSocket, { WebSocketServer } from "ws";
import { turn } from "../../test/kit.ts";
import type { CloseReason } from "./transport.ts";
import { urlFromCurrentLocation, webSocket } from "./websocket.ts";
import type { WebSocketLike, WebSocketOptions } from "./websocket.ts";

const json: Format = jsonFormat();

/** A socket of which the test fires every event. */
class FakeSocket implements WebSocketLike {
  static made: FakeSocket[] = [];
  readonly url: string;
  readonly protocols: string[];
  binaryType = "blob";
  readyState = 0;
  readonly sent: unknown[] = [];
  closedWith: number | undefined;
  readonly #listeners = new Map<string, (event: object) => void>();
  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.made.push(this);
  }
  addEventListener(type: string, listener: (event: object) => void): void {
    this.#listeners.set(type, listener);
  }
  fire(type: string, event: object = {}): void {
    this.#listeners.get(type)?.(event);
  }
  send(data: unknown): void {
    this.sent.push(data);
  }
  close(code?: number): void {
    this.closedWith = code;
  }
}

function attempt(options: Partial<WebSocketOptions> = {}, format = json) {
  const events: unknown[] = [];
  const link = webSocket({ url: "ws://host/ws", WebSocket: FakeSocket, ...options }).connect(
    {
      open: () => events.push("open"),
      receive: (data) => events.push(data),
      close: (reason: CloseReason) => events.push(reason),
    },
    format,
  );
  return { link, events, socket: () => FakeSocket.made.at(-1) as FakeSocket };
}
afterEach(() => {
  FakeSocket.made = [];
  vi.unstubAllGlobals();
});

test("[CL16] one socket, the format as its subprotocol, text and bytes as they come", async () => {
  const { link, events, socket } = attempt({}, messagePack());
  expect(FakeSocket.made).toEqual([]);
  await turn();
  expect(socket()).toMatchObject({
    url: "ws://host/ws",
    protocols: ["calla.messagepack"],
    binaryType: "arraybuffer",
  });
  link.send("too early");
  socket().readyState = 1;
  socket().fire("open");
  link.send("text");
  socket().fire("message", { data: "hello" });
  socket().fire("message", { data: new Uint8Array([1, 2]).buffer });
  socket().fire("error");
  socket().fire("close", { code: 1001, reason: "bye" });
  socket().fire("close", { code: 1001, reason: "twice" });
  expect(events).toEqual(["open", "hello", new Uint8Array([1, 2]), { code: 1001, reason: "bye" }]);
  expect(socket().sent).toEqual(["text"]);
});

test("[CL16] S22 after close() nothing of the attempt is heard, opened or sent", async () => {
  const { link, events, socket } = attempt();
  await turn();
  link.close();
  expect(socket().closedWith).toBe(4001);
  for (const type of ["open", "message", "error", "close"]) socket().fire(type, { data: "late", code: 1006 });
  const early = attempt();
  early.link.close();
  await turn();
  expect([events, early.events, FakeSocket.made.length]).toEqual([[], [], 1]);
});

test("[PC14] who comes back ends its socket with another code than who is gone", async () => {
  for (const [gone, code] of [
    [true, 1000],
    [false, 4001],
    [undefined, 4001],
  ] as const) {
    const { link, socket } = attempt();
    await turn();
    link.close(gone);
    expect(socket().closedWith).toBe(code);
  }
});

test("[CL16] S25 a url callback is asked before every attempt; rejecting or throwing ends it", async () => {
  const url = vi.fn<() => string | Promise<string>>().mockRejectedValueOnce(new Error("no url"));
  url.mockImplementationOnce(() => {
    throw new Error("thrown");
  });
  url.mockResolvedValueOnce("wss://other/ws");
  const attempts = [attempt({ url }), attempt({ url }), attempt({ url })];
  await turn();
  expect(attempts.map(({ events }) => events)).toEqual([
    [{ code: 1006, reason: "no url", cause: new Error("no url") }],
    [{ code: 1006, reason: "thrown", cause: new Error("thrown") }],
    [],
  ]);
  expect(FakeSocket.made.map((socket) => socket.url)).toEqual(["wss://other/ws"]);
});

test("[CL16] a relative url is resolved against the page", async () => {
  vi.stubGlobal("location", { href: "https://app.example:8443/boards/1?x#y" });
  expect(urlFromCurrentLocation("/ws")).toBe("wss://app.example:8443/ws");
  expect(urlFromCurrentLocation("ws?room=1")).toBe("wss://app.example:8443/boards/ws?room=1");
  const { socket } = attempt({ url: "/ws" });
  await turn();
  expect(socket().url).toBe("wss://app.example:8443/ws");
  vi.stubGlobal("location", { href: "http://localhost/" });
  expect(urlFromCurrentLocation("/ws")).toBe("ws://localhost/ws");
});

test("[CL16] without a page or a WebSocket the attempt ends with a sentence that says what to do", async () => {
  const { events } = attempt({ url: "/ws" });
  vi.stubGlobal("WebSocket", undefined);
  const without: CloseReason[] = [];
  webSocket({ url: "ws://host/" }).connect(
    { open: () => {}, receive: () => {}, close: (reason) => without.push(reason) },
    json,
  );
  await turn();
  expect(events).toMatchObject([{ reason: expect.stringContaining("absolute url") }]);
  expect(without).toMatchObject([{ reason: expect.stringContaining("npm install ws") }]);
});

test("[CL16] options: lily's defaults, and impossible ones are refused", () => {
  expect(webSocket({ url: "/ws" }).reconnect).toEqual({
    baseMilliseconds: 1_000,
    maxMilliseconds: 30_000,
    multiplier: 2,
    jitterRatio: 0.25,
  });
  const wrong: Partial<WebSocketOptions>[] = [
    { reconnectBaseMilliseconds: 0 },
    { reconnectBaseMilliseconds: Number.NaN },
    { reconnectMaxMilliseconds: 10 },
    { reconnectMultiplier: 0.5 },
    { reconnectJitterRatio: -0.1 },
    { reconnectJitterRatio: 1.1 },
  ];
  for (const options of wrong) {
    expect(() => webSocket({ url: "/ws", ...options })).toThrow(
      expect.objectContaining({ code: "transport" }),
    );
  }
});

test("[CL16] it works in Node with the class of ws", async () => {
  const server = new WebSocketServer({ port: 0, handleProtocols: (protocols) => [...protocols][0] ?? false });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) =>
      socket.send(isBinary ? data : `${socket.protocol} ${String(data)}`),
    );
  });
  const url = `ws://localhost:${(server.address() as AddressInfo).port}`;
  const heard: unknown[] = [];
  await new Promise<void>((resolve) => {
    const link = webSocket({ url, WebSocket: NodeSocket }).connect(
      {
        open() {
          link.send("hi");
          link.send(new Uint8Array([7]));
        },
        receive: (data) => heard.push(data) === 2 && resolve(),
        close: () => {},
      },
      json,
    );
  });
  expect(heard).toEqual(["calla.json hi", new Uint8Array([7])]);
  for (const socket of server.clients) socket.terminate();
  server.close();
});
