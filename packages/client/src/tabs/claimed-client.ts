// One client that this page has: its commits, one after the other, each under the token that keeps other pages out. Here a
// client becomes another (`begin`). Not here: which client a page may have (tab-storage.ts, abandoned-clients.ts), and
// how a client is stored (stored-clients.ts).
import { DEV, messageId } from "@calla/shared";
import type { PayloadCodec, Random, SteadyClock } from "@calla/shared";
import { flushLock, pageLock } from "./locks.ts";
import type { Lock, Locks } from "./locks.ts";
import { reasonOf, storageFailure } from "../storage/storage-failure.ts";
import type { KeyValueStore, StoreCommit } from "./key-value-store.ts";
import type { ClientChange, Owner, StorageChange, StoredClient } from "../storage/storage.ts";
import {
  addChange,
  allOf,
  countWaiting,
  doubt,
  GENERATION,
  landed,
  listClients,
  newIndex,
  ownerKey,
  ownerOf,
  readClient,
  tokenKey,
  usedKey,
} from "./stored-clients.ts";
import type { StoredIndex } from "./stored-clients.ts";
import { plainChange } from "./stored-values.ts";

/** The store's when this page came; undefined: nobody has been forgotten since the store is there. */
export interface Generation {
  now: string | undefined;
}

/** What a page and what it sends for other pages share. */
export interface ClaimOptions {
  readonly store: KeyValueStore;
  readonly locks: Locks;
  readonly clock: SteadyClock;
  readonly random: Random;
  /** Absent: values are kept as they are given. */
  readonly codec: PayloadCodec | undefined;
  readonly report: (error: unknown) => void;
  readonly generation: Generation;
}

/** The client that is claimed at the moment. */
interface Claim {
  readonly id: string;
  readonly token: string;
  readonly lock: Lock;
  readonly owner: Owner;
  readonly index: StoredIndex;
  /** Whether there is something of it in the store. */
  stored: boolean;
  usedAt: number;
}

export type ClaimedClient = ReturnType<typeof createClaimed>;

/** How often it is written when a client was used. */
const HOUR = 3_600_000;

const taken = () =>
  storageFailure(
    "taken",
    DEV && "Another page has taken this client over; nothing more of this page is stored.",
  );

/** A client that nobody has had yet; in the store from its first commit on. */
export async function newClaim(
  { locks, random }: ClaimOptions,
  owner: Owner,
  lockOf = pageLock,
): Promise<Claim> {
  const id = messageId(random);
  const lock = await locks.take(lockOf(id));
  if (!lock) throw storageFailure("failed", DEV && "A client's name was given out twice.");
  return { id, token: messageId(random), lock, owner, index: newIndex(), stored: false, usedAt: -Infinity };
}

/** Under its lock. From now on only this page's commits are taken (TB3); undefined: there is no such client any more. */
export async function takeOver(
  options: ClaimOptions,
  id: string,
  lock: Lock,
  /** Whether that is a use of it: so not where its messages are only sent. */
  used: boolean,
): Promise<{ readonly claim: Claim; readonly stored: StoredClient } | undefined> {
  const { store, clock, random, generation } = options;
  const own = tokenKey(id);
  const former = (await store.read(own)).get(own) as string | undefined;
  if (former === undefined) return undefined;
  const token = messageId(random);
  const usedAt = clock.now();
  const done = await store.commit({
    expect: new Map([
      [GENERATION, [generation.now]],
      [own, [former, token]],
    ]),
    clear: [],
    values: new Map<string, unknown>([[own, token], ...(used ? ([[usedKey(id), usedAt]] as const) : [])]),
  });
  const found = done && (await readClient(store, id));
  if (!found) return undefined;
  const { stored, index } = found;
  const owner = { server: stored.server, user: stored.user };
  return { claim: { id, token, lock, owner, index, stored: true, usedAt }, stored };
}

/** `changed`: it is another client now, or the same with an identity. */
export function createClaimed(
  options: ClaimOptions,
  first: Claim,
  lockOf: (id: string) => string,
  changed: (id: string, user: string | null | undefined) => void,
) {
  const { store, clock, codec, report, generation } = options;
  let claim = first;
  let last: Promise<unknown> = Promise.resolve();
  /** Another page has what was ours: nothing of us may be stored any more, or two would write one outbox (TB3). */
  let gone: unknown;
  let told = false;

  /** One after the other. */
  function next<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  async function write(changes: readonly StorageChange[]): Promise<void> {
    if (gone !== undefined) throw gone;
    const expect = new Map<string, readonly (string | undefined)[]>([[GENERATION, [generation.now]]]);
    const clear: string[] = [];
    const values = new Map<string, unknown>();
    /** Held until the commit is done, whatever becomes of it. */
    const others: Lock[] = [];
    const begun: Claim[] = [];
    /** What belongs to the client that is the page's own in the end. */
    let own: ClientChange[] = [];
    let now = claim;
    let user: string | null | undefined;
    /** It goes, also what this commit has put there. */
    const drop = (one: Claim): void => {
      guard(one, true);
      const prefixes = allOf(one.id);
      clear.push(...prefixes);
      for (const key of values.keys())
        if (prefixes.some((prefix) => key.startsWith(prefix))) values.delete(key);
    };
    /** A page that has taken it has its messages too: they must not go on here as well, under whatever name (TB3). */
    const guard = ({ id, token, stored }: Claim, goes = false): void => {
      // A commit that is done twice finds that it went.
      if (stored) expect.set(tokenKey(id), goes ? [token, undefined] : [token]);
    };
    const enter = (): void => {
      const { id, token, stored, usedAt, owner } = now;
      guard(now);
      const at = clock.now();
      if (at - usedAt >= HOUR) values.set(usedKey(id), at);
      if (!stored) values.set(tokenKey(id), token).set(ownerKey(id), ownerOf(owner));
    };
    const become = async (owner: Owner): Promise<void> => {
      begun.push((now = await newClaim(options, owner, lockOf)));
      own = [];
    };
    try {
      for (const change of changes) {
        if (change.type === "begin") {
          if (change.keepFormer) guard(now);
          else drop(now);
          ({ user } = change);
          await become({ ...now.owner, user });
          enter();
        } else if (change.type === "forget") {
          drop(now);
          clear.push(...(await othersOf(now, others)));
          await become(now.owner);
        } else {
          if (own.length === 0) enter();
          const plain = codec ? plainChange(change, codec) : change;
          own.push(plain);
          if (plain.type === "identity") {
            ({ userId: user } = plain.identity);
            values.set(ownerKey(now.id), { server: now.owner.server, user, identity: plain.identity });
          } else addChange(values, now.id, now.index, plain);
        }
      }
      await commit({ expect, clear, values }, own);
    } catch (error) {
      doubt(claim.index, changes);
      for (const { lock } of begun) lock.release();
      if (reasonOf(error) === "taken") gone = error;
      throw error;
    } finally {
      for (const lock of others) lock.release();
    }
    // The client that was the page's is free: for its user's next page, or for one that sends what is left of it.
    for (const { lock } of [claim, ...begun]) if (lock !== now.lock) lock.release();
    claim = now;
    landed(now.index);
    claim.stored ||= values.has(tokenKey(now.id));
    claim.usedAt = (values.get(usedKey(now.id)) as number | undefined) ?? claim.usedAt;
    if (user !== undefined) changed(now.id, user);
  }

  /** The same user's clients that no living page has (OB12): what of them goes. */
  async function othersOf({ id: own, owner }: Claim, locked: Lock[]): Promise<readonly string[]> {
    const found: string[] = [];
    for (const { id, user } of await listClients(store, owner.server)) {
      if (id === own || user !== owner.user) continue;
      const lock = await options.locks.take(pageLock(id));
      if (!lock) continue;
      locked.push(lock);
      // A page that sends what is left there stops, and stores none of it again.
      (await options.locks.take(flushLock(id), "steal"))?.release();
      found.push(...allOf(id));
    }
    return found;
  }

  /** When the store is full, models go first: they can be fetched again, and messages cannot (TB6). */
  async function commit(all: StoreCommit, own: readonly ClientChange[]): Promise<void> {
    try {
      return await accepted(all);
    } catch (error) {
      const { id, index } = claim;
      const drops = [...index.models.keys()].map((target) => ({ type: "drop-model", target }) as const);
      // Where it is about nothing but models, the keeper of models knows what to do.
      const messages = own.some(({ type }) => type !== "model" && type !== "drop-model");
      if (reasonOf(error) !== "quota" || drops.length === 0 || !messages) throw error;
      const values = new Map<string, unknown>();
      for (const drop of drops) addChange(values, id, index, drop);
      await accepted({ expect: all.expect, clear: [], values }).catch((failure: unknown) => {
        doubt(index, drops);
        throw failure;
      });
      landed(index);
      await accepted(all);
      if (!told)
        report(
          storageFailure(
            "quota",
            DEV && "The storage is full: stored models were dropped, messages are kept.",
            error,
          ),
        );
      told = true;
    }
  }

  /** @throws CallaError `storage`: `taken` by another page, or `evicted`; or why the store failed. */
  async function accepted(all: StoreCommit): Promise<void> {
    if (await store.commit(all)) return;
    const now = (await store.read(GENERATION)).get(GENERATION) as string | undefined;
    const own = tokenKey(claim.id);
    if ((now !== undefined && now !== generation.now) || (await store.read(own)).has(own)) throw taken();
    generation.now = now;
    claim.stored = false;
    throw storageFailure(
      "evicted",
      DEV && "The stored data is gone, as after the site's data was cleared; all of it is written anew.",
    );
  }

  return {
    get id() {
      return claim.id;
    },
    commit: (changes: readonly StorageChange[]) => next(() => write(changes)),
    /** All servers and users. No page that is open stores anything after it (OB35). How many messages waited. */
    forgetEveryone: () =>
      next(async () => {
        const count = await countWaiting(store);
        await store.commit({
          expect: new Map(),
          clear: [""],
          values: new Map([[GENERATION, messageId(options.random)]]),
        });
        gone = taken();
        return count;
      }),
    /** Lets it go once everything asked for is done. */
    async release(): Promise<void> {
      await last;
      claim.lock.release();
    },
  };
}
