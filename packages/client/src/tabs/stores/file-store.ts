// A client store in one file, for Node: each commit is a line, appended and flushed to the disk before it counts. A
// line that a crash has torn was never acknowledged, and is cut off when the file is opened. Not here: which process
// may open it (file-lock.ts).
import { automatic, json } from "@calla/shared";
import { lockFile } from "./file-lock.ts";
import { codeOf, files, paths } from "./node-files.ts";
import type { FileHandle } from "./node-files.ts";
import { applyParts, checkParts, emptyRows, memoryClientStore } from "./memory-store.ts";
import type { StoreRow, StoreRows } from "./memory-store.ts";
import { storageFailure } from "../client-store.ts";
import type { ClientStore, CommitPart } from "../client-store.ts";
import { entryKey, nothingStored } from "../../storage/storage.ts";
import type { StoredDraft } from "../../storage/storage.ts";

/** Raised when the lines change their form, from the first release on: what was written before it may not be readable. */
const FORM = 1;
/** The file is rewritten, without its history, when it has grown by so much and to four times what it began with. */
const COMPACT_BYTES = 1_048_576;

type Line =
  | { readonly form: number }
  | { readonly row: StoredRow }
  | { readonly parts: readonly CommitPart[] }
  | { readonly take: string; readonly token: string; readonly at: number | null }
  | { readonly remove: string }
  | {
      readonly empty: { readonly free: readonly string[]; readonly open: readonly string[] };
      readonly at: number;
    };

/** One client, whole: what a rewritten file begins with. */
interface StoredRow {
  readonly id: string;
  readonly token: string;
  readonly usedAt: number;
  readonly draft: StoredDraft;
}

// The value domain's own JSON: it carries Maps, and the bytes that a binary serialiser's plain form may hold.
const format = json();
const codec = automatic(format).payload(format);
const lineOf = (line: Line): string => `${String(format.encode(codec.encodeModel(line)))}\n`;
const asLine = (text: string): Line => codec.decodeModel(JSON.parse(text)) as Line;

/** @throws CallaError `storage`: `in-use`, `corrupt`, or `unavailable` (it cannot be read or written). */
export async function fileClientStore(path: string): Promise<ClientStore> {
  const unlock = lock(path);
  const rows: StoreRows = new Map();
  try {
    load(path, rows);
    return await opened(path, rows, unlock);
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

function load(path: string, rows: StoreRows): void {
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
      replay(asLine(line), i, rows);
    } catch (cause) {
      const what = `Line ${i + 1} of ${path} cannot be read; move the file away to begin anew.`;
      throw storageFailure("corrupt", what, cause);
    }
  }
}

function replay(line: Line, index: number, rows: StoreRows): void {
  if ("form" in line !== (index === 0) || ("form" in line && line.form !== FORM))
    throw new Error("no file of this form");
  if ("row" in line) rows.set(line.row.id, rowOf(line.row));
  else if ("parts" in line) applyParts(rows, line.parts);
  else if ("remove" in line) rows.delete(line.remove);
  else if ("empty" in line) emptyRows(rows, line.empty.free, line.empty.open, line.at);
  else if ("take" in line) {
    const row = rows.get(line.take);
    if (row) Object.assign(row, { token: line.token, usedAt: line.at ?? row.usedAt });
  }
}

const rowOf = ({ token, usedAt, draft }: StoredRow): StoreRow => {
  const whole = Object.assign(nothingStored(draft), draft);
  for (const [key, entry] of whole.entries)
    if (key !== entryKey(entry.target, entry.mid)) throw new Error("an entry in the wrong place");
  return { token, usedAt, draft: whole };
};

/** All of it without its history, in one step: who crashes on the way leaves the former file as it was. */
function rewrite(path: string, rows: StoreRows): number {
  const text = [
    lineOf({ form: FORM }),
    ...[...rows].map(([id, { token, usedAt, draft }]) => lineOf({ row: { id, token, usedAt, draft } })),
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

async function opened(path: string, rows: StoreRows, unlock: () => void): Promise<ClientStore> {
  const memory = memoryClientStore(rows);
  let size = 0;
  let small = 0;
  let file: FileHandle;
  /** What the file holds is not known any more. */
  let broken: unknown;
  let last: Promise<unknown> = Promise.resolve();
  const begin = async (): Promise<void> => {
    try {
      size = small = rewrite(path, rows);
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

  /** One after the other: what `then` does is done only if the line is on the disk. */
  function write<T>(line: () => Line | undefined, then: () => T | Promise<T>): Promise<T> {
    const done = last.then(async () => {
      const text = line();
      if (text) await append(text);
      const result = await then();
      if (size - small > COMPACT_BYTES && size > 4 * small) {
        await file.close();
        await begin().catch((error: unknown) => (broken = error));
      }
      return result;
    });
    last = done.catch(() => {});
    return done;
  }

  return {
    list: (server) => last.then(() => memory.list(server)),
    take: (id, token, at) =>
      write(
        () => (rows.has(id) ? { take: id, token, at: at ?? null } : undefined),
        () => memory.take(id, token, at),
      ),
    commit: (parts) =>
      write(
        () => {
          checkParts(rows, parts);
          return { parts };
        },
        () => applyParts(rows, parts),
      ),
    remove: (id) =>
      write(
        () => (rows.has(id) ? { remove: id } : undefined),
        () => void rows.delete(id),
      ),
    // What was said before goes from the disk too, not only from what is read of it.
    empty: (free, open, at) =>
      write(
        () => ({ empty: { free, open }, at }),
        async () => {
          const count = emptyRows(rows, free, open, at);
          await file.close();
          await begin().catch((error: unknown) => {
            broken = error;
            throw error;
          });
          return count;
        },
      ),
    async close() {
      await last;
      await file.close();
      unlock();
    },
  };
}
