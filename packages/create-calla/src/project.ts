// A new app's folder: a template's files under the app's name.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { TemplateName } from "./templates.ts";

/** What cannot be done, in a sentence for whoever asked for it. */
export class Refusal extends Error {}

const templates = fileURLToPath(new URL("../templates/", import.meta.url));

/** What npm takes for the name of a package, made of a folder's name. */
const packageName = (folder: string): string =>
  basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9-~]+/g, "-")
    .replaceAll(/^[-~]+|[-~]+$/g, "") || "app";

/**
 * Makes the app. Nothing of what is in the folder is touched.
 *
 * @throws Refusal: there are files in the folder; it cannot be made.
 */
export function makeProject(folder: string, template: TemplateName): void {
  const to = resolve(folder);
  // What git and editors make comes before the app as often as behind it.
  const files = existsSync(to) ? readdirSync(to).filter((name) => !/^\.(git|idea|vscode)$/.test(name)) : [];
  if (files.length > 0)
    throw new Refusal(`There are files in ${to}: ${files.slice(0, 3).join(", ")}. Name an empty folder.`);
  const from = join(templates, template);
  if (!existsSync(from)) throw new Refusal("The templates are not here: run `npm run build` first.");
  try {
    mkdirSync(to, { recursive: true });
    cpSync(from, to, { recursive: true });
    // npm leaves a .gitignore out of a package.
    renameSync(join(to, "gitignore"), join(to, ".gitignore"));
    const manifest = join(to, "package.json");
    const text = readFileSync(manifest, "utf8");
    writeFileSync(manifest, text.replace(/"name": "[^"]*"/, `"name": "${packageName(folder)}"`));
  } catch (error) {
    throw new Refusal(`${to} cannot be made: ${error instanceof Error ? error.message : String(error)}`);
  }
}
