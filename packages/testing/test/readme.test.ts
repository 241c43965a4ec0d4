// The README's program, run as it is printed there: its three files are cut out of the page, only the port is another.
import type { Server as HttpServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { PATIENCE, printed, programsOf } from "./printed.ts";
import type { PrintedClient } from "./printed.ts";

interface Program {
  readonly httpServer: HttpServer;
  readonly server: { stop(): Promise<void> };
}

test(
  "[SV4] [GD2] the smallest complete program of README.md runs as printed",
  async () => {
    expect([...(await programsOf("README.md")).keys()]).toEqual(["wiring.ts", "server.ts", "client.ts"]);
    const page = await printed("README.md");
    await page.serve<Program>("server.ts");
    const { client } = await page.run<{ client: PrintedClient }>("client.ts");
    onTestFinished(() => client.close());
    expect(page.said).toContain("applied as number 1");
    await expect.poll(() => page.said).toContain("live 1 0 pending");
    expect(page.warned).toEqual([]);
  },
  PATIENCE,
);
