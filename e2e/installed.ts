// The packages as somebody has them who installs them: packed, and unpacked into a project outside of the workspaces. Of
// others there is only what Calla's manifests ask for, and what a test names; those are linked, for they are here.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What a test looks at of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** A command's stdout. It is not told that it runs in a test, which would change what it does. */
export const run = (at: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, {
    cwd: at,
    encoding: "utf8",
    env: { ...process.env, NODE_ENV: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });

/** Packs these folders of packages/, and unpacks each into `store`, in a folder by its package's name. */
export function unpack(store: string, folders: readonly string[]): void {
  mkdirSync(store, { recursive: true });
  const named = folders.flatMap((name) => ["--workspace", `packages/${name}`]);
  const packed = run(root, "npm", "pack", "--json", ...named, "--pack-destination", store);
  for (const { name, filename } of JSON.parse(packed) as { name: string; filename: string }[]) {
    mkdirSync(join(store, name), { recursive: true });
    run(store, "tar", "-xzf", filename, "-C", name, "--strip-components=1");
  }
}

export const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** A project with these packages out of `store` and others by name, and what Calla's own ask for. */
export function install(
  app: string,
  store: string,
  packages: readonly string[],
  others: readonly string[],
): void {
  mkdirSync(app, { recursive: true });
  writeFileSync(join(app, "package.json"), '{ "type": "module", "private": true }\n');
  const wanted = new Set(others);
  for (const name of packages) {
    const { dependencies = {} } = manifestOf(join(store, name));
    Object.keys(dependencies).forEach((one) => wanted.add(one));
    cpSync(join(store, name), join(app, "node_modules", name), { recursive: true });
  }
  for (const name of wanted) {
    const at = join(app, "node_modules", name);
    if (existsSync(at)) continue;
    if (name.startsWith("@calla/")) throw new Error(`${app} needs ${name} too.`);
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(join(root, "node_modules", name), at);
  }
}

/** What can be imported of the packages in a project: "@calla/client/http". */
export const entriesOf = (app: string, packages: readonly string[]): readonly string[] =>
  packages.flatMap((name) =>
    Object.keys(manifestOf(join(app, "node_modules", name)).exports)
      .filter((path) => path !== "./package.json")
      .map((path) => name + path.slice(1)),
  );
