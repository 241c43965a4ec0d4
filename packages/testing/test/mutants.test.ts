// The suite must be able to fail: mistakes put into the sources are caught by the rule that each names. A few of them
// here; all of them with CALLA_MUTANTS=all, or by `npm run mutants --workspace packages/testing`, which says how long.
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { mutants } from "../mutants/mutants.mjs";
import { mutate } from "../mutants/mutate.mjs";
import { describeVerdict, runMutants } from "../mutants/run.mjs";

const all = process.env["CALLA_MUTANTS"] === "all";
const packages = new URL("../../", import.meta.url);

describe("mutants", () => {
  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    "%s: its text is there once",
    async (_, mutant) => {
      const code = await readFile(new URL(mutant.file, packages), "utf8");
      expect(mutate(mutant, code)).not.toBe(code);
    },
  );

  test(`${all ? "all of them" : "the quickest of them"} are caught`, { timeout: 3_600_000 }, async () => {
    const chosen = mutants.filter(({ fast }) => all || fast === true);
    const verdicts = await runMutants(chosen);
    expect(verdicts.filter(({ ok }) => !ok).map(describeVerdict)).toEqual([]);
    expect(verdicts).toHaveLength(chosen.length);
  });
});
