// Over real sockets on loopback with a client that is bytes, against channels in the hand.
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clientFrame, RawWebSocket } from "../../../test/raw-websocket.ts";
import type { RawRequest } from "../../../test/raw-websocket.ts";
import { accepted, StubChannels } from "../../../test/stub-channels.ts";
import type { StubConnection } from "../../../test/stub-channels.ts";
import { handClock } from "../../../test/wired.ts";
import type { Admission } from "../engine/host.ts";
import { mountOf } from "./mount.ts";
import type { PhoenixOptions } from "./mount.ts";
import { phoenixWebSocket } from "./phoenix-websocket.ts";
import type { PhoenixWebSocket, WebSocketMount } from "./phoenix-websocket.ts";

let http: Server;
let hand: ReturnType<typeof handClock>;
let channels: StubChannels;
let mounts: PhoenixWebSocket[];
let raws: RawWebSocket[];

function mount(options: PhoenixOptions = {}): PhoenixWebSocket {
  const one = phoenixWebSocket(channels, mountOf(channels, options) as WebSocketMount, http);
  mounts.push(one);
  return one;
}
const GOOD = "/socket/websocket?vsn=2.0.0";
function dial(path = GOOD, request: Omit<RawRequest, "path"> = {}): RawWebSocket {
  const raw = new RawWebSocket((http.address() as AddressInfo).port, { path, ...request });
  raws.push(raw);
  return raw;
}
const offering = (...protocols: string[]) => ({
  headers: { "Sec-WebSocket-Protocol": protocols.join(", ") },
});
/** Status, body and subprotocol of the answer. */
async function answer(raw: RawWebSocket): Promise<[number | undefined, string, string | undefined]> {
  const { status, body, headers } = await raw.head();
  return [status, body, headers.get("sec-websocket-protocol")];
}
const status = async (path?: string, request?: Omit<RawRequest, "path">): Promise<number | undefined> =>
  (await dial(path, request).head()).status;
async function until(holds: () => boolean): Promise<void> {
  // By time: on a busy machine many turns pass before a socket has anything.
  const late = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > late) throw new Error("It never came to that.");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
/** A client and its connection. */
async function pair(
  path?: string,
  request?: Omit<RawRequest, "path">,
): Promise<{ raw: RawWebSocket; one: StubConnection }> {
  const before = channels.connections.length;
  const raw = dial(path, request);
  expect((await raw.head()).status).toBe(101);
  await until(() => channels.connections.length > before);
  return { raw, one: channels.connections[before] as StubConnection };
}

beforeEach(async () => {
  http = createServer((request, response) => {
    if (!mounts.some((one) => one.handle(request, response))) response.writeHead(404).end("nf");
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  hand = handClock();
  channels = new StubChannels(hand);
  mounts = [];
  raws = [];
});
afterEach(async () => {
  for (const raw of raws) raw.socket.destroy();
  await Promise.all(mounts.map((one) => one.close()));
  http.closeAllConnections();
  await new Promise((done) => http.close(done));
});

describe("what connect is asked, and answers", () => {
  test("[CN9] [CN16] [CN17] [CN27] it gets params, headers, address, version", async () => {
    mount();
    await pair("/socket/websocket?vsn=1.0.0&a[b]=c&x=%zz&vsn=2.0.0&", {
      headers: { "X-One": "1", "User-Agent": "ua/1" },
    });
    expect(channels.asked).toMatchObject([
      {
        params: { vsn: "2.0.0", a: { b: "c" }, x: "%zz" },
        transport: "websocket",
        vsn: "2.0.0",
        authToken: undefined,
        remoteAddress: "127.0.0.1",
        url: "/socket/websocket?vsn=1.0.0&a[b]=c&x=%zz&vsn=2.0.0&",
        headers: { "x-one": "1", "user-agent": "ua/1" },
      },
    ]);
    expect(channels.connections[0]?.serialiser.vsn).toBe("2.0.0");
    await pair("/socket/websocket");
    expect(channels.connections[1]?.serialiser.vsn).toBe("1.0.0");
  });

  test("[CN11] [CN12] a refusal is the hook's status and body; it may take its time", async () => {
    mount();
    const answers: (() => Admission | Promise<Admission>)[] = [
      () => ({ accepted: false, status: 403, body: "" }),
      () => ({ accepted: false, status: 429, body: "too many" }),
      () => Promise.resolve({ accepted: false, status: 401, body: "no" }),
    ];
    for (const decide of answers) {
      channels.decide = decide;
      await answer(dial()).then(([code, body]) => expect([code, body]).toEqual(expectedOf(decide)));
    }
    function expectedOf(decide: () => unknown): readonly [number, string] {
      return [
        [403, ""],
        [429, "too many"],
        [401, "no"],
      ][answers.indexOf(decide as (typeof answers)[number])] as [number, string];
    }
    expect(channels.connections).toEqual([]);
    expect(channels.refusals.map(({ status: code, reason }) => [code, reason])).toEqual([
      [403, "connect"],
      [429, "connect"],
      [401, "connect"],
    ]);
  });

  test("[CN14] an admission that fails is 500, and is reported; others come in", async () => {
    mount();
    channels.decide = () => Promise.reject(new Error("oops"));
    expect(await status()).toBe(500);
    expect(channels.errors).toMatchObject([{ message: "oops" }]);
    channels.decide = (request) => accepted(request);
    expect(await status()).toBe(101);
  });

  test("[CN60] channels that throw at a connection lose that connection only", async () => {
    mount();
    channels.connecting = () => {
      throw new Error("oops");
    };
    const raw = dial();
    expect(await raw.frame()).toEqual([8, 1011]);
    expect(channels.errors).toMatchObject([{ message: "oops" }]);
    channels.connecting = () => undefined;
    await pair();
  });

  test("[CN61] who waits for connect and goes is told to the hook; its bytes meanwhile are not lost", async () => {
    const one = mount();
    let accept: (() => void) | undefined;
    channels.decide = (request) => new Promise((resolve) => (accept = () => resolve(accepted(request))));
    const gone = dial();
    await until(() => channels.signals.length === 1);
    gone.socket.destroy();
    await until(() => channels.signals[0]?.aborted === true);
    const patient = dial(GOOD, { behind: clientFrame(0x81, "first") });
    await until(() => channels.signals.length === 2);
    patient.socket.write(clientFrame(0x81, "second"));
    await hand.settle();
    accept?.();
    await until(() => channels.connections[0]?.heard.length === 2);
    expect(channels.connections[0]?.heard).toEqual(["first", "second"]);
    expect([channels.signals[1]?.aborted, one.connections]).toEqual([false, 1]);
    expect(channels.refusals).toMatchObject([{ status: 503, reason: "gone" }]);
  });

  test("[CN15] [CN66] nobody is asked for a bad version, origin, host or subprotocol", async () => {
    mount({ origins: ["https://good.example"], subprotocols: ["one"] });
    expect(await answer(dial("/socket/websocket?vsn=3.0.0"))).toEqual([403, "", undefined]);
    expect(await answer(dial("/socket/websocket?vsn[]=2.0.0"))).toEqual([403, "", undefined]);
    expect(await answer(dial(GOOD, { headers: { Origin: "https://evil.example" } }))).toEqual([
      403,
      "",
      undefined,
    ]);
    expect(await answer(dial(GOOD, offering("x")))).toEqual([403, "", undefined]);
    channels.hostRefusal = () => "Not by this name.";
    expect(await answer(dial())).toEqual([403, "", undefined]);
    expect(channels.asked).toEqual([]);
    expect(channels.refusals).toMatchObject(
      ["vsn", "vsn", "origin", "subprotocol", "host"].map((reason) => ({ reason })),
    );
    expect(channels.refusals.every(({ request }) => request.url === "/socket/websocket")).toBe(true);
  });

  test("[CN62] channels that stop take nobody, 503, and a mount that closes ends those it has with 1001", async () => {
    const one = mount();
    const { raw, one: connection } = await pair();
    channels.stopping = true;
    expect(await status()).toBe(503);
    channels.stopping = false;
    channels.decide = (request) => {
      channels.stopping = true;
      return Promise.resolve(accepted(request));
    };
    expect(await status()).toBe(503);
    expect(channels.connections).toHaveLength(1);
    channels.stopping = false;
    await Promise.all([
      one.close(),
      raw.frame().then((frame) => {
        expect(frame).toEqual([8, 1001]);
        raw.socket.write(clientFrame(0x88, new Uint8Array([3, 233])));
      }),
    ]);
    expect(connection.ends).toEqual([[1001, ""]]);
  });
});

describe("paths", () => {
  test("[CN18] variables of the path are params", async () => {
    mount({ path: "/var/:tenant", websocket: { path: "/custom/:more" } });
    await pair("/var/t1/custom/m1?vsn=2.0.0&q=1&tenant=other");
    expect(channels.asked[0]?.params).toEqual({ vsn: "2.0.0", q: "1", tenant: "t1", more: "m1" });
  });

  test("[CN19] [CN20] [CN21] its own path with or without a slash behind it, and no other", async () => {
    mount({ websocket: { path: "/ws" } });
    const codes: unknown[] = [];
    for (const path of ["/socket/ws", "/socket/ws/", "/socket/websocket", "/socket", "/nosuch/websocket"])
      codes.push(await status(`${path}?vsn=2.0.0`));
    expect(codes).toEqual([101, 101, 404, 404, 404]);
  });

  test("[CN28] several mounts stand side by side, each with its own rules", async () => {
    mount({ subprotocols: ["one"] });
    mount({ path: "/socket/admin", authToken: true });
    expect(await answer(dial("/socket/websocket?vsn=2.0.0", offering("one")))).toEqual([101, "", "one"]);
    expect(await answer(dial("/socket/admin/websocket?vsn=2.0.0", offering("phoenix")))).toEqual([
      101,
      "",
      "phoenix",
    ]);
    expect(await answer(dial("/socket/admin/websocket?vsn=2.0.0", offering("one")))).toEqual([
      403,
      "",
      undefined,
    ]);
    expect(await status("/socket/other/websocket?vsn=2.0.0")).toBe(404);
  });
});

describe("requests that are no handshake", () => {
  const plain = { headers: { Upgrade: undefined, Connection: "close" } };

  test("[CN22] other methods get 400 and ask nobody", async () => {
    mount();
    for (const method of ["POST", "PUT", "HEAD", "OPTIONS"]) {
      expect(await answer(dial(GOOD, { ...plain, method }))).toEqual([400, "", undefined]);
      expect(await answer(dial(GOOD, { method }))).toEqual([400, "", undefined]);
    }
    expect(channels.asked).toEqual([]);
  });

  test("[CN23] a GET without upgrade is 400 if connect accepts, and connect's status if it does not", async () => {
    mount();
    expect(await answer(dial(GOOD, plain))).toEqual([
      400,
      "The Connection header must say Upgrade.",
      undefined,
    ]);
    expect(channels.signals[0]?.aborted).toBe(true);
    channels.decide = () => Promise.resolve({ accepted: false, status: 403, body: "" });
    expect(await answer(dial(GOOD, plain))).toEqual([403, "", undefined]);
    expect(channels.connections).toEqual([]);
  });

  test("[CN24] [CN25] a wrong version, key or upgrade is 400 after connect, and the hook's signal aborts", async () => {
    mount();
    for (const headers of [
      { "Sec-WebSocket-Version": "8" },
      { "Sec-WebSocket-Version": undefined },
      { "Sec-WebSocket-Key": undefined },
      { "Sec-WebSocket-Key": "short" },
      { Upgrade: "h2c" },
    ])
      expect(await status(GOOD, { headers })).toBe(400);
    expect(channels.asked).toHaveLength(5);
    expect(channels.signals.every(({ aborted }) => aborted)).toBe(true);
    expect(channels.connections).toEqual([]);
    expect(channels.refusals.map(({ reason }) => reason)).toEqual(Array(5).fill("handshake"));
  });

  test("[CN63] a good upgrade request that nobody hands on is 400, and the operator is told once", async () => {
    await mount().close();
    mounts = [phoenixWebSocket(channels, mountOf(channels, {}) as WebSocketMount, undefined)];
    for (const _ of [1, 2]) expect(await status()).toBe(400);
    expect(channels.errors).toMatchObject([
      { code: "transport", message: expect.stringContaining("handleUpgrade") },
    ]);
  });

  test("[CN26] compression is not taken up", async () => {
    mount();
    const { headers } = await dial(GOOD, {
      headers: { "Sec-WebSocket-Extensions": "permessage-deflate" },
    }).head();
    expect([headers.get("upgrade"), headers.get("sec-websocket-extensions")]).toEqual([
      "websocket",
      undefined,
    ]);
  });
});

describe("tokens and subprotocols", () => {
  const TOKEN = "base64url.bearer.phx.c2VjcmV0LnRva37DqT8";

  test.each([
    [["phoenix", TOKEN], [101, "phoenix"], "secret.tok~é?"],
    [[TOKEN, "phoenix"], [101, "phoenix"], "secret.tok~é?"],
    [[TOKEN], [101, undefined], "secret.tok~é?"],
    [["phoenix"], [101, "phoenix"], undefined],
    [["phoenix", TOKEN, "base64url.bearer.phx.YQ"], [101, "phoenix"], undefined],
    [["phoenix", "base64url.bearer.phx."], [101, "phoenix"], ""],
    [["phoenix", "base64url.bearer.phx.Pz8/"], [101, "phoenix"], "???"],
  ])("[CN30] [CN31] [CN32] [CN33] [CN35] with authToken, %j", async (offered, [code, protocol], token) => {
    mount({ authToken: true });
    expect(await answer(dial(GOOD, offering(...offered)))).toEqual([code, "", protocol]);
    expect(channels.asked.map(({ authToken }) => authToken)).toEqual([token]);
    if (token !== undefined) expect(JSON.stringify(channels.asked)).not.toContain("base64url");
  });

  test("[CN33] [CN41] no header is no token", async () => {
    mount({ authToken: true });
    expect(await answer(dial())).toEqual([101, "", undefined]);
    expect(channels.asked[0]?.authToken).toBe(undefined);
  });

  test("[CN34] [CN66] a token that cannot be read is 400, as Phoenix 500; it stands in no record", async () => {
    mount({ authToken: true });
    expect(await status(GOOD, offering("phoenix", "base64url.bearer.phx.!!!"))).toBe(400);
    channels.strictPhoenix = true;
    expect(await status(GOOD, offering("phoenix", "base64url.bearer.phx.!!!"))).toBe(500);
    expect(channels.asked).toEqual([]);
    expect(channels.refusals.map(({ reason }) => reason)).toEqual(["token", "token"]);
    expect(JSON.stringify(channels.refusals)).not.toContain("!!!");
  });

  test("[CN36] another protocol alone is 403", async () => {
    mount({ authToken: true });
    expect(await answer(dial(GOOD, offering("other")))).toEqual([403, "", undefined]);
  });

  test("[CN37] without authToken and subprotocols the header is ignored, and nothing is answered", async () => {
    mount();
    expect(await answer(dial(GOOD, offering("phoenix", TOKEN)))).toEqual([101, "", undefined]);
    expect(await answer(dial(GOOD, offering("not a, token/", "a", "a")))).toEqual([101, "", undefined]);
    expect(channels.asked[0]?.authToken).toBe(undefined);
  });

  test("[CN39] [CN40] [CN41] of the mount's subprotocols the first that was offered", async () => {
    mount({ subprotocols: ["one", "two"] });
    expect(await answer(dial(GOOD, offering("two", "one")))).toEqual([101, "", "one"]);
    expect(await answer(dial(GOOD, offering("x", "two")))).toEqual([101, "", "two"]);
    expect(await answer(dial(GOOD, offering("x")))).toEqual([403, "", undefined]);
    expect(await answer(dial())).toEqual([101, "", undefined]);
  });
});

describe("origins", () => {
  const from = (origin: string, host = "app.example") => ({ headers: { Origin: origin, Host: host } });

  test("[CN50] [CN51] [CN52] [CN56] no origin and the same are let in, others and junk are not", async () => {
    mount({ origins: "same-origin" });
    expect(await status()).toBe(101);
    expect(await status(GOOD, from("https://app.example"))).toBe(101);
    for (const origin of ["https://other.example", "null", "", "app.example"])
      expect([origin, await answer(dial(GOOD, from(origin)))]).toEqual([origin, [403, "", undefined]]);
  });

  test("[CN53] [CN54] [CN55] a list, with wildcards, and the case of hosts as Phoenix has it", async () => {
    mount({ origins: ["https://good.example", "//*.wild.example"] });
    const codes = async (): Promise<unknown[]> => {
      const all: unknown[] = [];
      for (const origin of [
        "https://good.example",
        "http://good.example",
        "https://good.example:8443",
        "http://a.b.wild.example:99",
        "https://wild.example",
        "https://evilwild.example",
        "https://GOOD.example",
        "https://good.example/path",
      ])
        all.push(await status(GOOD, from(origin)));
      return all;
    };
    expect(await codes()).toEqual([101, 403, 403, 101, 101, 403, 101, 403]);
    channels.strictPhoenix = true;
    expect(await codes()).toEqual([101, 403, 403, 101, 101, 403, 403, 101]);
  });

  test("[CN57] [CN58] a function decides, and any is any; without one it is the channels'", async () => {
    mount({ origins: (origin) => origin === "https://odd.example" });
    mount({ path: "/any", origins: "any" });
    mount({ path: "/theirs" });
    channels.allowsOrigin = () => false;
    expect(await status(GOOD, from("https://odd.example"))).toBe(101);
    expect(await status()).toBe(403);
    expect(await status("/any/websocket", from("null"))).toBe(101);
    expect(await status("/theirs/websocket")).toBe(403);
  });
});

describe("frames", () => {
  const text = (content: string): Buffer => clientFrame(0x81, content);

  test("[MF14] [MF20] [MF21] fragments come whole, pings between them are answered, and two in a packet keep their order", async () => {
    mount();
    const { raw, one } = await pair();
    raw.socket.write(
      Buffer.concat([clientFrame(0x01, "ab"), clientFrame(0x89, "p"), clientFrame(0x80, "cd")]),
    );
    expect(await raw.frame()).toEqual([10, "p"]);
    raw.socket.write(Buffer.concat([text("one"), text("two"), clientFrame(0x8a, "unasked"), text("three")]));
    await until(() => one.heard.length === 4);
    expect(one.heard).toEqual(["abcd", "one", "two", "three"]);
    expect(one.bytes).toBeGreaterThan(0);
  });

  test("[CN64] a frame in the packet of the upgrade is heard", async () => {
    mount();
    const { one } = await pair(GOOD, { behind: text("early") });
    await until(() => one.heard.length === 1);
    expect(one.heard).toEqual(["early"]);
  });

  test.each([
    ["unmasked", Buffer.from([0x81, 1, 0x61]), 1002],
    ["RSV", clientFrame(0xc1, "x"), 1002],
    ["opcode 3", clientFrame(0x83, "x"), 1002],
    ["orphan continuation", clientFrame(0x80, "x"), 1002],
    ["text that is no UTF-8", clientFrame(0x81, new Uint8Array([0x22, 0xff, 0x22])), 1007],
    ["a frame over the limit", clientFrame(0x81, "x".repeat(1_001)), 1009],
    ["close 1000", clientFrame(0x88, new Uint8Array([3, 232])), 1000],
    ["close without a code", clientFrame(0x88), 1000],
    ["close 3000 with a reason", clientFrame(0x88, new Uint8Array([11, 184, 98, 121, 101])), 1000],
    ["close 1001", clientFrame(0x88, new Uint8Array([3, 233])), 1000],
    ["close 1005", clientFrame(0x88, new Uint8Array([3, 237])), 1002],
  ])("[MF15] [MF16] [MF17] [MF19] %s is answered by its code", async (_, frame, code) => {
    mount({ websocket: { maxFrameBytes: 1_000 } });
    const { raw, one } = await pair();
    raw.socket.write(frame);
    expect(await raw.frame()).toEqual([8, code]);
    raw.socket.end();
    await until(() => one.ends.length === 1);
    expect(one.heard).toEqual([]);
    const { one: other, raw: otherRaw } = await pair();
    otherRaw.socket.write(text("x".repeat(1_000)));
    await until(() => other.heard.length === 1);
  });

  test("[MF17] the limit is the channels' where the mount has none", async () => {
    channels.limits = { maxFrameBytes: 10 };
    mount();
    const { raw } = await pair();
    raw.socket.write(text("x".repeat(11)));
    expect(await raw.frame()).toEqual([8, 1009]);
  });

  test("[MF19] what the channels close with is what is said", async () => {
    mount();
    const { raw, one } = await pair();
    one.connection.close(1012, "draining");
    expect(await raw.frame()).toEqual([8, 1012]);
  });
});

describe("idling", () => {
  test("[HB6] [HB10] who says nothing for the timeout is told 1001, and its channels hear of the heartbeat", async () => {
    mount({ websocket: { timeout: 1_500 } });
    const { raw, one } = await pair();
    const { raw: talker, one: other } = await pair();
    await hand.advance(1_400);
    talker.socket.write(clientFrame(0x81, "x"));
    await until(() => other.heard.length === 1);
    expect(one.ends).toEqual([]);
    await hand.advance(150);
    expect(await raw.frame()).toEqual([8, 1001]);
    expect(one.ends[0]).toEqual([1001, "heartbeat"]);
    expect(other.ends).toEqual([]);
  });

  test("[HB6] the timeout is a minute unless said otherwise", async () => {
    mount();
    const { one } = await pair();
    await hand.advance(59_999);
    expect(one.ends).toEqual([]);
    await hand.advance(2_000);
    expect(one.ends[0]).toEqual([1001, "heartbeat"]);
  });

  test.each([
    ["a message", clientFrame(0x81, "x")],
    ["a ping", clientFrame(0x89, "x")],
    ["a pong", clientFrame(0x8a, "x")],
    ["a part of a message", clientFrame(0x01, "")],
  ])("[HB7] [HB8] %s keeps it", async (what, frame) => {
    mount({ websocket: { timeout: 1_500 } });
    const { raw, one } = await pair();
    for (let said = 0; said < 5; said++) {
      await hand.advance(1_000);
      const before = one.bytes;
      raw.socket.write(said > 0 && what === "a part of a message" ? clientFrame(0x00, "") : frame);
      await until(() => one.bytes > before);
    }
    expect(one.ends).toEqual([]);
    await hand.advance(1_600);
    expect(one.ends[0]).toEqual([1001, "heartbeat"]);
  });

  test("[HB9] what the server says does not keep it", async () => {
    mount({ websocket: { timeout: 1_500 } });
    const { raw, one } = await pair();
    for (let said = 0; said < 3; said++) {
      await hand.advance(500);
      one.say(`${said}`);
      expect(await raw.frame(said)).toEqual([1, `${said}`]);
    }
    await hand.advance(50);
    expect(await raw.frame(3)).toEqual([8, 1001]);
  });

  test("[HB12] a timeout that is none is refused when the mount is made", () => {
    for (const timeout of [0, -1, Number.NaN])
      expect(() => mount({ websocket: { timeout } })).toThrow(expect.objectContaining({ code: "transport" }));
  });
});
