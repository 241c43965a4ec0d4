// `npm run bench`: bundles the benchmark's processes from the sources as they are now (no build needed, nothing stale)
// and starts the one that runs the others. Flags: see src/run.bench.ts, or `npm run bench -- --help`.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
// Each file with this ending is a process of its own. What is measured and is no export is a bundle too.
const processes = readdirSync(`${here}src`).filter((name) => name.endsWith(".bench.ts"));
const entries = [
  ...processes.map((name) => ({ in: `${here}src/${name}`, out: name.replace(".bench.ts", "") })),
  { in: `${here}../packages/client/src/engine/replica.ts`, out: "replica" },
  { in: `${here}../packages/server/src/bridge/patch/patch.ts`, out: "patch" },
];
/** Calla's own clients are built as a bundler builds a page for production; what Node runs, as Node finds it. */
const isPage = ({ out }) => out === "client" || out === "clients-calla";

const bundle = (entryPoints, conditions) =>
  build({
    entryPoints,
    outdir: `${here}.cache`,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions,
    external: [
      "better-sqlite3",
      "pg",
      // It starts others of its folder.
      "*/scripts/postgres/start.mjs",
      "ws",
      "socket.io",
      "@socket.io/*",
      "zod",
      "@msgpack/msgpack",
      "@tldraw/*",
      "@hocuspocus/*",
      "yjs",
    ],
    sourcemap: "linked",
    logLevel: "warning",
  });
await bundle(
  entries.filter((one) => !isPage(one)),
  ["calla-source"],
);
await bundle(entries.filter(isPage), ["calla-source", "production"]);
await import(new URL("./.cache/run.mjs", import.meta.url).href);
