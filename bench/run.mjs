// `npm run bench`: bundles the benchmark's processes from the sources as they are now (no build needed, nothing stale)
// and starts the one that runs the others. Flags: see src/run.bench.ts, or `npm run bench -- --help`.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
// Each file with this ending is a process of its own. A replica is no export of the client, so it is a bundle too.
const processes = readdirSync(`${here}src`).filter((name) => name.endsWith(".bench.ts"));

await build({
  entryPoints: [
    ...processes.map((name) => ({ in: `${here}src/${name}`, out: name.replace(".bench.ts", "") })),
    { in: `${here}../packages/client/src/engine/replica.ts`, out: "replica" },
  ],
  outdir: `${here}.cache`,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  conditions: ["calla-source"],
  external: [
    "better-sqlite3",
    "ws",
    "socket.io",
    "zod",
    "@msgpack/msgpack",
    "@tldraw/*",
    "@hocuspocus/*",
    "yjs",
  ],
  sourcemap: "linked",
  logLevel: "warning",
});
await import(new URL("./.cache/run.mjs", import.meta.url).href);
