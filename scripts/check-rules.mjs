// `npm run check:rules`: a rule of spec/ or a scenario of spec/scenarios.md that no test's name carries is only a wish,
// and one that is named but does not stand there is a mistake. Checks of the contracts of logs and pubsubs count as tests; the history
// checker's rules are proven by the table of broken histories in its test.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "./run.mjs";

const skipped = new Set(["node_modules", "dist", "test-results"]);
const tests = /[.](?:test|sim|spec)[.]ts$/;
const contract = /[/](?:log|pubsub)-contract[/]/;
const brokenHistories = join(root, "packages/testing/src/history/check.test.ts");

/** @param {string} folder @param {RegExp} [names] @returns {string[]} */
const filesIn = (folder, names = tests) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path, names);
    return names.test(entry.name) || contract.test(path) ? [path] : [];
  });

/** @param {string} path @returns {string[]} the rules that names in it carry; comments are no names */
function namedIn(path) {
  const code = readFileSync(path, "utf8").replaceAll(/^\s*(?:[/]{2}|[/]?[*]).*$/gm, "");
  const rule = path === brokenHistories ? /^ {2}(HC\d+):|\[([A-Z]{2}\d+)\]/gm : /\[([A-Z]{2}\d+)\]/g;
  return [...code.matchAll(rule)].map(([, first, second]) => first ?? second ?? "");
}

const pages = filesIn(join(root, "spec"), /[.]md$/);
const index = readFileSync(join(root, "SPEC.md"), "utf8");
const spec = [index, ...pages.map((path) => readFileSync(path, "utf8"))].join("\n");
/** A longer one holds several behaviours, and a test of one of them would do for all. */
const LONGEST = 400;
const long = spec.split("\n").flatMap((line) => {
  const rule = /^- \*\*([A-Z]{2}\d+)\*\* /.exec(line)?.[1];
  return rule === undefined || line.length <= LONGEST ? [] : [{ rule, length: line.length }];
});
const rules = [...spec.matchAll(/^- \*\*([A-Z]{2}\d+)\*\* /gm)].map(([, rule = ""]) => rule);
const mentioned = new Set(spec.match(/\b[A-Z]{2}\d+\b/g));
const named = new Set(
  ["packages", "e2e", "examples", "bench"].flatMap((folder) => filesIn(join(root, folder)).flatMap(namedIn)),
);

// The rules of the log are the checks of its contract, one for one; what other logs do besides stands under a heading of its own.
const [contractual = ""] = readFileSync(join(root, "spec/logs.md"), "utf8").split("## Besides the contract");
const logRules = [...contractual.matchAll(/^- \*\*(LG\d+)\*\* /gm)].map(([, rule = ""]) => rule);
const checks = new Set(filesIn(join(root, "packages/server/src/testing"), /(?!)/).flatMap(namedIn));

// Scenarios stand in names too, without brackets, and comments may point at them.
const scenarios = [
  ...readFileSync(join(root, "spec/scenarios.md"), "utf8").matchAll(/^[|] [*]{2}(S\d+)[*]{2} [|]/gm),
].map(([, scenario = ""]) => scenario);
/** @param {RegExp} files @param {(path: string) => string} read */
const scenariosIn = (files, read) =>
  new Set(
    ["packages", "e2e", "examples", "bench"].flatMap((folder) =>
      filesIn(join(root, folder), files).flatMap((path) => read(path).match(/\bS\d{1,2}\b/g) ?? []),
    ),
  );
const tested = scenariosIn(tests, (path) => readFileSync(path, "utf8"));
const pointedAt = scenariosIn(/[.](?:ts|mjs)$/, (path) => readFileSync(path, "utf8"));

const findings = [
  ...(scenarios.length === 0 ? ["spec/scenarios.md has no scenarios of the form `| **S1** | …`."] : []),
  ...scenarios
    .filter((scenario, i) => scenarios.indexOf(scenario) !== i)
    .map((scenario) => `${scenario} stands twice in spec/scenarios.md.`),
  ...scenarios
    .filter((scenario) => !tested.has(scenario))
    .map((scenario) => `${scenario}: no test speaks of it.`),
  ...[...pointedAt]
    .filter((scenario) => !scenarios.includes(scenario))
    .map((scenario) => `${scenario}: spec/scenarios.md has no such scenario, and a file speaks of it.`),
  ...pages
    .filter((path) => !index.includes(`](spec/${basename(path)})`))
    .map((path) => `SPEC.md does not list spec/${basename(path)}.`),
  ...(rules.length === 0 ? ["spec/ has no rules of the form `- **XX1** …`."] : []),
  ...rules.filter((rule, i) => rules.indexOf(rule) !== i).map((rule) => `${rule} stands twice in spec/.`),
  ...long.map(
    ({ rule, length }) =>
      `${rule} has ${length} characters; one id is one behaviour, in ${LONGEST} at most: split it, or move reasons out.`,
  ),
  ...rules.filter((rule) => !named.has(rule)).map((rule) => `${rule}: no test's name carries [${rule}].`),
  ...logRules
    .filter((rule) => !checks.has(rule))
    .map((rule) => `${rule}: no check of the log's contract carries [${rule}].`),
  ...[...checks]
    .filter((rule) => rule.startsWith("LG") && !logRules.includes(rule))
    .map(
      (rule) =>
        `${rule}: a check of the log's contract, and no rule of spec/logs.md above "Besides the contract".`,
    ),
  ...[...mentioned, ...named]
    .filter((rule) => !rules.includes(rule))
    .map((rule) => `${rule}: spec/ has no such rule, and it or a test's name speaks of it.`),
];
if (findings.length > 0) {
  console.log([...new Set(findings)].join("\n"));
  process.exitCode = 1;
}
