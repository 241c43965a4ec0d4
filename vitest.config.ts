// The unit projects run on every check; "sim" holds the seeded simulations, which take longer.
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const conditions = ["calla-source", "module", "node", "development|production"];
const resolve = { conditions };
const project = (
  name: string,
  include: string[],
  more: {
    exclude?: string[];
    env?: Record<string, string>;
    isolate?: boolean;
    environment?: string;
    globalSetup?: string[];
  } = {},
  alias: { find: RegExp; replacement: string }[] = [],
) => ({
  resolve: { ...resolve, alias },
  ssr: { resolve },
  test: {
    name,
    include,
    environment: "node",
    // Properties on a busy machine take longer than the default of 5 s; what hangs is found all the same.
    testTimeout: 30_000,
    // A project's files share a process: one for each imports everything anew, which doubles the processor's time.
    isolate: false,
    // Simulations make much that dies young: with V8's default of 16 MB the collector takes a tenth of the processor's time.
    execArgv: ["--max-semi-space-size=32"],
    // What a test put in place is gone for the next one.
    unstubGlobals: true,
    unstubEnvs: true,
    restoreMocks: true,
    ...more,
  },
});

/** The oldest React that @calla/react takes stands in a workspace of its own, beside the newest. */
const react18 = fileURLToPath(new URL("scripts/react-18/node_modules/", import.meta.url));

const POSTGRES = "packages/server/{src,test}/postgres/**/*.test.ts";
/** What servers of two versions could do differently. */
const OF_POSTGRES = ["log/postgres-log", "pubsub/contract", "schema/appending"].map(
  (file) => `packages/server/src/postgres/${file}.test.ts`,
);
const DURABLE = "packages/testing/test/campaign-durable.sim.ts";

/** The long ones first, so that no core waits for the last; then a project's files in a row, which share a process. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project: { name } }: TestSpecification): string =>
      `${moduleId.endsWith(".sim.ts") ? 0 : 1} ${name}`;
    // oxlint-disable-next-line unicorn/no-array-sort -- reason: no array, the sequencer's own order
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    // All cores; left to itself it keeps one free, which is half of two.
    maxWorkers: availableParallelism(),
    // A module is compiled once for all projects: each has a Vite of its own, which keeps nothing for the others.
    experimental: { fsModuleCache: true },
    // Of the unit tests alone; simulations and browser tests reach more. The floors only rise.
    coverage: {
      provider: "v8",
      include: ["packages/{shared,server,client,react}/src/**/*.ts"],
      exclude: ["**/*.{test,test-d,arbitrary}.ts"],
      reporter: ["text-summary", "html"],
      reportsDirectory: "test-results/coverage",
      thresholds: { statements: 95, branches: 92, functions: 95, lines: 97 },
    },
    projects: [
      ...["shared", "server", "client"].map((name) =>
        project(name, [`packages/${name}/src/**/*.test.ts`, `packages/${name}/test/**/*.test.ts`], {
          exclude: [POSTGRES],
        }),
      ),
      // Over a server of this run's own, on a port and in a folder of its own.
      project("postgres", [POSTGRES], { globalSetup: ["scripts/postgres/global-setup.mjs"] }),
      // The same on the newest Postgres that npm has for this machine, in short; CI runs the whole on each version.
      project("postgres-newest", OF_POSTGRES, { globalSetup: ["scripts/postgres/newest-setup.mjs"] }),
      project("react", ["packages/react/{src,test}/*.test.ts"], { environment: "happy-dom" }),
      project(
        "react-18",
        ["packages/react/{src,test}/*.test.ts"],
        { environment: "happy-dom", exclude: ["packages/react/test/newest.test.ts"] },
        [{ find: /^(react(?:-dom)?)(?=$|[/])/, replacement: `${react18}$1` }],
      ),
      project("conformance", ["packages/conformance/src/**/*.test.ts"]),
      project("create-calla", ["packages/create-calla/src/**/*.test.ts"]),
      project("testing", ["packages/testing/{src,mutants,test/whole}/**/*.test.ts"]),
      project("examples", ["examples/*/test/**/*.test.ts", "bench/src/**/*.test.ts", "e2e/**/*.test.ts"]),
      project("transports", ["packages/testing/test/transports/*.test.ts"], { isolate: true }),
      project(
        "sim",
        [
          "packages/testing/test/{*,scenarios/*,tabs/*,kill/*,nodes/*,churn/*,deploy/*,production/*}.{test,sim}.ts",
          "packages/server/test/**/*.sim.ts",
        ],
        // What they measure of memory and of time is theirs alone.
        { exclude: [DURABLE], isolate: true },
      ),
      // The scenarios and a soak again, over a log in a file.
      // Each file with a folder of its own, which goes with it (tested-log.ts).
      project("durable", ["packages/testing/test/scenarios/*.test.ts", DURABLE], {
        env: { CALLA_LOG: "sqlite" },
        isolate: true,
      }),
      // The scenarios again without sockets: requests with a stream, and requests with polls.
      ...["http", "poll"].map((via) =>
        project(via, ["packages/testing/test/{scenarios/*,tabs/tabs}.test.ts"], { env: { CALLA_VIA: via } }),
      ),
    ],
  },
});
