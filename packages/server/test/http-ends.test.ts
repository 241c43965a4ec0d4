// How requests end that somebody else has a hand in: a middleware, a body parser, HTTP/2.
import { once } from "node:events";
import { createServer, request as nodeRequest } from "node:http";
import { connect, createServer as createHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { http } from "../src/transports/http/http.ts";
import type { HttpHost } from "../src/transports/http/http.ts";

function hosted(more: Partial<HttpHost> = {}) {
  const ends: unknown[] = [];
  const host: HttpHost = {
    connect: () => ({
      incoming: () => undefined,
      disconnect: (code) => void ends.push(code),
      drained: () => undefined,
    }),
    speak: ({ connection }) => {
      connection.close(1000, "");
      return () => undefined;
    },
    allowsOrigin: () => true,
    limits: { maxFrameBytes: 100, helloTimeout: 60_000 },
    serialiser: { formats: [{ name: "json", binary: false }] },
    ...more,
  };
  return { transport: http(host), ends };
}
const STREAM = { "content-type": "application/calla.json", accept: "text/event-stream" };
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((done) => setImmediate(done));
};

test.each(["text/event-stream", "application/calla.json"])(
  "[HT1] a middleware that answered while the body came (a timeout's 503): nothing is added, nothing thrown (%s)",
  async (accept) => {
    const { transport, ends } = hosted();
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const server = createServer((request, response) => {
      transport.node(request, response);
      request.once("data", () => response.writeHead(503).write("too"));
      request.once("close", () => setTimeout(() => response.end(" slow"), 10));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const request = nodeRequest({
      port: portOf(server),
      path: "/calla",
      method: "POST",
      headers: { ...STREAM, accept },
    });
    request.write("hel");
    const [response] = (await once(request, "response")) as [{ statusCode: number; resume(): void }];
    response.resume();
    request.end("lo");
    await turns();
    await new Promise((done) => setTimeout(done, 20));
    await turns();
    process.off("unhandledRejection", unhandled);
    server.closeAllConnections();
    server.close();
    await transport.close();
    expect([response.statusCode, unhandled.mock.calls, transport.connections, ends]).toEqual([
      503,
      [],
      0,
      [],
    ]);
  },
);

test("[HT12] HTTP/2: who had gone before the stream was opened is no connection", async () => {
  const { transport } = hosted();
  let handed: (() => void) | undefined;
  const over = new Promise<void>((resolve) => (handed = resolve));
  const server = createHttp2((request, response) => {
    request.setEncoding("utf8");
    let body = "";
    request.on("data", (text: string) => void (body += text));
    // A parser has read the body, and somebody's session is looked up, when the page is closed.
    response.stream.on("close", () => {
      transport.node(Object.assign(request, { body }) as never, response as never);
      handed?.();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect(`http://127.0.0.1:${portOf(server)}`);
  const stream = client.request({ ":method": "POST", ":path": "/calla", ...STREAM });
  stream.on("error", () => undefined);
  stream.end("hello");
  setTimeout(() => stream.close(8), 30);
  await over;
  await turns();
  expect(transport.connections).toBe(0);
  await transport.close();
  client.destroy();
  server.close();
});

test.each(["too-large", "too-slow"])(
  "[HT1] [HT12] web requests: a body that is %s is discarded",
  async (reason) => {
    const { transport } = hosted({
      limits: { maxFrameBytes: 100, helloTimeout: reason === "too-slow" ? 5 : 60_000 },
    });
    const cancel = vi.fn();
    const body = new ReadableStream({
      pull(controller) {
        if (reason === "too-large") controller.enqueue(new Uint8Array(50_000));
        return reason === "too-slow" ? new Promise(() => {}) : undefined;
      },
      cancel,
    });
    const init = { method: "POST", headers: STREAM, body, duplex: "half" };
    const { status } = await transport.fetch(new Request("http://a/calla", init as RequestInit));
    expect(status).toBe(reason === "too-large" ? 413 : 408);
    await turns();
    expect(cancel).toHaveBeenCalledTimes(1);
    await transport.close();
  },
);
