// Over real sockets on loopback, with a policy in the hand and a clock that stands still until it is told.
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clientFrame, RawWebSocket } from "../../../test/raw-websocket.ts";
import type { RawRequest } from "../../../test/raw-websocket.ts";
import { handClock } from "../../../test/wired.ts";
import { pathOf } from "../node-request.ts";
import type { UpgradeState } from "./pending-upgrade.ts";
import { UpgradeServer } from "./upgrade-server.ts";
import type { UpgradePolicy, UpgradeSettings, Verdict } from "./upgrade-server.ts";

let http: Server;
let hand: ReturnType<typeof handClock>;
let servers: UpgradeServer[];
let raws: RawWebSocket[];
/** What connections heard, and how they ended. */
let heard: (string | Uint8Array)[];
let told: string[];

const enter = (protocol?: string): Verdict => ({
  kind: "enter",
  protocol,
  connect: (connection) => ({
    incoming: (data) => {
      heard.push(data);
      const bytes = Buffer.from(`heard ${data.toString().slice(0, 20)}`);
      connection.send({ bytes, text: true });
    },
    disconnect: (code) => void told.push(`ended ${code}`),
    drained: () => undefined,
  }),
  failed: () => undefined,
});

/** A verdict that is there when it is said. */
class Waiting {
  readonly state: UpgradeState;
  readonly aborted: boolean[] = [];
  resolve: (verdict: Verdict) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;
  readonly promise: Promise<Verdict>;
  constructor(state: UpgradeState) {
    this.state = state;
    state.signal.addEventListener("abort", () => this.aborted.push(true));
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
let waiting: Waiting[];

function serve(policy: Partial<UpgradePolicy> = {}, settings: Partial<UpgradeSettings> = {}): UpgradeServer {
  const place = policy.place ?? "/ws";
  const server = new UpgradeServer(
    {
      verdict: (message, state) => {
        if (pathOf(message) !== place) return undefined;
        const one = new Waiting(state);
        waiting.push(one);
        return one.promise;
      },
      gaveUp: (_, why) => {
        told.push(why);
        return { kind: "answer", status: 503, text: `Gave up: ${why}.` };
      },
      ...policy,
      place,
    },
    { httpServer: http, clock: hand.clock, maxFrameBytes: 100_000, pingInterval: Infinity, ...settings },
  );
  servers.push(server);
  return server;
}
function dial(request: RawRequest = {}): RawWebSocket {
  const raw = new RawWebSocket((http.address() as AddressInfo).port, { path: "/ws", ...request });
  raws.push(raw);
  return raw;
}
/** Turns of the event loop until it holds; the sockets are real. */
async function until(holds: () => boolean): Promise<void> {
  // By time: on a busy machine many turns pass before a socket has anything.
  const late = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > late) throw new Error("It never came to that.");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
/** The n-th that waits. */
async function waiter(n = 0): Promise<Waiting> {
  await until(() => waiting.length > n);
  return waiting[n] as Waiting;
}

beforeEach(async () => {
  http = createServer((_, response) => response.end("http"));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  hand = handClock();
  servers = [];
  raws = [];
  heard = [];
  told = [];
  waiting = [];
});
afterEach(async () => {
  for (const raw of raws) raw.socket.destroy();
  await Promise.all(servers.map((server) => server.close()));
  http.closeAllConnections();
  await new Promise((done) => http.close(done));
});

describe("a verdict that is a promise", () => {
  test("[TR20] the handshake is answered when it is there, with its subprotocol, and nothing said meanwhile is lost", async () => {
    const server = serve();
    const raw = dial({
      headers: { "Sec-WebSocket-Protocol": "a, b" },
      behind: Buffer.concat([clientFrame(0x81, "with it"), clientFrame(0x81, "cut").subarray(0, 3)]),
    });
    const one = await waiter();
    raw.socket.write(clientFrame(0x81, "cut").subarray(3));
    raw.socket.write(clientFrame(0x81, "behind it"));
    await hand.settle();
    expect(server.pending).toBe(1);
    expect(raw.socket.bytesRead).toBe(0);
    one.resolve(enter("b"));
    const { status, headers } = await raw.head();
    expect([status, headers.get("sec-websocket-protocol")]).toEqual([101, "b"]);
    raw.socket.write(clientFrame(0x81, "after it"));
    expect(await raw.frame(3)).toEqual([1, "heard after it"]);
    expect(heard).toEqual(["with it", "cut", "behind it", "after it"]);
    expect([server.pending, server.connections]).toEqual([0, 1]);
    expect(one.aborted).toEqual([]);
  });

  test("[TR20] a peer that says much meanwhile is not read on, and all of it is heard", async () => {
    serve();
    const raw = dial();
    const one = await waiter();
    const large = clientFrame(0x82, new Uint8Array(90_000));
    for (let sent = 0; sent < 100; sent++) raw.socket.write(large);
    await hand.settle();
    // 9 MB are more than the system's buffers take: the rest does not leave, however long one looks.
    let [left, same] = [0, 0];
    await until(() => {
      same = raw.socket.writableLength === left ? same + 1 : 0;
      left = raw.socket.writableLength;
      return same > 500;
    });
    expect(left).toBeGreaterThan(0);
    one.resolve(enter());
    await until(() => heard.length === 100);
    expect(heard.every((data) => data.length === 90_000)).toBe(true);
  });

  test("[TR20] a refusal is an HTTP answer with its status and text", async () => {
    serve();
    const raw = dial({ behind: clientFrame(0x81, "early") });
    (await waiter()).resolve({ kind: "answer", status: 429, text: "too many" });
    const { status, body, headers } = await raw.head();
    expect([status, body, headers.get("upgrade")]).toEqual([429, "too many", undefined]);
    await raw.ended();
    expect(heard).toEqual([]);
  });

  test("[TR21] a peer that goes meanwhile is forgotten at once, and the policy is told", async () => {
    const server = serve();
    for (const [n, leave] of (["end", "destroy", "resetAndDestroy"] as const).entries()) {
      const raw = dial({ behind: clientFrame(0x81, "early") });
      const one = await waiter(n);
      raw.socket[leave]();
      await until(() => one.aborted.length > 0);
      expect([server.pending, told[n]]).toEqual([0, "gone"]);
      one.resolve(enter());
      await hand.settle();
      expect([server.connections, heard]).toEqual([0, []]);
    }
    expect(told).toEqual(["gone", "gone", "gone"]);
  });

  test("[TR21] a verdict that does not come gets 503 after 20 seconds; what comes later changes nothing", async () => {
    const server = serve();
    const raw = dial();
    const one = await waiter();
    await hand.advance(19_999);
    expect([server.pending, one.aborted]).toEqual([1, []]);
    await hand.advance(1);
    expect((await raw.head()).status).toBe(503);
    await raw.ended();
    expect([server.pending, one.aborted, told]).toEqual([0, [true], ["late"]]);
    one.resolve(enter());
    await hand.settle();
    expect(server.connections).toBe(0);
  });

  test("[TR21] a verdict that rejects is an answer, and no other request notices", async () => {
    serve();
    const [raw, other] = [dial(), dial()];
    (await waiter(0)).reject(new Error("oops"));
    await waiter(1);
    waiting[1]?.resolve(enter());
    const statuses = [(await raw.head()).status, (await other.head()).status];
    expect(statuses.toSorted()).toEqual([101, 503]);
    expect(told).toEqual(["failed"]);
  });

  test("[TR21] so many may wait; the next is told so to the policy", async () => {
    const full: boolean[] = [];
    const server = serve(
      {
        verdict: (_, state) => {
          full.push(state.full);
          if (state.full) return { kind: "answer", status: 503, text: "full" };
          return new Promise(() => undefined);
        },
      },
      { maxPending: 2 },
    );
    dial();
    dial();
    await until(() => server.pending === 2);
    expect((await dial().head()).status).toBe(503);
    raws[0]?.socket.destroy();
    await until(() => server.pending === 1);
    dial();
    await until(() => server.pending === 2);
    expect(full).toEqual([false, false, true, false]);
  });

  test("[TR16] [TR21] a server that closes answers those who wait", async () => {
    const server = serve();
    const raw = dial();
    const one = await waiter();
    await server.close();
    expect(await raw.head()).toMatchObject({ status: 503, body: "Gave up: closing." });
    expect([server.pending, one.aborted]).toEqual([0, [true]]);
  });

  test("[TR21] hands that cannot be shaken after all end the policy's wait", async () => {
    const server = serve();
    const raw = dial({ headers: { "Sec-WebSocket-Key": undefined } });
    const one = await waiter();
    one.resolve(enter());
    expect((await raw.head()).status).toBe(400);
    expect([server.connections, one.aborted]).toEqual([0, [true]]);
  });
});

describe("several on one http server", () => {
  const taking = (place: string, name: string): Partial<UpgradePolicy> => ({
    place,
    verdict: (message) => (pathOf(message) === place ? enter(name) : undefined),
    missed: (message) => void told.push(`${name} missed ${pathOf(message)}`),
  });
  const protocol = async (path: string): Promise<string | undefined> =>
    (await dial({ path, headers: { "Sec-WebSocket-Protocol": "a, b, c" } }).head()).headers.get(
      "sec-websocket-protocol",
    );

  test("[TR22] each has its own paths; of two at one path the first", async () => {
    serve(taking("/a", "a"));
    serve(taking("/b", "b"));
    serve(taking("/a", "c"));
    expect([await protocol("/a"), await protocol("/b")]).toEqual(["a", "b"]);
    expect(http.listenerCount("upgrade")).toBe(1);
    expect(told).toEqual([]);
  });

  test("[TR22] a path that is nobody's gets one answer that names all, and each is told", async () => {
    const [a] = [serve(taking("/a", "a")), serve(taking("/b", "b"))];
    expect(await dial({ path: "/c" }).head()).toMatchObject({
      status: 404,
      body: "WebSockets are at /a and /b.",
    });
    expect(told).toEqual(["a missed /c", "b missed /c"]);
    await a.close();
    expect(await dial({ path: "/a" }).head()).toMatchObject({ status: 404, body: "WebSockets are at /b." });
  });

  test("[TR22] where others listen too, a path that is nobody's is theirs", async () => {
    serve(taking("/a", "a"));
    http.on("upgrade", (request: IncomingMessage, socket) => {
      if (request.url !== "/a") socket.end("HTTP/1.1 418 Teapot\r\n\r\n");
    });
    serve(taking("/b", "b"));
    expect((await dial({ path: "/c" }).head()).status).toBe(418);
    expect(await protocol("/a")).toBe("a");
    expect(told).toEqual([]);
  });

  test("[TR22] the last that closes listens no more, and the next begins anew", async () => {
    const both = [serve(taking("/a", "a")), serve(taking("/b", "b"))];
    for (const server of both) await server.close();
    expect(http.listenerCount("upgrade")).toBe(0);
    serve(taking("/a", "c"));
    expect(await protocol("/a")).toBe("c");
  });
});
