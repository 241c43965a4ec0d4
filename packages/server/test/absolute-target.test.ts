// A request's target may be a whole url: over every way in, of both halves.
import { createServer as createHttpServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { accept, createChannels, defineChannel, phoenix } from "../src/channels/index.ts";
import type { PhoenixRequest } from "../src/channels/index.ts";
import { http } from "../src/transports/http/http.ts";
import { rooms, serve } from "./supabase/realtime-server.ts";
import { wire } from "./wired.ts";

interface Asked {
  readonly port: number;
  readonly target: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
/** The status, and what came. */
const ask = ({ port, target, method = "GET", headers, body }: Asked): Promise<[number | undefined, string]> =>
  new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port, path: target, method, headers }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => resolve([response.statusCode, text]));
    });
    asking.on("error", reject).end(body);
  });

test("[SV16] Phoenix's LongPoll and WebSocket take it, and their hooks get the target without the host", async () => {
  const seen: Pick<PhoenixRequest, "url" | "headers" | "params">[] = [];
  const channels = createChannels({
    origins: "same-origin",
    hosts: ["app.example"],
    connect: (connecting) => {
      seen.push(connecting);
      return accept({});
    },
  }).register(defineChannel("room:*"));
  const httpServer = createHttpServer((incoming, response) => {
    if (!mount.handle(incoming, response)) response.writeHead(404).end();
  });
  const mount = phoenix(channels, { httpServer, path: "/socket" });
  await new Promise<void>((resolve) => void httpServer.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await mount.close();
    httpServer.close();
  });
  const { port } = httpServer.address() as AddressInfo;
  const headers = { origin: "http://app.example", host: "proxy.example" };
  const [status, text] = await ask({
    port,
    target: "http://app.example/socket/longpoll?vsn=2.0.0&a=1",
    headers,
  });
  expect([status, (JSON.parse(text) as { status: number }).status]).toEqual([200, 410]);
  // No upgrade, which comes last of what is checked.
  const shaken = await ask({
    port,
    target: "HTTP://app.example:80/socket/websocket?vsn=2.0.0",
    headers: { ...headers, origin: "http://app.example:80" },
  });
  expect(shaken).toEqual([400, expect.stringContaining("Upgrade")]);
  expect(seen.map(({ url }) => url)).toEqual([
    "/socket/longpoll?vsn=2.0.0&a=1",
    "/socket/websocket?vsn=2.0.0",
  ]);
  expect(seen[0]?.params).toMatchObject({ a: "1" });
  expect(seen.map((one) => one.headers["host"])).toEqual(["app.example", "app.example:80"]);
  // Another host's page, whatever the Host header says.
  const other = await ask({
    port,
    target: "http://app.example/socket/longpoll?vsn=2.0.0",
    headers: { ...headers, origin: "http://proxy.example" },
  });
  expect([JSON.parse(other[1]), seen.length]).toEqual([expect.objectContaining({ status: 403 }), 2]);
});

test("[SV16] supabase's broadcasts over HTTP take it", async () => {
  const server = await serve(onTestFinished, { supabase: rooms });
  const { port, pathname } = new URL(server.httpUrl);
  const body = JSON.stringify({ messages: [{ topic: "room", event: "said", payload: {} }] });
  const headers = { apikey: "key", "content-type": "application/json" };
  const asked = { port: Number(port), method: "POST", headers, body };
  expect(await ask({ ...asked, target: pathname })).toEqual([202, ""]);
  expect(await ask({ ...asked, target: `http://app.example${pathname}` })).toEqual([202, ""]);
});

test("[SV16] HTTP of the sync half takes it", async () => {
  const requests = http(wire({ origins: "any" }).server, { path: "/calla" });
  const httpServer = createHttpServer((incoming, response) => void requests.node(incoming, response));
  await new Promise<void>((resolve) => void httpServer.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await requests.close();
    httpServer.close();
  });
  const { port } = httpServer.address() as AddressInfo;
  for (const target of ["/calla", "http://app.example/calla", "https://user@app.example/calla?x"])
    expect(
      await ask({ port, target, method: "POST", headers: { "content-type": "text/plain" }, body: "[]" }),
    ).toEqual([415, expect.any(String)]);
  expect((await ask({ port, target: "http://app.example/calla/", method: "POST" }))[0]).toBe(404);
});
