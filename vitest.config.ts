// The unit projects run on every check; "sim" holds the seeded simulations, which take longer.
import { defineConfig } from "vitest/config";

const conditions = ["calla-source", "module", "node", "development|production"];
const resolve = { conditions };
const project = (
  name: string,
  include: string[],
  more: { exclude?: string[]; env?: Record<string, string> } = {},
) => ({
  resolve,
  ssr: { resolve },
  // Properties on a busy machine take longer than the default of 5 s; what hangs is found all the same.
  test: { name, include, environment: "node" as const, testTimeout: 30_000, ...more },
});

const DURABLE = "packages/testing/test/campaign-durable.sim.ts";

export default defineConfig({
  test: {
    // Of the unit tests alone; simulations and browser tests reach more. The floors only rise.
    coverage: {
      provider: "v8",
      include: ["packages/{shared,server,client}/src/**/*.ts"],
      exclude: ["**/*.{test,test-d,arbitrary}.ts"],
      reporter: ["text-summary", "html"],
      reportsDirectory: "test-results/coverage",
      thresholds: { statements: 95, branches: 92, functions: 95, lines: 97 },
    },
    projects: [
      ...["shared", "server", "client"].map((name) =>
        project(name, [`packages/${name}/src/**/*.test.ts`, `packages/${name}/test/**/*.test.ts`]),
      ),
      project("testing", ["packages/testing/{src,mutants,test/whole}/**/*.test.ts"]),
      project("examples", ["examples/*/test/**/*.test.ts"]),
      project("transports", ["packages/testing/test/transports/*.test.ts"]),
      project(
        "sim",
        [
          "packages/testing/test/{*,scenarios/*,tabs/*,kill/*,churn/*,deploy/*,production/*}.{test,sim}.ts",
          "packages/server/test/**/*.sim.ts",
        ],
        { exclude: [DURABLE] },
      ),
      // The scenarios and a soak again, over a log in a file.
      project("durable", ["packages/testing/test/scenarios/*.test.ts", DURABLE], {
        env: { CALLA_LOG: "sqlite" },
      }),
      // The scenarios again without sockets: requests with a stream, and requests with polls.
      ...["http", "poll"].map((via) =>
        project(via, ["packages/testing/test/{scenarios/*,tabs/tabs}.test.ts"], { env: { CALLA_VIA: via } }),
      ),
    ],
  },
});
