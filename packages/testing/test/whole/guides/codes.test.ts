// docs/codes.md: its program meets the codes that the page says, and the page has each code of the tables once.
import { readFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import * as tables from "@calla/shared/codes";
import { expect, onTestFinished, test } from "vitest";
import { PATIENCE, printed } from "../../printed.ts";
import type { PrintedClient } from "../../printed.ts";

interface Program extends Record<"ada" | "nobody", PrintedClient> {
  readonly httpServer: HttpServer;
  readonly server: { stop(): Promise<void> };
}

test(
  "[GD2] [PR6] the program says what it is printed to say",
  async () => {
    const page = await printed("docs/codes.md");
    const { ada, nobody } = await page.serve<Program>("errors.ts");
    for (const client of [ada, nobody]) onTestFinished(() => client.close());
    expect(page.said).toEqual(page.prints);
  },
  PATIENCE,
);

test(
  "[PR6] the page has every code of every table, with its sentence and its cure",
  async () => {
    const page = await readFile(new URL("../../../../../docs/codes.md", import.meta.url), "utf8");
    for (const [name, table] of Object.entries<tables.CodeTable>(tables)) {
      const [, place = ""] = new RegExp(`<!-- ${name} -->\n([^]*?)<!-- end -->`).exec(page) ?? [];
      const rows = Array.from(place.matchAll(/^\| `([a-z-]+)` \|/gm), ([, code]) => code);
      expect([name, rows]).toEqual([name, Object.keys(table)]);
      for (const { means, cure } of Object.values(table)) expect(place).toContain(`| ${means} | ${cure} |`);
    }
  },
  PATIENCE,
);
