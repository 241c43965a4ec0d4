// `npm create calla`, as somebody has it who has only the packages: the command out of its tarball, each template made, compiled,
// built and run by its own tests, with Calla's packages out of theirs. What else an app needs is linked, for it is here.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "calla-create-"));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (at: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: at, encoding: "utf8", env: { ...process.env, NODE_ENV: undefined } });

/** The page that a script of the app serves. */
async function served(app: string, script: string): Promise<string> {
  // A group of its own, for npm passes no signals on.
  const env = { ...process.env, PORT: "0", NODE_ENV: undefined };
  const child = spawn("npm", ["run", script], { cwd: app, detached: true, env });
  const gone = once(child, "close");
  try {
    let said = "";
    for await (const text of child.stdout) {
      said += String(text);
      const url = /http:[/][/]\S+:\d+/.exec(said)?.[0];
      if (url !== undefined) return await (await fetch(url)).text();
    }
    throw new Error(`npm run ${script} has ended: ${said}`);
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    await gone;
  }
}

const packages = readdirSync(join(root, "packages")).filter((name) => name !== "conformance");

/** Packs all packages, and unpacks each into a folder of its name. */
function unpack(): void {
  const named = packages.flatMap((name) => ["--workspace", `packages/${name}`]);
  const packed = run(root, "npm", "pack", "--json", ...named, "--pack-destination", folder);
  for (const { name, filename } of JSON.parse(packed) as { name: string; filename: string }[]) {
    const to = join(folder, name.replace("@calla/", ""));
    mkdirSync(to);
    run(folder, "tar", "-xzf", filename, "-C", to, "--strip-components=1");
  }
}

/** As `npm install` would leave it. */
function install(app: string): void {
  const modules = join(app, "node_modules");
  mkdirSync(join(modules, "@calla"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules")))
    if (name !== "@calla") symlinkSync(join(root, "node_modules", name), join(modules, name));
  for (const name of packages)
    if (name !== "create-calla")
      cpSync(join(folder, name), join(modules, "@calla", name), { recursive: true });
}

// One after the other: what is packed is made anew before.
test.describe.configure({ mode: "serial" });
test.beforeAll(unpack);

for (const template of ["react", "plain", "chat"]) {
  test(`the template ${template} is made, and compiles, and its own tests pass`, async () => {
    test.setTimeout(180_000);
    run(folder, process.execPath, "create-calla/dist/bin.js", `my-${template}`, "--template", template);
    const app = join(folder, `my-${template}`);
    const files = run(app, "find", ".", "-type", "f").trim().split("\n");
    expect(files.length).toBeLessThan(20);
    expect(files).toContain("./.gitignore");
    for (const file of files) expect(readFileSync(join(app, file), "utf8")).not.toContain("../../starter");
    expect(JSON.parse(readFileSync(join(app, "package.json"), "utf8"))).toMatchObject({
      name: `my-${template}`,
    });
    install(app);
    expect(await served(app, "dev")).toContain('<script type="module"');
    // React's has the plain one's tests of the rules, and builds as `npm test` does: once is enough.
    const tests = template === "react" ? ["run", "build"] : ["test"];
    const said = run(app, "npm", ...tests);
    expect(existsSync(join(app, "dist/index.html"))).toBe(true);
    if (template === "react") expect(run(app, "npx", "playwright", "test")).toMatch(/1 passed/);
    else {
      expect(said).toMatch(/1 passed/);
      run(app, "npx", "tsc");
    }
  });
}
