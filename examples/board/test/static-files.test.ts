import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { staticFiles } from "../server/static-files.ts";

let folder: string;
let server: Server;
let url: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "calla-files-"));
  writeFileSync(join(folder, "index.html"), "<!doctype html>");
  server = createServer(staticFiles(folder));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

test("nobody frames the page, bends its addresses or brings scripts into it", async () => {
  const { headers, status } = await fetch(url);
  expect(status).toBe(200);
  const policy = new Map(
    headers
      .get("content-security-policy")
      ?.split("; ")
      .map((rule) => [rule.split(" ")[0], rule.split(" ").slice(1).join(" ")]),
  );
  expect(policy.get("frame-ancestors")).toBe("'none'");
  expect(policy.get("base-uri")).toBe("'none'");
  expect(policy.get("default-src")).toBe("'self'");
  expect(policy.has("script-src")).toBe(false);
});

test.each(["/../package.json", "/%2e%2e/secret.html", "/no.html", "/%00.html", "/%"])(
  "%s is no page",
  async (path) => {
    expect((await fetch(url + path)).status).toBe(404);
  },
);
