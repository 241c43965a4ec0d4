// What survives a reload: the interface between a client and what stores it, inside the package. Authors implement a
// `KeyValueStore` (tabs/key-value-store.ts). The client commits changes; a storage holds what folding them gives
// (`applyChange`), so every storage can be checked against that one function (storage-contract.ts). Not here: a
// storage (memory-storage.ts, tabs/tab-storage.ts).
import type { CallaError, Clock, Cursor, Serialiser, Slice, TargetKey } from "@calla/shared";
import type { Stop } from "../base/notifier.ts";
import type { StoredIdentity, StoredTarget } from "../engine/records.ts";

export type { StoredIdentity, StoredTarget } from "../engine/records.ts";

/** A dispatch whose caller has not heard its outcome, or one that an older stored model still needs. */
export interface StoredEntry {
  readonly target: TargetKey;
  readonly mid: number;
  readonly id: string;
  /** One message, or several with one fate; none: given up. */
  readonly messages: readonly unknown[];
  readonly at: number;
  /** The slice's version that wrote the message. */
  readonly version: number;
  /** The outcome is known and the stored model is older: shown on top of it, never sent again, no part of the queue. */
  readonly sequence?: number;
  /** It ends connections: not sent until the app says so (OB20). */
  readonly held?: boolean;
  /** Why its message was given up after it may have arrived: what its author hears unless it had been applied (OB13). */
  readonly gaveUp?: string;
}

/** A confirmed model as it is stored, with the cursor that it has reached. */
export interface StoredModel extends Cursor {
  /** The slice's version. */
  readonly version: number;
  readonly model: unknown;
  /** When it was last stored or in use, by this machine's clock: the least recently used goes first. */
  readonly usedAt: number;
}

/** Whose data a storage is asked for: one server, one user. `user` undefined: not known yet. */
export interface Owner {
  readonly server: string;
  readonly user: string | null | undefined;
}

/** All that is stored for one client. */
export interface StoredClient extends Owner {
  /** Absent: the server has not named this client yet. */
  readonly identity?: StoredIdentity;
  readonly entries: readonly StoredEntry[];
  readonly targets: ReadonlyMap<TargetKey, StoredTarget>;
  readonly models: ReadonlyMap<TargetKey, StoredModel>;
}

/** One change of what is stored. A commit is a list of them, all or none. */
export type StorageChange =
  /** What follows belongs to a new client. The former's data is kept for its owner, or dropped. */
  | { readonly type: "begin"; readonly user: string | null | undefined; readonly keepFormer: boolean }
  /** Everything of this client goes, and of every other client of the same server and user that no living page holds. */
  | { readonly type: "forget" }
  | { readonly type: "identity"; readonly identity: StoredIdentity }
  | { readonly type: "entry"; readonly entry: StoredEntry }
  /** The outcome of a mid; sequence 0: rejected, cancelled or unknown. */
  | { readonly type: "outcome"; readonly target: TargetKey; readonly mid: number; readonly sequence: number }
  | ({ readonly type: "target"; readonly target: TargetKey } & StoredTarget)
  | { readonly type: "model"; readonly target: TargetKey; readonly model: StoredModel }
  | { readonly type: "drop-model"; readonly target: TargetKey };

/** A change within one client. */
export type ClientChange = Exclude<StorageChange, { type: "begin" | "forget" }>;

/** A target's confirmed model, as a keeper of models sees it. */
export interface ModelPlace extends Cursor {
  readonly target: TargetKey;
  readonly version: number;
  readonly model: unknown;
  /** No own message with a known outcome stands behind it. */
  readonly caughtUp: boolean;
}

/** What a keeper of models is given by the client. */
export interface ModelHost {
  readonly clock: Clock;
  /** Every target that is subscribed and has a confirmed model. */
  places(): Iterable<ModelPlace>;
  /** Asks for `take` at the end of the turn, or when the transaction under way is over. */
  save(): void;
}

/** Says when models are stored and which (OB10). The client calls; `keepModels()` makes one. */
export interface ModelKeeper {
  /** What was stored before: models, and the settled entries that they lack. */
  load(models: ReadonlyMap<TargetKey, StoredModel>, settled: readonly StoredEntry[]): void;
  /**
   * The newest there is of a target that was not subscribed, in the slice's version if it can be had in that, and the
   * settled entries to show on top of it, as they were stored.
   */
  find(
    target: TargetKey,
    slice: Slice | undefined,
  ): { readonly model: StoredModel; readonly settled: readonly StoredEntry[] } | undefined;
  /** Something may have changed; once per turn. */
  changed(): void;
  /** Not subscribed any more: this is the last of it. */
  leave(place: ModelPlace): void;
  /** Not to be shown again. */
  drop(target: TargetKey): void;
  /** A message of one's own stands at `entry.sequence`; asked before that is stored. */
  settled(entry: StoredEntry & { readonly sequence: number }): void;
  /** What is due, for one transaction; `all`: there is no later. Everything decided before is durable by now. */
  take(all: boolean): readonly StorageChange[];
  /** What became of what `take` gave. */
  landed(ok: boolean): void;
  /** The client is a new one, of which nothing is stored. */
  begin(sameUser: boolean): void;
  /** Ends its timers; nothing is taken any more. */
  close(): void;
}

/** Stored messages in this page's version; none: they mean nothing in it, and `dropped` is what their author is told. */
export interface MigratedEntry {
  readonly messages: readonly unknown[];
  /** Why the messages were dropped; absent: they were not. */
  readonly dropped?: CallaError<string>;
}

/** What a client lets its storage use. */
export interface StorageHost {
  readonly clock: Clock;
  /** For a storage that cannot keep instances of classes: it makes messages and models plain, and brings them back. */
  readonly serialiser: Serialiser;
  /** Tells the app, through `onError`. */
  readonly report: (error: unknown) => void;
  /** Makes a client with some options replaced that sends what its storage holds, and does nothing else (CV17). */
  readonly flush: (instead: { readonly storage: Storage }) => Flushing;
}

/** A short connection that sends what a page left behind. */
export interface Flushing {
  readonly status: {
    readonly connection: string;
    readonly pending: number;
    readonly held: readonly unknown[];
    readonly storage: "working" | "failed";
  };
  /** Calls back when `status` has changed. Returns the undo. */
  onStatus(listener: () => void): Stop;
  /** Stores what is not yet stored, and ends the connection. */
  close(): Promise<void>;
}

/**
 * What survives a reload. `indexedDb`, `file`, `memoryStorage` and `tabStorage` make one for `createClient`; to keep a
 * client's data elsewhere implement a `KeyValueStore` and give it to `tabStorage`. What is inside is the package's own.
 *
 * @example
 * createClient({ wiring, serialiser, transport, storage: memoryStorage() });
 */
export interface Storage {
  /** Joins it to a client. It comes with the storage, so that a page which stores nothing does not carry it. */
  readonly ledger: (core: never, storage: never, owner: never, host: never) => unknown;
}

/** Which confirmed models a storage keeps, and when: `keepModels()` makes it. What is inside is the package's own. */
export type KeptModels = (host: never) => unknown;

/** What is inside of a storage. Values are immutable; a storage never changes what it was given. */
export interface PageStorage extends Storage {
  /** Confirmed models and cursors are stored too, by what this decides. Absent: none ever is. */
  readonly models?: ((host: ModelHost) => ModelKeeper) | undefined;
  /** Brings messages of an older page into this page's version (VE7). */
  readonly migrate: ((entry: StoredEntry, slice: Slice | undefined) => MigratedEntry) | undefined;
  /**
   * The client last stored for this owner that no other page uses; with `user` undefined, the last one of the server
   * whoever it belongs to. Commits that follow go to it, or to a new one if there is none. Where it rejects, the client
   * keeps nothing from then on, tells the app so, and commits nothing.
   */
  load(owner: Owner, host?: StorageHost): Promise<StoredClient | undefined>;
  /** All of them or none, durable when it resolves, in the order of the calls even if they overlap. */
  commit(changes: readonly StorageChange[]): Promise<void>;
  /**
   * In one step all of everybody goes: all users', all servers', of open pages too, whose commits are refused from then on.
   * Resolves with how many messages had no recorded outcome. Absent: `forget({ everyone: true })` is refused.
   */
  forgetEveryone?(): Promise<number>;
  /** Frees what `load` has taken, when the commits under way are over. */
  close(): Promise<void>;
}

/**
 * What is inside of a storage, for tests that stand between it and its client. It may change at any time.
 *
 * @example
 * const storage = { ...inside(memoryStorage()), commit: () => Promise.reject(new Error("the disk")) };
 */
export const inside = (storage: Storage): PageStorage => storage as PageStorage;

/** A stored client while it changes. */
export interface StoredDraft {
  readonly server: string;
  user: string | null | undefined;
  identity?: StoredIdentity;
  /** By `entryKey`. */
  readonly entries: Map<string, StoredEntry>;
  readonly targets: Map<TargetKey, StoredTarget>;
  readonly models: Map<TargetKey, StoredModel>;
}

export const nothingStored = ({ server, user }: Owner): StoredDraft => ({
  server,
  user,
  entries: new Map(),
  targets: new Map(),
  models: new Map(),
});

const entryKey = (target: TargetKey, mid: number): string => `${mid} ${target}`;

/**
 * Applies a change (all but `begin` and `forget`, which are about several clients). Here stands the rule of which settled entries
 * stay: those that a stored older model lacks, until a model at or past them is stored, or none (OB6).
 */
export function applyChange(stored: StoredDraft, change: ClientChange): void {
  const { entries, models } = stored;
  switch (change.type) {
    case "identity":
      stored.identity = change.identity;
      stored.user = change.identity.userId;
      return;
    case "entry":
      entries.set(entryKey(change.entry.target, change.entry.mid), change.entry);
      return;
    case "outcome": {
      const { target, sequence } = change;
      const key = entryKey(target, change.mid);
      const entry = entries.get(key);
      const needed = (models.get(target)?.sequence ?? sequence) < sequence;
      if (needed && entry) entries.set(key, { ...entry, sequence });
      else entries.delete(key);
      return;
    }
    case "target":
      stored.targets.set(change.target, { settled: change.settled, last: change.last });
      return;
    case "model":
    case "drop-model": {
      const { target } = change;
      const reached = change.type === "model" ? change.model.sequence : Infinity;
      if (change.type === "model") models.set(target, change.model);
      else models.delete(target);
      for (const [key, { target: other, sequence = Infinity }] of entries) {
        if (other === target && sequence <= reached && sequence < Infinity) entries.delete(key);
      }
    }
  }
}
