// What must survive: the outbox and the identity, and the transactions that store them. No message leaves before it is
// durable, and no outcome is told before it is. Not here: a storage, and when to send (runtime.ts).
import { CallaError, deepFreeze, visitorOf, DEV } from "@calla/shared";
import type { Clock, Cursor, ServerFrames, TargetKey } from "@calla/shared";
import { restored, storedEntry } from "../replica/dispatch-entry.ts";
import type { AuthorNames } from "../replica/dispatch-entry.ts";
import { oncePerTurn } from "../base/notifier.ts";
import { settledMid } from "../replica/outbox.ts";
import type { Outbox } from "../replica/outbox.ts";
import type {
  ModelPlace,
  Owner,
  Storage,
  StorageChange,
  StorageHost,
  StoredClient,
  StoredEntry,
  StoredIdentity,
  StoredModel,
  StoredTarget,
} from "../storage/storage.ts";
import { isFollowed } from "../replica/subscriptions.ts";
import { hasCaughtUp } from "../replica/target.ts";
import type { Dispatch, Outcome, Target } from "../replica/target.ts";
import type { Targets } from "../replica/targets.ts";
import { rejectedBy } from "../base/rejected-error.ts";

export interface LedgerOptions {
  /** undefined: nothing is kept. */
  readonly storage: Storage | undefined;
  readonly owner: Owner;
  readonly host: StorageHost;
  readonly clock: Clock;
  readonly outbox: Outbox<Dispatch>;
  readonly targets: Targets;
  readonly strict: boolean;
  readonly report: (error: unknown) => void;
  /** `failing` may have changed. */
  readonly changed: () => void;
  /** Something has become durable. */
  readonly durable: () => void;
}

const CANNOT = DEV && "This storage cannot forget everyone; delete its data yourself.";

export type Ledger = ReturnType<typeof createLedger>;

const keepsFormer = (changes: readonly StorageChange[]): boolean =>
  changes.some((change) => change.type === "begin" && change.keepFormer);

export function createLedger(options: LedgerOptions) {
  const { storage, owner, clock, outbox, targets, strict, report, changed, durable } = options;
  let identity: StoredIdentity | undefined;
  /** The same with a newer secret, and what had been sent before it was given and is undecided. */
  let renewal: { readonly identity: StoredIdentity; readonly behind: Set<Dispatch> } | undefined;
  let userId = owner.user ?? null;
  /** Whether that is what the app or the server has said. */
  let named = owner.user !== undefined;
  /** The storage hears with the first identity of a page that the server takes it for its user (TB4). */
  let met = false;
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
  /** The storage could not be read: this page keeps nothing, so there is nothing that a reload could find wrong (OB9). */
  let lost: CallaError | undefined;

  const storageError = (cause: unknown): CallaError =>
    cause instanceof CallaError && cause.code === "storage"
      ? cause
      : new CallaError(
          "storage",
          { cause },
          DEV && "The storage failed; messages are sent, but would not survive a reload.",
        );

  const store = (all: readonly StorageChange[]): Promise<CallaError | undefined> =>
    Promise.resolve()
      .then(() => (lost ? undefined : storage?.commit(all)))
      .then(() => undefined, storageError);

  /** As whom what is dispatched to a target is predicted. */
  const author = (key: TargetKey, clientId = identity?.clientId): AuthorNames => ({
    userId,
    visitor: clientId === undefined ? "" : visitorOf(clientId, userId, key),
  });

  const versionOf = (key: TargetKey): number => targets.get(key).slice?.version ?? 0;
  const asStored = (entry: Dispatch): StoredEntry => storedEntry(entry, versionOf(entry.target));
  const versioned = (entry: Dispatch): StorageChange => ({ type: "entry", entry: asStored(entry) });

  /** Everything since the last transaction in one; one is under way at a time (OB1). `more`: only if there is more. */
  function commit(more = false): void {
    if (!ready || busy) return;
    const queues = [...outbox.queues.values()];
    const numbered = queues.flatMap((queue) => outbox.number(queue));
    const nothing = numbered.length === 0 && changes.length === 0;
    if (nothing && failed === undefined) return storeModels();
    if (nothing && more) return;
    // After one that failed nobody knows what is stored: all of it is written anew, models next.
    const isAnew = failed !== undefined;
    const fresh = failed === undefined ? numbered : queues.flatMap(({ entries }) => entries);
    const begin: readonly StorageChange[] =
      failed === undefined
        ? changes
        : [
            { type: "begin", user: userId, keepFormer: failed || keepsFormer(changes) },
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
        failed = keepsFormer(all);
      } else {
        failed = undefined;
        if (isAnew) keeper?.begin(true);
      }
      changed();
      conclude(told);
      for (const entry of fresh) {
        // Whoever it was stored for, a reload would find it.
        entry.kept ||= !error && storage !== undefined;
        // What is stored already, under no identity or a former one, must not leave twice: it waits (OB9).
        if (mine === era && entry.stage === "new" && !(error && entry.kept)) entry.stage = "stored";
        if (!(error ?? lost)) entry.control?.queued.resolve();
        // What has moved to another identity meanwhile is stored anew with that.
        else if (mine === era || entry.outcome) entry.control?.queued.reject(error ?? lost);
      }
      if (mine === era) {
        if (!error) for (const [queue, settled] of rows) queue.settled = Math.max(queue.settled, settled);
        durable();
      }
      commit(true);
    };
    last = store(all).then(landed);
  }
  const save = oncePerTurn(clock, () => commit());

  function conclude(told: readonly Dispatch[]): void {
    for (const entry of told) {
      entry.recorded = true;
      targets.conclude(entry);
    }
  }

  /** No promise waits for a storage that is given up (CL15). */
  async function letGo(): Promise<void> {
    keeper?.close();
    for (const { entries } of outbox.queues.values())
      for (const { control } of entries) control?.queued.reject(new CallaError("closed"));
    await storage?.close();
  }

  // -------------------------------------------------------------------------------------------------------- models

  const keeper = storage?.models?.({
    clock,
    save,
    *places() {
      for (const one of targets.all.values()) {
        const place = placeOf(one);
        if (place) yield place;
      }
    },
  });

  function placeOf(one: Target): ModelPlace | undefined {
    const { key, slice, replica } = one;
    if (!replica.confirmed || slice?.kind === "ephemeral") return undefined;
    const caughtUp = hasCaughtUp(one) && !replica.pending.some(({ entry }) => entry.outcome);
    return { target: key, version: versionOf(key), caughtUp, ...replica.confirmed };
  }

  /**
   * Models in a transaction of their own, which no message waits for or fails with, and only when every outcome known
   * is durable: a stored model never holds a message that the outbox still has as undecided (OB10).
   */
  function storeModels(all = false): void {
    const due = busy ? [] : (keeper?.take(all) ?? []);
    if (due.length === 0) return;
    busy = true;
    last = store(due).then((error) => {
      busy = false;
      keeper?.landed(!error);
      if (error) report(error);
      commit();
    });
  }

  /** What of a stored model this page can go on from: what is in its version, by itself or as the keeper brought it there. */
  const usable = (key: TargetKey, model: StoredModel | undefined): StoredModel | undefined =>
    model?.version === versionOf(key) ? model : undefined;

  /** Shows what was stored of a target until the server says more. */
  function hydrate(one: Target): void {
    const found = keeper?.find(one.key, one.slice);
    if (!found) return;
    if (!usable(one.key, found.model)) return keeper?.drop(one.key);
    const { model, sequence, mark } = found.model;
    targets.precede(
      one,
      found.held.map((entry) => restored(entry, one.slice, author(one.key), storage?.migrate)),
    );
    targets.show(one, { model: strict ? deepFreeze(model) : model, sequence, mark });
  }

  /** Takes over what was stored: before everything dispatched since (CL8). */
  function adopt(stored: StoredClient): void {
    identity = stored.identity;
    userId = stored.user ?? null;
    for (const [key, row] of stored.targets) Object.assign(outbox.queue(key), row, { loaded: row.last });
    const sorted = stored.entries.toSorted((a, b) => a.mid - b.mid);
    for (const key of new Set(sorted.map(({ target }) => target))) {
      const one = targets.get(key);
      const entries = sorted
        .filter(({ target, mid, sequence }) => target === key && mid > one.queue.settled && !sequence)
        .map((entry) => ({
          ...restored(entry, one.slice, author(key), storage?.migrate),
          out: identity !== undefined,
        }));
      outbox.load(one.queue, entries);
      targets.precede(
        one,
        entries.filter(({ messages }) => messages.length > 0),
      );
      targets.touch(one);
    }
    keeper?.load(
      stored.models,
      sorted.filter(({ sequence }) => sequence),
    );
    for (const one of targets.all.values()) if (isFollowed(one.subscription)) hydrate(one);
  }

  /**
   * To a fresh identity: what was never sent is numbered anew, what may have been sent can never be known (CL1). To
   * another user's (`stays`) nothing goes: what has a mid may be in the former's storage, and waits there (CL8).
   */
  function move(one: Target, stays: boolean): void {
    const { queue } = one;
    for (const entry of queue.entries.slice()) {
      if (stays || (entry.out && entry.mid < queue.conflict)) {
        const error = stays
          ? new CallaError(
              "closed",
              {},
              DEV && "Another user is signed in. What was queued waits for its author.",
            )
          : rejectedBy("client-expired");
        if (!entry.mid) entry.control?.queued.reject(error);
        outbox.decide(queue, entry);
        entry.outcome ??= { error };
        decided.push(entry);
      } else Object.assign(entry, { mid: 0, stage: "new", out: false });
    }
    Object.assign(queue, { last: 0, settled: 0, loaded: 0, known: 0, conflict: Infinity });
    targets.settle(one);
  }

  /** What is undecided will be recorded under this name, and ids are made of it (WR16). */
  function rename(one: Target, names: AuthorNames): void {
    let changed = false;
    for (const entry of one.queue.entries) {
      if (entry.outcome || (entry.userId === names.userId && entry.visitor === names.visitor)) continue;
      Object.assign(entry, names);
      changed = true;
    }
    if (changed) targets.repeat(one);
  }

  /**
   * An identity must not outlive what the server remembers of its messages: so it is renewed only once the outcome of
   * all that was sent under it is known, in the transaction that says so (CL17).
   */
  function renew(decided?: Dispatch): void {
    if (decided) renewal?.behind.delete(decided);
    if (!renewal || renewal.behind.size) return;
    ({ identity } = renewal);
    renewal = undefined;
    changes.push({ type: "identity", identity });
  }

  return {
    save,
    hydrate,
    /** Something may have changed. */
    changed: keeper?.changed,
    /** No longer subscribed: `confirmed` is forgotten next. */
    leave(one: Target): void {
      const place = placeOf(one);
      if (place) keeper?.leave(place);
    },
    /** Not to be shown again. */
    drop: keeper?.drop,
    /** Where to go on from, also before it is known whose it is (CL8). */
    cursor: ({ key, replica: { confirmed } }: Target): Cursor | undefined =>
      unowned ? keeper && usable(key, unowned.models.get(key)) : confirmed,
    /** What is stored of it is another: held, or void. */
    keep(entry: Dispatch): void {
      changes.push(versioned(entry));
      save();
    },
    /** Its mid goes out as void. The caller hears it when that is durable: a reload before would send the message. */
    giveUp(entry: Dispatch): void {
      entry.messages = [];
      changes.push(versioned(entry));
      decided.push(entry);
      save();
    },
    /** The server has decided. The caller hears it when that is durable and confirmed has it (OB3). */
    decide({ queue, subscription }: Target, entry: Dispatch, outcome: Outcome): void {
      // Only its mid is void: it will never have arrived, so it moves, held, to another identity (OB33).
      if (entry.held && "error" in outcome && outcome.error.code === "cancelled")
        return void (entry.out = false);
      outbox.decide(queue, entry);
      entry.decidedUnder = subscription.ref;
      // Void because of its version: its author hears why. Applied or refused before the reload, it hears that.
      const { dropped } = entry;
      entry.outcome ??=
        dropped && "error" in outcome && outcome.error.code === "cancelled" ? { error: dropped } : outcome;
      const sequence = "sequence" in outcome ? outcome.sequence : 0;
      if (sequence) keeper?.settled({ ...asStored(entry), sequence });
      changes.push({ type: "outcome", target: entry.target, mid: entry.mid, sequence });
      renew(entry);
      decided.push(entry);
      save();
    },
    async load(): Promise<void> {
      try {
        const stored = await storage?.load(owner, options.host);
        if (owner.user === undefined) {
          // What is dispatched meanwhile waits for the name too: stored as nobody's, a reload would never find it.
          unowned = stored;
          identity = stored?.identity;
          return;
        }
        if (stored) adopt(stored);
      } catch (cause) {
        report((lost = storageError(cause)));
        changed();
      }
      ready = true;
      save();
    },
    /** The server has named client and user. */
    connected({ clientId, secret, userId: user }: ServerFrames["Connected"]): void {
      const fresh = clientId !== identity?.clientId;
      // Only now is it known whose it is. Another user's stays where it is, unseen and unsent (S41).
      const unseen = unowned && (unowned.user ?? null) !== user;
      const former = identity;
      if (unowned && !unseen) adopt(unowned);
      unowned = undefined;
      const stranger = named && user !== userId;
      const foreign = unseen || stranger;
      named = true;
      // Numbered anew: what is stored under the old mids, even without an identity, must not come back by a reload.
      const numbered = [...outbox.queues.values()].some(({ last: highest }) => highest > 0);
      if (foreign || (fresh && (former || numbered))) {
        changes.push({ type: "begin", user, keepFormer: foreign === true });
        keeper?.begin(!foreign);
      }
      userId = user;
      if (secret !== undefined) {
        const entries = fresh ? [] : [...outbox.queues.values()].flatMap((queue) => queue.entries);
        renewal = {
          identity: { clientId, secret, userId },
          behind: new Set(entries.filter(({ out }) => out)),
        };
      } else if (!met && identity) changes.push({ type: "identity", identity });
      met = true;
      renew();
      ready = true;
      if (fresh) era++;
      for (const queue of outbox.queues.values()) {
        outbox.again(queue, 0, Infinity);
        const one = targets.get(queue.target);
        if (fresh) move(one, stranger);
        rename(one, author(one.key, clientId));
      }
      if (stranger)
        for (const one of targets.all.values())
          if (one.slice?.kind !== "ephemeral") targets.show(one, undefined);
      save();
    },
    get identity() {
      return identity;
    },
    /** A target's mids under the identity that `Hello` presents, also before it is known whose it is (CL8). */
    mids: (key: TargetKey): StoredTarget => unowned?.targets.get(key) ?? outbox.queue(key),
    author,
    /** What is dispatched now would not survive a reload. */
    get failing() {
      return lost !== undefined || failed !== undefined;
    },
    /** Drops everything of this client's and its user's, and lets the storage go (OB12). */
    async forget(): Promise<void> {
      const known = ready;
      ready = false;
      await last;
      const error = known
        ? (lost ?? (await store([{ type: "forget" }])))
        : new CallaError(
            "forbidden",
            {},
            DEV && "It is not known whose data this is: give `user`, or connect first.",
          );
      conclude(decided);
      await letGo();
      if (error) throw error;
    },
    /** Drops all of everybody that this storage has (OB14). Resolves with how much was unsent. */
    async forgetEveryone(): Promise<number> {
      ready = false;
      await last;
      const outside = [...outbox.queues.values()].flatMap(({ entries }) =>
        entries.filter(({ outcome, kept }) => !outcome && !kept),
      );
      try {
        const stored = storage
          ? await (storage.forgetEveryone?.() ?? Promise.reject(new CallaError("storage", {}, CANNOT)))
          : 0;
        return stored + outside.length;
      } catch (cause) {
        throw storageError(cause);
      } finally {
        conclude(decided);
        await letGo();
      }
    },
    /** Stores what is not yet stored, then lets the storage go. */
    async close(): Promise<void> {
      await last;
      commit();
      await last;
      storeModels(true);
      await last;
      await letGo();
    },
  };
}
