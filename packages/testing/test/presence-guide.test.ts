// docs/presence.md: its two programs are cut out of the page and run; only the ports are others.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";

const folder = new URL("./.presence-guide/", import.meta.url);
let files: ReadonlyMap<string, string>;
const said: string[] = [];
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  const page = await readFile(new URL("../../../docs/presence.md", import.meta.url), "utf8");
  const blocks = page.matchAll(/```[jt]s\n\/\/ (\S+)\n([\s\S]*?)```/g);
  files = new Map(Array.from(blocks, ([, name, code]) => [name!, code!]));
  await mkdir(folder, { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  said.length = 0;
  vi.spyOn(console, "log").mockImplementation((...words: unknown[]) => void said.push(words.join(" ")));
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function run<Exports>(name: string, change = (code: string) => code): Promise<Exports> {
  await writeFile(new URL(name, folder), change(files.get(name)!));
  return (await import(new URL(name, folder).href)) as Exports;
}
/** Begins a program that listens. Gives where. */
async function serve(name: string): Promise<string> {
  const { httpServer, ...parts } = await run<{
    httpServer: HttpServer;
    server?: { stop(): Promise<void> };
    channels?: { stop(): Promise<void> };
  }>(name, (code) => code.replace(/listen\(\d+\)/, 'listen(0, "127.0.0.1")'));
  ends.push(
    () => new Promise((resolve) => httpServer.close(resolve)),
    () => (parts.server ?? parts.channels)?.stop(),
  );
  if (!httpServer.listening) await new Promise((resolve) => httpServer.once("listening", resolve));
  return `127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
}

interface Member {
  readonly self: boolean;
  readonly meta: object;
}
interface Tab {
  readonly client: { close(): Promise<void> };
  readonly presence: { readonly list: ReadonlyMap<string, readonly Member[]> };
}

test("[SP3] [SP5] [PC6] the program of the sync half lists each user once, in all their tabs, until the last one is closed", async () => {
  await writeFile(new URL("wiring.ts", folder), files.get("wiring.ts")!);
  const at = await serve("server.ts");
  const { tabs } = await run<{ tabs: readonly Tab[] }>("client.ts", (code) =>
    code.replace("localhost:8787", at),
  );
  ends.push(
    ...tabs.map(
      ({ client }) =>
        () =>
          client.close(),
    ),
  );
  const last = () => expect.poll(() => said.at(-1));
  await last().toBe("ada in 2; bo in 1, at buy milk");
  const ada = tabs[0]!.presence.list.get("ada")!;
  expect(ada.map(({ self }) => self).toSorted()).toEqual([false, true]);
  // Who closes is gone at once: no grace runs out in so short a test.
  await tabs[1]!.client.close();
  await last().toBe("ada in 1; bo in 1, at buy milk");
  await tabs[2]!.client.close();
  await last().toBe("ada in 1");
});

test("[CP3] [CP4] [CP6] the program of channels lists the same by phoenix.js", async () => {
  const at = await serve("rooms.ts");
  const { tabs } = await run<{ tabs: readonly { socket: { disconnect(): void } }[] }>("page.js", (code) =>
    code.replace("localhost:8788", at),
  );
  ends.push(
    ...tabs.map(
      ({ socket }) =>
        () =>
          socket.disconnect(),
    ),
  );
  const last = () => expect.poll(() => said.at(-1));
  await last().toBe("ada in 2; bo in 1, typing");
  tabs[1]!.socket.disconnect();
  await last().toBe("ada in 1; bo in 1, typing");
  tabs[2]!.socket.disconnect();
  await last().toBe("ada in 1");
});
