// One client that this page holds: its commits, one after the other, each under the token that keeps other pages out.
// Here a client becomes another (`begin`). Not here: which client a page may hold (tab-storage.ts,
// abandoned-clients.ts).
import { messageId } from "@calla/shared";
import type { PayloadCodec, Random, SteadyClock, TargetKey } from "@calla/shared";
import { clientOfPage, flushLock, pageLock } from "./locks.ts";
import type { Lock, Locks } from "./locks.ts";
import { reasonOf, storageFailure, taken } from "./client-store.ts";
import type { ClientStore, CommitPart, ClientChange } from "./client-store.ts";
import type { Owner, StorageChange } from "../storage/storage.ts";
import { plainChange } from "./stored-values.ts";

export interface HolderOptions {
  readonly store: ClientStore;
  readonly locks: Locks;
  readonly clock: SteadyClock;
  readonly random: Random;
  /** Absent: values are kept as they are given. */
  readonly codec: PayloadCodec | undefined;
  readonly lockOf: (client: string) => string;
  readonly report: (error: unknown) => void;
}

/** What is held at the moment. */
export interface Held {
  readonly id: string;
  readonly token: string;
  readonly lock: Lock;
  readonly owner: Owner;
  /** Whether there is something of it in the store. */
  stored: boolean;
  /** Targets of which a model is stored: what may go when the store is full. */
  readonly models: Set<TargetKey>;
}

export interface HolderEvents {
  /** What is held is another client now, or the same with an identity. */
  changed(held: Held, user: string | null | undefined): void;
}

export type Holder = ReturnType<typeof createHolder>;

export function createHolder(options: HolderOptions, first: Held, events: HolderEvents) {
  const { store, clock, codec, report } = options;
  let held = first;
  let last: Promise<void> = Promise.resolve();
  /** Another page has what was ours: nothing of us may be stored any more, or two would write one outbox (TB3). */
  let gone: unknown;
  let told = false;

  // oxlint-disable-next-line complexity -- reason: one transaction; each branch is a change of a stored client
  async function write(changes: readonly StorageChange[]): Promise<void> {
    if (gone !== undefined) throw gone;
    /** Held until the commit is done, whatever becomes of it. */
    const extra: Lock[] = [];
    const begun: Held[] = [];
    const parts: CommitPart[] = [];
    let now = held;
    let user: string | null | undefined;
    let inside: ClientChange[] | undefined;
    const part = (drops: readonly string[] = []): ClientChange[] => {
      const { id, token, owner, stored } = now;
      const own: ClientChange[] = [];
      parts.push({ id, token, at: clock.now(), changes: own, drops, ...(stored ? {} : { owner }) });
      return own;
    };
    try {
      for (const change of changes) {
        if (change.type === "begin" || change.type === "forget") {
          const former = now;
          if (change.type === "forget") part([former.id, ...(await others(former, extra))]);
          // A page that has taken the former client has its messages too: they must not go on here as well (TB3).
          else if (former.stored && !inside) part();
          const owner = change.type === "begin" ? { ...former.owner, user: change.user } : former.owner;
          now = await newClient(options, owner);
          begun.push(now);
          inside = undefined;
          if (change.type === "forget") continue;
          ({ user } = change);
          inside = part(change.keepFormer ? [] : [former.id]);
          continue;
        }
        if (change.type === "identity") user = change.identity.userId;
        inside ??= part();
        inside.push(codec ? plainChange(change, codec) : change);
      }
      await commit(parts);
    } catch (error) {
      for (const { lock } of begun) lock.release();
      if (reasonOf(error) === "taken") gone = error;
      if (reasonOf(error) === "evicted") held.stored = false;
      throw error;
    } finally {
      for (const lock of extra) lock.release();
    }
    // The client held until now is free: for its user's next page, or for a page that sends what is left of it.
    for (const { lock } of [held, ...begun]) if (lock !== now.lock) lock.release();
    held = now;
    held.stored ||= inside !== undefined;
    for (const change of inside ?? []) {
      if (change.type === "model") held.models.add(change.target);
      else if (change.type === "drop-model") held.models.delete(change.target);
    }
    if (user !== undefined) events.changed(held, user);
  }

  /** The same user's clients that no living page holds (OB12); everybody's. */
  async function others(
    { id: own, owner }: Held,
    locked: Lock[],
    everyone = false,
  ): Promise<readonly string[]> {
    const found: string[] = [];
    for (const { id, user } of await store.list(everyone ? undefined : owner.server)) {
      if (id === own || (user !== owner.user && !everyone)) continue;
      const lock = await options.locks.take(pageLock(id));
      if (!lock) continue;
      locked.push(lock);
      // A page that sends what is left there stops, and stores none of it again.
      (await options.locks.take(flushLock(id), "steal"))?.release();
      found.push(id);
    }
    return found;
  }

  /** When the store is full, models go first: they can be fetched again, and messages cannot (TB6). */
  async function commit(parts: readonly CommitPart[]): Promise<void> {
    try {
      await store.commit(parts);
    } catch (error) {
      const { id, token, models } = held;
      const drops = [...models].map((target) => ({ type: "drop-model", target }) as const);
      // Where it is about nothing but models, the keeper of models knows what to do.
      const messages = parts.some(({ changes }) => changes.some((change) => !isModel(change)));
      if (reasonOf(error) !== "quota" || drops.length === 0 || !messages) throw error;
      await store.commit([{ id, token, at: clock.now(), changes: drops }]);
      models.clear();
      await store.commit(parts);
      if (!told)
        report(
          storageFailure(
            "quota",
            "The storage is full: stored models were dropped, messages are kept.",
            error,
          ),
        );
      told = true;
    }
  }

  /** Of all servers and users. Of clients that living pages hold only what keeps these from storing more (OB14). */
  async function empty(): Promise<number> {
    const locked: Lock[] = [];
    try {
      const free = [held.id, ...(await others(held, locked, true))];
      const open = [...(await options.locks.held())].flatMap((name) => clientOfPage(name) ?? []);
      const unsent = await store.empty(free, open, clock.now());
      gone = taken();
      return unsent;
    } finally {
      for (const lock of locked) lock.release();
    }
  }

  return {
    /** After what was asked for before; nothing of this page is stored after it. */
    empty(): Promise<number> {
      const done = last.then(empty);
      last = done.then(
        () => {},
        () => {},
      );
      return done;
    },
    get held() {
      return held;
    },
    commit(changes: readonly StorageChange[]): Promise<void> {
      const done = last.then(() => write(changes));
      last = done.catch(() => {});
      return done;
    },
    /** Lets it go once everything asked for is done. */
    async release(): Promise<void> {
      await last;
      held.lock.release();
    },
  };
}

const isModel = ({ type }: ClientChange): boolean => type === "model" || type === "drop-model";

/** A client that nobody has had yet; in the store from its first commit on. */
export async function newClient(
  { locks, random, lockOf }: Pick<HolderOptions, "locks" | "random" | "lockOf">,
  owner: Owner,
): Promise<Held> {
  const id = messageId(random);
  const lock = await locks.take(lockOf(id));
  if (!lock) throw storageFailure("failed", "A client's name was given out twice.");
  return { id, token: messageId(random), lock, owner, stored: false, models: new Set() };
}
