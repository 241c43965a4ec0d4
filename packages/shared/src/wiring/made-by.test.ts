import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CallaError } from "../base/errors.ts";
import { checkMadeBy, MADE_BY } from "./made-by.ts";
import { defineWiring } from "./wiring.ts";

test("[PK5] a wiring says which line of versions made it: this package's", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const [major, minor] = version.split(".");
  expect(MADE_BY).toBe(major === "0" ? `0.${minor}` : major);
  expect(defineWiring({}).madeBy).toBe(MADE_BY);
});

test("[PK5] a wiring of another line is refused, with the cure", () => {
  expect(() => checkMadeBy(defineWiring({}), "@calla/server")).not.toThrow();
  for (const made of [{ ...defineWiring({}), madeBy: "0.9" }, { madeBy: "1" }, {}]) {
    const check = (): void => checkMadeBy(made, "@calla/server");
    expect(check).toThrow(CallaError);
    expect(check).toThrow(
      /@calla[/]server has one of .* Install all packages of @calla in one version; `npm ls/,
    );
  }
});
