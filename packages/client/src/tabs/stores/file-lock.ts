// One process at a time: a lock file with the process's number. Node has no lock that ends with its process, so a
// process moves aside the lock of a process that is gone, and puts it back if it turns out to be another's.
import { askProcess, codeOf, files, ownProcess } from "./node-files.ts";
import { storageFailure } from "../../storage/storage-failure.ts";

/** What this process holds. */
const mine = new Set<string>();

/**
 * Takes the file for this process; returns what lets it go.
 *
 * @throws CallaError `storage` (`in-use`): this process or another has it.
 */
export function lockFile(path: string): () => void {
  const lock = `${path}.lock`;
  const inUse = (by: string) =>
    storageFailure(
      "in-use",
      `${path} is used by ${by}; give each process a file of its own (or remove ${lock}).`,
    );
  if (mine.has(lock)) throw inUse("another client of this process");
  while (!created(lock)) {
    const owner = ownerOf(lock);
    if (owner !== undefined && isAlive(owner)) throw inUse(`process ${owner}`);
    const aside = `${lock}.${crypto.randomUUID()}`;
    try {
      files.renameSync(lock, aside);
    } catch {
      continue; // somebody was faster
    }
    const moved = ownerOf(aside);
    // Somebody else took it between our look and our move: it is theirs.
    if (moved !== owner && moved !== undefined && isAlive(moved)) files.linkSync(aside, lock);
    files.rmSync(aside, { force: true });
  }
  mine.add(lock);
  return () => {
    if (mine.delete(lock)) files.rmSync(lock, { force: true });
  };
}

function created(lock: string): boolean {
  try {
    files.writeFileSync(lock, String(ownProcess), { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function ownerOf(lock: string): number | undefined {
  try {
    const owner = Number(files.readFileSync(lock, "utf8"));
    return Number.isSafeInteger(owner) && owner > 0 ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(owner: number): boolean {
  if (owner === ownProcess) return false; // of an earlier process with our number: what we hold is in `mine`
  try {
    askProcess(owner);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM"; // another user's
  }
}
