// docs/production.md: its server behind a proxy, its health, its end, and a backup that is put back.
import { rename, rm } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import { fileURLToPath } from "node:url";
import { createClient } from "@calla/client";
import { webSocket } from "@calla/client/websocket";
import type { Serialiser, Wiring } from "@calla/shared";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { emptyFolder, PATIENCE, printed } from "../../printed.ts";
import type { PrintedClient } from "../../printed.ts";

interface Program {
  readonly httpServer: HttpServer;
  readonly server: { stop(): Promise<void> };
  end(): Promise<void>;
}
interface Slices {
  readonly wiring: Wiring;
  readonly serialiser: Serialiser;
  readonly list: unknown;
}

/** The page's server over a file of the test's. `over`: how long it drains; the page says five seconds. */
async function stage(file: string, over = 0) {
  const signals = (["SIGTERM", "SIGINT"] as const).map((name) => [name, process.listeners(name)] as const);
  const page = await printed("docs/production.md", (code) =>
    code.replaceAll('"calla.db"', JSON.stringify(file)).replaceAll("5_000", String(over)),
  );
  const served = await page.serve<Program>("server.ts");
  const terminate = process.listeners("SIGTERM").filter((one) => !signals[0]![1].includes(one));
  // The tests' process does not end by the page's hand.
  onTestFinished(() => {
    for (const [name, before] of signals)
      for (const one of process.listeners(name)) if (!before.includes(one)) process.off(name, one);
  });
  const slices = await page.run<Slices>("wiring.ts");
  return { page, ...served, ...slices, terminate: () => terminate.forEach((one) => one("SIGTERM")) };
}
type Staged = Awaited<ReturnType<typeof stage>>;
const newFile = async (): Promise<string> => fileURLToPath(new URL("calla.db", await emptyFolder()));

/** A visitor whom the proxy brings: it asks for the name of the server, and says where the visitor comes from. */
function visitor(
  { at, wiring, serialiser }: Staged,
  by: Record<string, string>,
  url = () => at,
): PrintedClient {
  class Proxied extends WebSocket {
    constructor(address: string, protocols: string[]) {
      super(address, protocols, { headers: { host: "app.example", origin: "https://app.example", ...by } });
    }
  }
  const transport = webSocket({
    url: () => `ws://${url()}/ws`,
    WebSocket: Proxied,
    reconnectBaseMilliseconds: 50,
    reconnectMaxMilliseconds: 200,
  });
  const client = createClient({ wiring, serialiser, transport }) as unknown as PrintedClient;
  onTestFinished(() => client.close());
  return client;
}

test(
  "[GD2] [AU20] [AU10] the server knows its names and its pages, behind a proxy",
  async () => {
    const staged = await stage(await newFile());
    const guest = visitor(staged, { "x-forwarded-for": "203.0.113.7" });
    await guest.topic(staged.list, "home").dispatch({ type: "added", text: "tea" }).applied;
    const refused = visitor(staged, { host: "evil.example" });
    await expect.poll(() => refused.status).toMatchObject({ connection: "closed", reason: "host" });
    const foreign = visitor(staged, { origin: "https://evil.example" });
    await expect.poll(() => foreign.status).toMatchObject({ connection: "closed", reason: "origin" });
    expect(staged.page.warned.filter((line) => line.startsWith("refused"))).toEqual([
      "refused: host, null, undefined",
      "refused: origin, null, undefined",
    ]);
  },
  PATIENCE,
);

test(
  "[SV8] SIGTERM drains: /readyz says 503 from then on, and a client goes on at the next process",
  async () => {
    const file = await newFile();
    const old = await stage(file, 400);
    let at = old.at;
    const client = visitor(old, {}, () => at);
    const home = client.topic(old.list, "home");
    home.onChange(() => {});
    await home.dispatch({ type: "added", text: "tea" }).applied;
    const ask = async (path: string) => (await fetch(`http://${old.at}${path}`)).status;
    expect([await ask("/healthz"), await ask("/readyz")]).toEqual([200, 200]);

    const next = await stage(file);
    const ended = new Promise((resolve) => old.httpServer.once("close", resolve));
    old.terminate();
    expect([await ask("/healthz"), await ask("/readyz")]).toEqual([200, 503]);
    at = next.at;
    await ended;
    await home.dispatch({ type: "added", text: "milk" }).applied;
    expect(home.state.model).toEqual({ items: ["tea", "milk"] });
    await expect(ask("/healthz")).rejects.toThrow("fetch failed");
  },
  PATIENCE,
);

test(
  "[FO3] [S14] a backup is whole while the server runs; put back, it is what everybody sees",
  async () => {
    const file = await newFile();
    const copy = `${file}.copy`;
    const old = await stage(file);
    let at = old.at;
    const client = visitor(old, {}, () => at);
    const home = client.topic(old.list, "home");
    home.onChange(() => {});
    await home.dispatch({ type: "added", text: "tea" }).applied;
    const { backUp } = await old.page.run<{ backUp(file: string, copy: string): Promise<void> }>("backup.ts");
    await backUp(file, copy);
    await home.dispatch({ type: "added", text: "milk" }).applied;
    await old.end();

    const offline = home.dispatch({ type: "added", text: "salt" }).applied;
    await Promise.all(["-wal", "-shm"].map((end) => rm(file + end, { force: true })));
    await rename(copy, file);
    at = (await stage(file)).at;
    await offline;
    await vi.waitFor(() => expect(home.state.model).toEqual({ items: ["tea", "salt"] }));
  },
  PATIENCE,
);
