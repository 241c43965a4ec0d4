// A key-value store in one file, for Node: each commit is a line, appended and flushed to the disk before it counts. A
// line that a crash has torn was never acknowledged, and is cut off when the file is opened. Not here: which process
// may open it (file-lock.ts).
import { automatic, json } from "@calla/shared";
import { lockFile } from "./file-lock.ts";
import { codeOf, files, paths } from "./node-files.ts";
import type { FileHandle } from "./node-files.ts";
import { applyCommit, isAsExpected, memoryStore } from "./memory-store.ts";
import type { StoredValues } from "./memory-store.ts";
import { storageFailure } from "../../storage/storage-failure.ts";
import type { KeyValueStore, StoreCommit } from "../key-value-store.ts";

/** Raised when the lines change their form, from the first release on: what was written before it may not be readable. */
const FORM = 1;
/** The file is rewritten, without its history, when it has grown by so much and to four times what it began with. */
const COMPACT_BYTES = 1_048_576;

type Line = { readonly form: number } | Omit<StoreCommit, "expect">;

// The value domain's own JSON: it carries Maps, and the bytes that a binary serialiser's plain form may hold.
const format = json();
const codec = automatic(format).payload(format);
const lineOf = (line: Line): string => `${String(format.encode(codec.encodeModel(line)))}\n`;
const asLine = (text: string): Line => codec.decodeModel(JSON.parse(text)) as Line;

/** @throws CallaError `storage`: `in-use`, `corrupt`, or `unavailable` (it cannot be read or written). */
export async function fileStore(path: string): Promise<KeyValueStore> {
  const unlock = lock(path);
  const all: StoredValues = new Map();
  try {
    load(path, all);
    return await opened(path, all, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

const unavailable = (path: string, cause: unknown) =>
  storageFailure("unavailable", `${path} cannot be read or written; does its folder exist?`, cause);

function lock(path: string): () => void {
  try {
    return lockFile(path);
  } catch (error) {
    throw codeOf(error) === "storage" ? error : unavailable(path, error);
  }
}

function load(path: string, all: StoredValues): void {
  let text: string;
  try {
    text = files.readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw unavailable(path, error);
  }
  // Behind the last line break there is nothing, or what a crash has torn.
  for (const [i, line] of text.split("\n").slice(0, -1).entries()) {
    try {
      replay(asLine(line), i, all);
    } catch (cause) {
      const what = `Line ${i + 1} of ${path} cannot be read; move the file away to begin anew.`;
      throw storageFailure("corrupt", what, cause);
    }
  }
}

function replay(line: Line, index: number, all: StoredValues): void {
  const isOurs =
    index === 0
      ? "form" in line && line.form === FORM
      : "values" in line && line.values instanceof Map && Array.isArray(line.clear);
  if (!isOurs) throw new Error("no file of this form");
  if ("values" in line) applyCommit(all, line);
}

/** All of it without its history, in one step: who crashes on the way leaves the former file as it was. */
function rewrite(path: string, all: StoredValues): number {
  const text = [
    lineOf({ form: FORM }),
    ...[...all].map((one) => lineOf({ clear: [], values: new Map([one]) })),
  ].join("");
  const next = `${path}.next`;
  const file = files.openSync(next, "w");
  try {
    files.writeFileSync(file, text);
    files.fsyncSync(file);
  } finally {
    files.closeSync(file);
  }
  files.renameSync(next, path);
  flushFolder(path);
  return bytesOf(text);
}

const utf8 = new TextEncoder();
const bytesOf = (text: string): number => utf8.encode(text).length;

/** The new name is on the disk too, where the system can say so. */
function flushFolder(path: string): void {
  let folder: number | undefined;
  try {
    folder = files.openSync(paths.dirname(path), "r");
    files.fsyncSync(folder);
  } catch {
    // Windows has no such thing.
  } finally {
    if (folder !== undefined) files.closeSync(folder);
  }
}

async function opened(path: string, all: StoredValues, unlock: () => void): Promise<KeyValueStore> {
  const memory = memoryStore(all);
  let size = 0;
  let small = 0;
  let file: FileHandle;
  /** What the file holds is not known any more. */
  let broken: unknown;
  let last: Promise<unknown> = Promise.resolve();
  const begin = async (): Promise<void> => {
    try {
      size = small = rewrite(path, all);
      file = await files.promises.open(path, "a");
    } catch (error) {
      throw unavailable(path, error);
    }
  };
  await begin();

  async function append(line: Line): Promise<void> {
    if (broken !== undefined) throw broken;
    const text = lineOf(line);
    try {
      await file.appendFile(text);
      await file.datasync();
      size += bytesOf(text);
    } catch (cause) {
      const full = codeOf(cause) === "ENOSPC";
      // A part of the line may be there, and must not meet the next one.
      await file.truncate(size).catch((error: unknown) => {
        broken = storageFailure("failed", `${path} cannot be written any more.`, error);
      });
      throw storageFailure(full ? "quota" : "failed", `${path} could not be written.`, cause);
    }
  }

  /** One after the other: what a commit does is done only if its line is on the disk. */
  async function commit(one: StoreCommit): Promise<boolean> {
    if (!isAsExpected(all, one)) return false;
    const { clear, values } = one;
    await append({ clear, values });
    applyCommit(all, one);
    // What goes as a whole goes from the disk too, not only from what is read of it: some may have to be forgotten.
    const goes = clear.includes("");
    if (!goes && (size - small <= COMPACT_BYTES || size <= 4 * small)) return true;
    await file.close();
    await begin().catch((error: unknown) => {
      broken = error;
      if (goes) throw error;
    });
    return true;
  }

  return {
    read: (prefix) => last.then(() => memory.read(prefix)),
    keys: (prefix) => last.then(() => memory.keys(prefix)),
    commit(one) {
      const done = last.then(() => commit(one));
      last = done.catch(() => {});
      return done;
    },
    async close() {
      await last;
      await file.close();
      unlock();
    },
  };
}
