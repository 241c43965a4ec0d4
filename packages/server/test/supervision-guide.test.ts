// docs/supervision.md: its program is cut out of the page and run, over an engine that the test may break; only the port is
// another.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Channels, PhoenixMount } from "../src/channels/index.ts";
import type { System } from "../src/supervision/index.ts";

const folder = new URL("./.supervision-guide/", import.meta.url);

afterAll(() => rm(folder, { recursive: true, force: true }));

const BROKER = `
import { localPubSub } from "@calla/server";
const failing: ((error: unknown) => void)[] = [];
export const broke = () => failing.at(-1)!(new Error("the broker's client has ended"));
export const makePubSub = () => ({
  ...localPubSub(),
  onFailure: (listener: (error: unknown) => void) => (failing.push(listener), () => undefined),
});
`;

test("[SU14] [SU16] [SU10] the guide's program outlives two failures of its pubsub, and gives up at the third", async () => {
  const page = await readFile(new URL("../../../docs/supervision.md", import.meta.url), "utf8");
  const program = /```ts\n\/\/ realtime\.ts\n([\s\S]*?)```/.exec(page)![1]!;
  const shown = /```\n(ok\n[\s\S]*?)```/.exec(page)![1]!;
  await mkdir(folder, { recursive: true });
  await writeFile(new URL("broker.ts", folder), BROKER);
  await writeFile(
    new URL("realtime.ts", folder),
    program
      .replace("listen(8787)", 'listen(0, "127.0.0.1")')
      .replace("supervise({", "supervise({ onError: () => undefined,"),
  );
  const { broke } = (await import(new URL("broker.ts", folder).href)) as { broke(): void };
  const signals = process.listenerCount("SIGTERM");
  const { system, httpServer } = (await import(new URL("realtime.ts", folder).href)) as {
    system: System<undefined, { channels: Channels; mount: PhoenixMount }>;
    httpServer: HttpServer;
  };
  expect(process.listenerCount("SIGTERM")).toBe(signals + 1);
  process.removeListener("SIGTERM", process.listeners("SIGTERM").at(-1)!);
  try {
    if (!httpServer.listening) await new Promise((resolve) => httpServer.once("listening", resolve));
    const { port } = httpServer.address() as AddressInfo;
    const health = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return [response.status, await response.text()];
    };
    const join = async () => {
      const heard: unknown[][] = [];
      const closed: number[] = [];
      const socket = new WebSocket(`ws://127.0.0.1:${port}/socket/websocket?vsn=2.0.0`);
      socket.on("message", (data: Buffer) => void heard.push(JSON.parse(data.toString()) as unknown[]));
      socket.on("close", (code) => void closed.push(code));
      await new Promise((resolve) => socket.once("open", resolve));
      socket.send(JSON.stringify(["1", "1", "room:lobby", "phx_join", {}]));
      await expect.poll(() => heard.length).toBe(1);
      return { heard, closed };
    };
    const polled = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/socket/longpoll?vsn=2.0.0`);
    expect((await health("/readyz"))[1]).toMatch(
      /^ok\ncalla: running, 0 of 2 restarts in 5000 ms\n {2}pubsub: running\n/,
    );
    for (let time = 1; time <= 2; time++) {
      const socket = await join();
      expect(system.groups.broadcast("team:eng", "announce", { time })).toBe(1);
      await expect.poll(() => socket.heard.length).toBe(2);
      broke();
      await expect.poll(() => socket.closed).toEqual([1012]);
      await expect.poll(() => system.ready).toBe(true);
      if (time === 1) expect(await health("/readyz")).toEqual([200, shown]);
    }
    expect((await polled()).status).toBe(200);
    const socket = await join();
    broke();
    await expect.poll(() => socket.closed).toEqual([1012]);
    await expect.poll(() => system.state).toBe("failed");
    expect((await health("/healthz"))[0]).toBe(503);
    expect((await health("/readyz"))[0]).toBe(503);
  } finally {
    await system.stop();
    httpServer.closeAllConnections();
    await new Promise((resolve) => httpServer.close(resolve));
  }
});
