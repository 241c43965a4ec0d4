// `node assemble.mjs`: makes templates/ of the examples, so that a template is what is built and tested here. A starter's files
// stand as they are, but for where they are and whose versions they name.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const examples = join(here, "../../examples");
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const LEFT_OUT = /^(node_modules|dist|test-results|.*\.db.*|tsconfig\.tsbuildinfo)$/;

/** @param {string} folder @returns {string[]} its files, from the folder on */
const filesOf = (folder, below = "") =>
  readdirSync(join(folder, below))
    .filter((name) => !LEFT_OUT.test(name))
    .flatMap((name) => {
      const path = join(below, name);
      return statSync(join(folder, path)).isDirectory() ? filesOf(folder, path) : [path];
    });

/** @param {string} template @param {string} path @param {string} text */
const write = (template, path, text) => {
  const file = join(here, "templates", template, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};

/** @param {string} text of a file that lies in another example than the one it reads from */
const moved = (text) => text.replaceAll("../../starter/client/", "./").replaceAll("../../starter/", "../");

/** @param {string} template @param {string} example @param {(path: string) => boolean} [wanted] */
const take = (template, example, wanted = () => true) => {
  for (const path of filesOf(join(examples, example)).filter(wanted)) {
    const text = readFileSync(join(examples, example, path), "utf8");
    write(template, path, path === "package.json" ? published(text) : moved(text));
  }
  write(template, "gitignore", "node_modules\ndist\ntest-results\n*.db*\n");
};

/** @param {string} text a workspace's package.json */
const published = (text) => {
  const manifest = JSON.parse(text);
  delete manifest.license; // it is for whoever makes the app to say
  // npm asks whose install scripts may run; esbuild's is for machines that cannot run what it has brought.
  const builds = "better-sqlite3" in manifest.dependencies ? { "better-sqlite3": true } : {};
  manifest.allowScripts = { ...builds, esbuild: false };
  for (const ranges of [manifest.dependencies, manifest.devDependencies])
    for (const name of Object.keys(ranges)) if (name.startsWith("@calla/")) ranges[name] = `^${version}`;
  return `${JSON.stringify({ ...manifest, name: "app", version: "0.0.0" }, null, 2)}\n`;
};

rmSync(join(here, "templates"), { recursive: true, force: true });
take("plain", "starter");
take("react", "starter", (path) => path !== join("client", "main.ts"));
take("react", "starter-react");
take("postgres", "starter");
take("postgres", "starter-postgres");
take("chat", "starter-chat");
