// A mutant whose text is gone from the sources proves nothing any more: found here at once, not in the next full hunt.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { mutants } from "./mutants.mjs";
import { mutate } from "./mutate.mjs";
import { readArguments } from "./run.mjs";

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "the mutant applies: %s",
  async (_, mutant) => {
    const source = await readFile(new URL(`../../${mutant.file}`, import.meta.url), "utf8");
    expect(mutate(mutant, source)).not.toBe(source);
  },
);

const tests = mutants.flatMap(({ by }) => (by.includes(" > ") ? [by.split(" > ")[0]!] : []));
test.each([...new Set(tests)])("the file of tests that mutants name is there: %s", async (file) => {
  await expect(readFile(new URL(`../../${file}`, import.meta.url), "utf8")).resolves.toContain("test");
});

test("the hunt refuses what it does not know, rather than to hunt for everything", () => {
  expect(readArguments([])).toEqual({ only: "", seeds: 200, quick: false });
  expect(readArguments(["--quick", "--seeds", "5", "--only", "a b"])).toEqual({
    only: "a b",
    seeds: 5,
    quick: true,
  });
  for (const args of [["--help"], ["--only"], ["--seeds", "x"], ["--seeds", "0"], ["--seed", "5"], ["fold"]])
    expect(readArguments(args), args.join(" ")).toBeUndefined();
});
