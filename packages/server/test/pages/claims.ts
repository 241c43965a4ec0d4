// Pages that go through another library's words: each row of their tables has a test of its name; and that library's own
// pages, each section of which has what it says run.
import { describe, expect, test } from "vitest";
import { codesIn, rowsOf, textOf } from "./page.ts";

/** What a page says, run row by row. */
export type Claims = Readonly<Record<string, () => unknown>>;

const nameOf = (cell: string): string => cell.replaceAll(/[`*]/g, "");

/** `rule` in brackets, as in a test's name. `names`: all that the other library has; each stands in some row's first cell. */
export function holdPage(page: string, rule: string, claims: Claims, names: readonly string[]): void {
  describe(page, () => {
    test.each(Object.entries(claims))(`${rule} %s`, async (_, claim) => {
      await claim();
    });

    test(`${rule} each row has a test of its name, and each name a row`, async () => {
      const rows = rowsOf(await textOf(page)).map(([first]) => first!);
      expect(rows.map(nameOf).toSorted()).toEqual(Object.keys(claims).toSorted());
      const named = new Set(rows.flatMap((row) => codesIn(row)));
      expect(names.filter((name) => !named.has(name))).toEqual([]);
    });
  });
}

/** `origin`: the other library and its page. `sections`: its headings, each with what it says of behaviour, as run here. */
export function holdOrigin(
  origin: string,
  rule: string,
  sections: Readonly<Record<string, Claims>>,
  headings: readonly string[],
): void {
  for (const [section, claims] of Object.entries(sections)) {
    test.each(Object.entries(claims))(`${rule} ${origin}, ${section}: %s`, async (_, claim) => {
      await claim();
    });
  }

  test(`${rule} ${origin}: each section has what it says run`, () => {
    expect(Object.keys(sections)).toEqual(headings);
    expect(Object.values(sections).filter((claims) => Object.keys(claims).length === 0)).toEqual([]);
  });
}
