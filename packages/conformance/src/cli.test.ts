import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { main } from "./cli.ts";
import { startStub, type Stub } from "./stub/start-stub.ts";

const folder = mkdtempSync(join(tmpdir(), "conformance-"));
let stub: Stub;
let broken: Stub;
beforeAll(async () => {
  stub = await startStub();
  // It answers a heartbeat, and every join otherwise.
  broken = await startStub({
    err: (hearing, conversation) => [
      conversation === "join-ok" && hearing.hear === "text" ? { ...hearing, json: ["<&>"] } : hearing,
    ],
  });
});
afterAll(async () => {
  await stub.close();
  await broken.close();
  rmSync(folder, { recursive: true });
});

async function run(...args: string[]): Promise<{ code: number; printed: string }> {
  let printed = "";
  const code = await main(args, {
    print: (text) => {
      printed += text;
    },
    interrupted: () => Promise.resolve(),
    colour: false,
  });
  return { code, printed };
}

const JN1 = ["--only", "JN1", "--recorded", "--over", "websocket"];

it("[KT5] ends with 0 when all has passed, and counts it", async () => {
  const { code, printed } = await run(stub.url, ...JN1);
  expect(code).toBe(0);
  expect(printed).toMatch(/^Phoenix conformance of ws:\/\/127\.0\.0\.1:\d+\/socket, as Phoenix answers\n/);
  expect(printed).toMatch(/\nJN {2}join +1 passed\n/);
});

it("[KT4] [KT5] ends with 1 when something failed, and shows what", async () => {
  const { code, printed } = await run(broken.url, ...JN1, "--patience", "500");
  expect(code).toBe(1);
  expect(printed).toMatch(/JN {2}join +0 passed, 1 failed\n {2}✗ JN1 /);
  expect(printed).toMatch(
    /\n +expected {2}\["1","1","room:join-ok","phx_reply",.*\n +heard {5}\["<&>"\]\n +\^\n/,
  );
});

it("[KT5] ends with 2 when nothing can be run, or was asked for wrongly", async () => {
  const away = await run("ws://127.0.0.1:9/socket", ...JN1);
  expect([away.code, away.printed]).toEqual([2, expect.stringMatching(/Nobody answers at 127\.0\.0\.1:9 /)]);
  for (const [args, says] of [
    [[], "Say which server"],
    [["ftp://host"], "neither ws:, wss:, http: nor https:"],
    [["ws://host/socket?vsn=2.0.0"], "has a query"],
    [["ws://host", "ws://other"], "One URL, not ws://host ws://other."],
    [[stub.url, "--only", "ZZ1"], "No check is called ZZ1."],
    [[stub.url, "--over", "carrier"], "--over is websocket, longpoll or http, not carrier."],
    [[stub.url, "--patience", "soon"], "--patience is a whole number from 1 on, not soon."],
    [[stub.url, "--colour"], "Unknown option '--colour'"],
    [["stub", "--only", "dance"], "No conversation is recorded as dance."],
  ] as const) {
    const { code, printed } = await run(...args);
    expect([code, printed]).toEqual([2, expect.stringContaining(says)]);
    expect(printed).toContain("--help");
  }
});

it("[KT6] says the same as JSON and as JUnit XML", async () => {
  const file = join(folder, "report.xml");
  const { code, printed } = await run(broken.url, ...JN1, "--patience", "500", "--json", "--junit", file);
  expect(code).toBe(1);
  expect(JSON.parse(printed)).toMatchObject({
    version: 1,
    mode: "strict",
    lacks: [],
    results: [
      {
        id: "JN1",
        outcome: "failed",
        failures: [{ conversation: "join-ok", at: 2, heard: { hear: "text", json: ["<&>"] } }],
      },
    ],
  });
  const xml = readFileSync(file, "utf8");
  expect(xml).toMatch(/<testsuite name="JN join" tests="1" failures="1" skipped="0">/);
  expect(xml).toMatch(/<testcase classname="phoenix" name="JN1 .*"><failure message="join-ok: .*">/);
  expect(xml).toContain("heard     [&quot;&lt;&amp;&gt;&quot;]");
});

it("lists the checks, tells how it is used, and plays a server until it is interrupted", async () => {
  expect((await run("list")).printed).toMatch(/^JN1 +A join/m);
  expect(await run("--help")).toMatchObject({
    code: 0,
    printed: expect.stringContaining("phoenix-conformance <url>"),
  });
  expect(await run("stub", "--port", "0")).toMatchObject({
    code: 0,
    printed: expect.stringMatching(/^A recorded Phoenix 1\.8\.12 at ws:\/\/127\.0\.0\.1:\d+\/socket/),
  });
});
