// Where the clients of all tabs are kept: the interface that IndexedDB, files and memory implement. A store does not
// know which page may use which client and when (tab-storage.ts), only that the page that took a client last may change
// it.
import { CallaError } from "@calla/shared";
import type { Owner, StorageChange, StoredClient } from "../storage/storage.ts";

/** One client in the store. */
export interface ListedClient extends Owner {
  readonly id: string;
  /** When it was last taken or written to, to the hour. */
  readonly usedAt: number;
  /** Messages without a recorded outcome. */
  readonly waiting: number;
}

/** What one client's part in a commit is. */
export interface CommitPart {
  readonly id: string;
  /** What it was taken with. */
  readonly token: string;
  readonly at: number;
  /** Whose it is, if this is the first of it. */
  readonly owner?: Owner;
  /** Clients that go in the same step, this one perhaps among them. */
  readonly drops?: readonly string[];
  readonly changes: readonly ClientChange[];
}
export type ClientChange = Exclude<StorageChange, { type: "begin" | "forget" }>;

/** A browser's or process's clients. Values come as the serialiser's plain form, which JSON can write. */
export interface ClientStore {
  /** A server's clients; without a server everybody's. */
  list(server?: string): Promise<readonly ListedClient[]>;
  /** From now on only commits with this token are taken. `at`: it is used again. Undefined: there is no such client. */
  take(id: string, token: string, at?: number): Promise<StoredClient | undefined>;
  /**
   * All of it or nothing, durable when it resolves, in the order of the calls.
   *
   * @throws CallaError `storage`: `taken` by another, `evicted` (it is not there any more), `quota`, or what else failed.
   */
  commit(parts: readonly CommitPart[]): Promise<void>;
  /** Gone, with all that belongs to it. */
  remove(id: string): Promise<void>;
  /**
   * In one step all of everybody goes. Of `open` clients, whose pages live, and of any other that is there and not
   * `free`, an empty row under no page's token stays, so that nothing of what its page has is stored again. `at`: now.
   * Resolves with how many messages had no recorded outcome.
   */
  empty(free: readonly string[], open: readonly string[], at: number): Promise<number>;
  /** Frees what is open; what is stored stays. */
  close(): Promise<void>;
}

/** Why a storage failed. */
export type StorageReason =
  /** There is none, or it may not be used: private mode, settings, an insecure page. */
  | "unavailable"
  /** No Web Locks, so tabs cannot be told apart. */
  | "locks"
  /** It did not open in time, or an older page keeps it open. */
  | "blocked"
  /** A newer page has changed its form: reload. */
  | "newer"
  /** It is full. */
  | "quota"
  /** The browser has thrown away what was in it. */
  | "evicted"
  /** Another page has taken this client over. */
  | "taken"
  /** Another process uses it. */
  | "in-use"
  /** What it holds cannot be read. */
  | "corrupt"
  /** Messages too old to be sent were dropped. */
  | "aged"
  | "failed";

/** What a storage throws, and tells the app. */
export const storageFailure = (reason: StorageReason, message: string, cause?: unknown): CallaError =>
  new CallaError("storage", { reason, ...(cause === undefined ? {} : { cause }) }, message);

export const reasonOf = (error: unknown): StorageReason | undefined =>
  error instanceof CallaError && error.code === "storage"
    ? (error.details as { reason?: StorageReason }).reason
    : undefined;

export const taken = (): CallaError =>
  storageFailure("taken", "Another page has taken this client over; nothing more of this page is stored.");
export const evicted = (): CallaError =>
  storageFailure(
    "evicted",
    "The stored data is gone, as after the site's data was cleared; all of it is written anew.",
  );

/** The token of what was emptied: no page has it. */
export const NOBODYS = "";

/** How often `usedAt` is written. */
export const HOUR = 3_600_000;
