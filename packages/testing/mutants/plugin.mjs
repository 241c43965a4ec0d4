// Puts a mutant into what esbuild bundles: the campaign (run.mjs), and servers that are processes (test/processes.ts).
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { mutants } from "./mutants.mjs";
import { mutate } from "./mutate.mjs";

const packages = fileURLToPath(new URL("../../", import.meta.url));

/** The one that the run is about (run.mjs says so); undefined: the sources as they are. */
export const currentMutant = () => mutants.find(({ name }) => name === process.env.CALLA_MUTANT);

/**
 * @param {import("./mutants.mjs").Mutant | undefined} mutant
 * @param {() => void} [put] Called when it was put in.
 * @returns {import("esbuild").Plugin}
 */
export const mutantPlugin = (mutant, put = () => {}) => ({
  name: "mutant",
  setup({ onLoad }) {
    if (mutant === undefined) return;
    onLoad({ filter: /[/\\]packages[/\\].*\.ts$/ }, async ({ path }) => {
      if (path !== `${packages}${mutant.file}`) return undefined;
      put();
      return { contents: mutate(mutant, await readFile(path, "utf8")), loader: "ts" };
    });
  },
});
