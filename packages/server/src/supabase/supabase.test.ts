// The mount: where it is, who may connect, what cannot be meant.
import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { until } from "../../test/phoenix-clients/phoenix-js.ts";
import { Raw } from "../../test/supabase/raw.ts";
import { serve } from "../../test/supabase/realtime-server.ts";
import { wire } from "../../test/wired.ts";
import { systemClock } from "../base/clock.ts";
import { accept, createChannels, defineChannel, deny, phoenix, reply } from "../channels/index.ts";
import type { PhoenixRequest } from "../channels/index.ts";
import { supabase } from "./supabase.ts";

const JOINED = { status: "ok", response: { postgres_changes: [] } };

/** What a request for a WebSocket is answered with. */
const refused = (url: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number | undefined; type: string | undefined; body: unknown }>((resolve, reject) => {
    const socket = new WebSocket(url, { headers });
    socket.on("open", () => (socket.terminate(), reject(new Error("It was let in."))));
    socket.on("error", () => undefined);
    socket.on("unexpected-response", (_, response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () =>
        resolve({
          status: response.statusCode,
          type: response.headers["content-type"],
          body: JSON.parse(text) as unknown,
        }),
      );
    });
  });

describe("connecting", () => {
  test("[SB55] refusals are JSON, whatever refuses", async () => {
    const server = await serve(onTestFinished);
    const at = `${server.url}/websocket?vsn=2.0.0`;
    const type = "application/json; charset=utf-8";
    expect(await refused(at)).toEqual({ status: 401, type, body: { error: "No API key found in request" } });
    expect(await refused(`${at}&apikey=wrong`)).toEqual({
      status: 401,
      type,
      body: { error: "Invalid API key" },
    });
    expect(await refused(`${at}&apikey=key&vsn=3.0.0`)).toMatchObject({ status: 403, type });
    const forged = await refused(`${at}&apikey=key`, { origin: "https://evil.example" });
    expect(forged).toEqual({ status: 403, type, body: { error: expect.any(String) } });
    const plain = await fetch(`${at.replace("ws:", "http:")}`);
    expect([plain.status, await plain.json()]).toEqual([401, { error: "No API key found in request" }]);
    expect(JSON.stringify(server.refusals)).not.toContain("wrong");
  });

  test("[SB56] the key is a parameter or a header, and connect hears it", async () => {
    const asked: unknown[] = [];
    const connect = (request: PhoenixRequest) => {
      asked.push(request.params["apikey"]);
      expect(Object.getPrototypeOf(request.params)).toBeNull();
      return asked.length > 2 ? deny() : accept({ key: "" });
    };
    const server = await serve(onTestFinished, { channels: { connect } });
    await Raw.open(onTestFinished, server, { query: "", headers: { "x-api-key": "one" } });
    await Raw.open(onTestFinished, server, { query: "&apikey=two" });
    expect(await refused(`${server.url}/websocket`, { apikey: "three" })).toMatchObject({ status: 403 });
    expect(asked).toEqual(["one", "two", "three"]);
    expect(server.realtime.connections).toBe(2);
  });

  test("[SB54] it lies below its path; of /socket, HTTP lies beside", async () => {
    const server = await serve(onTestFinished, { supabase: { path: "/socket" } });
    const base = `127.0.0.1:${server.port}`;
    const client = await Raw.open(onTestFinished, { url: `ws://${base}/socket` });
    expect(await client.join("realtime:room")).toEqual(JOINED);
    const post = (path: string) =>
      fetch(`http://${base}${path}`, {
        method: "POST",
        headers: { apikey: "key", "content-type": "application/json" },
        body: JSON.stringify({ messages: [{ topic: "room", event: "said", payload: {} }] }),
      });
    expect((await post("/api/broadcast")).status).toBe(202);
    expect((await post("/socket/api/broadcast")).status).toBe(404);
    expect((await post("/realtime/v1/api/broadcast")).status).toBe(404);
  });

  test("[SB7] clients of another mount are refused on its topics, and its clients reach the others by text", async () => {
    const httpServer = createServer();
    const channels = createChannels().register(
      defineChannel("room:*").handleIn("echo", (said) => reply(said)),
    );
    const realtime = supabase(channels, { httpServer });
    const mount = phoenix(channels, { httpServer });
    await new Promise<void>((resolve) => void httpServer.listen(0, "127.0.0.1", resolve));
    onTestFinished(async () => {
      await Promise.all([realtime.close(), mount.close(), channels.stop()]);
      httpServer.close();
    });
    const { port } = httpServer.address() as { port: number };
    const other = await Raw.open(onTestFinished, { url: `ws://127.0.0.1:${port}/socket` });
    expect(await other.join("realtime:room")).toMatchObject({
      status: "error",
      response: { reason: expect.stringContaining("supabase") },
    });
    const own = await Raw.open(onTestFinished, { url: `ws://127.0.0.1:${port}/realtime/v1` });
    expect(await own.join("realtime:room")).toEqual(JOINED);
    expect(await own.join("room:lobby")).toEqual({ status: "ok", response: {} });
    expect(await own.push("room:lobby", "echo", { a: 1 })).toEqual({ status: "ok", response: { a: 1 } });
    expect([realtime.connections, mount.connections]).toEqual([1, 1]);
  });

  test("[SB54] [SB37] it stands beside a server of the sync half, and leaves with it", async () => {
    const { server } = wire({ clock: systemClock });
    const channels = createChannels({ beside: server });
    const httpServer = createServer();
    const realtime = supabase(channels, { httpServer });
    await new Promise<void>((resolve) => void httpServer.listen(0, "127.0.0.1", resolve));
    onTestFinished(async () => {
      await realtime.close();
      httpServer.close();
    });
    const { port } = httpServer.address() as { port: number };
    const client = await Raw.open(onTestFinished, { url: `ws://127.0.0.1:${port}/realtime/v1` });
    expect(await client.join("realtime:room")).toEqual(JOINED);
    await server.stop();
    await until(() => client.code === 1012);
    expect(client.heard("system")).toMatchObject([{ status: "ok", message: "Server requested disconnect" }]);
  });

  test("[SB54] handle is a middleware, and a closed mount takes nobody", async () => {
    const server = await serve(onTestFinished);
    let passed = 0;
    const request = { url: "/elsewhere", method: "GET", headers: {}, socket: {} };
    expect(server.realtime.handle(request as never, {} as never, () => void passed++)).toBe(false);
    expect(passed).toBe(1);
    await server.realtime.close();
    const response = await fetch(server.httpUrl, { method: "POST", headers: { apikey: "key" } });
    expect(response.status).toBe(503);
  });
});

describe("wiring", () => {
  const wrong = expect.objectContaining({ code: "wiring" });

  test("[SB38] a second mount on one system, and what is none, throw", () => {
    const channels = createChannels();
    supabase(channels);
    expect(() => supabase(channels)).toThrow(wrong);
    expect(() => supabase({} as typeof channels)).toThrow(wrong);
    expect(() => supabase(createChannels({ rawBinary: true }))).toThrow(/rawBinary/);
  });

  test("[SB38] so do hooks, limits and paths that cannot be meant", () => {
    const channels = createChannels();
    expect(() => supabase(channels, { mayRead: true as never })).toThrow(/mayRead/);
    expect(() => supabase(channels, { limits: { broadcastRate: 0 } })).toThrow(wrong);
    expect(() => supabase(channels, { limits: { maxFoo: 1 } as never })).toThrow(/maxFoo/);
    expect(() => supabase(channels, { path: "socket" })).toThrow(
      expect.objectContaining({ code: "transport" }),
    );
    // None of these has taken the topics.
    supabase(channels, { limits: { maxRequests: Infinity } });
  });
});
