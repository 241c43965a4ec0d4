// The unit projects run on every check; "sim" holds the seeded simulations, which take longer.
import { defineConfig } from "vitest/config";

const conditions = ["calla-source", "module", "node", "development|production"];
const resolve = { conditions };
const project = (name: string, include: string[]) => ({
  resolve,
  ssr: { resolve },
  test: { name, include, environment: "node" as const },
});

export default defineConfig({
  test: {
    projects: [
      ...["shared", "server", "client"].map((name) =>
        project(name, [`packages/${name}/src/**/*.test.ts`, `packages/${name}/test/**/*.test.ts`]),
      ),
      project("testing", ["packages/testing/{src,mutants}/**/*.test.ts"]),
      project("examples", ["examples/*/test/**/*.test.ts"]),
      project("sim", ["packages/testing/test/**/*.{test,sim}.ts"]),
    ],
  },
});
