// A mutant whose text is gone from the sources proves nothing any more: found here at once, not in the next full hunt.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { mutants } from "./mutants.mjs";
import { mutate } from "./mutate.mjs";

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "the mutant applies: %s",
  async (_, mutant) => {
    const source = await readFile(new URL(`../../${mutant.file}`, import.meta.url), "utf8");
    expect(mutate(mutant, source)).not.toBe(source);
  },
);
