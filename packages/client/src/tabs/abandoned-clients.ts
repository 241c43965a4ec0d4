// Clients whose page is gone: another tab of the same user sends their messages, one client at a time, and deletes the
// clients. Not here: the short connection itself (a client of its own that the host makes), and how the server treats
// it (CV17).
import { DEV } from "@calla/shared";
import { createClaimed, takeOver } from "./claimed-client.ts";
import type { ClaimOptions } from "./claimed-client.ts";
import { flushLock, pageLock } from "./locks.ts";
import type { Lock } from "./locks.ts";
import { createLedger } from "../storage/ledger.ts";
import { migrateStored } from "../storage/migrate-stored.ts";
import { reasonOf, storageFailure } from "../storage/storage-failure.ts";
import { allOf, countWaiting, listClients, tokenKey } from "./stored-clients.ts";
import type { ListedClient } from "./stored-clients.ts";
import type { PageStorage, StorageHost } from "../storage/storage.ts";
import { fromPlainClient } from "./stored-values.ts";

export interface AbandonedClientsOptions extends ClaimOptions {
  readonly host: StorageHost;
  readonly grace: number;
  readonly keepFor: number;
  readonly keepFree: number;
  readonly server: string;
  /** This page's own client. */
  readonly own: () => string;
}

interface FreeClient extends ListedClient {
  /** Messages without a recorded outcome. */
  readonly waiting: number;
}

export interface AbandonedClients {
  /** For whose abandoned clients it sends from now on. */
  of(user: string | null | undefined): void;
  /** Resolves when nothing of it is under way any more. */
  stop(): Promise<void>;
}

/** A flush that no server has let in by then ends, and is tried again later: the line may be bad, or the server's version another. */
const LONGEST_TRY = 30_000;
/** Any other ends by then. To find what no connection carries takes five, each of which may fall silent for 35 s (OB20). */
const LONGEST_FLUSH = 600_000;
const LATER = 60_000;
/** Every so many looks the store is looked at, though no lock has changed hands. */
const SKIPS = 3;
/** Unsent messages of a user who does not come back are kept this many times as long as a client without any. */
const UNSENT = 3;

/** Whose it is the server must say: what is another user's stays where it is (S41). Errors and refusals reach the app. */
const ALONE = {
  user: undefined,
  connect: true,
  onConnect: undefined,
  onReconnect: undefined,
  onDisconnect: undefined,
  onSnapshot: undefined,
  onVersionMismatch: undefined,
};

export function watchAbandoned(options: AbandonedClientsOptions): AbandonedClients {
  const { store, locks, clock, report, grace, keepFor, keepFree, server, own } = options;
  let user: string | null | undefined;
  let stopped = false;
  /** Which locks pages had at the last look, so that nothing is read as long as nothing changes. */
  let seen = "";
  /** Free at the last look. A client that is free at two looks in a row does not belong to a page that is just reloading. */
  let before = new Set<string>();
  let again = true;
  let skipped = 0;
  /** By the monotonic clock. */
  const notBefore = new Map<string, number>();
  /** Clients with held messages. */
  const waits = new Set<string>();
  let end: (() => void) | undefined;
  let looking = Promise.resolve();
  let timer = clock.setTimeout(look, 0);

  function look(): void {
    looking = lookOnce()
      .catch((error: unknown) =>
        report(
          storageFailure("failed", DEV && "The storage cannot be searched for what other pages left.", error),
        ),
      )
      .finally(() => {
        if (!stopped) timer = clock.setTimeout(look, grace);
      });
  }

  async function lookOnce(): Promise<void> {
    const locked = await locks.taken();
    const now = [...locked].toSorted().join("\n");
    // A tab that came and went between two looks has changed nothing that is seen here.
    if (now === seen && !again && ++skipped < SKIPS) return;
    skipped = 0;
    seen = now;
    // A page has it again, whose user may say what becomes of what is held.
    for (const id of waits) if (locked.has(pageLock(id)) && waits.delete(id)) notBefore.delete(id);
    const free: FreeClient[] = [];
    for (const one of await listClients(store, server))
      if (one.id !== own() && !locked.has(pageLock(one.id)) && !locked.has(flushLock(one.id)))
        free.push({ ...one, waiting: await countWaiting(store, one.id) });
    const left = free.filter((one) => one.waiting > 0 && one.user === user);
    const longFree = free.filter(({ id }) => before.has(id));
    again = left.length > 0 || longFree.length < free.length;
    before = new Set(free.map(({ id }) => id));
    await clear(longFree);
    for (const { id } of longFree) {
      const due = left.some((one) => one.id === id) && (notBefore.get(id) ?? 0) <= clock.monotonic();
      if (stopped || !due) continue;
      let done = false;
      try {
        done = await flush(id);
      } finally {
        if (!done) notBefore.set(id, waits.has(id) ? Infinity : clock.monotonic() + LATER);
      }
    }
  }

  /** Sends what one page left behind, under its own identity. True: nothing is left. */
  async function flush(id: string): Promise<boolean> {
    const lock = await locks.take(flushLock(id));
    if (!lock) return false;
    try {
      // The page takes its lock and then looks for ours, we the other way round: one of us sees the other.
      return (await locks.taken()).has(pageLock(id)) || (await flushUnder(lock, id));
    } finally {
      lock.release();
    }
  }

  async function flushUnder(lock: Lock, id: string): Promise<boolean> {
    const found = await takeOver(options, id, lock, false);
    if (stopped || !found || found.stored.user !== user) return true;
    const { codec } = options;
    const stored = codec ? fromPlainClient(found.stored, codec, report) : found.stored;
    const client = createClaimed(options, found.claim, flushLock, () => {});
    let lost = false;
    let lose!: () => void;
    const isLost = new Promise<void>((resolve) => (lose = resolve));
    const storage: PageStorage = {
      ledger: createLedger,
      migrate: migrateStored,
      load: () => Promise.resolve(stored),
      async commit(changes) {
        try {
          if (!lost) return await client.commit(changes);
        } catch (error) {
          if (reasonOf(error) !== "taken") throw error;
          lose();
          lost = true;
          end?.();
        }
        // The page is back and has it all: nothing may be told of what is not recorded.
        return new Promise(() => {});
      },
      close: () => client.release(),
    };
    const sender = options.host.flush({ ...ALONE, storage });
    const done = await new Promise<boolean>((resolve) => {
      let opened = false;
      const cancelTry = clock.setTimeout(() => opened || finish(false), LONGEST_TRY);
      const cancelAll = clock.setTimeout(() => finish(false), LONGEST_FLUSH);
      const off = sender.onStatus(settled);
      function settled(): void {
        const { connection, pending, held } = sender.status;
        opened ||= connection === "open";
        if (connection === "open" && pending === held.length) finish(pending === 0);
        else if (connection === "closed" || connection === "outdated") finish(false);
      }
      function finish(empty: boolean): void {
        cancelTry();
        cancelAll();
        off();
        resolve(empty);
      }
      end = () => finish(false);
      void lock.lost.then(() => {
        lose();
        lost = true;
        finish(true);
      });
      settled();
    });
    end = undefined;
    // What does not get through waits, with all behind it, for a page whose user says what becomes of it (OB20).
    if (sender.status.held.length > 0) waits.add(id);
    // Of what is lost nothing more is stored, so nobody waits for that.
    await Promise.race([sender.close(), isLost]);
    if (lost) await client.release();
    return done && (lost || sender.status.storage === "working");
  }

  /** Clients without unsent messages: the last few stay, for the next tab's session and models (TB7). The last used first. */
  async function clear(free: readonly FreeClient[]): Promise<void> {
    const now = clock.now();
    const kept = new Map<string | null | undefined, number>();
    for (const one of free) {
      if (stopped) return;
      const age = now - one.usedAt;
      const count = kept.get(one.user) ?? 0;
      const stays = one.waiting > 0 ? age < UNSENT * keepFor : age < keepFor && count < keepFree;
      if (stays) {
        if (one.waiting === 0) kept.set(one.user, count + 1);
        continue;
      }
      const lock = await locks.take(pageLock(one.id));
      if (!lock) continue;
      try {
        // This page may have slept since it looked, and another have used, filled or dropped it.
        if ((await countWaiting(store, one.id)) !== one.waiting) continue;
        const expect = new Map([[tokenKey(one.id), [one.token, undefined]]]);
        if (!(await store.commit({ expect, clear: allOf(one.id), values: new Map() }))) continue;
      } finally {
        lock.release();
      }
      if (one.waiting > 0)
        report(
          storageFailure(
            "aged",
            DEV && `${one.waiting} unsent messages of a page long gone were too old and are discarded.`,
          ),
        );
    }
  }

  return {
    of(now) {
      again ||= now !== user;
      user = now;
    },
    stop() {
      stopped = true;
      timer();
      end?.();
      return looking;
    },
  };
}
