import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { functionsIn } from "./functions.ts";
import { literal, quoted } from "./names.ts";
import { migrationOf } from "./migration.ts";
import { MIGRATIONS, NEWEST } from "./tables.ts";

const short = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

describe("[PL11] what was released stays", () => {
  // A change of a table or of a function is a new migration at the end (an empty one, for functions alone) and a line here:
  // nodes of two versions would otherwise take each other's functions for their own.
  const GOLDEN: readonly (readonly [migration: string, functions: string])[] = [
    ["66c8140604221fb4", "ac48cb77835dc396"],
  ];

  test("each version has its tables, and the newest its functions", () => {
    expect(NEWEST).toBe(GOLDEN.length);
    const found = MIGRATIONS.map((migration) => short(migration("calla")));
    expect(found).toEqual(GOLDEN.map(([migration]) => migration));
    expect(short(functionsIn("calla"))).toBe(GOLDEN.at(-1)![1]);
  });
});

test("names and texts stand in SQL as what they are, whatever is in them", () => {
  expect(quoted(`a"b; DROP`)).toBe(`"a""b; DROP"`);
  expect(literal(`it's "x"`)).toBe(`'it''s "x"'`);
  expect(migrationOf(`odd "name's`)).toContain(`CREATE SCHEMA "odd ""name's";`);
});
