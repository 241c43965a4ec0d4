// A storage that shares its clients among tabs: each page holds one by a lock, and other pages send what a gone page
// left behind (abandoned-clients.ts). Not here: where clients are kept (a `ClientStore`), what a lock is (`Locks`).
import type { Random } from "@calla/shared";
import { messageId } from "@calla/shared";
import { steady, systemClock, systemRandom } from "../base/clock.ts";
import { createHolder, newClient } from "./claimed-client.ts";
import type { Held, Holder, HolderOptions } from "./claimed-client.ts";
import { flushLock, pageLock } from "./locks.ts";
import type { Lock, Locks } from "./locks.ts";
import { createLedger } from "../storage/ledger.ts";
import { migrateStored } from "../storage/migrate-stored.ts";
import { watchAbandoned } from "./abandoned-clients.ts";
import type { AbandonedClients } from "./abandoned-clients.ts";
import { storageFailure } from "./client-store.ts";
import type { ClientStore } from "./client-store.ts";
import type { Owner, Storage, StorageHost } from "../storage/storage.ts";
import type { TabMemory, TabNote } from "./tab-note.ts";
import { codecOf, fromPlainClient } from "./stored-values.ts";

/** What `tabStorage` takes: the clients' store, the locks that keep pages apart, and how long clients are kept. */
export interface TabStorageOptions {
  /** Asked at `load`; what it throws is reported to the app. */
  readonly store: () => ClientStore | Promise<ClientStore>;
  /** This page's locks; asked at `load`. */
  readonly locks: () => Locks;
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

/** How long a reloaded page waits for what its former life holds. */
const PATIENCE = 2_000;
const PAUSE = 20;

/**
 * A storage for one page, among others that share its store and its locks.
 *
 * @example
 * const storage = tabStorage({ store: () => memoryClientStore(rows), locks: () => locks.page() });
 */
export function tabStorage(options: TabStorageOptions): Storage {
  const { memory, random = systemRandom } = options;
  let store: ClientStore | undefined;
  let holder: Holder | undefined;
  let abandoned: AbandonedClients | undefined;

  async function letGo(): Promise<void> {
    await abandoned?.stop();
    await holder?.release();
    await store?.close();
    store = holder = abandoned = undefined;
  }

  return {
    ledger: createLedger,
    migrate: migrateStored,
    async load(owner: Owner, host?: StorageHost) {
      await letGo();
      const locks = options.locks();
      const mine = await options.store();
      store = mine;
      const clock = steady(host?.clock ?? systemClock);
      const report = host?.report ?? (() => {});
      const holding: HolderOptions = {
        store: mine,
        locks,
        clock,
        random,
        codec: host && codecOf(host.serialiser),
        lockOf: pageLock,
        report,
      };
      const found = await claim(holding, owner, memory?.read(owner.server));
      const held = found?.held ?? (await newClient(holding, owner));
      const note = ({ id }: Held): void => memory?.write({ client: id, left: false }, owner.server);
      note(held);
      holder = createHolder(holding, held, {
        changed(now, user) {
          note(now);
          // The server has named the user: only now is it known whose abandoned clients these are (S41).
          if (host && user !== undefined)
            abandoned ??= watchAbandoned({
              ...holding,
              host,
              grace: options.abandonedAfter ?? 5_000,
              keepFor: options.keepFor ?? 30 * 86_400_000,
              keepFree: options.keepFree ?? 3,
              server: owner.server,
              own: () => holder?.held.id ?? held.id,
            });
          abandoned?.of(user);
        },
      });
      const { codec } = holding;
      return found && (codec ? fromPlainClient(found.stored, codec, report) : found.stored);
    },
    commit: (changes) => (holder ? holder.commit(changes) : Promise.reject(notLoaded("stored"))),
    forgetEveryone: () => holder?.empty() ?? Promise.reject(notLoaded("emptied")),
    close: letGo,
  };
}

const notLoaded = (what: string) =>
  storageFailure("failed", `Nothing can be ${what} before load has succeeded.`);

/** The tab's own client if it is free, otherwise its user's most recent free one (TB1). */
async function claim(options: HolderOptions, owner: Owner, note: TabNote | undefined) {
  const { store, locks, clock, random } = options;
  const clients = (await store.list(owner.server))
    .filter(({ user }) => owner.user === undefined || owner.user === user)
    .toSorted((a, b) => b.usedAt - a.usedAt);
  const own = clients.filter(({ id }) => id === note?.client);
  for (const { id, user } of [...own, ...clients.filter(({ id }) => id !== note?.client)]) {
    let lock = await locks.take(pageLock(id));
    // The page that is being reloaded holds it for another moment. A duplicated tab's note says nothing of the kind.
    const until = clock.monotonic() + (id === note?.client && note.left ? PATIENCE : 0);
    while (!lock && clock.monotonic() < until) {
      await new Promise<void>((done) => clock.setTimeout(done, PAUSE));
      lock = await locks.take(pageLock(id));
    }
    if (!lock) continue;
    const held = await taken(options, id, lock, { server: owner.server, user }, messageId(random));
    if (held) return held;
  }
  return undefined;
}

/** The page that sends what this one left behind stops at once, and can store nothing more (TB4). */
async function taken(
  { store, locks, clock }: HolderOptions,
  id: string,
  lock: Lock,
  owner: Owner,
  token: string,
) {
  try {
    (await locks.take(flushLock(id), "steal"))?.release();
    const stored = await store.take(id, token, clock.now());
    if (stored) {
      const held: Held = { id, token, lock, owner, stored: true, models: new Set(stored.models.keys()) };
      return { held, stored };
    }
  } catch (error) {
    lock.release();
    throw error;
  }
  lock.release();
  return undefined;
}
