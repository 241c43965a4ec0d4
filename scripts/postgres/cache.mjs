// Where what a Postgres for tests needs is kept: programs from npm, a data folder to begin with. Postgres refuses to run as
// root, so that as root another user must be able to reach it.
import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "../run.mjs";

const idOf = (/** @type {string} */ name) => {
  try {
    const [uid, gid] = ["-u", "-g"].map((flag) =>
      Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })),
    );
    return { uid: uid ?? 0, gid: gid ?? 0 };
  } catch {
    return undefined;
  }
};

/**
 * Who runs the server: whoever calls, but not root.
 * @returns {{ uid?: number, gid?: number }}
 */
export const owner = () =>
  process.getuid?.() === 0 ? (idOf("postgres") ?? idOf("nobody") ?? { uid: 65_534, gid: 65_534 }) : {};

/** @param {string} folder */
const reachable = (folder) => {
  if (process.getuid?.() !== 0) return true;
  for (let at = folder; at !== dirname(at); at = dirname(at))
    if ((statSync(at).mode & 0o001) === 0) return false;
  return true;
};

/** @param {string} folder */
const made = (folder) => {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const { uid, gid } = owner();
  const { uid: now } = statSync(folder);
  const mine = process.getuid?.();
  // In a folder for everybody somebody may have made it first, with programs that he would like us to run.
  if (mine !== undefined && now !== mine && now !== uid)
    throw new Error(`${folder} is another user's: remove it`);
  if (uid !== undefined && gid !== undefined && now !== uid) chownSync(folder, uid, gid);
  return folder;
};

/** @returns {string} the folder, which is there */
export const cache = () => {
  const own = join(root, "node_modules", ".cache");
  mkdirSync(own, { recursive: true });
  return made(join(reachable(own) ? own : tmpdir(), "calla-postgres"));
};
