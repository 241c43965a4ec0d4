// What makes the outbox survive a reload: the transactions that store it, and what was stored taken back. No message leaves
// before it is durable, and no outcome is told before it is. It comes with a storage, so that a page which stores nothing
// does not carry it. Not here: a storage, and when to send (engine/outbox.ts).
import { CallaError, deepFreeze, DEV, messageId } from "@calla/shared";
import type { CallaRejectionCode, TargetKey } from "@calla/shared";
import { newDispatch } from "../engine/dispatch.ts";
import { tellStored } from "../engine/entry.ts";
import { givenUp } from "../engine/holding.ts";
import { renamed } from "../engine/identity.ts";
import { load, number, settledMid, tellDecided, undecided } from "../engine/outbox.ts";
import { show } from "../engine/outcomes.ts";
import type { Core, Dispatch, Ledger, Target } from "../engine/records.ts";
import { AT_ONCE, precede } from "../engine/replica.ts";
import { hasCaughtUp, isSubscribed } from "../engine/state.ts";
import { due as endTurn, queueOf, targetOf, touch } from "../engine/targets.ts";
import type {
  MigratedEntry,
  ModelPlace,
  Owner,
  PageStorage,
  StorageChange,
  StorageHost,
  StoredClient,
  StoredEntry,
  StoredModel,
} from "./storage.ts";

const CANNOT = DEV && "This storage cannot forget everyone; clear what it is made of yourself.";

const keepsFormer = (changes: readonly StorageChange[]): boolean =>
  changes.some((change) => change.type === "begin" && change.keepFormer);

const storageError = (cause: unknown): CallaError =>
  cause instanceof CallaError && cause.code === "storage"
    ? cause
    : new CallaError(
        "storage",
        { cause },
        DEV && "The storage failed; messages are sent, but would not survive a reload.",
      );

/** What a storage gives as its `ledger`. */
export function createLedger(core: Core, storage: PageStorage, owner: Owner, host: StorageHost): Ledger {
  const { clock, strict, report } = core;
  /** The storage hears with the first identity of a page that the server takes it for its user (TB4). */
  let met = false;
  /** Whether it is known whose data this is, and what was stored is in the outbox (CL8). */
  let ready = false;
  /** Stored by somebody whom only the server can name. */
  let unowned: StoredClient | undefined;
  let changes: StorageChange[] = [];
  /** Raised by a new identity: commits of the former one say nothing about this one's mids. */
  let era = 0;
  let busy = false;
  let last: Promise<void> = Promise.resolve();
  /** The last transaction failed; true: it was to keep another client's data. */
  let failed: boolean | undefined;
  /** The storage could not be read: this page keeps nothing, so there is nothing that a reload could find wrong (OB9). */
  let lost: CallaError | undefined;

  const store = (all: readonly StorageChange[]): Promise<CallaError | undefined> =>
    new Promise<void>((resolve) => resolve(lost ? undefined : storage.commit(all))).then(
      () => undefined,
      storageError,
    );

  const versionOf = (key: TargetKey): number => targetOf(core, key).slice?.version ?? 0;
  const asStored = (entry: Dispatch): StoredEntry => storedEntry(entry, versionOf(entry.target));
  const versioned = (entry: Dispatch): StorageChange => ({ type: "entry", entry: asStored(entry) });

  /** Everything since the last transaction in one; one is under way at a time (OB1). `retry`: also what failed. */
  function commit(retry = false): void {
    if (!ready || busy) return;
    const numbered = [...core.unsaved].flatMap((queue) => number(queue));
    core.unsaved.clear();
    const nothing = numbered.length === 0 && changes.length === 0;
    if (nothing && failed === undefined) return storeModels();
    if (nothing && !retry) return;
    // After one that failed nobody knows what is stored: all of it is written anew, models next.
    const isAnew = failed !== undefined;
    const queues = isAnew ? [...core.queues.values()] : [];
    const fresh = failed === undefined ? numbered : queues.flatMap(({ entries }) => entries);
    const begin: readonly StorageChange[] =
      failed === undefined
        ? changes
        : [
            { type: "begin", user: core.userId, keepFormer: failed || keepsFormer(changes) },
            ...(core.identity ? [{ type: "identity", identity: core.identity } as const] : []),
          ];
    const all = [...begin, ...fresh.map(versioned)];
    const told = core.decided;
    const mine = era;
    const touched = new Set(
      failed === undefined ? [...fresh, ...told].map(({ target }) => queueOf(core, target)) : queues,
    );
    const rows = Array.from(touched, (queue) => [queue, settledMid(queue)] as const);
    for (const [{ target, last: highest }, settled] of rows)
      all.push({ type: "target", target, settled, last: highest });
    changes = [];
    core.decided = [];
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
      tellDecided(core, told);
      for (const entry of fresh) {
        // Whoever it was stored for, a reload would find it.
        entry.kept ||= !error;
        // What is stored already, under no identity or a former one, must not leave twice: it waits (OB9).
        if (mine === era && entry.stage === "new" && !(error && entry.kept)) entry.stage = "stored";
        if (!(error ?? lost)) tellStored(entry);
        // What has moved to another identity meanwhile is stored anew with that.
        else if (mine === era || entry.outcome) tellStored(entry, error ?? lost);
      }
      for (const [queue, settled] of rows) {
        if (mine === era && !error) queue.settled = Math.max(queue.settled, settled);
        core.unsent.add(queue);
      }
      endTurn(core);
      commit();
    };
    last = store(all).then(landed);
  }

  /** No promise waits for a storage that is let go (CL15). */
  async function letGo(): Promise<void> {
    keeper?.close();
    for (const entry of undecided(core)) tellStored(entry, new CallaError("closed"));
    await storage.close();
  }

  // -------------------------------------------------------------------------------------------------------- models

  const keeper = storage.models?.({
    clock,
    save: () => endTurn(core),
    *places() {
      for (const one of core.targets.values()) {
        const place = placeOf(one);
        if (place) yield place;
      }
    },
  });

  function placeOf(one: Target): ModelPlace | undefined {
    const { key, slice, replica } = one;
    if (!replica.confirmed || slice?.kind === "ephemeral") return undefined;
    const caughtUp = hasCaughtUp(one) && replica.over.size === 0;
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

  const fromStored = (entry: StoredEntry, one: Target): Dispatch =>
    restored(core, entry, storage.migrate?.(entry, one.slice) ?? entry);

  function hydrate(one: Target): void {
    const found = keeper?.find(one.key, one.slice);
    if (!found) return;
    if (!usable(one.key, found.model)) return keeper?.drop(one.key);
    const { model, sequence, mark } = found.model;
    precede(
      one.replica,
      found.settled.map((entry) => fromStored(entry, one)),
    );
    show(core, one, { model: strict ? deepFreeze(model) : model, sequence, mark });
  }

  /** Takes over what was stored: before everything dispatched since (CL8). */
  function adopt(stored: StoredClient): void {
    core.identity = stored.identity;
    core.userId = stored.user ?? null;
    renamed(core);
    for (const [key, row] of stored.targets) Object.assign(queueOf(core, key), row, { loaded: row.last });
    const sorted = stored.entries.toSorted((a, b) => a.mid - b.mid);
    for (const key of new Set(sorted.map(({ target }) => target))) {
      const one = targetOf(core, key);
      const entries = sorted
        .filter(({ target, mid, sequence }) => target === key && mid > one.queue.settled && !sequence)
        .map((entry) => fromStored(entry, one));
      for (const entry of entries) entry.out = core.identity !== undefined;
      load(core, one.queue, entries);
      precede(
        one.replica,
        entries.filter(({ messages }) => messages.length > 0),
      );
      touch(core, one);
    }
    keeper?.load(
      stored.models,
      sorted.filter(({ sequence }) => sequence),
    );
    for (const one of core.targets.values()) if (isSubscribed(one.subscription)) hydrate(one);
  }

  return {
    get failing() {
      return lost !== undefined || failed !== undefined;
    },
    async load() {
      try {
        const stored = await storage.load(owner, host);
        if (owner.user === undefined) {
          // What is dispatched meanwhile waits for the name too: stored as nobody's, a reload would never find it.
          unowned = stored;
          core.identity = stored?.identity;
          renamed(core);
          return;
        }
        if (stored) adopt(stored);
      } catch (cause) {
        report((lost = storageError(cause)));
      }
      ready = true;
      endTurn(core);
    },
    commit,
    keep: (entry) => void changes.push(versioned(entry)),
    decided(entry, sequence) {
      if (sequence) keeper?.settled({ ...asStored(entry), sequence });
      changes.push({ type: "outcome", target: entry.target, mid: entry.mid, sequence });
    },
    arrived(user) {
      const stored = unowned;
      unowned = undefined;
      ready = true;
      if (!stored) return false;
      if ((stored.user ?? null) !== user) return true;
      adopt(stored);
      return false;
    },
    begin(user, foreign) {
      changes.push({ type: "begin", user, keepFormer: foreign });
      keeper?.begin(!foreign);
    },
    identified: (identity) => void changes.push({ type: "identity", identity }),
    met() {
      if (!met && !core.renewal && core.identity) changes.push({ type: "identity", identity: core.identity });
      met = true;
    },
    renumbered() {
      era++;
    },
    hydrate,
    cursor: ({ key, replica: { confirmed } }) =>
      unowned ? keeper && usable(key, unowned.models.get(key)) : confirmed,
    mids: ({ key, queue }) => unowned?.targets.get(key) ?? queue,
    changed: () => keeper?.changed(),
    leave(one) {
      const place = placeOf(one);
      if (place) keeper?.leave(place);
    },
    drop: (key) => keeper?.drop(key),
    gap: (one, mid) => giveGap(core, one, mid),
    async forget() {
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
      tellDecided(core);
      await letGo();
      if (error) throw error;
    },
    async forgetEveryone() {
      ready = false;
      await last;
      const outside = undecided(core).filter(({ outcome, kept }) => !outcome && !kept);
      try {
        const stored = await (storage.forgetEveryone?.() ??
          Promise.reject(new CallaError("storage", {}, CANNOT)));
        return stored + outside.length;
      } catch (cause) {
        throw storageError(cause);
      } finally {
        tellDecided(core);
        await letGo();
      }
    },
    async close() {
      await last;
      commit();
      await last;
      storeModels(true);
      await last;
      await letGo();
    },
  };
}

/**
 * A mid that an earlier page gave out and its storage lost: void, or the server would wait for it for ever (OB9). Any other
 * pause is about one sending of a mid, whose outcome may be known here by another.
 */
function giveGap(core: Core, { key, queue, author }: Target, mid: number): void {
  const { entries, settled, known, loaded } = queue;
  // A pause may have been overtaken by the outcome (HT13).
  if (mid <= Math.max(settled, known) || mid > loaded || entries.some((entry) => entry.mid === mid)) return;
  const at = entries[0]?.at ?? core.clock.now();
  const lost = newDispatch(key, messageId(core.random), at, author, []);
  const outcome = { error: givenUp("cancelled") };
  load(core, queue, [{ ...lost, mid, stage: "stored", out: true, outcome, goneAt: AT_ONCE }]);
  queue.entries.sort((a, b) => (a.mid || Infinity) - (b.mid || Infinity));
}

const storedEntry = (entry: Dispatch, version: number): StoredEntry => {
  const { target, mid, id, messages, at, held, dropped } = entry;
  const gaveUp = dropped && { gaveUp: dropped.code };
  return { target, mid, id, messages, at, version, ...(held ? { held } : {}), ...gaveUp };
};

/** A dispatch of an earlier page, as it was stored, in this page's version (VE7). */
function restored(core: Core, stored: StoredEntry, here: MigratedEntry): Dispatch {
  const { target, mid, id, at, sequence, gaveUp } = stored;
  const { messages } = here;
  const entry = newDispatch(target, id, at, targetOf(core, target).author, messages, true);
  entry.mid = mid;
  entry.held = stored.held === true && messages.length > 0;
  entry.kept = true;
  entry.dropped = gaveUp === undefined ? here.dropped : givenUp(gaveUp as CallaRejectionCode);
  // As this version has it; what means nothing any more has only its former form.
  entry.view = { id, messages: messages.length > 0 ? messages : stored.messages, skipped: undefined };
  if (sequence === undefined) {
    entry.stage = "stored";
    if (stored.messages.length === 0 && !entry.dropped) entry.outcome = { error: givenUp("cancelled") };
    if (messages.length === 0) entry.goneAt = AT_ONCE;
  } else {
    entry.stage = "decided";
    entry.recorded = true;
    entry.outcome = entry.told = { sequence, messages };
    entry.goneAt = sequence;
  }
  return entry;
}
