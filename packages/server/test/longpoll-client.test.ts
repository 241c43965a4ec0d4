// phoenix.js itself over LongPoll, by real requests, against channels in the hand.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LongPoll, Socket } from "phoenix";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock, systemRandom } from "../src/base/clock.ts";
import { longPoll } from "../src/channels/transports/longpoll/longpoll.ts";
import { mountOf } from "../src/channels/transports/mount.ts";
import type { PhoenixOptions } from "../src/channels/transports/mount.ts";
import { polled } from "./polling.ts";

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function live(options: PhoenixOptions = {}) {
  const { host, sockets, errors, asked } = polled();
  const real = { ...host, clock: systemClock, random: systemRandom };
  const transport = longPoll(real, mountOf(real, { longpoll: { window: 2_000 }, ...options }));
  const server = createServer((request, response) => {
    if (!transport.handle(request, response)) response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const socket = new Socket(`http://127.0.0.1:${port}/socket`, {
    transport: LongPoll,
    params: { id: "anna" },
    authToken: "secret.token",
    reconnectAfterMs: () => 10,
    rejoinAfterMs: () => 10,
  });
  const closes: (number | undefined)[] = [];
  socket.onClose(({ code }) => void closes.push(code));
  closing.push(
    () => new Promise((resolve) => void server.close(resolve)),
    () => server.closeAllConnections(),
    () => transport.close(),
    () => new Promise<void>((resolve) => socket.disconnect(resolve)),
  );
  socket.connect();
  return { socket, sockets, errors, asked, closes, transport };
}

const heard = (push: { receive(status: string, heard: (response: unknown) => void): unknown }) =>
  new Promise((resolve, reject) => {
    push.receive("ok", resolve);
    push.receive("error", (response) => reject(new Error(JSON.stringify(response))));
    push.receive("timeout", () => reject(new Error("timed out")));
  });

describe("phoenix.js over LongPoll", () => {
  it("[LP1] [LP3] [CN38] connects with its params and auth token, joins, and is answered", async () => {
    const { socket, sockets, asked, errors } = await live({ authToken: true });
    const channel = socket.channel("room:1", { name: "anna" });
    await heard(channel.join());
    expect(await heard(channel.push("echo", { n: 1 }))).toEqual({ n: 1 });
    expect(asked[0]).toMatchObject({ authToken: "secret.token", vsn: "2.0.0", params: { id: "anna" } });
    expect(sockets[0]!.said.map(({ event }) => event)).toEqual(["phx_join", "echo"]);
    expect(errors).toEqual([]);
  });

  it("[LP4] [LP5] hears what the server says, in order, over the ends of windows", async () => {
    const { socket, sockets } = await live();
    const channel = socket.channel("t");
    const came: unknown[] = [];
    channel.on("said", (payload) => void came.push((payload as { n: number }).n));
    await heard(channel.join());
    const { joinRef } = sockets[0]!.said[0]!;
    for (let n = 0; n < 200; n++) {
      sockets[0]!.push("said", { n }, joinRef);
      if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, n === 100 ? 2_100 : 5));
    }
    await heard(channel.push("echo", {}));
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(came).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(sockets).toHaveLength(1);
  });

  it("[LP6] [LP8] [BI21] says more than a hundred messages of one turn, and bytes among them, in order", async () => {
    const { socket, sockets } = await live();
    const channel = socket.channel("t");
    await heard(channel.join());
    for (let n = 0; n < 249; n++) channel.push("said", n === 120 ? new Uint8Array([1, 2, 3]).buffer : { n });
    await heard(channel.push("echo", {}));
    const said = sockets[0]!.said.slice(1, -1).map(({ payload }) => payload);
    expect(said).toEqual(
      Array.from({ length: 249 }, (_, n) => (n === 120 ? new Uint8Array([1, 2, 3]) : { n })),
    );
  });

  it("[LP25] [DC4] a session that ends while it polls is back at once, and joined again", async () => {
    const { socket, sockets, closes } = await live({ longpoll: { window: 10_000 } });
    const channel = socket.channel("t");
    const again = new Promise<void>((resolve) => {
      channel.onError(() => resolve());
    });
    await heard(channel.join());
    await heard(channel.push("echo", {}));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const from = performance.now();
    sockets[0]!.connection.close(1012, "draining");
    await again;
    expect(await heard(channel.push("echo", { back: 1 }, 5_000))).toEqual({ back: 1 });
    expect(performance.now() - from).toBeLessThan(4_000);
    expect(closes).toEqual([1011]);
    expect(sockets.at(-1)!.said.map(({ event }) => event)).toContain("phx_join");
  });

  it("[MF22] one whose message is malformed gives its connection up, and is joined again", async () => {
    const { socket, sockets, closes } = await live();
    const channel = socket.channel("t");
    await heard(channel.join());
    const { conn } = socket as unknown as { conn: { send(text: string): void } };
    const again = new Promise<void>((resolve) => {
      channel.onError(() => resolve());
    });
    conn.send("[1,");
    await again;
    expect(await heard(channel.push("echo", { back: 1 }, 5_000))).toEqual({ back: 1 });
    expect(closes).toEqual([1011]);
    expect(sockets.length).toBe(2);
  });
});
