// Which file may import which. Layers stand low to high: a file imports lower layers and its own layer; the files
// of a layer marked "apart" do not import each other either. A new file must be put in a layer here. A name
// ending in "/" is a folder.
const layers = {
  shared: [
    [
      "errors",
      "dev/switch",
      "dev-off/switch",
      "limits",
      "kind",
      "base64",
      "own-bytes",
      "crowding",
      "clock",
      "later-clock",
      "random",
      "target",
      "guard",
      "standard",
    ],
    [
      "error-sentences",
      "topic-pattern",
      "classes",
      "freeze",
      "values",
      "hash",
      "hash-value",
      "equal",
      "author",
      "count-values",
      "frame-names",
      "sparse-fields",
    ],
    ["context", "slice", "dev/define-checks", "dev-off/define-checks", "define"],
    ["run-update", "dev/strict", "dev-off/strict", "wiring", "apply", "migrate"],
    ["client-frames", "server-frames", "protocol", "payloads"],
    ["walk", "to-plain", "from-plain", "normalise"],
    [
      "serialiser",
      "json-scan",
      "format-json",
      "serialiser-custom",
      "messagepack-scan",
      "messagepack-read",
      "messagepack",
    ],
    ["index"],
  ],
  server: [
    [
      "clock",
      "connection",
      "origin",
      "hosts",
      "secret",
      "brief",
      "log",
      "pubsub",
      "kicking",
      "whose",
      "doorbell",
      "identity",
      "intent",
      "contain",
      "development",
      "events",
      "deadline",
      "address",
      "parties",
      "budget",
      "rounds",
      "waiting",
      "limits",
      "rate",
      "weight",
      "measure",
      "scales",
    ],
    [
      "checks",
      "handlers",
      "authenticate",
      "meanwhile",
      "encoder",
      "details",
      "carry",
      "effects",
      "batch",
      "client-row",
      "records",
      "log-memory-target",
      "log-memory-rows",
      "log-memory-changes",
      "log-memory",
      "log-faulty",
      "log-rewindable",
      "log-contract-kit",
      "log-contract-append",
      "log-contract-outcomes",
      "log-contract-past",
      "log-contract-list",
      "log-contract",
      "transports/",
      "sqlite/",
    ],
    ["target-engine", "conversation"], // the engines
    [
      "collapsing",
      "crowd",
      "limiter",
      "intake",
      "incoming",
      "room",
      "meters",
      "bytes",
      "proxies",
      "refreshing",
      "reauthorising",
      "draining",
      "staleness",
      "core",
      "audience",
      "ephemeral",
      "live-target",
      "opening",
      "target-registry",
      "places",
      "gates",
      "newcomers",
      "existence",
      "expecting",
      "telling",
      "turns",
      "digests",
      "follow",
      "topic-list",
      "lifetimes",
      "past",
      "readers",
      "refusal",
      "dispatching",
      "following",
      "hello",
      "speaking",
      "hub",
    ],
    ["server-topic", "server-topics", "hydration", "inspect", "health", "server-interface", "server"],
    ["observers/"],
    ["index", "testing"],
  ],
  client: [
    ["clock", "size", "storage", "locks", "tab-note", "transports/"],
    [
      "backoff",
      "storage-memory",
      "storage-models",
      "migrate-stored",
      "notifier",
      "packets",
      "write",
      "room",
      "compare",
      "shelf",
      "locks-memory",
      "locks-web",
    ],
    // Storages that survive; each is an entry point or part of one.
    [
      "shelf-memory",
      "shelf-indexeddb",
      "stored-values",
      "held-client",
      "orphans",
      "storage-tabs",
      "tab-memory",
      "storage-indexeddb",
      "node-files",
      "file-lock",
      "shelf-file",
      "storage-file",
    ],
    ["rebase", "outbox", "subscriptions"], // the engines
    ["target", "targets", "dispatch", "ledger", "receiver", "sync", "runtime"],
    ["topic", "local", "client", "reload", "hydration"],
    ["index", "testing"],
  ],
};
const apart = { server: [2], client: [3] };
// Pure besides the engines and all of shared: files of the server that touch no Node builtin.
const pure = {
  server: [
    "carry",
    "details",
    "deadline",
    "client-row",
    "records",
    "log-memory",
    "log-memory-target",
    "log-memory-rows",
    "log-memory-changes",
    "audience",
    "ephemeral",
    "live-target",
    "collapsing",
    "crowd",
    "limiter",
    "meters",
    "bytes",
    "refreshing",
    "reauthorising",
    "draining",
    "staleness",
    "whose",
    "meanwhile",
    "rate",
    "parties",
    "budget",
    "rounds",
    "waiting",
    "intake",
    "incoming",
    "room",
    "weight",
    "measure",
    "scales",
    "telling",
    "turns",
    "follow",
    "lifetimes",
    "past",
    "readers",
    "following",
    "dispatching",
    "speaking",
    "hub",
  ],
};
// Published entry points: the only files of a package that another package may reach.
const entries =
  "src/(index|messagepack|testing|hydration|storage-indexeddb|storage-file|transports/(websocket|http|auto)|sqlite/sqlite|observers/(pino|prometheus))[.]ts$";

const sourceOf = (pkg, names) =>
  names.map((name) => `^packages/${pkg}/src/${name.endsWith("/") ? name : `${name}[.]ts$`}`);
const forbid = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });
const test = "[.](test|sim|bench|contract|arbitrary|test-d)[.]ts$|/test/";

const downhill = Object.entries(layers).flatMap(([pkg, levels]) =>
  levels
    .slice(0, -1)
    .map((names, level) =>
      forbid(
        `${pkg}-layer-${level}-looks-down`,
        "A lower layer does not import a higher one.",
        { path: sourceOf(pkg, names), pathNot: test },
        { path: sourceOf(pkg, levels.slice(level + 1).flat()) },
      ),
    ),
);

const siblings = Object.entries(apart).flatMap(([pkg, levels]) =>
  levels.flatMap((level) =>
    layers[pkg][level].map((name, _, all) =>
      forbid(
        `${pkg}-${name.replace("/", "")}-stands-alone`,
        "Engines do not know each other; the hub and the runtime join them.",
        { path: sourceOf(pkg, [name]), pathNot: test },
        {
          path: sourceOf(
            pkg,
            all.filter((other) => other !== name),
          ),
        },
      ),
    ),
  ),
);

const layered = Object.entries(layers).flatMap(([pkg, levels]) => sourceOf(pkg, levels.flat()));
const engines = Object.entries(apart).flatMap(([pkg, levels]) =>
  sourceOf(
    pkg,
    levels.flatMap((level) => layers[pkg][level]),
  ),
);

module.exports = {
  forbidden: [
    ...downhill,
    ...siblings,
    forbid("no-cycles", "No import leads back to its file.", {}, { circular: true }),
    {
      name: "every-file-has-a-layer",
      comment: "Put the new file in a layer at the top of .dependency-cruiser.cjs.",
      severity: "error",
      from: {},
      // A rule about a file rather than an import must count its importers; it has fewer than this.
      module: {
        path: "^packages/(shared|server|client)/src/",
        pathNot: [test, ...layered],
        numberOfDependentsLessThan: 100,
      },
    },
    forbid(
      "no-deep-imports",
      "Packages meet at their published entry points.",
      { path: "^packages/([^/]+)/", pathNot: "^packages/testing/src/model-limit[.]test[.]ts$" },
      // Generators are any test's; one test holds what a server takes against what a client does.
      { path: "^packages/[^/]+/src/", pathNot: ["^packages/$1/", entries, "[.]arbitrary[.]ts$"] },
    ),
    forbid(
      "no-deep-imports-from-outside",
      "Examples, browser tests and benchmarks use what a user can use.",
      { path: "^(examples|e2e|bench)/" },
      // Generators of hostile input are the tests' and the benchmarks' alike.
      { path: "^packages/[^/]+/src/", pathNot: [...[entries].flat(), "[.]arbitrary[.]ts$"] },
    ),
    forbid(
      "server-and-client-never-meet",
      "What both need lives in shared; only the testing kit joins them.",
      { path: "^packages/(server|client)/" },
      { path: "^packages/(server|client|testing)/", pathNot: "^packages/$1/" },
    ),
    forbid(
      "shared-is-the-floor",
      "Shared imports no other package of ours.",
      { path: "^packages/shared/" },
      { path: "^packages/(server|client|testing)/" },
    ),
    forbid(
      "no-node-builtins-here",
      "Shared, the client and the engines run anywhere.",
      {
        path: [
          "^packages/(shared|client)/src/",
          ...engines,
          ...Object.entries(pure).flatMap(([pkg, names]) => sourceOf(pkg, names)),
        ],
        pathNot: test,
      },
      { dependencyTypes: ["core"] },
    ),
    forbid(
      "io-lives-at-the-edge",
      "Only transports and storage touch an I/O library.",
      {
        path: "^packages/(server|client)/src/",
        pathNot: ["/transports/", "/(storage|shelf|log)-", "/sqlite/", "/observers/", test],
      },
      {
        path: "node_modules/(ws|@types/ws|idb|better-sqlite3|@types/better-sqlite3|prom-client)/",
        dependencyTypesNot: ["type-only"],
      },
    ),
    forbid(
      "adapters-are-plugged-in",
      "The app (or a default in an entry point) chooses a transport or storage, never an engine.",
      {
        path: "^packages/(server|client)/src/",
        pathNot: [
          "/transports/",
          "/(storage|shelf|log)-",
          "/sqlite/",
          "/observers/",
          "/(index|testing|server|client)[.]ts$",
          test,
        ],
      },
      {
        path: [
          "/transports/(?!transport[.])",
          "/sqlite/",
          "/observers/",
          "/(storage|shelf|log)-(?!contract|faulty|rewindable)",
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
