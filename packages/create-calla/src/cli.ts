// The command: what it is asked for, and what it prints. `bin.ts` gives it the process.
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeProject, Refusal } from "./project.ts";
import { isTemplate, stepsOf, TEMPLATE_NAMES, TEMPLATES } from "./templates.ts";
import type { TemplateName } from "./templates.ts";

/** Where the command prints and asks. `ask` undefined: nobody is there to answer. */
export interface Terminal {
  readonly print: (text: string) => void;
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** What npm has taken for an option of its own, where `--template` stands before no `--`. */
  readonly npmTemplate?: string | undefined;
}

const LIST = TEMPLATE_NAMES.map((name) => `  ${name.padEnd(8)} ${TEMPLATES[name]}\n`).join("");
const HELP = `Makes an app that several people edit at once.

  npm create calla [folder] -- [--template <name>]

Templates
${LIST}`;

/** Runs the command. @returns the code that the process ends with: 0, or 1 where nothing was made */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const asked = parsed(args, terminal.npmTemplate);
    if (asked.help) {
      terminal.print(HELP);
      return 0;
    }
    const folder = asked.folder ?? (await folderFrom(terminal));
    const template = asked.template ?? (await templateFrom(terminal));
    makeProject(folder, template);
    const there = relative(process.cwd(), resolve(folder));
    terminal.print(
      `\n${there === "" ? "The app is here" : `The app is in ${there}`}. Next:\n\n` +
        `${[...(there === "" ? [] : [`cd ${quoted(there)}`]), ...stepsOf(template)].map((step) => `  ${step}\n`).join("")}\n` +
        "Open the address that it prints in two windows. README.md says the rest.\n",
    );
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    terminal.print(`${error.message}\n`);
    return 1;
  }
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  const word = path.startsWith("-") ? `./${path}` : path;
  if (/^[\w./\\:~-]+$/.test(word)) return word;
  return process.platform === "win32" ? `"${word}"` : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function parsed(args: readonly string[], npmTemplate: string | undefined) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { template: { type: "string", short: "t" }, help: { type: "boolean", short: "h" } },
    });
    const { help = false } = values;
    // npm keeps `--template=chat` for itself, and of `--template chat` the first word.
    const template =
      values.template ?? (npmTemplate === "true" && positionals.length > 1 ? positionals.pop() : npmTemplate);
    const [folder, ...more] = positionals;
    if (more.length > 0) throw new Refusal(`One folder is enough: ${positionals.join(", ")}.`);
    if (template !== undefined && !isTemplate(template)) throw new Refusal(noSuch(template));
    return { folder: folder === "" ? undefined : folder, template, help };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`${(error as Error).message}\n\n${HELP}`);
  }
}

const noSuch = (template: string): string => `There is no template "${template}". There are:\n${LIST}`;

async function folderFrom({ ask }: Terminal): Promise<string> {
  if (ask === undefined) throw new Refusal(`Name the folder of the new app.\n\n${HELP}`);
  return (await ask("Folder of the new app (my-app): ")).trim() || "my-app";
}

async function templateFrom({ print, ask }: Terminal): Promise<TemplateName> {
  const usual = TEMPLATE_NAMES[0]!;
  if (ask === undefined) return usual;
  for (;;) {
    const answer = (await ask(`\n${LIST}Template (${usual}): `)).trim() || usual;
    if (isTemplate(answer)) return answer;
    print(noSuch(answer));
  }
}
