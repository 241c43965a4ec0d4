// A page of docs/, as tests read it: its tables, and the programs that are printed in it.
import { readFile } from "node:fs/promises";

const root = new URL("../../../../", import.meta.url);

/** The text of a file of the repository. */
export const textOf = (path: string): Promise<string> => readFile(new URL(path, root), "utf8");

/** The cells of the tables of a text, row by row, without their heads. A cell's `\|` is a "|". */
export const rowsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split("\n")
    .filter(
      (line, i, lines) =>
        line.startsWith("|") && !/^\|[ |:-]+$/.test(lines[i + 1] ?? "") && !/^\|[ |:-]+$/.test(line),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );

/** What stands under a heading, up to the next one that is not below it. */
export function sectionOf(text: string, heading: string): string {
  const begin = text.indexOf(`\n${heading}\n`);
  if (begin === -1) throw new Error(`The page has no heading ${heading}.`);
  const level = heading.indexOf(" ");
  const rest = text.slice(begin + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, "m"));
  return end === -1 ? rest : rest.slice(0, end);
}

/** The texts that stand in backticks. */
export const codesIn = (cell: string): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

/** The programs of a page, by the file names in their first lines. */
export const programsIn = (text: string, language = "ts"): ReadonlyMap<string, string> =>
  new Map(
    [...text.matchAll(new RegExp(`\`\`\`${language}\\n// (\\S+)\\n([\\s\\S]*?)\`\`\``, "g"))].map(
      ([, name, code]) => [name!, code!],
    ),
  );
