// The report for people: section by section what passed, what failed with what was said, expected and heard, and what was not
// run and why.
import type { Report, Result } from "../run/outcome.ts";
import { differenceLines } from "./difference.ts";
import { bySection, sections } from "./sections.ts";

/** What a terminal shows in colour; each takes a text and gives one. */
interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}
const escaped = (code: number) => (text: string) => `\u001B[${code}m${text}\u001B[0m`;
const coloured: Paint = { good: escaped(32), bad: escaped(31), faint: escaped(2) };
const plain: Paint = { good: String, bad: String, faint: String };

/** `colour`: for a terminal. Default: plain text. */
export function textOf(report: Report, { colour = false } = {}): string {
  const paint = colour ? coloured : plain;
  const { url, mode, problem, lacks, results, took } = report;
  const as = mode === "calla" ? "as Calla answers, where it differs (◆)" : "as Phoenix answers";
  const lines = [`Phoenix conformance of ${url}, ${as}`, ""];
  if (problem !== undefined) return [...lines, paint.bad(problem), ""].join("\n");
  if (lacks.length > 0) lines.push(...lacks.map((lack) => paint.bad(lack)), "");
  for (const [section, of] of bySection(results)) {
    lines.push(`${section}  ${(sections[section] ?? "").padEnd(28)} ${countsOf(of, paint)}`);
    for (const result of of) lines.push(...linesOf(result, paint));
  }
  lines.push("", `${countsOf(results, paint)}, in ${(took / 1000).toFixed(1)} s`, "");
  return lines.join("\n");
}

function countsOf(results: readonly Result[], paint: Paint): string {
  const count = (outcome: Result["outcome"]): number =>
    results.filter((result) => result.outcome === outcome).length;
  const [passed, failed, notRun] = [count("passed"), count("failed"), count("not run")];
  return [
    paint.good(`${passed} passed`),
    ...(failed === 0 ? [] : [paint.bad(`${failed} failed`)]),
    ...(notRun === 0 ? [] : [paint.faint(`${notRun} not run`)]),
  ].join(", ");
}

/** What passed is counted only. */
function linesOf({ id, says, differs, outcome, why, failures }: Result, paint: Paint): string[] {
  const name = `${id}${differs ? " ◆" : ""}`;
  if (outcome === "passed") return [];
  if (outcome === "not run") return [paint.faint(`    ${name} not run: ${why ?? ""}`)];
  return [
    `  ${paint.bad(`✗ ${name}`)} ${says}`,
    ...failures.flatMap((failure) => differenceLines(failure).map((line) => `      ${line}`)),
  ];
}
