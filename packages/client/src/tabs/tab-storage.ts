// A storage that shares its clients among tabs: each page claims one by a lock, and other pages send what a gone page
// left behind (abandoned-clients.ts). Not here: where clients are kept (a `KeyValueStore`), what a lock is (`Locks`).
import { DEV } from "@calla/shared";
import type { Random } from "@calla/shared";
import { steady, systemClock, systemRandom } from "../base/clock.ts";
import { createClaimed, newClaim, takeOver } from "./claimed-client.ts";
import type { ClaimedClient, ClaimOptions } from "./claimed-client.ts";
import { flushLock, pageLock } from "./locks.ts";
import type { Locks } from "./locks.ts";
import { createLedger } from "../storage/ledger.ts";
import { migrateStored } from "../storage/migrate-stored.ts";
import { watchAbandoned } from "./abandoned-clients.ts";
import type { AbandonedClients } from "./abandoned-clients.ts";
import { storageFailure } from "../storage/storage-failure.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { GENERATION, listClients } from "./stored-clients.ts";
import type { KeptModels, Owner, PageStorage, Storage, StorageHost } from "../storage/storage.ts";
import type { TabMemory, TabNote } from "./tab-note.ts";
import { codecOf, fromPlainClient } from "./stored-values.ts";

/** What `tabStorage` takes: the clients' store, the locks that keep pages apart, and how long clients are kept. */
export interface TabStorageOptions {
  /** Asked when a client begins; what it throws is reported to the app. */
  readonly store: () => KeyValueStore | Promise<KeyValueStore>;
  /** This page's locks; asked when a client begins. */
  readonly locks: () => Locks;
  /** Which confirmed models are stored, and when: `keepModels()`. By default none. */
  readonly models?: KeptModels | undefined;
  /** By default nothing is remembered: a reload takes its user's most recent free client. */
  readonly memory?: TabMemory;
  /** Where clients' names and tokens come from. Default: cryptographic chance. */
  readonly random?: Random;
  /** How long a client must be free before another tab sends what is left of it: 5,000 ms. */
  readonly abandonedAfter?: number;
  /** How long a client without unsent messages is kept after its last use: 30 days, as the server's `identityLifetime`. */
  readonly keepFor?: number;
  /** How many such clients are kept for a user: the 3 last used. */
  readonly keepFree?: number;
}

/** How long a reloaded page waits for what its former life has. */
const PATIENCE = 2_000;
const PAUSE = 20;

/**
 * A storage for one page, among others that share its store and its locks.
 *
 * @example
 * const storage = tabStorage({ store: () => myStore, locks: webLocks, models: keepModels() });
 */
export const tabStorage = (options: TabStorageOptions): Storage => tabPageStorage(options);

export function tabPageStorage(options: TabStorageOptions): PageStorage {
  const { memory, models, random = systemRandom } = options;
  let store: KeyValueStore | undefined;
  let client: ClaimedClient | undefined;
  let abandoned: AbandonedClients | undefined;

  async function letGo(): Promise<void> {
    await abandoned?.stop();
    await client?.release();
    await store?.close();
    store = client = abandoned = undefined;
  }

  return {
    models: models as PageStorage["models"],
    ledger: createLedger,
    migrate: migrateStored,
    async load(owner: Owner, host?: StorageHost) {
      await letGo();
      const locks = options.locks();
      store = await options.store();
      const claiming: ClaimOptions = {
        store,
        locks,
        clock: steady(host?.clock ?? systemClock),
        random,
        codec: host && codecOf(host.serialiser),
        report: host?.report ?? (() => {}),
        generation: { now: (await store.read(GENERATION)).get(GENERATION) as string | undefined },
      };
      const { codec, report } = claiming;
      const found = await find(claiming, owner, memory?.read(owner.server));
      const claim = found?.claim ?? (await newClaim(claiming, owner));
      const note = (id: string): void => memory?.write({ client: id, left: false }, owner.server);
      note(claim.id);
      client = createClaimed(claiming, claim, pageLock, (id, user) => {
        note(id);
        // The server has named the user: only now is it known whose abandoned clients these are (S41).
        if (host && user !== undefined)
          abandoned ??= watchAbandoned({
            ...claiming,
            host,
            grace: options.abandonedAfter ?? 5_000,
            keepFor: options.keepFor ?? 30 * 86_400_000,
            keepFree: options.keepFree ?? 3,
            server: owner.server,
            own: () => client?.id ?? id,
          });
        abandoned?.of(user);
      });
      return found && (codec ? fromPlainClient(found.stored, codec, report) : found.stored);
    },
    commit: (changes) => client?.commit(changes) ?? notLoaded(),
    forgetEveryone: () => client?.forgetEveryone() ?? notLoaded(),
    close: letGo,
  };
}

const notLoaded = (): Promise<never> =>
  Promise.reject(storageFailure("failed", DEV && "Nothing can be stored before load has succeeded."));

/** The tab's own client if it is free, otherwise its user's most recent free one (TB1). */
async function find(options: ClaimOptions, owner: Owner, note: TabNote | undefined) {
  const { store, locks, clock } = options;
  const clients = (await listClients(store, owner.server)).filter(
    ({ user }) => owner.user === undefined || owner.user === user,
  );
  const isOwn = ({ id }: { readonly id: string }): boolean => id === note?.client;
  for (const one of clients.toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)))) {
    const { id } = one;
    let lock = await locks.take(pageLock(id));
    // The page that is being reloaded has it for another moment. A duplicated tab's note says nothing of the kind.
    const until = clock.monotonic() + (isOwn(one) && note?.left ? PATIENCE : 0);
    while (!lock && clock.monotonic() < until) {
      await new Promise<void>((done) => clock.setTimeout(done, PAUSE));
      lock = await locks.take(pageLock(id));
    }
    if (!lock) continue;
    let found: Awaited<ReturnType<typeof takeOver>> | undefined;
    try {
      // The page that sends what this one left behind stops at once, and can store nothing more (TB4).
      (await locks.take(flushLock(id), "steal"))?.release();
      found = await takeOver(options, id, lock, true);
    } finally {
      if (!found) lock.release();
    }
    if (found) return found;
  }
  return undefined;
}
