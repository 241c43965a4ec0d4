import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../test/phoenix-clients/phoenix-js.ts";
import { Raw } from "../../test/supabase/raw.ts";
import { rooms, serve } from "../../test/supabase/realtime-server.ts";
import type { RealtimeServer, ServerOptions } from "../../test/supabase/realtime-server.ts";
import { handClock } from "../../test/wired.ts";

const ROOM = "realtime:room";
const JSON_TYPE = { "content-type": "application/json" };
const message = (more: object = {}) => ({ topic: "room", event: "said", payload: { n: 1 }, ...more });
const batch = (...messages: unknown[]) => JSON.stringify({ messages });

interface Posted {
  readonly path?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

async function post(
  server: RealtimeServer,
  { path = "", body = batch(message()), headers = {}, method = "POST" }: Posted = {},
) {
  const response = await fetch(server.httpUrl + path, {
    method,
    headers: { apikey: "key", ...JSON_TYPE, ...headers },
    ...(method === "POST" ? { body: body as string } : {}),
  });
  const text = await response.text();
  return { status: response.status, text, headers: response.headers };
}
const statusOf = async (...asked: Parameters<typeof post>): Promise<number> => (await post(...asked)).status;
const start = (options: ServerOptions = {}) => serve(onTestFinished, { supabase: rooms, ...options });

async function listener(server: RealtimeServer, name?: string, topic = ROOM): Promise<Raw> {
  const client = await Raw.open(onTestFinished, server);
  await client.join(topic, { private: name !== undefined }, name === undefined ? {} : { access_token: name });
  return client;
}

describe("what is said", () => {
  test("[SB45] a batch reaches the topics it names, public or private", async () => {
    const server = await start();
    const [ann, bo] = [await listener(server), await listener(server, "bo")];
    const answer = await post(server, {
      body: batch(message(), message({ payload: [2], private: true }), message({ topic: "nobody's" })),
      headers: { authorization: "Bearer ann" },
    });
    expect([answer.status, answer.text]).toEqual([202, ""]);
    for (const one of [ann, bo]) await one.beat();
    expect(ann.heard("broadcast")).toEqual([{ type: "broadcast", event: "said", payload: { n: 1 } }]);
    expect(bo.heard("broadcast")).toEqual([{ type: "broadcast", event: "said", payload: [2] }]);
  });

  test("[SB46] one message's topic and event stand in the path, its body is JSON or bytes", async () => {
    const server = await start();
    const [ann, bo] = [await listener(server, undefined, "realtime:a/b é"), await listener(server, "bo")];
    const path = `/${encodeURIComponent("a/b é")}/events/${encodeURIComponent("said/ö")}`;
    expect(await statusOf(server, { path, body: "[1]" })).toBe(202);
    expect(
      await statusOf(server, {
        path: "/room/events/said?private=true",
        body: Uint8Array.from([0, 255]),
        headers: { "content-type": "application/octet-stream", authorization: "Bearer ann" },
      }),
    ).toBe(202);
    for (const one of [ann, bo]) await one.beat();
    expect(ann.heard("broadcast")).toEqual([{ type: "broadcast", event: "said/ö", payload: [1] }]);
    expect(bo.kind4).toMatchObject([{ event: "said", encoding: 0, data: "\u0000\u00ff" }]);
  });

  test("[SB45] [SB46] the same as a web request", async () => {
    const server = await start();
    const ann = await listener(server);
    const asked = new Request("http://host/realtime/v1/api/broadcast", {
      method: "POST",
      headers: { apikey: "key", ...JSON_TYPE },
      body: batch(message()),
    });
    expect((await server.realtime.fetch(asked, "127.0.0.1"))?.status).toBe(202);
    expect(await server.realtime.fetch(new Request("http://host/other"))).toBeUndefined();
    await ann.beat();
    expect(ann.heard("broadcast")).toHaveLength(1);
  });
});

describe("who may", () => {
  test("[SB47] a key that is none, or is refused, and a token that is refused", async () => {
    const server = await start();
    const none = await fetch(server.httpUrl, { method: "POST", headers: JSON_TYPE, body: batch(message()) });
    expect([none.status, await none.json()]).toMatchObject([401, { error: "No API key found in request" }]);
    const wrong = await post(server, { headers: { apikey: "wrong" } });
    expect([wrong.status, JSON.parse(wrong.text)]).toMatchObject([401, { error: "Invalid API key" }]);
    expect(await statusOf(server, { headers: { authorization: "Bearer bad" } })).toBe(401);
    expect(await statusOf(server, { headers: { authorization: "Bearer key" } })).toBe(202);
    const byQuery = await fetch(`${server.httpUrl}?apikey=key`, {
      method: "POST",
      headers: JSON_TYPE,
      body: batch(message()),
    });
    expect(byQuery.status).toBe(202);
    expect(server.refusals.filter(({ code }) => code === "connection")).toHaveLength(3);
  });

  test("[SB47] a token whose exp has passed is refused", async () => {
    const authenticate = ({ token }: { token: string }) => ({ name: token, exp: 1 });
    const server = await start({ supabase: { ...rooms, authenticate } });
    expect(await statusOf(server, { headers: { authorization: "Bearer ann" } })).toBe(401);
  });

  test("[SB50] all of a request's messages go out, or none", async () => {
    const server = await start();
    const [ann, bo] = [await listener(server), await listener(server, "bo")];
    const body = batch(message(), message({ private: true }));
    for (const headers of [{}, { authorization: "Bearer reader" }]) {
      const answer = await post(server, { body, headers });
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
        403,
        { error: expect.stringContaining("write to this Channel topic: room") },
      ]);
    }
    const path = "/room/events/said?private=true";
    expect(await statusOf(server, { path, body: "1", headers: { authorization: "Bearer reader" } })).toBe(
      403,
    );
    for (const one of [ann, bo]) await one.beat();
    expect([...ann.heard("broadcast"), ...bo.heard("broadcast")]).toEqual([]);
  });

  test("[SB51] pages of allowed origins only", async () => {
    const origin = "https://app.example";
    const server = await start({ supabase: { ...rooms, origins: [origin] } });
    const answer = await post(server, { headers: { origin } });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([202, origin]);
    const evil = await post(server, { headers: { origin: "https://evil.example" } });
    expect([evil.status, evil.headers.get("access-control-allow-origin")]).toEqual([403, null]);
    const preflight = await post(server, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-headers": "apikey,x-client-info" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([
      200,
      "apikey,x-client-info",
    ]);
  });
});

describe("what is none", () => {
  test("[SB48] other content types, and bodies that say nothing", async () => {
    const server = await start();
    const single = "/room/events/said";
    const bytes = { "content-type": "application/octet-stream" };
    expect(await statusOf(server, { headers: { "content-type": "text/plain" } })).toBe(415);
    expect(await statusOf(server, { headers: bytes })).toBe(415);
    expect(await statusOf(server, { path: single, headers: { "content-type": "text/plain" } })).toBe(415);
    const bodies = ["", "{", "null", "5", "{}", '{"messages":[]}', '{"messages":{}}', batch(null), batch(5)];
    for (const wrong of [
      { topic: "" },
      { topic: 5 },
      { event: "" },
      { event: null },
      { payload: undefined },
      { private: "x" },
    ])
      bodies.push(batch(message(), message(wrong)));
    bodies.push(batch(...Array.from({ length: 101 }, () => message())));
    bodies.push(batch(message({ payload: "x".repeat(262_144) })));
    for (const body of bodies) expect(await statusOf(server, { body }), body.slice(0, 80)).toBe(422);
    expect(await statusOf(server, { path: single, body: "{" })).toBe(422);
    expect(await statusOf(server, { path: single, body: Uint8Array.from([34, 0xff, 34]) })).toBe(422);
    expect(await statusOf(server, { path: "/%01/events/said", body: "1" })).toBe(422);
    expect(server.errors).toEqual([]);
  });

  test("[SB48] a body that is too large, whether it says so or not", async () => {
    const server = await start({ supabase: { limits: { maxRequestBytes: 1_000 } } });
    const body = batch(message({ payload: "x".repeat(1_000) }));
    expect(await statusOf(server, { body })).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        for (let at = 0; at < 4; at++) controller.enqueue(Buffer.from(body));
        controller.close();
      },
    });
    const asked = new Request("http://host/realtime/v1/api/broadcast", {
      method: "POST",
      headers: { apikey: "key", ...JSON_TYPE },
      body: stream,
      duplex: "half",
    } as RequestInit);
    expect((await server.realtime.fetch(asked))?.status).toBe(413);
  });

  test("[SB52] other methods and paths", async () => {
    const server = await start();
    expect(await statusOf(server, { method: "GET" })).toBe(405);
    for (const path of ["/room", "/room/events", "/room/events/said/more"])
      expect(await statusOf(server, { path })).toBe(404);
  });
});

describe("bounds", () => {
  test("[SB49] messages of an address have a rate, whatever else they are", async () => {
    const { clock, advance } = handClock();
    const server = await start({
      channels: { clock },
      supabase: { ...rooms, limits: { requestRate: 1, requestBurst: 5 } },
    });
    expect(await statusOf(server, { body: batch(message(), message(), message()) })).toBe(202);
    expect(await statusOf(server, { body: batch(message(), message(), message()) })).toBe(429);
    expect(await statusOf(server, { body: "{" })).toBe(422);
    expect(await statusOf(server)).toBe(429);
    await advance(1_000);
    expect(await statusOf(server)).toBe(202);
    expect(server.refusals.map(({ details }) => (details as { status: number }).status)).toEqual([
      429, 422, 429,
    ]);
  });

  test("[SB49] so many are under way, of all and of an address", async () => {
    const answers: ((may: boolean) => void)[] = [];
    const server = await start({
      channels: { trustedProxies: ["127.0.0.1"] },
      supabase: {
        mayWrite: () => new Promise<boolean>((resolve) => void answers.push(resolve)),
        limits: { maxRequests: 3, maxRequestsPerAddress: 2 },
      },
    });
    const from = (address: string) =>
      statusOf(server, {
        body: batch(message({ private: true })),
        headers: { "x-forwarded-for": address },
      });
    const under = [from("192.0.2.1"), from("192.0.2.1")];
    await until(() => answers.length === 2);
    expect(await from("192.0.2.1")).toBe(429);
    under.push(from("192.0.2.2"));
    await until(() => answers.length === 3);
    expect(await from("192.0.2.3")).toBe(429);
    for (const answer of answers.splice(0)) answer(true);
    expect(await Promise.all(under)).toEqual([202, 202, 202]);
    const again = from("192.0.2.1");
    await until(() => answers.length === 1);
    answers[0]!(true);
    expect(await again).toBe(202);
  });

  test("[SB53] a hook that does not answer gets 503, and nothing goes out", async () => {
    const { clock, advance, settle } = handClock();
    const signals: AbortSignal[] = [];
    const server = await start({
      channels: { clock },
      supabase: {
        mayWrite: ({ signal }) => new Promise(() => void signals.push(signal)),
        limits: { hookTimeout: 500 },
      },
    });
    const ann = await listener(server);
    const hangs = post(server, { body: batch(message(), message({ private: true })) });
    await until(() => signals.length === 1);
    await settle();
    await advance(501);
    expect((await hangs).status).toBe(503);
    expect(signals[0]!.aborted).toBe(true);
    expect(await statusOf(server)).toBe(202);
    await ann.beat();
    expect(ann.heard("broadcast")).toHaveLength(1);
  });

  test("[SB53] a hook that throws gets 500, and is reported", async () => {
    const mayWrite = (): never => {
      throw new Error("no database");
    };
    const server = await start({ supabase: { mayWrite } });
    expect(await statusOf(server, { body: batch(message({ private: true })) })).toBe(500);
    expect(server.errors).toEqual(["Error: no database"]);
  });
});
