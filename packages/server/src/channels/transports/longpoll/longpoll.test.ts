// Statuses, headers and order of what requests are answered. Time is in the hand; session.test.ts has what a session keeps.
import { describe, expect, it } from "vitest";
import { NDJSON, polled } from "../../../../test/polling.ts";
import { mountOf } from "../mount.ts";
import { longPoll } from "./longpoll.ts";
import { OLDEST, tokenOf } from "./tokens.ts";

const HEARTBEAT = '[null,"1","phoenix","heartbeat",{}]';
const ANSWERED = '[null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]';
const echo = (ref: number) => `["1","${ref}","t","echo",{"n":${ref}}]`;
const WINDOW = 10_000;

describe("a session", () => {
  it("[LP1] a first GET is answered at once: 410 with a token", async () => {
    const { get } = polled();
    const { http, status, token, text } = await get();
    expect({ http, status }).toEqual({ http: 200, status: 410 });
    expect(text).toBe(`{"messages":[],"status":410,"token":"${token}"}`);
    expect(token.length).toBeGreaterThan(40);
  });

  it("[LP2] a poll with nothing to be told ends with its window: 204 and the same token", async () => {
    const { get, begin, advance } = polled();
    const { token } = await begin();
    const polling = get({ token });
    await advance(WINDOW - 1);
    let answered = false;
    void polling.then(() => (answered = true));
    await advance(0);
    expect(answered).toBe(false);
    await advance(1);
    expect(await polling).toMatchObject({ http: 200, status: 204, token, messages: [] });
  });

  it("[LP2] the window is the mount's", async () => {
    const { get, begin, advance } = polled({ options: { longpoll: { window: 600 } } });
    const { token } = await begin();
    const polling = get({ token });
    await advance(600);
    expect((await polling).status).toBe(204);
  });

  it("[LP3] what is said before a poll is told by it: 200, each message a string", async () => {
    const { get, post, begin } = polled();
    const { token } = await begin();
    expect((await post(token, HEARTBEAT)).text).toBe('{"status":200}');
    const { status, messages, token: same } = await get({ token });
    expect({ status, same }).toEqual({ status: 200, same: token });
    expect(messages.map((text) => JSON.parse(text) as unknown)).toEqual([JSON.parse(ANSWERED)]);
  });

  it("[LP6] [LP7] a batch comes in order, whatever ends its lines", async () => {
    const { post, begin } = polled();
    const { token, socket } = await begin();
    await post(token, [echo(1), echo(2), echo(3)].join("\n"));
    await post(token, [echo(4), echo(5)].join("\r\n"));
    expect(socket.said.map(({ ref }) => ref)).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("[LP8] of too many lines the first are taken, and the operator hears of it", async () => {
    for (const [strictPhoenix, most] of [
      [false, 1_000],
      [true, 100],
    ] as const) {
      const { post, begin, refused } = polled({ host: { strictPhoenix } });
      const { token, socket } = await begin();
      const lines = Array.from({ length: most + 1 }, (_, i) => echo(i));
      expect((await post(token, lines.slice(1).join("\n"))).status).toBe(200);
      expect(refused).toEqual([]);
      expect((await post(token, lines.join("\n"))).status).toBe(200);
      expect(socket.said).toHaveLength(2 * most);
      expect(refused).toMatchObject([
        { status: 200, reason: "lines", why: expect.stringContaining(`more than ${most} messages`) },
      ]);
    }
  });

  it("[LP9] [LP10] of another content type, or of none, the body is one frame", async () => {
    const { post, begin } = polled();
    const { token, socket } = await begin();
    await post(token, echo(1), { "content-type": "application/json" });
    await post(token, echo(2), {});
    expect(socket.said.map(({ ref }) => ref)).toEqual(["1", "2"]);
  });

  it("[BI21] a line of base64 is a binary frame", async () => {
    const { post, begin } = polled();
    const { token, socket } = await begin();
    const frame = Buffer.from([0, 1, 1, 1, 4, ...Buffer.from("12tsaid"), 9, 8]);
    expect((await post(token, frame.toString("base64"))).status).toBe(200);
    expect(socket.said).toMatchObject([{ joinRef: "1", ref: "2", topic: "t", event: "said" }]);
  });

  it("[LP16] V1 is one frame a body", async () => {
    const { transport, sockets, post } = polled();
    const response = await transport.fetch(new Request("http://host/socket/longpoll?vsn=1.0.0"));
    const { token } = (await response!.json()) as { token: string };
    expect(sockets[0]!.serialiser.vsn).toBe("1.0.0");
    const body = '{"topic":"room:1","event":"phx_join","payload":{},"ref":"1"}';
    expect((await post(token, body, { "content-type": "application/json" })).status).toBe(200);
    expect(sockets[0]!.said).toMatchObject([{ topic: "room:1", event: "phx_join", ref: "1" }]);
  });

  it("[LP24] params and vsn of later requests change nothing", async () => {
    const { ask, post, begin, asked, sockets } = polled();
    const { token } = await begin({ query: "&a=1" });
    await post(token, echo(1));
    const { messages } = await ask("GET", { token, query: "&a=2&vsn=1.0.0" });
    expect(messages).toHaveLength(1);
    expect(asked.map(({ params }) => params["a"])).toEqual(["1"]);
    expect(sockets).toHaveLength(1);
  });

  it("[LP17] [LP18] without a poll for one window and a half it is over, whatever is posted", async () => {
    const { get, post, begin, advance, transport } = polled();
    const { token, socket } = await begin();
    for (const _ of [1, 2]) {
      await advance(7_000);
      expect((await post(token, HEARTBEAT)).status).toBe(200);
    }
    await advance(1_000);
    expect(socket.ends).toEqual([{ code: undefined, why: "inactive" }]);
    expect(transport.connections).toBe(0);
    expect((await post(token, HEARTBEAT)).text).toBe('{"status":410}');
    expect((await get({ token })).status).toBe(500);
  });

  it("[LP17] one that polls lives on, and dies at the latest three windows after its last poll", async () => {
    const { get, begin, advance, transport } = polled();
    const { token, socket } = await begin();
    for (let i = 0; i < 20; i++) {
      const polling = get({ token });
      await advance(WINDOW);
      expect((await polling).status).toBe(204);
      await advance(4_000);
    }
    expect(socket.ends).toEqual([]);
    await advance(3 * WINDOW - 14_000);
    expect(socket.ends).toEqual([{ code: undefined, why: "inactive" }]);
    expect(transport.connections).toBe(0);
  });

  it("[LP38] ending it answers the poll that waits with what was said before, or with 500", async () => {
    const { get, post, begin, settle } = polled();
    const { token, socket } = await begin();
    const polling = get({ token });
    await settle();
    socket.push("last", {});
    socket.connection.close(1012, "draining");
    expect(await polling).toMatchObject({ status: 200, messages: [expect.stringContaining("last")] });
    expect(socket.ends).toEqual([{ code: 1012, why: "draining" }]);
    expect((await post(token, HEARTBEAT)).status).toBe(410);
  });

  it("[LP25] [DC4] of one that ends, the poll that waits is answered 500 at once; POSTs get 410", async () => {
    const { get, post, begin, settle } = polled();
    const { token, socket } = await begin();
    const polling = get({ token });
    await settle();
    expect((await post(token, '["1","1","t","end",{}]')).status).toBe(200);
    expect((await polling).text).toBe('{"status":500}');
    expect(socket.ends).toEqual([{ code: 1012, why: "draining" }]);
    expect((await post(token, HEARTBEAT)).text).toBe('{"status":410}');
  });

  it("[LP25] strictPhoenix: the poll that waits ends with its window, 204", async () => {
    const { get, post, begin, advance, settle } = polled({ host: { strictPhoenix: true } });
    const { token, socket } = await begin();
    const polling = get({ token });
    await settle();
    socket.connection.close(1001, "disconnected");
    let answered = false;
    void polling.then(() => (answered = true));
    await advance(WINDOW - 1);
    expect(answered).toBe(false);
    expect((await post(token, HEARTBEAT)).status).toBe(410);
    await advance(1);
    expect(await polling).toMatchObject({ status: 204, token });
  });
});

describe("tokens", () => {
  it("[LP12] a POST without a session's token: 410, and nothing of it is read", async () => {
    const { post, begin, sockets } = polled();
    await begin();
    expect(await post(undefined, HEARTBEAT)).toMatchObject({ http: 200, text: '{"status":410}' });
    expect((await post("bad", HEARTBEAT)).text).toBe('{"status":410}');
    expect(sockets[0]!.said).toEqual([]);
  });

  it("[LP13] [LP54] a GET with a token that was changed hears that its session is over; again, it begins a new one", async () => {
    const { get, begin, transport } = polled();
    const { token } = await begin();
    const changed = { token: `${token.slice(0, -2)}AA` };
    expect((await get(changed)).text).toBe('{"status":500}');
    expect(transport.connections).toBe(1);
    const { status, token: other } = await get(changed);
    expect(status).toBe(410);
    expect(other).not.toBe(token);
    expect(transport.connections).toBe(2);
    expect((await get(changed)).status).toBe(500);
  });

  it("[LP54] so do a thousand others, and what is longer than a token begins at once", async () => {
    const { get, transport, host } = polled();
    const of = (node: string): string => tokenOf({ node, session: "s", issued: 0 }, host.secret);
    const tokens = Array.from({ length: 1_001 }, (_, n) => of(`t${n}`));
    for (const token of tokens) expect((await get({ token })).status).toBe(500);
    expect((await get({ token: of("t1") })).status).toBe(410);
    expect((await get({ token: of("t0") })).status).toBe(500);
    expect((await get({ token: of("x".repeat(513)) })).status).toBe(410);
    expect(transport.connections).toBe(2);
  });

  it("[LP54] an app's own token among the params ends nothing: the first GET begins a session, each time", async () => {
    const { get, asked } = polled();
    for (const token of ["t-ada", "t-ada", "another"]) expect((await get({ token })).status).toBe(410);
    expect(asked.map(({ params }) => params["token"])).toEqual(["t-ada", "t-ada", "another"]);
  });

  it("[LP13] [LP54] strictPhoenix: it begins a new session at once", async () => {
    const { get, begin, transport } = polled({ host: { strictPhoenix: true } });
    const { token } = await begin();
    expect((await get({ token: `${token.slice(0, -2)}AA` })).status).toBe(410);
    expect(transport.connections).toBe(2);
  });

  it("[LP14] [LP15] the header carries it too, and counts before the query", async () => {
    const { get, ask, begin, advance } = polled();
    const { token } = await begin();
    const header = { "x-phoenix-longpoll-token": token };
    const sent = await ask("POST", { headers: { ...NDJSON, ...header }, body: echo(1) });
    expect(sent.status).toBe(200);
    expect(await get({ headers: header })).toMatchObject({ status: 200, token });
    const polling = get({ headers: header, token: "bad" });
    await advance(WINDOW);
    expect((await polling).status).toBe(204);
    const { status } = await get({ token, headers: { "x-phoenix-longpoll-token": "bad" } });
    expect(status).toBe(410);
  });

  it("[LP29] a token of another secret, or of another node, is no session's", async () => {
    const { get, post, begin, host, sockets, refused } = polled();
    const { token } = await begin();
    const session = (JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString()) as string[])[1]!;
    const issued = host.clock.now();
    const forged = tokenOf({ node: "node-1", session, issued }, Buffer.from("another secret"));
    const elsewhere = tokenOf({ node: "node-2", session, issued }, host.secret);
    expect((await post(tokenOf({ node: "node-1", session, issued }, host.secret), HEARTBEAT)).status).toBe(
      200,
    );
    for (const other of [forged, elsewhere]) {
      expect((await post(other, HEARTBEAT)).status).toBe(410);
      expect((await get({ token: other })).status).toBe(500);
    }
    expect(sockets[0]!.said).toHaveLength(1);
    // The operator hears once of a client that goes from node to node, and not of what anybody can write.
    expect(refused).toMatchObject([
      { status: 410, reason: "elsewhere", why: expect.stringMatching(/"node-2".*"node-1".*sticky/) },
    ]);
  });

  it("[LP29] the mount's own secret signs, where it has one", async () => {
    const secret = "a secret of this mount alone, 32 b";
    const { get, begin, host, advance } = polled({ options: { longpoll: { secret } } });
    const { token } = await begin();
    const other = longPoll(host, mountOf(host, {}));
    const response = await other.fetch(new Request(`http://host/socket/longpoll?vsn=2.0.0&token=${token}`));
    expect(await response!.json()).toEqual({ status: 500 });
    const polling = get({ token });
    await advance(WINDOW);
    expect((await polling).status).toBe(204);
  });

  it("[LP30] a token of two weeks stands for nothing any more", async () => {
    const { get, post, begin, clock, advance } = polled();
    const { token } = await begin();
    clock.step(OLDEST - 1);
    expect((await post(token, HEARTBEAT)).status).toBe(200);
    clock.step(1);
    expect((await post(token, HEARTBEAT)).status).toBe(410);
    expect((await get({ token })).status).toBe(500);
    await advance(3 * WINDOW);
  });
});

describe("a POST that cannot be taken", () => {
  it("[MF22] a malformed line: 400, nothing behind it is taken, and the session lives", async () => {
    for (const bad of ["[1,", '["1","2"]', "AAAA"]) {
      const { get, post, begin, refused } = polled();
      const { token, socket } = await begin();
      const answer = await post(token, [echo(1), bad, echo(2)].join("\n"));
      expect(answer).toMatchObject({ http: 400, text: '{"status":400}' });
      expect(socket.said.map(({ ref }) => ref)).toEqual(["1"]);
      // The channels tell what is wrong with a frame.
      expect(refused).toEqual([]);
      expect(socket.ends).toEqual([]);
      expect((await post(token, echo(3))).status).toBe(200);
      expect((await get({ token })).messages).toHaveLength(2);
    }
  });

  it("[MF22] strictPhoenix: the POST is answered 408 when its window is over, and the session lives", async () => {
    const { post, begin, advance, settle } = polled({ host: { strictPhoenix: true } });
    const { token, socket } = await begin();
    const posting = post(token, [echo(1), "[1,", echo(2)].join("\n"));
    let answered = false;
    void posting.then(() => (answered = true));
    await settle();
    await advance(WINDOW - 1);
    expect(answered).toBe(false);
    await advance(1);
    expect(await posting).toMatchObject({ http: 200, text: '{"status":408}' });
    expect(socket.said.map(({ ref }) => ref)).toEqual(["1"]);
    expect(socket.ends).toEqual([]);
    expect((await post(token, echo(3))).status).toBe(200);
  });

  it("[MF23] bad base64: 400 and nothing is taken; strictPhoenix: 500; the session lives in both", async () => {
    for (const [strictPhoenix, http] of [
      [false, 400],
      [true, 500],
    ] as const) {
      const { post, begin, refused } = polled({ host: { strictPhoenix } });
      const { token, socket } = await begin();
      expect((await post(token, `${echo(1)}\n!!!`)).http).toBe(http);
      expect(refused).toMatchObject([{ status: http, reason: "malformed" }]);
      expect(socket.said).toEqual([]);
      expect((await post(token, echo(1))).status).toBe(200);
    }
  });

  it("[MF24] a body over 8 MB: 413, unread where it says its length; strictPhoenix: 500", async () => {
    for (const strictPhoenix of [false, true]) {
      const { ask, post, begin, refused } = polled({ host: { strictPhoenix } });
      const { token, socket } = await begin();
      const http = strictPhoenix ? 500 : 413;
      const long = { "content-length": "8000001" };
      expect((await ask("POST", { token, body: echo(1), headers: { ...NDJSON, ...long } })).http).toBe(http);
      expect(await post(token, `["${"x".repeat(8_000_000)}"]`)).toMatchObject({
        http,
        text: strictPhoenix ? "" : '{"status":413}',
      });
      expect(socket.said).toEqual([]);
      expect(refused).toHaveLength(2);
      expect((await post(token, echo(1))).status).toBe(200);
    }
  });

  it("[MF24] a frame over `maxFrameBytes`: 413, and the session lives", async () => {
    const { post, begin } = polled({ host: { limits: { maxFrameBytes: 100 } } });
    const { token, socket } = await begin();
    expect((await post(token, `${echo(1)}\n["${"x".repeat(100)}"]`)).http).toBe(413);
    expect(socket.said).toEqual([]);
    expect((await post(token, echo(1))).status).toBe(200);
  });

  it("[MF25] an empty line is skipped, and an empty body says nothing; strictPhoenix: it is malformed", async () => {
    const { post, begin } = polled();
    const { token, socket } = await begin();
    expect((await post(token, `${echo(1)}\n`)).status).toBe(200);
    expect((await post(token, "")).status).toBe(200);
    expect(socket.said).toHaveLength(1);
    const strict = polled({ host: { strictPhoenix: true } });
    const session = await strict.begin();
    const posting = strict.post(session.token, `${echo(1)}\n`);
    await strict.advance(WINDOW);
    expect((await posting).status).toBe(408);
    expect(session.socket.ends).toEqual([]);
  });

  it("[LP11] a charset changes nothing; strictPhoenix: the body is one frame, and malformed", async () => {
    const charset = { "content-type": "application/x-ndjson; charset=utf-8" };
    const { post, begin } = polled();
    const { token, socket } = await begin();
    expect((await post(token, `${echo(1)}\n${echo(2)}`, charset)).status).toBe(200);
    expect(socket.said).toHaveLength(2);
    const strict = polled({ host: { strictPhoenix: true } });
    const session = await strict.begin();
    const posting = strict.post(session.token, `${echo(1)}\n${echo(2)}`, charset);
    await strict.advance(WINDOW);
    expect((await posting).status).toBe(408);
  });

  it("[LP39] [LP55] a fifth POST at once of one session: 429", async () => {
    const { ask, begin, transport, refused } = polled();
    const { token } = await begin();
    const bodies = Array.from({ length: 4 }, () => new TransformStream<Uint8Array>());
    const url = `http://host/socket/longpoll?token=${token}`;
    const under = bodies.map(({ readable: body }) =>
      transport.fetch(
        new Request(url, { method: "POST", body, headers: NDJSON, duplex: "half" } as RequestInit),
      ),
    );
    expect(await ask("POST", { token, body: echo(1), headers: NDJSON })).toMatchObject({ http: 429 });
    expect(refused).toMatchObject([
      { status: 429, reason: "busy", why: expect.stringContaining("fifth POST") as unknown },
    ]);
    for (const { writable } of bodies) {
      const writer = writable.getWriter();
      void writer.write(Buffer.from(echo(1)));
      void writer.close();
    }
    for (const one of under) expect(await (await one)!.json()).toEqual({ status: 200 });
    expect((await ask("POST", { token, body: echo(2), headers: NDJSON })).status).toBe(200);
  });

  it("[LP40] [LP55] a body that does not come within 10 s: 408, and the session lives", async () => {
    const { begin, transport, advance, post, settle, refused } = polled();
    const { token } = await begin();
    const { readable } = new TransformStream<Uint8Array>();
    const url = `http://host/socket/longpoll?token=${token}`;
    const slow = transport.fetch(
      new Request(url, { method: "POST", body: readable, headers: NDJSON, duplex: "half" } as RequestInit),
    );
    await settle();
    await advance(10_000);
    expect((await slow)!.status).toBe(408);
    expect(refused).toMatchObject([{ status: 408, reason: "late" }]);
    expect((await post(token, echo(1))).status).toBe(200);
  });
});

describe("a POST", () => {
  it("[LP19] is answered when its frames were handed on, whatever they begin", async () => {
    const { post, begin } = polled({ host: { strictPhoenix: true } });
    const { token, socket } = await begin();
    expect((await post(token, `${echo(1)}\n${echo(2)}`)).status).toBe(200);
    expect(socket.said.map(({ ref }) => ref)).toEqual(["1", "2"]);
  });
});

describe("who may begin", () => {
  it("[CN13] whatever the refusal, the body says 403", async () => {
    for (const status of [401, 403, 404, 429]) {
      const { get } = polled({ host: { admit: () => ({ accepted: false, status, body: "no" }) } });
      expect(await get()).toMatchObject({ http: 200, text: '{"status":403}' });
    }
  });

  it("[LP41] a connect hook that throws, and one that rejects: 500; a server that stops: 503, which the client tries again", async () => {
    const failing = polled({
      host: { admit: () => Promise.resolve({ accepted: false, status: 500, body: "" }) },
    });
    expect(await failing.get()).toMatchObject({ http: 500, text: "" });
    const rejecting = polled({ host: { admit: () => Promise.reject(new Error("no")) } });
    expect(await rejecting.get()).toMatchObject({ http: 500 });
    expect(rejecting.errors).toHaveLength(1);
    expect((await rejecting.get()).headers.get("access-control-allow-origin")).toBe(null);
    const stopping = polled({ host: { stopping: true } });
    expect(await stopping.get()).toMatchObject({ http: 503, text: "" });
    expect(stopping.refused).toMatchObject([{ status: 503, reason: "stopping" }]);
  });

  it("[CN10] a version of the wire that nobody speaks: 403 in the body, and connect is not called", async () => {
    const { transport, asked } = polled();
    const ask = async (query: string): Promise<unknown> =>
      (await transport.fetch(new Request(`http://host/socket/longpoll${query}`)))!.json();
    for (const vsn of ["9.0.0", "2.1.0", "2", "2.0", "abc", "02.0.0", "2.0.0-rc.1"])
      expect(await ask(`?vsn=${vsn}`)).toEqual({ status: 403 });
    expect(await ask("?vsn[]=2.0.0")).toEqual({ status: 403 });
    expect(asked).toEqual([]);
    for (const query of ["", "?vsn=1.0.9", "?vsn=2.0.7", "?vsn=2.0.0%2Bb", "?vsn=9.0.0&vsn=2.0.0"])
      expect(await ask(query)).toMatchObject({ status: 410 });
    expect(asked.map(({ vsn }) => vsn)).toEqual(["1.0.0", "1.0.0", "2.0.0", "2.0.0", "2.0.0"]);
  });

  it("[CN38] the auth token comes in x-phoenix-authtoken, where the mount takes it", async () => {
    const headers = { "x-phoenix-authtoken": "tok" };
    const taking = polled({ options: { authToken: true } });
    await taking.get({ headers });
    await taking.get();
    expect(taking.asked.map(({ authToken }) => authToken)).toEqual(["tok", undefined]);
    const not = polled();
    await not.get({ headers });
    expect(not.asked[0]!.authToken).toBeUndefined();
  });

  it("[CN68] says once that a token came where the mount reads none", async () => {
    const { get, errors } = polled();
    await get();
    expect(errors).toEqual([]);
    await get({ headers: { "x-phoenix-authtoken": "tok" } });
    await get({ headers: { "x-phoenix-authtoken": "tok" } });
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining("{ authToken: true }") as string }),
    ]);
  });

  it("[LP42] a page of an origin that may not connect: 403 in the body, whatever it asks, and connect is not called", async () => {
    const { ask, asked, refused } = polled({ options: { origins: ["https://good.example"] } });
    const evil = { origin: "https://evil.example" };
    for (const method of ["GET", "OPTIONS", "POST", "DELETE"])
      expect(await ask(method, { headers: evil })).toMatchObject({ http: 200, text: '{"status":403}' });
    // Without an origin a browser sends what a page of another site embeds.
    expect((await ask("GET", { headers: { "sec-fetch-site": "cross-site" } })).text).toBe('{"status":403}');
    expect(refused.map(({ reason }) => reason)).toEqual([...Array<string>(4).fill("origin"), "cross-site"]);
    expect(asked).toEqual([]);
    expect((await ask("GET", { headers: { origin: "https://good.example" } })).status).toBe(410);
  });

  it("[LP43] one that goes while connect decides is told to the hook, and leaves no session behind", async () => {
    let letIn = (): void => undefined;
    let signal: AbortSignal | undefined;
    const { ask, transport, sockets, settle } = polled({
      host: {
        admit: (request, gone) => {
          ({ signal } = gone);
          return new Promise((resolve) => {
            letIn = () => resolve({ accepted: true, request, assigns: {}, id: undefined });
          });
        },
      },
    });
    const leaving = new AbortController();
    const asking = ask("GET", { signal: leaving.signal });
    await settle();
    expect(signal!.aborted).toBe(false);
    leaving.abort();
    expect((await asking).http).toBe(499);
    expect(signal!.aborted).toBe(true);
    letIn();
    await settle();
    expect(transport.connections).toBe(0);
    expect(sockets.map(({ ends }) => ends.length)).toEqual([1]);
  });

  it("[LP32] [LP33] another path is somebody else's, and so is all where LongPoll is off; a path of one's own has variables", async () => {
    const { transport } = polled();
    for (const path of ["/socket", "/socket/websocket", "/other/longpoll"])
      expect(await transport.fetch(new Request(`http://host${path}`))).toBeUndefined();
    const off = polled({ options: { longpoll: false } });
    expect(await off.transport.fetch(new Request("http://host/socket/longpoll"))).toBeUndefined();
    const own = polled({ options: { path: "/var/:tenant", longpoll: { path: "/poll" } } });
    const came = await own.transport.fetch(new Request("http://host/var/t9/poll?vsn=2.0.0&q=1"));
    expect(await came!.json()).toMatchObject({ status: 410 });
    expect({ ...own.asked[0]!.params }).toEqual({ vsn: "2.0.0", q: "1", tenant: "t9" });
  });
});

describe("heads", () => {
  it("[LP23] every answer in JSON may be read by any page, and is kept by no cache", async () => {
    const { get, post, begin } = polled();
    const { token } = await begin();
    const answers = [await get(), await post(token, HEARTBEAT), await post(token, "!"), await post("x", "")];
    for (const { headers } of answers) {
      expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
      expect(headers.get("access-control-allow-origin")).toBe("*");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });

  it("[LP21] other methods: 400", async () => {
    const { ask } = polled();
    for (const method of ["PUT", "DELETE", "HEAD"]) {
      const { http, headers, text } = await ask(method);
      expect({ http, text, origin: headers.get("access-control-allow-origin") }).toEqual({
        http: 400,
        text: "",
        origin: "*",
      });
    }
  });

  it("[LP22] OPTIONS: what is asked for is allowed for an hour", async () => {
    const { ask } = polled();
    const asked = { "access-control-request-headers": "content-type,x-phoenix-authtoken" };
    const { http, headers, text } = await ask("OPTIONS", { headers: asked });
    expect({ http, text }).toEqual({ http: 200, text: "" });
    expect(Object.fromEntries([...headers].filter(([name]) => name.startsWith("access")))).toEqual({
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "content-type,x-phoenix-authtoken",
      "access-control-allow-methods": "get, post, options",
      "access-control-max-age": "3600",
    });
    expect((await ask("OPTIONS")).headers.get("access-control-allow-headers")).toBe("");
  });
});

describe("the transport", () => {
  it("[LP44] [LP55] closing it ends all sessions, and answers whatever comes then with 503", async () => {
    const { get, post, begin, transport, settle, refused } = polled();
    const { token, socket } = await begin();
    const polling = get({ token });
    await settle();
    await transport.close();
    expect((await polling).status).toBe(500);
    expect(socket.ends).toEqual([{ code: 1001, why: "closing" }]);
    expect((await get()).http).toBe(503);
    expect((await post(token, HEARTBEAT)).http).toBe(503);
    expect(refused.map(({ status, reason }) => [status, reason])).toEqual([
      [503, "stopping"],
      [503, "stopping"],
    ]);
    expect(transport.connections).toBe(0);
  });

  it("[LP44] strictPhoenix: a poll and a POST that wait are answered as it closes", async () => {
    const { get, post, begin, transport, settle } = polled({ host: { strictPhoenix: true } });
    const [one, two] = [await begin(), await begin()];
    const polling = get({ token: one.token });
    const posting = post(two.token, "[1,");
    await settle();
    await transport.close();
    expect([(await polling).status, (await posting).status]).toEqual([204, 408]);
  });

  it("[LP52] a window that is no time, and a secret that can be guessed, are refused with the cure", () => {
    for (const window of [0, -1, Number.NaN, Infinity, 3_600_001])
      expect(() => polled({ options: { longpoll: { window } } })).toThrow("longpoll.window must be");
    expect(() => polled({ options: { longpoll: { secret: "short" } } })).toThrow(/guessed.*32 bytes/);
    expect(() => polled({ options: { longpoll: { window: 600 } } })).not.toThrow();
  });

  it("[LP53] a session that the channels close as it is wired in was none: 503, which the client tries again", async () => {
    const { get, transport } = polled({
      host: {
        connect({ connection }) {
          connection.close(1013, "too-many-connections");
          return {
            incoming: () => undefined,
            received: () => undefined,
            disconnect: (code, why) => void ends.push([code, why]),
            drained: () => undefined,
          };
        },
      },
    });
    const ends: unknown[] = [];
    expect(await get()).toMatchObject({ http: 503, text: "" });
    expect(ends).toHaveLength(1);
    expect(transport.connections).toBe(0);
  });

  it("[LP45] channels that throw as a session is wired in cost that request, and are reported", async () => {
    const { get, errors, transport } = polled({
      host: {
        connect: () => {
          throw new Error("no room");
        },
      },
    });
    expect((await get()).http).toBe(500);
    expect(errors).toHaveLength(1);
    expect(transport.connections).toBe(0);
  });
});
