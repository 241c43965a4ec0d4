// Runs single tests with one mutant (by its name in CALLA_MUTANT) put into the sources; started by run.mjs.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { mutants } from "./mutants.mjs";
import { mutate } from "./mutate.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const resolve = { conditions: ["calla-source", "module", "node", "development|production"] };
const mutant = mutants.find(({ name }) => name === process.env.CALLA_MUTANT);

export default defineConfig({
  root,
  resolve,
  ssr: { resolve },
  plugins: [
    {
      name: "mutant",
      enforce: "pre",
      transform: (code, id) =>
        mutant !== undefined && id.endsWith(`/packages/${mutant.file}`) ? mutate(mutant, code) : undefined,
    },
  ],
  test: {
    include: ["packages/*/{src,test}/**/*.{test,sim}.ts"],
    environment: "node",
    testTimeout: 30_000,
    // The tests that it runs come as arguments.
    globalSetup: process.argv.some((argument) => argument.includes("/postgres/"))
      ? ["scripts/postgres/global-setup.mjs"]
      : [],
  },
});
