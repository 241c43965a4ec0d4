// What must survive: the outbox and the identity, and the transactions that keep them. Nothing leaves before it is
// durable, and nothing is told before its outcome is. Not here: a storage, and when to send (runtime.ts).
import { CallaError } from "@calla/shared";
import type { Clock, ServerFrames, TargetKey } from "@calla/shared";
import { entryChange, listOf, newEntry } from "./dispatch.ts";
import { oncePerTurn } from "./notifier.ts";
import { settledMid } from "./outbox.ts";
import type { Outbox } from "./outbox.ts";
import type { Owner, Storage, StorageChange, StoredClient, StoredIdentity, StoredTarget } from "./storage.ts";
import type { Dispatch, Outcome, Target } from "./target.ts";
import type { Targets } from "./targets.ts";
import { RejectedError } from "./write.ts";

export interface LedgerOptions {
  readonly storage: Storage;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly outbox: Outbox<Dispatch>;
  readonly targets: Targets;
  readonly report: (error: unknown) => void;
  /** Something has become durable. */
  readonly durable: () => void;
}

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger({ storage, owner, clock, outbox, targets, report, durable }: LedgerOptions) {
  let identity: StoredIdentity | undefined;
  let userId = owner.user ?? null;
  /** Whether it is known whose data this is, and what was stored is in the outbox (CL8). */
  let ready = false;
  /** Stored by somebody whom only the server can name. */
  let unowned: StoredClient | undefined;
  let changes: StorageChange[] = [];
  /** Decided since the last commit. */
  let decided: Dispatch[] = [];
  /** Raised by a new identity: commits of the former one say nothing about this one's mids. */
  let era = 0;
  let busy = false;
  let last: Promise<void> = Promise.resolve();
  /** The last transaction failed; true: it was to keep another client's data. */
  let failed: boolean | undefined;

  const storageError = (cause: unknown): CallaError =>
    new CallaError(
      "storage",
      { cause },
      "The storage failed; messages are sent, but would not survive a reload.",
    );

  const store = (all: readonly StorageChange[]): Promise<CallaError | undefined> =>
    Promise.resolve()
      .then(() => storage.commit(all))
      .then(() => undefined, storageError);

  const versioned = (entry: Dispatch): StorageChange =>
    entryChange(entry, targets.get(entry.target).slice?.version ?? 0);

  /** Everything since the last transaction in one; one is under way at a time (OB1). `more`: only if there is more. */
  function commit(more = false): void {
    if (!ready || busy) return;
    const queues = [...outbox.queues.values()];
    const numbered = queues.flatMap((queue) => outbox.number(queue));
    const nothing = numbered.length === 0 && changes.length === 0;
    if (nothing && (more || failed === undefined)) return;
    // After one that failed nobody knows what is stored: all of it is written anew.
    const fresh = failed === undefined ? numbered : queues.flatMap(({ entries }) => entries);
    const begin: readonly StorageChange[] =
      failed === undefined
        ? changes
        : [
            { type: "begin", user: userId, keepFormer: failed },
            ...(identity ? [{ type: "identity", identity } as const] : []),
          ];
    const all = [...begin, ...fresh.map(versioned)];
    const told = decided;
    const mine = era;
    const touched = new Set(
      failed === undefined ? [...fresh, ...told].map(({ target }) => outbox.queue(target)) : queues,
    );
    const rows = Array.from(touched, (queue) => [queue, settledMid(queue)] as const);
    for (const [{ target, last: highest }, settled] of rows)
      all.push({ type: "target", target, settled, last: highest });
    changes = [];
    decided = [];
    busy = true;
    const landed = (error: CallaError | undefined): void => {
      busy = false;
      // The stated policy for a storage that fails: the app is told, `queued` rejects, the message is sent all the
      // same; only what the server may forget (`settled`) waits for a transaction that works (OB9).
      if (error) {
        report(error);
        failed = all.some((change) => change.type === "begin" && change.keepFormer);
      } else failed = undefined;
      for (const entry of told) {
        entry.recorded = true;
        targets.conclude(entry);
      }
      // Whoever it was stored for, a reload would find it.
      for (const entry of fresh) entry.kept ||= !error;
      if (mine === era) {
        if (!error) for (const [queue, settled] of rows) queue.settled = Math.max(queue.settled, settled);
        for (const entry of fresh) {
          // What is stored already, under no identity or a former one, must not leave twice: it waits (OB9).
          if (entry.stage === "new" && !(error && entry.kept)) entry.stage = "stored";
          if (error) entry.control?.queued.reject(error);
          else entry.control?.queued.resolve();
        }
        durable();
      }
      commit(true);
    };
    last = store(all).then(landed);
  }
  const save = oncePerTurn(clock, () => commit());

  /** Takes over what was stored: before everything dispatched since (CL8). */
  function adopt(stored: StoredClient): void {
    identity = stored.identity;
    for (const [key, row] of stored.targets) Object.assign(outbox.queue(key), row, { loaded: row.last });
    const sorted = stored.entries.toSorted((a, b) => a.mid - b.mid);
    for (const key of new Set(sorted.map(({ target }) => target))) {
      const one = targets.get(key);
      const entries = sorted
        .filter(({ target, mid }) => target === key && mid > one.queue.settled)
        .map(({ target, mid, id, message, at }): Dispatch => ({
          ...newEntry({ target, id, message, at, userId: stored.user ?? null }, listOf(message)),
          mid,
          stage: "stored",
          out: identity !== undefined,
          kept: true,
          outcome: message === null ? { error: new CallaError("cancelled") } : undefined,
        }));
      outbox.load(one.queue, entries);
      const shown = entries.filter(({ outcome }) => !outcome).map((entry) => ({ entry, model: undefined }));
      one.replica = { confirmed: undefined, pending: [...shown, ...one.replica.pending] };
      targets.touch(one);
    }
  }

  /** To a fresh identity: what was never sent is numbered anew, what may have been sent can never be known (CL1). */
  function move(one: Target): void {
    const { queue } = one;
    for (const entry of queue.entries.slice()) {
      if (entry.out && entry.mid < queue.conflict) {
        outbox.decide(queue, entry);
        entry.outcome ??= {
          error: new RejectedError({ from: "calla", code: "client-expired", details: {} }),
        };
        decided.push(entry);
      } else Object.assign(entry, { mid: 0, stage: "new", out: false });
    }
    Object.assign(queue, { last: 0, settled: 0, loaded: 0, conflict: Infinity });
    targets.settle(one);
  }

  return {
    save,
    note(change: StorageChange): void {
      changes.push(change);
      save();
    },
    /** Its mid goes out as void. The caller hears it when that is durable: a reload before would send the message. */
    giveUp(entry: Dispatch): void {
      entry.message = null;
      changes.push(versioned(entry));
      decided.push(entry);
      save();
    },
    /** The server has decided. The caller hears it when that is durable and confirmed has it (OB3). */
    decide({ queue, subscription }: Target, entry: Dispatch, outcome: Outcome): void {
      outbox.decide(queue, entry);
      entry.decidedUnder = subscription.ref;
      entry.outcome ??= outcome;
      changes.push({
        type: "outcome",
        target: entry.target,
        mid: entry.mid,
        sequence: "sequence" in outcome ? outcome.sequence : 0,
      });
      decided.push(entry);
      save();
    },
    async load(): Promise<void> {
      try {
        const stored = await storage.load(owner);
        if (owner.user === undefined) {
          // What is dispatched meanwhile waits for the name too: stored as nobody's, a reload would never find it.
          unowned = stored;
          identity = stored?.identity;
          return;
        }
        if (stored) adopt(stored);
      } catch (cause) {
        report(storageError(cause));
      }
      ready = true;
      save();
    },
    /** The server has named client and user. */
    connected({ clientId, secret, userId: user, refused }: ServerFrames["Connected"]): void {
      const fresh = clientId !== identity?.clientId;
      // Only now is it known whose it is. Another user's stays where it is, unseen and unsent (S41).
      const foreign = unowned && (unowned.identity ? unowned.identity.userId : null) !== user;
      const former = identity;
      if (unowned && !foreign) adopt(unowned);
      unowned = undefined;
      // Numbered anew: what is stored under the old mids, even without an identity, must not come back by a reload.
      const numbered = [...outbox.queues.values()].some(({ last: highest }) => highest > 0);
      if (foreign || (fresh && (former || numbered))) {
        changes.push({ type: "begin", user, keepFormer: foreign || refused === "foreign" });
      }
      userId = user;
      identity = { clientId, secret, userId };
      changes.push({ type: "identity", identity });
      ready = true;
      if (fresh) era++;
      for (const queue of outbox.queues.values()) {
        outbox.again(queue, 0, Infinity);
        if (fresh) move(targets.get(queue.target));
      }
      save();
    },
    get identity() {
      return identity;
    },
    /** A target's mids under the identity that `Hello` presents, also before it is known whose it is (CL8). */
    mids: (key: TargetKey): StoredTarget => unowned?.targets.get(key) ?? outbox.queue(key),
    get userId() {
      return userId;
    },
    /** Stores what is not yet stored, then lets the storage go. */
    async close(): Promise<void> {
      await last;
      commit();
      await last;
      await storage.close();
    },
  };
}
