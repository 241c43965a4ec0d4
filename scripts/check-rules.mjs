// `npm run check:rules`: a rule of SPEC.md that no test's name carries is only a wish, and a rule that is named but does
// not stand there is a mistake. Checks of the log's contract count as tests; the history checker's rules are proven by
// the table of broken histories in its test.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

const skipped = new Set(["node_modules", "dist", "test-results"]);
const tests = /[.](?:test|sim|spec)[.]ts$|-contract(?:-\w+)?[.]ts$/;
const brokenHistories = join(root, "packages/testing/src/check.test.ts");

/** @param {string} folder @returns {string[]} */
const filesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return tests.test(entry.name) ? [path] : [];
  });

/** @param {string} path @returns {string[]} the rules that names in it carry; comments are no names */
function namedIn(path) {
  const code = readFileSync(path, "utf8").replaceAll(/^\s*(?:[/]{2}|[/]?[*]).*$/gm, "");
  const rule = path === brokenHistories ? /^ {2}(HC\d+):|\[([A-Z]{2}\d+)\]/gm : /\[([A-Z]{2}\d+)\]/g;
  return [...code.matchAll(rule)].map(([, first, second]) => first ?? second ?? "");
}

const spec = readFileSync(join(root, "SPEC.md"), "utf8");
const rules = [...spec.matchAll(/^- \*\*([A-Z]{2}\d+)\*\* /gm)].map(([, rule = ""]) => rule);
const mentioned = new Set(spec.match(/\b[A-Z]{2}\d+\b/g));
const named = new Set(
  ["packages", "e2e", "examples", "bench"].flatMap((folder) => filesIn(join(root, folder)).flatMap(namedIn)),
);

const findings = [
  ...(rules.length === 0 ? ["SPEC.md has no rules of the form `- **XX1** …`."] : []),
  ...rules.filter((rule, i) => rules.indexOf(rule) !== i).map((rule) => `${rule} stands twice in SPEC.md.`),
  ...rules.filter((rule) => !named.has(rule)).map((rule) => `${rule}: no test's name carries [${rule}].`),
  ...[...mentioned, ...named]
    .filter((rule) => !rules.includes(rule))
    .map((rule) => `${rule}: SPEC.md has no such rule, and it or a test's name speaks of it.`),
];
if (findings.length > 0) {
  console.log([...new Set(findings)].join("\n"));
  process.exitCode = 1;
}
