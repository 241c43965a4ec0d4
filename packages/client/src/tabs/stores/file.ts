// The storage of a Node process: identity, outbox and models in one file, which the clients of the process share as tabs
// share a browser's. This is the entry point @calla/client/file.
import { memoryLocks } from "../memory-locks.ts";
import type { MemoryLocks } from "../memory-locks.ts";
import { paths } from "./node-files.ts";
import { fileStore } from "./file-store.ts";
import type { KeyValueStore } from "../key-value-store.ts";
import { keepModels } from "../../storage/kept-models.ts";
import { tabStorage } from "../tab-storage.ts";
import type { KeptModels, Storage } from "../../storage/storage.ts";

/** What `file` takes; every option has a default. */
export interface FileOptions {
  /** Which confirmed models are stored, and when: `keepModels()` by default; undefined: none. */
  readonly models?: KeptModels | undefined;
}

/** A file that this process has open, for as long as a client uses it. */
interface Opened {
  readonly store: Promise<KeyValueStore>;
  users: number;
  closing: Promise<void> | undefined;
}
const files = new Map<string, Opened>();
/** Who of this process holds which client of a file. */
const locks = new Map<string, MemoryLocks>();

/**
 * Keeps a process's clients in a file: what was `queued` is flushed to the disk, and is there after a crash. The next
 * process goes on as the client that the last one was. One process at a time uses a file.
 *
 * Where the file cannot be used (`details.reason`: `in-use`, `unavailable`, `corrupt`) the app is told by `onError`, and
 * the client works without, as with `indexedDb`.
 *
 * @example
 * const client = createClient({ wiring, serialiser, transport, storage: file("./client.calla"), user: "robot-7" });
 */
export function file(path: string, options: FileOptions = {}): Storage {
  const whole = paths.resolve(path);
  const mine = locks.get(whole) ?? memoryLocks();
  locks.set(whole, mine);
  return tabStorage({
    store: () => opened(whole),
    locks: () => mine.page(),
    models: "models" in options ? options.models : keepModels(),
  });
}

/** The process's one store of a file; it is closed when nobody uses it any more. */
async function opened(path: string): Promise<KeyValueStore> {
  for (let one = files.get(path); one?.closing; one = files.get(path)) await one.closing;
  const one = files.get(path) ?? { store: fileStore(path), users: 0, closing: undefined };
  files.set(path, one);
  one.users++;
  const release = async (): Promise<void> => {
    if (--one.users > 0) return;
    one.closing = one.store
      .then((store) => store.close())
      .catch(() => {})
      .finally(() => files.delete(path));
    await one.closing;
  };
  try {
    return { ...(await one.store), close: release };
  } catch (error) {
    await release();
    throw error;
  }
}
