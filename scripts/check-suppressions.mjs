// `npm run check:suppressions`: whoever silences the linter or the formatter or skips a test says why, with `reason:` on
// that line or the one above. No rule of oxlint (1.89) asks this of its own comments, nor looks at Playwright's tests.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./run.mjs";

const suppression =
  /(?:ox|es)lint-disable|(?:oxfmt|prettier)-ignore|\b(?:it|test|describe)[.](?:skip|todo|fixme|only)\b/;
const skipped = new Set(["node_modules", "dist", "test-results", ".cache", ".git", "api"]);

/** @param {string} folder @returns {string[]} */
const filesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return /[.](?:ts|mts|mjs|js|cjs)$/.test(entry.name) ? [path] : [];
  });

const own = new URL(import.meta.url).pathname;
const findings = filesIn(root)
  .filter((path) => path !== own)
  .flatMap((path) => {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((line, index) => {
      if (!suppression.test(line)) return [];
      if (line.includes("reason:") || lines[index - 1]?.includes("reason:")) return [];
      return [`${relative(root, path)}:${index + 1}: ${line.trim()}`];
    });
  });

if (findings.length > 0) {
  console.log(
    `${findings.join("\n")}\n\nA suppression without \`// reason: …\` on its line or the one above.`,
  );
  process.exitCode = 1;
}
