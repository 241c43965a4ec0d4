// What an app pays per entry point in production, minified and gzipped, from the sources (which are what dist holds, minus types).
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const fromSource = (config) => ({
  ...config,
  // As bundlers do for production, which leaves strict mode out.
  conditions: ["calla-source", "production"],
  platform: "browser",
  format: "esm",
});
const line = (name, limit, imports) => ({
  name,
  limit,
  path: Object.keys(imports),
  import: imports,
  ignore: ["ws"],
  gzip: true,
  modifyEsbuildConfig: fromSource,
});

const shared = "packages/shared/src/index.ts";
const messagePack = "packages/shared/src/wire/messagepack.ts";
const client = "packages/client/src/index.ts";
const hydration = "packages/client/src/hydration.ts";
const indexedDb = "packages/client/src/tabs/stores/indexeddb.ts";
const webSocket = "packages/client/src/transports/websocket.ts";
const http = "packages/client/src/transports/http/http.ts";
const auto = "packages/client/src/transports/auto.ts";
const react = "packages/react/src/index.ts";
const suspense = "packages/react/src/suspense.ts";

const root = fileURLToPath(new URL(".", import.meta.url));
const CORE = {
  [client]: "{ createClient }",
  [webSocket]: "{ webSocket }",
  [shared]: "{ automatic, json, defineWiring, defineTopic }",
};

const PLAIN = { ...CORE, [shared]: "{ plain, json, defineWiring, defineTopic }" };

/** The same as Vite builds it for production. */
async function byVite(name, limit, imports, as = "core") {
  const folder = `${root}node_modules/.cache/size/${as}`;
  mkdirSync(folder, { recursive: true });
  const lines = Object.entries(imports).map(([path, names]) => `import ${names} from "${root}${path}";`);
  const used = Object.values(imports).map((names) => names.slice(1, -1));
  // An app's build drops what nobody uses.
  writeFileSync(`${folder}/entry.js`, [...lines, `globalThis.calla = [${used.join()}];`].join("\n"));
  await build({
    root: folder,
    logLevel: "silent",
    configFile: false,
    resolve: { conditions: ["calla-source", "module", "browser", "production"] },
    build: {
      outDir: `${folder}/built`,
      modulePreload: false,
      target: "esnext",
      rolldownOptions: { input: `${folder}/entry.js`, output: { entryFileNames: "core.js" } },
    },
  });
  return {
    name,
    limit,
    path: `${folder}/built/core.js`,
    gzip: true,
    disablePlugins: ["@size-limit/esbuild"],
  };
}

// The first lines are what every app pays: nobody can use the client without definitions. They are to be 11.5 KB, and 9.5
// with plain JSON, and are not: each line is held where it stands, so that it can only shrink unnoticed.
export default [
  line("core with definitions: client, JSON, WebSocket, defineWiring, defineTopic", "22.65 KB", CORE),
  await byVite("the same by Vite", "21.9 KB", CORE),
  line("the same with plain JSON in place of the value domain", "21.1 KB", PLAIN),
  await byVite("the same with plain JSON by Vite", "20.4 KB", PLAIN, "plain"),
  line("@calla/client, all of it, with what tabStorage joins", "28 KB", { [client]: "*" }),
  line("@calla/client/websocket", "0.9 KB", { [webSocket]: "*" }),
  line("the same with IndexedDB", "31.7 KB", { ...CORE, [indexedDb]: "{ indexedDb }" }),
  line("@calla/client/http, with the parser of eventsource", "5.7 KB", { [http]: "*" }),
  line("@calla/client/auto", "1 KB", { [auto]: "*" }),
  line("what @calla/client/hydration adds to the serialiser", "4.35 KB", {
    [hydration]: "*",
    [shared]: "{ automatic, json }",
  }),
  // With its comparison of values, which the client asks it for.
  line("the JSON serialiser", "3.4 KB", { [shared]: "{ automatic, json }" }),
  line("the plain JSON serialiser", "1.8 KB", { [shared]: "{ plain, json }" }),
  line("a wiring's definitions", "0.8 KB", {
    [shared]: "{ defineWiring, defineTopic, defineSession, serverOnly }",
  }),
  // What these two do in a page comes with them, and only with them.
  line("the core with ephemeral topics and a local slice", "23.3 KB", {
    ...CORE,
    [shared]: "{ automatic, json, defineWiring, defineTopic, defineEphemeral, defineLocal }",
  }),
  // And what presence does.
  line("the core with presence", "25.45 KB", {
    ...CORE,
    [shared]: "{ automatic, json, defineWiring, defineTopic, definePresence }",
  }),
  // What React's hooks add to a page that has the core.
  {
    ...line("@calla/react, all of it", "1.5 KB", { [react]: "*" }),
    ignore: ["react", "@calla/client", "@calla/shared"],
  },
  {
    ...line("@calla/react/suspense, all of it", "1.75 KB", { [suspense]: "*" }),
    ignore: ["react", "@calla/client", "@calla/shared"],
  },
  line("@calla/shared, all of it", "16.7 KB", { [shared]: "*" }),
  line("@calla/shared/messagepack", "8.6 KB", { [messagePack]: "*" }),
];
