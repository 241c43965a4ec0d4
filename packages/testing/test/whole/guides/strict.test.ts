// Each program that README.md and the guides print compiles as it stands there, under the strictest options we know.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";
import { emptyFolder, PATIENCE, programsOf } from "../../printed.ts";

const root = fileURLToPath(new URL("../../../../../", import.meta.url));
const pages = [
  "README.md",
  "docs/access.md",
  "docs/codes.md",
  "docs/concepts.md",
  "docs/groups.md",
  "docs/offline.md",
  "docs/presence.md",
  "docs/production.md",
  "docs/storage.md",
];

/** The options of the repository, which are stricter than `strict`, with the types of Node. */
async function options(): Promise<ts.CompilerOptions> {
  const path = join(root, "tsconfig.base.json");
  const { config } = ts.parseConfigFileTextToJson(path, await readFile(path, "utf8")) as { config: object };
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, root);
  expect(parsed.options).toMatchObject({ strict: true, noUncheckedIndexedAccess: true });
  return { ...parsed.options, lib: ["lib.es2023.d.ts", "lib.dom.d.ts"], types: ["node"], noEmit: true };
}

test(
  "[GD1] every program of README.md and the guides compiles as printed",
  async () => {
    const folder = fileURLToPath(await emptyFolder());
    const files: string[] = [];
    for (const page of pages) {
      const programs = await programsOf(page);
      expect([page, programs.size > 0]).toEqual([page, true]);
      for (const [name, code] of programs) {
        if (!name.endsWith(".ts")) continue;
        const file = join(folder, basename(page, ".md"), name);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, code);
        files.push(file);
      }
    }
    const program = ts.createProgram(files, await options());
    const findings = files.flatMap((file) => {
      const source = program.getSourceFile(file)!;
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
        ({ messageText, start = 0 }) => {
          const { line } = source.getLineAndCharacterOfPosition(start);
          return `${file.slice(folder.length)}:${line + 1} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
        },
      );
    });
    expect(findings).toEqual([]);
  },
  2 * PATIENCE,
);
