// The report as JUnit's XML, which CI systems read.
import type { Report, Result } from "../run/outcome.ts";
import { differenceLines } from "./difference.ts";
import { bySection, sections } from "./sections.ts";

export function junitOf({ url, mode, problem, results, took }: Report): string {
  const suites = [...bySection(results)].map(([section, of]) => {
    const name = `${section} ${sections[section] ?? ""}`;
    const counts = `tests="${of.length}" failures="${count(of, "failed")}" skipped="${count(of, "not run")}"`;
    return [`  <testsuite name=${quoted(name)} ${counts}>`, ...of.map(caseOf), "  </testsuite>"].join("\n");
  });
  const error =
    problem === undefined
      ? []
      : [
          `  <testsuite name="server" tests="1" errors="1">\n    <testcase name=${quoted(url)}><error message=${quoted(problem)}/></testcase>\n  </testsuite>`,
        ];
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites name=${quoted(`Phoenix conformance of ${url}, ${mode}`)} tests="${results.length}" failures="${count(results, "failed")}" time="${took / 1000}">`,
    ...error,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}

const count = (results: readonly Result[], outcome: Result["outcome"]): number =>
  results.filter((result) => result.outcome === outcome).length;

function caseOf({ id, says, outcome, why, failures }: Result): string {
  const name = quoted(`${id} ${says}`);
  switch (outcome) {
    case "passed":
      return `    <testcase classname="phoenix" name=${name}/>`;
    case "not run":
      return `    <testcase classname="phoenix" name=${name}><skipped message=${quoted(why ?? "")}/></testcase>`;
    case "failed": {
      const lines = failures.flatMap(differenceLines);
      return `    <testcase classname="phoenix" name=${name}><failure message=${quoted(lines[0] ?? "")}>${escaped(lines.join("\n"))}</failure></testcase>`;
    }
  }
}

const marks: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string): string =>
  // What XML cannot say at all is left out.
  text.replaceAll(
    /[&<>"]|[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu,
    (mark) => marks[mark] ?? "\uFFFD",
  );
const quoted = (text: string): string => `"${escaped(text)}"`;
