// The packages as npm would bring them, in projects of their own: what compilers, Node and bundlers make of them. The command
// `create-calla`, and whole apps, are in create.spec.ts.
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { compile, complaints } from "./declarations.ts";
import type { Program } from "./declarations.ts";
import { entriesOf, install, manifestOf, run, unpack } from "./installed.ts";
import { open } from "./page-alone.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "calla-packages-")));
const store = join(folder, "store");
const nodeApp = join(folder, "node-app");
const pageApp = join(folder, "page-app");

const FOLDERS = ["shared", "server", "client", "react", "testing", "conformance"];
const IN_PAGES = ["@calla/shared", "@calla/client", "@calla/react"];
const IN_NODE = [
  "@calla/shared",
  "@calla/server",
  "@calla/client",
  "@calla/testing",
  "@calla/phoenix-conformance",
];

const WIRING = `import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
const anything = { "~standard": { version: 1, vendor: "here", validate: (value) => ({ value }) } };
export const counter = defineTopic("counter:*", {
  model: anything,
  initial: () => ({ count: 0 }),
  messages: { added: anything },
  update: { added: ({ count }, { by }) => ({ count: count + by }) },
});
export const wiring = defineWiring({ topics: [counter] });
export const serialiser = automatic(json());
`;
const BOTH = `import { createServer as createHttpServer } from "node:http";
import { once } from "node:events";
import { createServer } from "@calla/server";
import { webSocket as serve } from "@calla/server/websocket";
import { createClient } from "@calla/client";
import { webSocket } from "@calla/client/websocket";
import WebSocket from "ws";
import { counter, serialiser, wiring } from "./wiring.js";
const server = createServer({ wiring, serialiser });
server.handle(counter, { public: true });
const httpServer = createHttpServer();
serve(server, { httpServer, path: "/ws" });
await once(httpServer.listen(0), "listening");
const url = "ws://localhost:" + httpServer.address().port + "/ws";
const client = createClient({ wiring, serialiser, transport: webSocket({ url, WebSocket }) });
const topic = client.topic(counter, "1");
await topic.ready;
topic.retain();
const { sequence } = await topic.dispatch({ type: "added", by: 2 }).applied;
console.log([sequence, topic.state.model.count].join(" "));
process.exit();
`;

// One after the other: they share the projects.
test.describe.configure({ mode: "default", timeout: 180_000 });
test.beforeAll(() => {
  unpack(store, FOLDERS);
  install(nodeApp, store, IN_NODE, []);
  install(pageApp, store, IN_PAGES, ["react", "@types/react"]);
  for (const app of [nodeApp, pageApp]) writeFileSync(join(app, "wiring.js"), WIRING);
  writeFileSync(join(nodeApp, "both.js"), BOTH);
});
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("[PK1] a tarball has its README and license, says where it is from, and takes its neighbours from one line of versions", () => {
  const { version } = manifestOf(join(store, "@calla/shared"));
  for (const name of new Set([...IN_NODE, ...IN_PAGES])) {
    const at = join(store, name);
    for (const file of ["README.md", "LICENSE"])
      expect(existsSync(join(at, file)), `${name} ${file}`).toBe(true);
    const manifest = manifestOf(at);
    expect(manifest).toMatchObject({
      version,
      license: "MIT",
      publishConfig: { access: "public" },
      repository: { directory: expect.stringMatching(/^packages[/]/) },
      homepage: expect.stringContaining((manifest["repository"] as { directory: string }).directory),
      keywords: expect.any(Array),
    });
    for (const [other, range] of Object.entries(manifest.dependencies ?? {}))
      if (other.startsWith("@calla/")) expect(range, `${name} asks for ${other}`).toBe(`^${version}`);
  }
});

const inNode = (): Program => ({
  app: nodeApp,
  // Playwright is a peer of this one, and has types of its own.
  entries: entriesOf(nodeApp, IN_NODE).filter((entry) => !/[/](?:playwright|prometheus)$/.test(entry)),
  dom: false,
  // What the web has and Node too is typed, not `any`.
  lines: [
    'import { http } from "@calla/server/http";',
    "declare const mount: ReturnType<typeof http>;",
    'export const answer: Promise<Response> = mount.fetch(new Request("http://localhost/calla"));',
    "// @ts-expect-error: no request",
    "export const none = mount.fetch(1);",
  ],
});
const inPage = (): Program => ({
  app: pageApp,
  entries: entriesOf(pageApp, IN_PAGES),
  dom: true,
  lines: [],
});

test("[PK2] TypeScript 5.6 reads the declarations, without DOM's types and without Node's", () => {
  expect(complaints("5.6", [inNode(), inPage()])).toEqual([]);
});

test("[PK2] TypeScript 7 compiles with the declarations, without DOM's types and without Node's", () => {
  compile("7", inNode(), "nodenext");
  compile("7", inPage(), "bundler");
});

test("[PK3] Node loads every entry; where an optional peer is lacking, an error names it", () => {
  const names = JSON.stringify(entriesOf(nodeApp, IN_NODE));
  writeFileSync(
    join(nodeApp, "load.js"),
    `for (const name of ${names}) await import(name).catch((error) => console.log(name, error.message));
const { sqlite } = await import("@calla/server/sqlite");
const { prometheus } = await import("@calla/server/prometheus");
const { createTest } = await import("@calla/testing/playwright");
for (const wanting of [() => sqlite("a.db"), () => prometheus(), () => createTest({ server: { command: ["node"] } })])
  try { await wanting(); console.log("nothing is lacking"); } catch (error) { console.log(error.message); }
`,
  );
  const said = run(nodeApp, process.execPath, "load.js").trim().split("\n");
  expect(said).toEqual([
    expect.stringMatching(/npm install better-sqlite3/),
    expect.stringMatching(/npm install prom-client/),
    expect.stringMatching(/npm install --save-dev @playwright[/]test/),
  ]);
});

test("[PK3] a server and a client of the packages talk to each other", () => {
  expect(run(nodeApp, process.execPath, "--conditions=production", "both.js")).toBe("1 2\n");
});

test("[PK5] a server of another line of versions, with a @calla/shared of its own, says so at once", () => {
  const own = join(nodeApp, "node_modules/@calla/server/node_modules/@calla/shared");
  cpSync(join(store, "@calla/shared"), own, { recursive: true });
  const file = join(own, "dist/wiring/made-by.js");
  writeFileSync(file, readFileSync(file, "utf8").replace(/MADE_BY = "[^"]+"/, 'MADE_BY = "7"'));
  const start = (): string => run(nodeApp, process.execPath, "both.js");
  expect(start).toThrow(/and @calla[/]server has one of 7[.] Install all packages of @calla in one version/);
  rmSync(own, { recursive: true });
});

for (const bundler of ["vite", "esbuild", "webpack"])
  test(`[PK4] ${bundler} builds a page that runs, and leaves out of production what is for development`, async () => {
    writeFileSync(
      join(pageApp, "page.js"),
      `import { createClient } from "@calla/client";
import { webSocket } from "@calla/client/websocket";
import { useTopic } from "@calla/react";
import { counter, serialiser, wiring } from "./wiring.js";
globalThis.client = createClient({ wiring, serialiser, transport: webSocket({ url: globalThis.location ? "/ws" : "ws://app.example/ws" }) });
globalThis.client.topic(counter, "1").retain();
globalThis.useTopic = useTopic;
`,
    );
    // One of them is enough to show what is left out.
    const modes = bundler === "esbuild" ? ["development", "production"] : ["production"];
    const scripts = Object.fromEntries(
      modes.map((mode) => {
        const script = fileURLToPath(new URL("bundle.mjs", import.meta.url));
        run(pageApp, process.execPath, script, bundler, pageApp, "page.js", mode);
        return [mode, readFileSync(join(pageApp, "built", `${bundler}-${mode}.js`), "utf8")];
      }),
    );
    for (const mode of modes)
      expect(scripts[mode]?.includes("Correct the url"), mode).toBe(mode === "development");
    for (const script of Object.values(scripts))
      for (const place of ["page", "worker", "native"] as const)
        expect(await open(script, place)).toEqual({
          url: "ws://app.example/ws",
          protocols: "calla.json",
          said: expect.stringContaining('"counter:*":1'),
        });
  });
