// Which room may use which. Rooms are the folders of `src`, in order from low to high: a file imports from its own room
// and from rooms earlier in its list, so every dependency runs downhill. A new folder is put in its place here; a new file
// needs no entry. "." are the files in `src` itself.
const rooms = {
  shared: ["codes", "base", "values", "wiring", "updates", "wire", "presence", "."],
  client: [
    "base",
    "transports",
    "transports/http",
    "engine",
    "storage",
    "tabs",
    "tabs/stores",
    "connection",
    ".",
    "testing",
  ],
  server: [
    "base",
    "identity",
    "log",
    "log/memory",
    "log/sqlite",
    "cluster",
    "pubsub",
    "postgres/driver",
    "postgres/schema",
    "postgres/log",
    "postgres/pubsub",
    "postgres/move",
    "postgres",
    "presence/state",
    "presence",
    "app",
    "supervision/tree",
    "context",
    "connection",
    "house",
    "model",
    "target",
    "history",
    "roster",
    "hub",
    "transports",
    "transports/http",
    "transports/websocket",
    "channels/wire",
    "channels/topics",
    "channels/definition",
    "channels/presence",
    "channels/engine",
    "channels/transports",
    "channels/transports/longpoll",
    "channels/codes",
    "channels",
    "supabase",
    ".",
    "bridge/patch",
    "bridge",
    "groups",
    "supervision",
    "observers",
    "testing/log-contract",
    "testing/pubsub-contract",
    "testing",
  ],
  react: ["."],
  testing: [
    "doubles",
    "network",
    "history",
    "simulation",
    "playwright/errors",
    "playwright/line",
    "playwright/server",
    "playwright",
    ".",
  ],
  conformance: ["wire", "recording", "replay", "checks", "run", "report", "stub", "."],
};
// Rooms that stand beside the others: what is in them is chosen by a condition of the build (`imports` in package.json).
const beside = { shared: ["dev", "dev-off", "guards", "guards-off"], client: ["dev", "dev-off"] };
// Rooms without I/O, besides all of shared: time, chance and the world are passed in. .oxlintrc.json has the same globs
// against clocks and timers.
const pure = {
  client: ["engine", "storage", "connection"],
  server: [
    "log",
    "log/memory",
    "presence/state",
    "presence",
    "app",
    "context",
    "connection",
    "model",
    "target",
    "history",
    "roster",
    "hub",
    "channels/wire",
    "channels/topics",
    "bridge/patch",
  ],
};
// Rooms that join others to the world, and so alone touch a library for it.
const EDGE = "/(transports|stores|sqlite|postgres|observers)/";
// The engines of a target and of a replica: they do not know each other; the commit loop and the runtime join them.
const engines = {
  server: ["target/target-engine", "connection/conversation"],
  client: ["engine/rebase", "engine/suspects", "engine/kept-predictions"],
};
// Published entry points: the only files of a package that another package may reach.
const entries =
  "src/(index|hydration|suspense|codes/codes|wire/messagepack|testing/index|tabs/stores/(indexeddb|file)|transports/(auto|websocket|http/http|websocket/websocket)|log/sqlite/sqlite|channels/index|channels/wire/index|supabase/index|groups/index|bridge/index|supervision/index|playwright/index|presence/index|presence/state/index|postgres/index|observers/(pino|prometheus))[.]ts$";

const test = "[.](test|sim|bench|contract|arbitrary|test-d)[.]ts$|/test/";
const filesOf = (pkg, room) => `^packages/${pkg}/src/${room === "." ? "" : `${room}/`}[^/]+$`;
const fileOf = (pkg, name) => `^packages/${pkg}/src/${name}[.]ts$`;
const each = (lists, make) =>
  Object.entries(lists).flatMap(([pkg, list]) => list.flatMap((name, at) => make(pkg, name, at, list)));
const forbid = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

const downhill = each(rooms, (pkg, room, at, all) =>
  at === all.length - 1
    ? []
    : forbid(
        `${pkg}-${room}-looks-down`,
        "A room does not import from one later in its list.",
        { path: filesOf(pkg, room), pathNot: test },
        { path: all.slice(at + 1).map((higher) => filesOf(pkg, higher)) },
      ),
);
const apart = each(engines, (pkg, name, _, all) =>
  forbid(
    `${pkg}-${name}-stands-alone`,
    "Engines do not know each other.",
    { path: fileOf(pkg, name), pathNot: test },
    {
      path: all.filter((other) => other !== name).map((other) => fileOf(pkg, other)),
      dependencyTypesNot: ["type-only"],
    },
  ),
);

module.exports = {
  forbidden: [
    ...downhill,
    ...apart,
    forbid("no-cycles", "No import leads back to its file.", {}, { circular: true }),
    {
      name: "every-room-has-its-place",
      comment: "Put the new folder into the list at the top of .dependency-cruiser.cjs.",
      severity: "error",
      from: {},
      // A rule about a file rather than an import must count its importers; it has fewer than this.
      module: {
        path: "^packages/(shared|server|client|react|testing|conformance)/src/",
        pathNot: [test, ...each(rooms, filesOf), ...each(beside, filesOf)],
        numberOfDependentsLessThan: 100,
      },
    },
    forbid(
      "no-deep-imports",
      "Packages meet at their published entry points.",
      { path: "^packages/([^/]+)/", pathNot: "^packages/testing/test/whole/model-limit[.]test[.]ts$" },
      // Generators are any test's; one test holds what a server takes against what a client does.
      { path: "^packages/[^/]+/src/", pathNot: ["^packages/$1/", entries, "[.]arbitrary[.]ts$"] },
    ),
    forbid(
      "no-deep-imports-from-outside",
      "Examples, browser tests and benchmarks use what a user can use.",
      { path: "^(examples|e2e|bench)/" },
      // Generators of hostile input are the tests' and the benchmarks' alike.
      { path: "^packages/[^/]+/src/", pathNot: [entries, "[.]arbitrary[.]ts$"] },
    ),
    forbid(
      "the-chat-page-is-plain",
      "The page of the chat has the package phoenix and nothing of Calla.",
      { path: "^examples/phoenix-chat/(client|shared)/" },
      { path: ["^packages/", "^examples/phoenix-chat/server/", "node_modules/(?!(@types/)?phoenix/|vite/)"] },
    ),
    forbid(
      "the-page-of-the-bridge-is-plain",
      "The reference client and its page have the package phoenix and nothing of Calla.",
      { path: "^examples/phoenix-board/client/" },
      {
        path: [
          "^packages/",
          "^examples/(?!phoenix-board/client/)",
          "node_modules/(?!(@types/)?phoenix/|vite/)",
        ],
      },
    ),
    forbid(
      "the-board-is-plain",
      "The board shows Calla without a framework; examples/board-react shows the same with React, and builds on it.",
      { path: "^examples/board/" },
      { path: ["^packages/react/", "^examples/(?!board/)", "node_modules/(@types/)?react"] },
    ),
    forbid(
      "server-and-client-never-meet",
      "What both need lives in shared; only the testing kit joins them.",
      { path: "^packages/(server|client)/" },
      { path: "^packages/(server|client|testing)/", pathNot: "^packages/$1/" },
    ),
    forbid(
      "bindings-stand-on-the-client",
      "A binding of a framework uses what an app can use: the client, and what is shared.",
      { path: "^packages/react/src/", pathNot: test },
      { path: "^packages/(server|testing)/" },
    ),
    forbid(
      "only-bindings-know-their-framework",
      "Nobody who has no React pays for it.",
      { path: "^packages/(shared|server|client|testing)/src/" },
      { path: "^packages/react/" },
    ),
    forbid(
      "halves-stand-apart",
      "Channels and the sync half meet in the house and below.",
      { path: "^packages/server/src/(channels|supabase)/", pathNot: test },
      { path: "^packages/server/src/(log|model|target|history|hub|server)" },
    ),
    forbid(
      "halves-stand-apart-too",
      "The sync half knows no channels.",
      { path: "^packages/server/src/(log|model|target|history|hub|server)", pathNot: test },
      { path: "^packages/server/src/(channels|supabase)/" },
    ),
    forbid(
      "patches-know-only-values",
      "The engine of patches is over plain values, whoever has them.",
      { path: "^packages/server/src/bridge/patch/", pathNot: test },
      { path: "^packages/server/src/(?!bridge/patch/)" },
    ),
    forbid(
      "shared-is-the-floor",
      "Shared imports no other package of ours.",
      { path: "^packages/shared/" },
      { path: "^packages/(server|client|testing)/" },
    ),
    forbid(
      "conformance-knows-nothing-of-calla",
      "It is pointed at any server, and must be able to fail ours.",
      { path: "^packages/conformance/" },
      { path: "^(packages|examples|bench|e2e)/", pathNot: "^packages/conformance/" },
    ),
    forbid(
      "no-node-builtins-here",
      "Shared, the client and the pure rooms run anywhere.",
      { path: ["^packages/(shared|client|react)/src/", ...each(pure, filesOf)], pathNot: test },
      { dependencyTypes: ["core"] },
    ),
    forbid(
      "io-lives-at-the-edge",
      "Only transports, stores, logs on disk and observers touch an I/O library.",
      { path: "^packages/(server|client)/src/", pathNot: [EDGE, test] },
      {
        path: "node_modules/(ws|@types/ws|idb|better-sqlite3|@types/better-sqlite3|prom-client|pg|@types/pg|postgres|@electric-sql/pglite)/",
        dependencyTypesNot: ["type-only"],
      },
    ),
    forbid(
      "adapters-are-plugged-in",
      "The app (or a default in an entry point) chooses a transport or storage, never an engine.",
      {
        path: "^packages/(server|client)/src/",
        // The mounts of channels are what plugs their transports in.
        pathNot: [
          EDGE,
          "/src/(index|server|client|channels/(index|phoenix)|supabase/(supabase|supabase-api|http))[.]ts$",
          "/(testing|tabs)/",
          test,
        ],
      },
      {
        path: [
          // Its interface is no transport that one could choose.
          "/transports/(?!transport[.])",
          "/sqlite/",
          "/observers/",
          "/stores/",
          "/memory-(log|storage)[.]",
        ],
      },
    ),
    forbid(
      "tests-are-not-imported",
      "Test files are leaves.",
      { pathNot: [test, "^bench/"] },
      { path: test, pathNot: "node_modules" },
    ),
    forbid("not-to-unresolvable", "Every import leads somewhere.", {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["calla-source", "import", "types", "node", "default"],
    },
  },
};
