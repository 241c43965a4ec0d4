import { CallaError } from "@calla/shared";
import { afterEach, describe, expect, test, vi } from "vitest";
import { wire } from "../../test/wired.ts";
import { hostRefusal, hostsProblem } from "./hosts.ts";
import { http } from "../transports/http/http.ts";

afterEach(() => vi.unstubAllEnvs());
const asked = (host: string | undefined, origin: string | undefined = `http://${host ?? "x"}`) => ({
  host,
  origin,
});

test("[AU20] [AU24] in development a page may ask under localhost and addresses, and no name that can be made to lead here", () => {
  const rules = { hosts: undefined, guarded: true };
  for (const host of [
    "localhost",
    "localhost:5173",
    "LOCALHOST",
    "app.localhost:80",
    "localhost.",
    "127.0.0.1:8787",
    "192.168.1.7:3000",
    "[::1]:8080",
    "[fe80::1]",
  ])
    expect(hostRefusal(rules, asked(host)), host).toBeUndefined();
  for (const host of [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "xlocalhost",
    "",
    ":80",
    "evil.example:8787",
    "127.0.0.1@evil",
    `${"a".repeat(300)}.localhost`,
  ])
    expect(hostRefusal(rules, asked(host)), host).toMatch(
      /createServer\(\{ hosts: \[.*createChannels\(\{ hosts/,
    );
  expect(hostRefusal(rules, asked(undefined))).toMatch(/hosts/);
  // No page: a program in the next container.
  expect(hostRefusal(rules, { host: "server:8787", origin: undefined })).toBeUndefined();
  expect(hostRefusal(rules, asked("x".repeat(10_000)))!.length).toBeLessThan(500);
});

test("[AU20] a list holds for everybody, whole names and subdomains, whatever the port; localhost only in development", () => {
  const hosts = ["app.example", "*.apps.example"];
  for (const guarded of [true, false]) {
    const rules = { hosts, guarded };
    for (const host of ["app.example", "App.Example:443", "a.apps.example", "a.b.apps.example"])
      expect(hostRefusal(rules, asked(host)), host).toBeUndefined();
    for (const host of ["apps.example", ".apps.example", "evil-apps.example", "app.example.evil", undefined])
      expect(hostRefusal(rules, { host, origin: undefined }), host).toMatch(
        /add it to createServer.*createChannels/,
      );
    expect(hostRefusal(rules, asked("localhost")) === undefined).toBe(guarded);
  }
  expect(hostRefusal({ hosts: "any", guarded: true }, asked("evil.example"))).toBeUndefined();
  expect(hostRefusal({ hosts: undefined, guarded: false }, asked("app.example"))).toBeUndefined();
});

test("[AU20] a list that can match nothing is refused at the start", () => {
  for (const hosts of [["https://app.example"], ["app.example:80"], [""], ["*"], "app.example"])
    expect(() => wire({ hosts: hosts as never }), String(hosts)).toThrow(CallaError);
  expect(hostsProblem(["app.example", "localhost", "*.x.example", "my_service", "::1"])).toBeUndefined();
});

describe("a server", () => {
  const from = (host: string, origin = `http://${host}`) => ({
    url: "/ws?token=secret",
    headers: { host, origin },
    remoteAddress: "10.0.0.1",
  });
  test("[AU20] [AU24] is guarded in development under same-origin alone", () => {
    expect(wire().server.hostRefusal(from("evil.example"))).toBeDefined();
    expect(wire({ hosts: ["evil.example"] }).server.hostRefusal(from("evil.example"))).toBeUndefined();
    expect(
      wire({ origins: ["https://app.example"] }).server.hostRefusal(from("evil.example")),
    ).toBeUndefined();
    vi.stubEnv("NODE_ENV", "production");
    expect(wire().server.hostRefusal(from("evil.example"))).toBeUndefined();
    expect(wire({ hosts: ["app.example"] }).server.hostRefusal(from("evil.example"))).toBeDefined();
  });

  test("[AU20] [CV3] over HTTP such a page gets 403 and the sentence, reported once for a name; its query and what is long in it are not recorded", async () => {
    const details: unknown[] = [];
    const it = wire({ onRefused: (refused) => void details.push(refused.details) });
    const transport = http(it.server);
    const ask = (host: string) =>
      transport.fetch(
        new Request(`http://${host}/calla?token=secret`, {
          method: "POST",
          headers: { origin: `http://${host}`, "content-type": "application/calla.json" },
          body: "[]",
        }),
        "10.0.0.1",
      );
    const answer = await ask("evil.example:81");
    expect(answer.status).toBe(403);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(await answer.json()).toMatchObject({
      code: "host",
      text: expect.stringContaining("hosts") as string,
    });
    for (let i = 0; i < 300; i++) await ask(`evil${i % 150}.example`);
    expect(it.errors.length).toBe(100);
    expect(JSON.stringify(details)).not.toContain("secret");
    it.server.refused({
      reason: "origin",
      request: {
        url: `/${"x".repeat(9_000)}?token=secret`,
        headers: { origin: "y".repeat(9_000) },
        remoteAddress: "::1",
      },
    });
    expect(JSON.stringify(details.at(-1)).length).toBeLessThan(700);
    await transport.close();
  });

  test("[AU21] cookies of the pages of any site are refused when the transport is made", () => {
    expect(() => http(wire({ origins: "any" }).server, { credentials: true })).toThrow(/Name the sites/);
    for (const [origins, credentials] of [
      ["any", false],
      ["same-origin", true],
      [["https://app.example"], true],
    ] as const)
      expect(() => http(wire({ origins }).server, { credentials }).close()).not.toThrow();
  });
});
