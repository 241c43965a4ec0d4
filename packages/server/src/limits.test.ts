import { readFile } from "node:fs/promises";
import { DEFAULT_LIMITS } from "@calla/shared";
import { expect, test } from "vitest";

test("[LM1] the documented defaults are those of the code, and every limit is documented", async () => {
  const spec = await readFile(new URL("../../../SPEC.md", import.meta.url), "utf8");
  const rows = [...spec.matchAll(/^\| `(\w+)` \| ([\d,]+)( days)?/gm)];
  const documented = Object.fromEntries(
    rows.map(([, name, number, days]) => [
      name,
      Number(number!.replaceAll(",", "")) * (days ? 86_400_000 : 1),
    ]),
  );
  expect(documented).toEqual(DEFAULT_LIMITS);
});
