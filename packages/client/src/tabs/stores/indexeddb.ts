// The browser's storage: identity, outbox and models in IndexedDB, shared out among tabs by Web Locks. This is the entry
// point @calla/client/indexeddb; what it joins is in indexeddb-store.ts, web-locks.ts and tab-storage.ts.
import { systemClock } from "../../base/clock.ts";
import { webLocks } from "../web-locks.ts";
import type { Locks } from "../locks.ts";
import { keepModels } from "../../storage/kept-models.ts";
import { indexedDbStore } from "./indexeddb-store.ts";
import { tabMemory } from "../tab-memory.ts";
import { tabPageStorage } from "../tab-storage.ts";
import type { KeptModels, PageStorage, Storage } from "../../storage/storage.ts";

export type { Lock, Locks } from "../locks.ts";

/** What `indexedDb` takes; every option has a default. */
export interface IndexedDbOptions {
  /**
   * "strict", the default: `queued` resolves when the browser has told the disk to keep it, so that it survives also the
   * machine's end. "relaxed": when the operating system has it, which survives the browser's end, and is faster.
   */
  readonly durability?: "strict" | "relaxed";
  /** Which confirmed models are stored, and when: `keepModels()` by default; undefined: none. */
  readonly models?: KeptModels | undefined;
  /** Ask the browser once not to throw the data away when space is short. Firefox asks the user. Default false. */
  readonly persist?: boolean;
  /** Milliseconds for the database to open before the page goes on without: 5,000. */
  readonly openTimeout?: number;
  /** What keeps tabs apart, if not the browser's Web Locks. */
  readonly locks?: Locks;
}

/**
 * Keeps this page's client in the database `calla <name>` of its origin. Reloads, crashes and closed tabs lose nothing
 * of what was `queued`; each tab has a client of its own; what a closed tab left unsent, another one sends.
 *
 * Where there is no such storage (private mode, no HTTPS, a database that does not open) the page works without: the
 * app is told by `onError` with a CallaError `storage` whose `details.reason` says why, `queued` rejects with it, and
 * nothing survives a reload.
 *
 * @example
 * const client = createClient({ wiring, serialiser, transport, storage: indexedDb("app") });
 */
export function indexedDb(name: string, options: IndexedDbOptions = {}): Storage {
  const { durability = "strict", openTimeout = 5_000, locks } = options;
  let asked = options.persist !== true;
  const storage = tabPageStorage({
    store: () =>
      indexedDbStore({
        name: `calla ${name}`,
        durability,
        openTimeout,
        clock: systemClock,
      }),
    locks: () => locks ?? webLocks(),
    models: "models" in options ? options.models : keepModels(),
    memory: tabMemory(`calla ${name}`),
  });
  const page: PageStorage = {
    ...storage,
    async commit(changes) {
      await storage.commit(changes);
      if (asked) return;
      asked = true;
      // The browser's answer changes nothing here; a page may ask `navigator.storage.persisted()`.
      void globalThis.navigator?.storage?.persist?.().catch(() => false);
    },
  };
  return page;
}
