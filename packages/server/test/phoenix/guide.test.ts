// The guide of docs/channels.md, run as it is printed there: its program is cut out of the page, and so is its client, which
// has the package phoenix; only the port is another.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { Channels, PhoenixMount } from "../../src/channels/index.ts";

const page = new URL("../../../../docs/channels.md", import.meta.url);
const folder = new URL("./.guide/", import.meta.url);

afterAll(() => rm(folder, { recursive: true, force: true }));

test("[JN1] [MS1] [BC1] the guide's program serves the guide's client", async () => {
  const text = await readFile(page, "utf8");
  const program = /```ts\n\/\/ rooms\.ts\n([\s\S]*?)```/.exec(text)![1]!;
  const client = /```js\n\/\/ in a page[^\n]*\n([\s\S]*?)```/.exec(text)![1]!;
  await mkdir(folder, { recursive: true });
  const elsewhere = program.replace("listen(8787)", 'listen(0, "127.0.0.1")');
  await writeFile(new URL("rooms.ts", folder), elsewhere);
  const served = (await import(new URL("rooms.ts", folder).href)) as {
    channels: Channels;
    mount: PhoenixMount;
    httpServer: HttpServer;
  };
  const said: string[] = [];
  const log = vi
    .spyOn(console, "log")
    .mockImplementation((...words: unknown[]) => void said.push(words.join(" ")));
  try {
    if (!served.httpServer.listening)
      await new Promise((resolve) => served.httpServer.once("listening", resolve));
    const { port } = served.httpServer.address() as AddressInfo;
    const here = client
      .replace("localhost:8787", `127.0.0.1:${port}`)
      .replace("{ params:", "{ transport: globalThis.WebSocket, params:");
    await writeFile(new URL("client.mjs", folder), `${here}\nexport { socket };\n`);
    vi.stubGlobal("WebSocket", WebSocket);
    const { socket } = (await import(new URL("client.mjs", folder).href)) as {
      socket: { disconnect(): void };
    };
    await expect.poll(() => said).toContain("ada: hello");
    socket.disconnect();
  } finally {
    log.mockRestore();
    await served.channels.stop();
    await served.mount.close();
    await new Promise((resolve) => served.httpServer.close(resolve));
  }
});
