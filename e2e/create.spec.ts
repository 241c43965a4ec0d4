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
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { findPostgres } from "../scripts/postgres/binaries.mjs";
import { startPostgres } from "../scripts/postgres/start.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "calla-create-"));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As somebody has it who develops: not told that it runs in a test, and no database but the test's own. */
const env: NodeJS.ProcessEnv = { ...process.env, PORT: "0", NODE_ENV: undefined, DATABASE_URL: undefined };
const run = (at: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: at, encoding: "utf8", env });

/** The page that a script of the app serves, which is ready for visitors. */
async function served(app: string, script: "dev" | "start"): Promise<string> {
  // A group of its own, for npm passes no signals on.
  const child = spawn("npm", ["run", script], { cwd: app, detached: true, env });
  const gone = once(child, "close");
  try {
    let said = "";
    for await (const chunk of child.stdout) {
      said += String(chunk);
      const url = /http:[/][/]\S+:\d+/.exec(said)?.[0];
      if (url === undefined) continue;
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      return await (await fetch(url)).text();
    }
    throw new Error(`npm run ${script} has ended: ${said}`);
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    await gone;
  }
}

/** What `npm start` says that cannot go on, with this database. */
async function refused(app: string, DATABASE_URL: string | undefined): Promise<string> {
  const child = spawn("npm", ["start"], { cwd: app, env: { ...env, DATABASE_URL } });
  const gone = once(child, "close");
  const said = await text(child.stderr);
  expect(await gone).toEqual([1, null]);
  return said;
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
  // What tools keep there is each app's own: a program that watches a file of it starts anew when another app's goes.
  for (const name of readdirSync(join(root, "node_modules")))
    if (name !== "@calla" && (name === ".bin" || !name.startsWith(".")))
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  for (const name of packages)
    if (name !== "create-calla")
      cpSync(join(folder, name), join(modules, "@calla", name), { recursive: true });
}

// One after the other: what is packed is made anew before.
test.describe.configure({ mode: "serial" });
test.beforeAll(unpack);

for (const template of ["react", "plain", "postgres", "chat"]) {
  test(`[CR6] the template ${template} is made, and compiles, its own tests pass, and what it serves is built`, async () => {
    test.setTimeout(180_000);
    // reason: there may be no Postgres and none to be had; `npm test` has installed one before otherwise, and says so.
    test.skip(
      template === "postgres" && findPostgres() === undefined,
      "there is no Postgres on this machine",
    );
    // As it comes: an app is told of settings that are weaker, and its tests take that for an error.
    const settings = { fsync: "on", full_page_writes: "on" };
    const engine = template === "postgres" ? await startPostgres({ own: true, settings }) : undefined;
    env["DATABASE_URL"] = engine?.url;
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
    expect(await served(app, "dev")).toContain('<script type="module" src="/@vite/client">');
    // These have the plain one's tests of the rules, and build as `npm test` does: once is enough.
    const asPlain = ["react", "postgres"].includes(template);
    const said = run(app, "npm", ...(asPlain ? ["run", "build"] : ["test"]));
    expect(existsSync(join(app, "dist/index.html"))).toBe(true);
    if (asPlain) expect(run(app, "npx", "playwright", "test")).toMatch(/1 passed/);
    else {
      expect(said).toMatch(/1 passed/);
      run(app, "npx", "tsc");
    }
    // React's has the plain one's server.
    if (template !== "react")
      expect(await served(app, "start")).toMatch(/<script type="module" [^>]*src="[/]assets[/]/);
    if (engine === undefined) return;
    await engine.stop();
    const [unsaid, away] = await Promise.all([refused(app, undefined), refused(app, engine.url)]);
    expect(unsaid).toContain("Set DATABASE_URL to where the boards are");
    expect(away).toContain("The boards cannot be opened: Postgres: connect ECONNREFUSED");
    for (const said of [unsaid, away]) expect(said).toContain("`docker compose up --detach --wait`");
  });
}
