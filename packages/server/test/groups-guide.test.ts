// docs/groups.md: its program is cut out of the page and run; only the port is another.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Channels } from "../src/channels/index.ts";
import type { Groups } from "../src/groups/index.ts";

const folder = new URL("./.groups-guide/", import.meta.url);

afterAll(() => rm(folder, { recursive: true, force: true }));

test("[GR4] the guide's program tells the clients of all topics of its group", async () => {
  const page = await readFile(new URL("../../../docs/groups.md", import.meta.url), "utf8");
  const program = /```ts\n\/\/ team\.ts\n([\s\S]*?)```/.exec(page)![1]!;
  await mkdir(folder, { recursive: true });
  await writeFile(new URL("team.ts", folder), program.replace("listen(8787)", 'listen(0, "127.0.0.1")'));
  const { channels, groups, announce, httpServer } = (await import(new URL("team.ts", folder).href)) as {
    channels: Channels;
    groups: Groups;
    announce(text: string): number;
    httpServer: HttpServer;
  };
  try {
    if (!httpServer.listening) await new Promise((resolve) => httpServer.once("listening", resolve));
    const { port } = httpServer.address() as AddressInfo;
    const heard: unknown[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket/websocket?vsn=2.0.0`);
    socket.on("message", (data: Buffer) => void heard.push(JSON.parse(data.toString())));
    await new Promise((resolve) => socket.once("open", resolve));
    for (const topic of ["room:frontend", "room:backend", "room:other"])
      socket.send(JSON.stringify(["1", "1", topic, "phx_join", {}]));
    await expect.poll(() => heard.length).toBe(3);
    expect(announce("All hands at noon")).toBe(2);
    await expect.poll(() => heard.length).toBe(5);
    const announced = (topic: string) => [null, null, topic, "announce", { text: "All hands at noon" }];
    expect(heard.slice(3)).toEqual(["room:frontend", "room:backend"].map(announced));
    expect(groups.topics("team:eng")).toEqual({ channels: ["room:frontend", "room:backend"], sync: [] });
  } finally {
    await channels.stop();
    await new Promise((resolve) => httpServer.close(resolve));
  }
});
