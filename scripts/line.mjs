// Part of `npm run version`: writes into @calla/shared which line of versions it is of (spec/packages.md, PK5).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

const { version } = JSON.parse(readFileSync(join(root, "packages/shared/package.json"), "utf8"));
const [major, minor] = version.split(".");
const file = join(root, "packages/shared/src/wiring/made-by.ts");
const line = `export const MADE_BY = "${major === "0" ? `0.${minor}` : major}";`;
writeFileSync(file, readFileSync(file, "utf8").replace(/^export const MADE_BY = .*$/m, line));
