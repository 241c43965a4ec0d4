// A new app's folder: a template's files under the app's name.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { TemplateName } from "./templates.ts";

/** What cannot be done, in a sentence for whoever asked for it. */
export class Refusal extends Error {}

const templates = fileURLToPath(new URL("../templates/", import.meta.url));

/** npm takes no longer name. */
const LONGEST_NAME = 214;

/** What npm takes for the name of a package, made of a folder's name. */
const packageName = (folder: string): string =>
  basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9-~]+/g, "-")
    .slice(0, LONGEST_NAME)
    .replaceAll(/^[-~]+|[-~]+$/g, "") || "app";

/**
 * Makes the app, or nothing. Nothing of what is in the folder is touched.
 *
 * @throws Refusal: there are files in the folder, or it is none; it cannot be made.
 */
export function makeProject(folder: string, template: TemplateName): void {
  const to = resolve(folder);
  try {
    if (lstatSync(to, { throwIfNoEntry: false }) && !existsSync(to))
      throw new Refusal(`${to} is a link that leads nowhere. Name another folder.`);
    // What git and editors make comes before the app as often as behind it.
    const files = existsSync(to) ? readdirSync(to).filter((name) => !/^\.(git|idea|vscode)$/.test(name)) : [];
    if (files.length > 0)
      throw new Refusal(`There are files in ${to}: ${files.slice(0, 3).join(", ")}. Name an empty folder.`);
    const from = join(templates, template);
    if (!existsSync(from)) throw new Refusal("The templates are not here: run `npm run build` first.");
    write(from, to, packageName(folder));
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`${to} cannot be made: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Half an app is none: where a file cannot be written, what was written goes. */
function write(from: string, to: string, name: string): void {
  /** The first folder that was not there, and what is new in one that was. */
  const first = mkdirSync(to, { recursive: true });
  const made: string[] = [];
  try {
    for (const path of readdirSync(from, { recursive: true, encoding: "utf8" })) {
      const source = join(from, path);
      if (lstatSync(source).isDirectory()) continue;
      // npm leaves a .gitignore out of a package.
      const file = join(to, path === "gitignore" ? ".gitignore" : path);
      const text = readFileSync(source, "utf8");
      made.push(file);
      mkdirSync(dirname(file), { recursive: true });
      // Anew, for a package manager's store may have made its files read-only.
      writeFileSync(
        file,
        path === "package.json" ? text.replace(/"name": "[^"]*"/, `"name": "${name}"`) : text,
      );
    }
  } catch (error) {
    if (first !== undefined) rmSync(first, { recursive: true, force: true });
    else for (const file of made) remove(file, to);
    throw error;
  }
}

/** And the folders that are empty without it, up to the app's own. */
function remove(file: string, to: string): void {
  rmSync(file, { force: true });
  for (let folder = dirname(file); folder !== to; folder = dirname(folder))
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
}
