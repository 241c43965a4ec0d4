// A server of a few lines, as a process of its own and as a function.
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import type { CommandOptions, ServerPlace } from "./server-options.ts";
import { TestServer } from "./test-server.ts";

const folder = mkdtempSync(join(tmpdir(), "calla-server-"));
const program = join(folder, "server.mjs");
writeFileSync(
  program,
  `import { createServer } from "node:http";
import { existsSync, readFileSync, appendFileSync } from "node:fs";
const file = process.env.DATA;
appendFileSync(file, "x");
const server = createServer((request, response) => {
  if (request.url === "/crash") process.exit(3);
  if (request.url === "/complain") console.error("so so"), console.error("harmless"), console.error("harmless");
  response.end(JSON.stringify({ starts: readFileSync(file, "utf8").length, env: process.env.NODE_ENV, pid: process.pid }));
});
server.listen(Number(process.env.PORT), () => process.env.QUIET || console.log("At http://localhost:" + server.address().port + "/ now"));
process.on("SIGTERM", () => process.env.STUBBORN || process.exit(0));
if (process.env.BROKEN) throw new Error("as asked");
`,
);
/** What npx, tsx and npm do: the server is a process that the command has started. */
const wrapper = join(folder, "wrapper.mjs");
writeFileSync(
  wrapper,
  `import { spawn } from "node:child_process";
const child = spawn(process.execPath, [${JSON.stringify(program)}], { stdio: "inherit" });
if (process.env.CRASH) child.once("spawn", () => setTimeout(() => process.exit(3), 300));
`,
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.end();
});
const made = (options: Partial<CommandOptions>, onStop?: () => void): TestServer => {
  const server = new TestServer({ command: ["node", program], database: "DATA", ...options }, onStop);
  servers.push(server);
  return server;
};
interface Answer {
  readonly starts: number;
  readonly env: string;
  readonly pid: number;
}
const ask = async (server: TestServer, path = "/"): Promise<Answer> =>
  (await fetch(server.url + path)).json() as Promise<Answer>;
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test("[PW6] a server keeps its port and its database across restarts, and begins with another when it is to be empty", async () => {
  let stops = 0;
  const server = made({}, () => stops++);
  await server.start();
  const { port } = server;
  const first = await ask(server);
  expect(first).toEqual({ starts: 1, env: "test", pid: expect.any(Number) });
  expect(server.output).toEqual([`At http://localhost:${port}/ now`]);
  await server.restart({ signal: "SIGKILL" });
  const second = await ask(server);
  expect([server.port, second.starts, second.pid === first.pid]).toEqual([port, 2, false]);
  await server.restart({ empty: true });
  expect((await ask(server)).starts).toBe(1);
  await server.stop();
  await expect(ask(server)).rejects.toThrow();
  expect([stops, server.running, server.errors]).toEqual([3, false, []]);
});

test.each(["port", { path: "/healthz" }] as const)(
  "[PW6] a server that prints nothing is asked whether it is there: %j",
  async (ready) => {
    const server = made({ ready, env: { QUIET: "1", NODE_ENV: "production" } });
    await server.start();
    expect((await ask(server)).env).toBe("production");
  },
);

test("[PW6] a server that does not start says why, and one that is not ready in time, too", async () => {
  await expect(made({ env: { BROKEN: "1" } }).start()).rejects.toThrow(/ended\. [^]*as asked/);
  await expect(made({ command: ["no-such-program-here"] }).start()).rejects.toThrow("ENOENT");
  await expect(made({ env: { QUIET: "1" }, startTimeout: 1_500 }).start()).rejects.toThrow(
    'it has printed no URL with a port. If it prints none, say `ready: "port"`',
  );
});

test("[PW8] what it says on stderr is an error unless it is allowed, and that it ended by itself is", async () => {
  const server = made({ allow: /^harmless/g });
  await server.start();
  await ask(server, "/complain");
  await until(() => server.errors.length > 0);
  expect(server.errors).toEqual(["so so"]);
  server.allow(/^so/);
  await expect(ask(server, "/crash")).rejects.toThrow();
  await until(() => server.errors.length > 0);
  expect(server.errors).toEqual(["The server ended by itself, with code 3."]);
  await server.restart();
  expect((await ask(server)).starts).toBe(2);
});

test("[PW6] one that does not end is killed, and that is an error", async () => {
  const server = made({ env: { STUBBORN: "1" }, stopTimeout: 300 });
  await server.start();
  await server.stop();
  await expect(ask(server)).rejects.toThrow();
  expect(server.errors).toEqual(["The server has not ended 0.3 s after SIGTERM."]);
});

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test.skipIf(process.platform === "win32")(
  // reason: there a process leads no group
  "[PW6] a server that the command has started as a process of its own is gone with it",
  async () => {
    const server = made({ command: ["node", wrapper], env: { STUBBORN: "1" }, stopTimeout: 5_000 });
    await server.start();
    const { pid } = await ask(server);
    await server.restart({ signal: "SIGKILL" });
    await until(() => !isThere(pid));
    const next = await ask(server);
    expect(next.starts).toBe(2);
    await server.stop("SIGKILL");
    await until(() => !isThere(next.pid));
    expect(server.errors).toEqual([]);
  },
);

test.skipIf(process.platform === "win32")(
  // reason: there a process leads no group
  "[PW6] so it is where the command has ended before it",
  async () => {
    const server = made({
      command: ["node", wrapper],
      env: { CRASH: "1", STUBBORN: "1" },
      stopTimeout: 2_000,
    });
    await server.start();
    const { pid } = await ask(server);
    await server.end();
    await until(() => !isThere(pid));
  },
);

test("[PW6] it is where it says, in colours too, and on the port that a scheme stands for", async () => {
  const saying = async (line: string): Promise<number> => {
    const command = [
      "node",
      "-e",
      `console.log(${JSON.stringify(line)}); setInterval(() => {}, 1000)`,
    ] as const;
    const server = made({ command });
    await server.start();
    return server.port;
  };
  expect(await saying("  Local: \u001B[36mhttp://localhost:\u001B[1m5173\u001B[22m/\u001B[39m")).toBe(5173);
  expect(await saying("At https://app.example:443/")).toBe(443);
});

test("[PW6] a function starts a server in the test's own process, at the place that it is told", async () => {
  const places: ServerPlace[] = [];
  const signals: string[] = [];
  const server = new TestServer({
    start: async (place) => {
      places.push(place);
      place.report(new Error("so so"));
      const http = createServer((_, response) => response.end("{}")).listen(place.port);
      await once(http, "listening");
      return {
        port: (http.address() as AddressInfo).port,
        stop: (signal) => {
          signals.push(signal);
          http.closeAllConnections();
          http.close();
        },
      };
    },
  });
  await server.start();
  await server.restart({ empty: true, signal: "SIGKILL" });
  expect(places.map(({ port }) => port)).toEqual([0, server.port]);
  expect(places[0]!.database).not.toBe(places[1]!.database);
  expect(existsSync(dirname(places[0]!.database))).toBe(true);
  await server.end();
  expect(existsSync(dirname(places[0]!.database))).toBe(false);
  expect([signals, server.errors[0]]).toEqual([
    ["SIGKILL", "SIGTERM"],
    expect.stringMatching(/^Error: so so/),
  ]);
});
