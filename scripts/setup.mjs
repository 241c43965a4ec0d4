// Puts in place what the other scripts need on a machine with only Node and npm. Uses nothing but Node itself.
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findChromium } from "./chromium.mjs";
import { root, show } from "./run.mjs";

/** @param {string} path */
const changedAt = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** @returns {string | undefined} what a command line begins with to run as root, undefined where it cannot */
export const asRoot = () => {
  if (process.getuid?.() === 0) return "";
  try {
    execFileSync("sudo", ["-n", "true"], { stdio: "ignore" });
    return "sudo -n ";
  } catch {
    return undefined;
  }
};

/** @param {string} name */
export const onPath = (name) =>
  (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, name)));

const hasCompiler = () => ["cc", "gcc", "clang"].some(onPath);

/**
 * Finds a C compiler or installs one: `better-sqlite3` is built where npm finds no ready one for this machine, and the
 * test of power loss builds what it watches writes with.
 * @returns {Promise<boolean>} whether there is one
 */
export const ensureCompiler = async () => {
  if (hasCompiler()) return true;
  console.log("No C compiler found: installing one.");
  const asUser = onPath("apt-get") ? asRoot() : undefined;
  if (asUser !== undefined) {
    const quiet = { DEBIAN_FRONTEND: "noninteractive" };
    const packages = "gcc g++ make python3 libc6-dev";
    await show("look for Debian packages", `${asUser}apt-get update -qq`, quiet);
    await show(
      "install a compiler",
      `${asUser}apt-get install -y -qq --no-install-recommends ${packages}`,
      quiet,
    );
  }
  if (!hasCompiler()) {
    console.log("There is no C compiler and it could not be installed. Run one of:");
    console.log("  sudo apt-get update && sudo apt-get install -y gcc g++ make python3");
    console.log("  xcode-select --install");
  }
  return hasCompiler();
};

/** Runs `npm ci` where node_modules is missing or older than the lock file. */
export const ensureInstalled = async () => {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.log(`Calla needs Node 20.19 or later; this is ${process.versions.node}.`);
    return false;
  }
  const installed = changedAt(join(root, "node_modules", ".package-lock.json"));
  if (installed > 0 && installed >= changedAt(join(root, "package-lock.json"))) return true;
  // JOBS: what must be compiled here uses all cores; one is the default.
  const install = () => show("install packages", "npm ci --no-audit --no-fund", { JOBS: "max" });
  if (await install()) return true;
  // It may have been a package that must be built here.
  if (!hasCompiler() && (await ensureCompiler()) && (await install())) return true;
  console.log("The packages could not be installed. With a way to the npm registry, run: npm ci");
  return false;
};

/**
 * Finds a Chromium or installs one.
 * @returns {Promise<string | undefined>} its path
 */
export const ensureChromium = async () => {
  const found = findChromium();
  if (found) return found;
  if (process.env.CALLA_CHROMIUM) {
    console.log(`CALLA_CHROMIUM names ${process.env.CALLA_CHROMIUM}, and there is no such file.`);
    return undefined;
  }
  console.log("No Chromium found: installing one.");
  const asUser = onPath("apt-get") ? asRoot() : undefined;
  if (asUser !== undefined) {
    const quiet = { DEBIAN_FRONTEND: "noninteractive" };
    await show("look for Debian packages", `${asUser}apt-get update -qq`, quiet);
    await show("install Chromium", `${asUser}apt-get install -y -qq --no-install-recommends chromium`, quiet);
  }
  if (!findChromium()) await show("install Chromium by Playwright", "playwright install chromium");
  const installed = findChromium();
  if (!installed) {
    console.log("There is no Chromium for the browser tests and it could not be installed. Run one of:");
    console.log("  sudo apt-get update && sudo apt-get install -y chromium");
    console.log("  npx playwright install --with-deps chromium");
    console.log("or name one that you have: CALLA_CHROMIUM=/path/to/chrome npm test");
  }
  return installed;
};
