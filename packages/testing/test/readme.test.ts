// The README's program, run as it is printed there: its three files are cut out of the page, only the port is another.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test, vi } from "vitest";

const root = new URL("../../../", import.meta.url);
// Beside the tests, so that the packages are found as a reader's program would find them.
const folder = new URL("./.readme/", import.meta.url);

/** The code blocks of the page by the file name in their first line. */
async function programs(): Promise<Map<string, string>> {
  const page = await readFile(new URL("README.md", root), "utf8");
  return new Map(
    [...page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, name, code]) => [name!, code!]),
  );
}

afterAll(() => rm(folder, { recursive: true, force: true }));

test("[SV4] the smallest complete program of README.md runs as printed", async () => {
  const files = await programs();
  expect([...files.keys()]).toEqual(["wiring.ts", "server.ts", "client.ts"]);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const write = (name: string, code: string) => writeFile(new URL(name, folder), code);
  await write("wiring.ts", files.get("wiring.ts")!);
  await write("server.ts", files.get("server.ts")!.replace("listen(8787)", "listen(0)"));
  const said: string[] = [];
  const log = vi
    .spyOn(console, "log")
    .mockImplementation((...words: unknown[]) => void said.push(words.join(" ")));
  const { server, httpServer } = (await import(new URL("server.ts", folder).href)) as {
    server: { stop(): Promise<void> };
    httpServer: HttpServer;
  };
  try {
    if (!httpServer.listening) await new Promise((resolve) => httpServer.once("listening", resolve));
    const { port } = httpServer.address() as AddressInfo;
    await write("client.ts", files.get("client.ts")!.replace("localhost:8787", `127.0.0.1:${port}`));
    const { client } = (await import(new URL("client.ts", folder).href)) as {
      client: { close(): Promise<void> };
    };
    expect(said).toContain("applied as number 1");
    await expect.poll(() => said).toContain("live 1 0 pending");
    await client.close();
  } finally {
    log.mockRestore();
    await server.stop();
    httpServer.closeAllConnections();
    await new Promise((resolve) => httpServer.close(resolve));
  }
});
