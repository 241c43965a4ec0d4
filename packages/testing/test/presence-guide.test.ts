// docs/presence.md: its two programs are cut out of the page and run; only the ports are others.
import type { Server as HttpServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { PATIENCE, printed } from "./printed.ts";
import type { Printed } from "./printed.ts";

interface Served {
  readonly httpServer: HttpServer;
}
interface Member {
  readonly self: boolean;
  readonly meta: object;
}
interface Tab {
  readonly client: { close(): Promise<void> };
  readonly presence: { readonly list: ReadonlyMap<string, readonly Member[]> };
}
interface PhoenixTab {
  readonly socket: { disconnect(): void };
}
const lastOf =
  ({ said }: Printed) =>
  () =>
    said.at(-1);

test(
  "[SP3] [SP5] [PC6] the program of the sync half lists each user once, in all their tabs, until the last one is closed",
  async () => {
    const page = await printed("docs/presence.md");
    await page.serve<Served>("server.ts");
    const { tabs } = await page.run<{ tabs: readonly Tab[] }>("client.ts");
    for (const { client } of tabs) onTestFinished(() => client.close());
    await expect.poll(lastOf(page)).toBe("ada in 2; bo in 1, at buy milk");
    const ada = tabs[0]!.presence.list.get("ada")!;
    expect(ada.map(({ self }) => self).toSorted()).toEqual([false, true]);
    // Who closes is gone at once: no grace runs out in so short a test.
    await tabs[1]!.client.close();
    await expect.poll(lastOf(page)).toBe("ada in 1; bo in 1, at buy milk");
    await tabs[2]!.client.close();
    await expect.poll(lastOf(page)).toBe("ada in 1");
  },
  PATIENCE,
);

test(
  "[CP3] [CP4] [CP6] the program of channels lists the same by phoenix.js",
  async () => {
    const page = await printed("docs/presence.md");
    await page.serve<Served>("rooms.ts");
    const { tabs } = await page.run<{ tabs: readonly PhoenixTab[] }>("page.js");
    for (const { socket } of tabs) onTestFinished(() => socket.disconnect());
    await expect.poll(lastOf(page)).toBe("ada in 2; bo in 1, typing");
    tabs[1]!.socket.disconnect();
    await expect.poll(lastOf(page)).toBe("ada in 1; bo in 1, typing");
    tabs[2]!.socket.disconnect();
    await expect.poll(lastOf(page)).toBe("ada in 1");
  },
  PATIENCE,
);
