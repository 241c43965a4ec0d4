// `npm run check:table`: docs/sizes.md says what a page pays for Calla's client and for others; `npm run table` measures
// them anew from what is installed and rewrites it. All are bundled alike: esbuild, minified, in production's condition,
// gzip at its highest level, everything that is imported in use. What each costs to run is read from bench/RESULTS.md.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { root } from "./run.mjs";

const page = join(root, "docs/sizes.md");
const results = join(root, "bench/RESULTS.md");
const [BEGIN, END] = ["<!-- sizes: npm run table -->", "<!-- end of sizes -->"];
/** KB by which a size may differ from what the page says, so that not every commit of the client has to touch it. */
const TOLERANCE = 0.25;

/**
 * `words`: what it says of itself in its README, each of them found there. `bench`: its column in bench/RESULTS.md.
 * @typedef {{ name: string, imports: Record<string, string>, words?: Record<string, string>, bench?: string }} Line
 */

const core = {
  "@calla/client": "createClient",
  "@calla/client/websocket": "webSocket",
  "@calla/shared": "automatic, json, defineWiring, defineTopic",
};
const yjs = { yjs: "Doc", "y-websocket": "WebsocketProvider" };
const wordsOfYjs = {
  yjs: "merged without merge conflicts",
  "y-websocket": "Supports exchange of awareness information (e.g. cursors)",
};
const calla = { "@calla/client": "The client applies a message at once, the server decides" };

const plainCore = { ...core, "@calla/shared": "plain, json, defineWiring, defineTopic" };

/** @type {readonly Line[]} */
const lines = [
  { name: "Calla: plain JSON, WebSocket, definitions", imports: plainCore },
  {
    name: "Calla: JSON with the value domain, WebSocket, definitions",
    imports: core,
    words: calla,
    bench: "calla",
  },
  { name: "the same with IndexedDB", imports: { ...core, "@calla/client/indexeddb": "indexedDb" } },
  {
    name: "the same without IndexedDB, with HTTP and `auto`",
    imports: { ...core, "@calla/client/http": "http", "@calla/client/auto": "auto" },
  },
  { name: "Yjs, y-websocket", imports: yjs, words: wordsOfYjs },
  {
    name: "Yjs, y-websocket, y-indexeddb",
    imports: { ...yjs, "y-indexeddb": "IndexeddbPersistence" },
    words: { "y-indexeddb": "Makes offline editing possible" },
  },
  {
    name: "Yjs, Hocuspocus' provider",
    imports: { yjs: "Doc", "@hocuspocus/provider": "HocuspocusProvider" },
    bench: "hocuspocus",
  },
  {
    name: "Replicache (brings IndexedDB)",
    imports: { replicache: "Replicache" },
    words: { replicache: "high-performance, offline-capable, collaborative web apps" },
  },
  {
    name: "tldraw sync, its store (without React)",
    imports: {
      "@tldraw/state": "atom",
      "@tldraw/store": "createRecordType, Store, StoreSchema",
      "@tldraw/sync-core": "ClientWebSocketAdapter, TLSyncClient",
    },
    bench: "tldraw",
  },
  { name: "socket.io-client", imports: { "socket.io-client": "io" } },
  { name: "phoenix.js", imports: { phoenix: "Socket, Presence" } },
];

/** @param {string} specifier */
const packageOf = (specifier) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
/** @param {string} name */
const folderOf = (name) => join(root, "node_modules", name);

/** @param {Line} line @returns {Promise<number | undefined>} KB, or undefined where it is not installed. */
async function sizeOf({ imports }) {
  const names = Object.keys(imports);
  if (names.some((name) => !existsSync(folderOf(packageOf(name))))) return undefined;
  const used = Object.values(imports).join(", ");
  const { outputFiles } = await build({
    stdin: {
      contents: `${names.map((name) => `import { ${imports[name]} } from "${name}";`).join("\n")}\nglobalThis.used = [${used}];`,
      resolveDir: join(root, "bench"),
    },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    conditions: ["calla-source", "module", "production"],
    define: { "process.env.NODE_ENV": '"production"' },
    // The peer of tldraw's, in which a page has it anyway.
    external: ["react", "react-dom"],
    logLevel: "error",
  });
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length / 1_000;
}

/** @param {Line} line */
function versions({ imports }) {
  const names = [...new Set(Object.keys(imports).map(packageOf))].filter(
    (name) => !name.startsWith("@calla/"),
  );
  const known = names.filter((name) => existsSync(folderOf(name)));
  return known
    .map((name) => JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8")).version)
    .join(", ");
}

/** What a package says of itself, word for word. @param {Line} line */
function words({ name, words = {} }) {
  for (const [of, said] of Object.entries(words)) {
    const file = of.startsWith("@calla/") ? join(root, "README.md") : join(folderOf(of), "README.md");
    if (!existsSync(file)) continue;
    if (!readFileSync(file, "utf8").replaceAll(/\s+/g, " ").includes(said))
      throw new Error(`${name}: the README of ${of} does not say "${said}" any more.`);
  }
  return Object.values(words)
    .map((said) => `“${said}”`)
    .join("; ");
}

/** A figure of bench/RESULTS.md; "" where there is none. @param {string} work @param {string} figure @param {string | undefined} system */
function measured(work, figure, system) {
  const rows = readFileSync(results, "utf8")
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const at = rows.findIndex((row) => row[1] === work && row[2] === figure);
  const head = rows.slice(0, at).findLast((row) => row[1] === "work");
  if (at < 0 || head === undefined || system === undefined) return "";
  const column = head.indexOf(system);
  return column < 0 ? "" : (rows[at]?.[column]?.replace(/ \(.*/, "") ?? "");
}

const sizes = await Promise.all(lines.map(sizeOf));
const missing = lines.filter((_, at) => sizes[at] === undefined);
const CPU = "CPU µs/change of all clients";
/** @param {string} work @param {Line} line */
const cpu = (work, { bench }) => measured(work, CPU, bench);
const table = [
  "| client | version | min+gzip KB | clients' CPU µs/change: record | list | in its own README's words |",
  "| --- | --- | --: | --: | --: | --- |",
  ...lines.map((line, at) =>
    [
      "",
      line.name,
      versions(line),
      sizes[at]?.toFixed(1) ?? "not installed",
      cpu("all at once, a record by id", line),
      cpu("all at once, a list", line),
      words(line),
      "",
    ]
      .join(" | ")
      .trim(),
  ),
];

const text = readFileSync(page, "utf8");
const [before, rest] = text.split(BEGIN);
const [old, after] = rest?.split(END) ?? [];
if (old === undefined || after === undefined) throw new Error(`docs/sizes.md has no ${BEGIN} … ${END}.`);

if (process.argv.includes("--update")) {
  writeFileSync(page, `${before}${BEGIN}\n\n${table.join("\n")}\n\n${END}${after}`);
  console.log(table.join("\n"));
} else {
  /** @param {readonly string[]} rows @returns {Map<string, readonly string[]>} */
  const byName = (rows) =>
    new Map(
      rows.map((row) => row.split("|").map((cell) => cell.trim())).map((cells) => [cells[1] ?? "", cells]),
    );
  const [told, now] = [byName(old.trim().split("\n")), byName(table)];
  const stale = lines.flatMap(({ name }) => {
    const [was, is] = [told.get(name)?.slice(2) ?? [], now.get(name)?.slice(2) ?? []];
    if (was.length === 0) return [`${name}: not in it`];
    const off = Math.abs(Number(was[1]) - Number(is[1]));
    const same = was.every((cell, i) => i === 1 || cell === is[i]);
    if (same && (off <= TOLERANCE || was[1] === is[1])) return [];
    return [`${name}: ${was.slice(0, -1).join(", ")}; now ${is.slice(0, -1).join(", ")}`];
  });
  for (const name of told.keys()) if (!now.has(name)) stale.push(`${name}: not measured any more`);
  if (stale.length > 0) {
    console.log(
      `docs/sizes.md is stale; npm run table rewrites it:\n${stale.map((one) => `  ${one}`).join("\n")}`,
    );
    process.exitCode = 1;
  }
}
if (missing.length > 0) console.log(`Not installed: ${missing.map(({ name }) => name).join(", ")}.`);
