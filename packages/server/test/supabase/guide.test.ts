// The guide of docs/supabase.md, run as it is printed there: its program is cut out of the page, and so are its clients,
// which have the package @supabase/supabase-js; only the port is another.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { Channels } from "../../src/channels/index.ts";
import type { Supabase } from "../../src/supabase/index.ts";

const page = new URL("../../../../docs/supabase.md", import.meta.url);
const folder = new URL("./.guide/", import.meta.url);

afterAll(() => rm(folder, { recursive: true, force: true }));

test("[SB2] [SB8] [SB54] the guide's program serves the guide's clients, which have supabase-js", async () => {
  const text = await readFile(page, "utf8");
  const program = /```ts\n\/\/ realtime\.ts\n([\s\S]*?)```/.exec(text)![1]!;
  const clients = /```js\n\/\/ two clients[^\n]*\n([\s\S]*?)```/.exec(text)![1]!;
  await mkdir(folder, { recursive: true });
  const elsewhere = program.replace("listen(8787)", 'listen(0, "127.0.0.1")');
  await writeFile(new URL("realtime.ts", folder), elsewhere);
  const served = (await import(new URL("realtime.ts", folder).href)) as {
    channels: Channels;
    realtime: Supabase;
    httpServer: HttpServer;
  };
  const said: string[] = [];
  vi.spyOn(console, "log").mockImplementation((...words: unknown[]) => void said.push(words.join(" ")));
  vi.stubGlobal("WebSocket", WebSocket);
  try {
    if (!served.httpServer.listening)
      await new Promise((resolve) => served.httpServer.once("listening", resolve));
    const { port } = served.httpServer.address() as AddressInfo;
    const here = clients
      .replace("localhost:8787", `127.0.0.1:${port}`)
      .replace('_local")', '_local", { realtime: { transport: globalThis.WebSocket } })');
    await writeFile(new URL("clients.mjs", folder), `${here}\nexport { ada, bob };\n`);
    const all = (await import(new URL("clients.mjs", folder).href)) as Record<
      "ada" | "bob",
      { readonly realtime: { disconnect(): void }; readonly auth: { stopAutoRefresh(): Promise<void> } }
    >;
    await expect.poll(() => said).toContain("bob hears: hello");
    for (const one of [all.ada, all.bob]) {
      one.realtime.disconnect();
      await one.auth.stopAutoRefresh();
    }
  } finally {
    await served.channels.stop();
    await served.realtime.close();
    await new Promise((resolve) => served.httpServer.close(resolve));
  }
});
