// What compilers of other versions say of a project's declarations. Of what TypeScript and others bring only what it needs is
// read: whether @types/node is right is not ours to say.
import { createRequire } from "node:module";
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type ts from "typescript";
import { run } from "./installed.ts";

const compilerAt = (version: string): string =>
  fileURLToPath(new URL(`../scripts/typescript-${version}/node_modules/typescript`, import.meta.url));

export type Resolution = "bundler" | "nodenext";

/** A program that imports every entry, and its own lines. */
export interface Program {
  readonly app: string;
  readonly entries: readonly string[];
  /** Written with DOM's types, and not Node's. */
  readonly dom: boolean;
  readonly lines: readonly string[];
}

const LIB = ["ES2023"];
const optionsOf = ({ dom }: Program, resolution: Resolution): Record<string, unknown> => ({
  target: "ES2023",
  lib: dom ? [...LIB, "DOM", "DOM.Iterable"] : LIB,
  types: [],
  module: resolution === "bundler" ? "ESNext" : "NodeNext",
  moduleResolution: resolution,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
});

function write({ app, entries, lines }: Program): string {
  const file = join(app, "program.ts");
  const imports = entries.flatMap((entry, i) => [
    `import * as entry${i} from "${entry}";`,
    `export const its${i}: object = entry${i};`,
  ]);
  writeFileSync(file, [...imports, ...lines, ""].join("\n"));
  return file;
}

/**
 * By the compiler's API, under both resolutions, so that what both read is read once: most of the time goes there. Ours is looked
 * at whole under one of them; under the other, what the program says of it.
 *
 * @returns what it says, each with its file
 */
export function complaints(version: string, programs: readonly Program[]): readonly string[] {
  const compiler = createRequire(import.meta.url)(compilerAt(version)) as typeof ts;
  const read = new Map<string, ts.SourceFile | undefined>();
  const under = (resolution: Resolution, program: Program, isOurs: (path: string) => boolean) => {
    const { options, errors } = compiler.convertCompilerOptionsFromJson(
      optionsOf(program, resolution),
      program.app,
    );
    const host = compiler.createCompilerHost(options);
    const readFile = host.getSourceFile.bind(host);
    host.getCurrentDirectory = () => program.app;
    host.getSourceFile = (name, ...how) => {
      if (!read.has(name)) read.set(name, readFile(name, ...how));
      return read.get(name);
    };
    const made = compiler.createProgram([write(program)], options, host);
    const ours = made.getSourceFiles().filter(({ fileName }) => isOurs(fileName));
    return [
      ...errors,
      ...made.getOptionsDiagnostics(),
      ...made.getGlobalDiagnostics(),
      ...ours.flatMap((file) => [
        ...made.getSyntacticDiagnostics(file),
        ...made.getSemanticDiagnostics(file),
      ]),
    ].map(
      ({ file, messageText }) =>
        `${resolution}: ${file?.fileName ?? ""}: ${compiler.flattenDiagnosticMessageText(messageText, "\n")}`,
    );
  };
  return [
    ...programs.flatMap((program) =>
      under("nodenext", program, (path) => realpathSync(path).startsWith(program.app)),
    ),
    ...programs.flatMap((program) => under("bundler", program, (path) => path.endsWith("/program.ts"))),
  ];
}

/** By the command, which looks at everything. TypeScript 7 has no such API, and is fast. */
export function compile(version: string, program: Program, resolution: Resolution): void {
  write(program);
  writeFileSync(
    join(program.app, "tsconfig.json"),
    JSON.stringify({ compilerOptions: optionsOf(program, resolution), files: ["program.ts"] }),
  );
  const { bin } = JSON.parse(readFileSync(join(compilerAt(version), "package.json"), "utf8")) as {
    bin: { tsc: string };
  };
  try {
    run(program.app, process.execPath, join(compilerAt(version), bin.tsc), "--project", ".");
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout, { cause: error });
  }
}
