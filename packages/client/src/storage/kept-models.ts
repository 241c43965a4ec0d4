// Which confirmed models are stored, when, and which go first (OB10). Part of storages that survive a reload, so that a
// page without one does not carry it. Not here: which transaction stores it (ledger.ts), how long a settled entry stays
// (applyChange in storage.ts).
import { OWN_SESSION } from "@calla/shared";
import type { Cancel, TargetKey } from "@calla/shared";
import type { Stop } from "../base/notifier.ts";
import { onHide } from "../base/page-events.ts";
import { steady } from "../base/clock.ts";
import { migrateStoredModel } from "./migrate-stored.ts";
import { roughSize } from "../base/size.ts";
import type {
  KeptModels,
  ModelHost,
  ModelKeeper,
  StorageChange,
  StoredEntry,
  StoredModel,
} from "./storage.ts";

/** What `keepModels` takes; every option has a default. Times are milliseconds. */
export interface KeepModelsOptions {
  /** How many models are stored: 100. Over it the least recently used goes that is not subscribed; where all are, no more come. */
  readonly maxModels?: number;
  /** Their size together in bytes, roughly: 32 MiB, so that one as large as a server takes has room. Likewise. */
  readonly maxModelBytes?: number;
  /** Milliseconds for which a model that nobody uses is kept: 30 days. */
  readonly maxAge?: number;
  /** Milliseconds from a change to its storing: 1,000. A model of n bytes waits at least n / 100. */
  readonly delay?: number;
  /** Settled messages of one target that may wait for a newer model of it: 100. Over it the model is dropped. */
  readonly maxSettled?: number;
  /** Milliseconds after a failure in which no model is stored: 60,000. */
  readonly pause?: number;
  /** Calls back when the page may be about to go; by default when a browser hides it. Returns the undo. */
  readonly hides?: (store: () => void) => Stop;
}

interface ModelRoom {
  count: number;
  size: number;
}

/** What a storage has of a target. */
interface Kept {
  model: StoredModel;
  size: number;
  /** Settled entries that the storage keeps for it. */
  settled: StoredEntry[];
  /** It is not written again before this time, by the monotonic clock. */
  next: number;
}

/**
 * Stores confirmed models and their cursors: at once when the page hides or closes, otherwise some time after they
 * change, never with every frame. Give it to a storage; `indexedDb` has it by default.
 *
 * @example
 * const storage = memoryStorage({ models: keepModels({ maxModels: 20 }) });
 */
export function keepModels(options: KeepModelsOptions = {}): KeptModels {
  const {
    maxModels = 100,
    maxModelBytes = 32 * 1024 * 1024,
    maxAge = 30 * 24 * 3_600_000,
    delay = 1_000,
    maxSettled = 100,
    pause = 60_000,
    hides = onHide,
  } = options;
  return ({ clock: given, places, save }: ModelHost): ModelKeeper => {
    const clock = steady(given);
    const kept = new Map<TargetKey, Kept>();
    /** The last of targets that are not subscribed any more, until it is stored. */
    const left = new Map<TargetKey, StoredModel>();
    /** Stored, perhaps, and not to be. */
    const unwanted = new Set<TargetKey>();
    /** What the transaction under way is about. */
    let flight: readonly TargetKey[] = [];
    let timer: Cancel | undefined;
    let timerAt = 0;
    let due = false;
    /** The page may go without another word: all of it is due. */
    let hiding = false;
    /** Nothing is stored before this time, by the monotonic clock. */
    let rests = 0;

    const hurry = (): void => {
      due = true;
      save();
    };
    const arm = (milliseconds: number): void => {
      const now = clock.monotonic();
      const at = Math.max(now + milliseconds, rests);
      // What has to wait long makes nothing else wait.
      if (timer && timerAt <= at) return;
      timer?.();
      timerAt = at;
      timer = clock.setTimeout(() => {
        timer = undefined;
        hurry();
      }, at - now);
    };
    const discard = (target: TargetKey): void => {
      left.delete(target);
      if (kept.delete(target) || flight.includes(target)) unwanted.add(target);
    };
    const stopHiding = hides(() => {
      hiding = true;
      hurry();
    });

    function write(target: TargetKey, model: StoredModel, among: ModelRoom, changes: StorageChange[]): void {
      const former = kept.get(target);
      const size = roughSize(model.model, maxModelBytes + 1);
      // What is subscribed makes no room for something else that is, or both would be written over and over.
      if (
        among.count > maxModels - (former ? 0 : 1) ||
        among.size - (former?.size ?? 0) + size > maxModelBytes
      )
        return discard(target);
      among.count += former ? 0 : 1;
      among.size += size - (former?.size ?? 0);
      // A settled one that no confirmed model will ever reach was of a history that has been cut off since.
      if (former?.settled.some(({ sequence = 0 }) => sequence > model.sequence) || unwanted.delete(target))
        changes.push({ type: "drop-model", target });
      changes.push({ type: "model", target, model });
      kept.set(target, { model, size, settled: [], next: clock.monotonic() + Math.max(delay, size / 100) });
    }

    /** What is not subscribed goes, the least recently used first, until all limits are kept. */
    function makeRoom(followed: ReadonlySet<TargetKey>): void {
      const old = clock.now() - maxAge;
      let { size } = room(kept.keys());
      const order = [...kept].toSorted(([, a], [, b]) => a.model.usedAt - b.model.usedAt);
      for (const [target, { model, settled, size: own }] of order) {
        const free = !followed.has(target);
        const over = kept.size > maxModels || size > maxModelBytes || model.usedAt < old;
        if (!(free && over) && settled.length <= maxSettled) continue;
        discard(target);
        size -= own;
      }
    }

    /** How much of the room these take. */
    function room(targets: Iterable<TargetKey>): ModelRoom {
      const sizes = [...targets].flatMap((target) => kept.get(target)?.size ?? []);
      return { count: sizes.length, size: sizes.reduce((sum, size) => sum + size, 0) };
    }

    return {
      load(models, settled) {
        for (const [target, model] of models) {
          if (model.usedAt < clock.now() - maxAge) unwanted.add(target);
          else
            kept.set(target, {
              model,
              size: roughSize(model.model),
              settled: settled.filter((entry) => entry.target === target),
              next: 0,
            });
        }
        if (models.size > 0) arm(delay);
      },
      find(target, slice) {
        const one = kept.get(target);
        const model = left.get(target) ?? one?.model;
        return (
          model && {
            model: migrateStoredModel(model, slice),
            settled: one?.settled.filter(({ sequence = 0 }) => sequence > model.sequence) ?? [],
          }
        );
      },
      changed: () => arm(delay),
      leave({ target, caughtUp, version, model, sequence, mark }) {
        // Where it has not reached what is known of one's own, what is stored and what that holds stay the last of it.
        if (!caughtUp) return;
        left.set(target, { version, model, sequence, mark, usedAt: clock.now() });
        hurry();
      },
      drop(target) {
        unwanted.add(target);
        discard(target);
        hurry();
      },
      settled(entry) {
        const { target, sequence } = entry;
        if ((left.get(target)?.sequence ?? sequence) < sequence) left.delete(target);
        const one = kept.get(target);
        if (!one || one.model.sequence >= sequence) return;
        one.settled.push(entry);
        if (one.settled.length > maxSettled) hurry();
      },
      take(all) {
        const [wall, now] = [clock.now(), clock.monotonic()];
        if (!all && (!due || now < rests)) return [];
        due = false;
        const atOnce = all || hiding;
        hiding = false;
        const changes: StorageChange[] = [];
        const here = [...places()];
        const followed = new Set(here.map(({ target }) => target));
        const among = room(followed);
        let wait = Infinity;
        for (const { target, caughtUp, version, model, sequence, mark } of here) {
          if (!caughtUp) continue;
          left.delete(target);
          const one = kept.get(target);
          const current =
            one?.model.sequence === sequence &&
            one.model.mark === mark &&
            one.model.usedAt > wall - maxAge / 30;
          if (current) continue;
          const next = one?.next ?? 0;
          if (atOnce || next <= now || (one && one.settled.length > maxSettled))
            write(target, { version, model, sequence, mark, usedAt: wall }, among, changes);
          else wait = Math.min(wait, next - now);
        }
        // Of what is not subscribed the newest comes first, and makes room below.
        for (const [target, model] of left) write(target, model, { count: 0, size: 0 }, changes);
        left.clear();
        makeRoom(followed);
        for (const target of unwanted) changes.push({ type: "drop-model", target });
        unwanted.clear();
        flight = changes.flatMap((change) => ("target" in change ? [change.target] : []));
        if (wait < Infinity) arm(wait);
        return changes;
      },
      landed(ok) {
        const about = flight;
        flight = [];
        if (ok) return;
        // What is stored of these is not known: they are written again, or dropped for certain.
        for (const target of about) {
          kept.delete(target);
          unwanted.add(target);
        }
        rests = clock.monotonic() + pause;
        arm(pause);
      },
      begin(sameUser) {
        for (const [target, { model, settled }] of kept) {
          if (sameUser && settled.length === 0 && !left.has(target)) left.set(target, model);
        }
        kept.clear();
        unwanted.clear();
        if (!sameUser) left.clear();
        // A session is its client's: the new one has another.
        left.delete(OWN_SESSION);
        arm(delay);
      },
      close() {
        timer?.();
        stopHiding();
      },
    };
  };
}
