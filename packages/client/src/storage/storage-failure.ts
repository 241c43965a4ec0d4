// Why a storage failed, in words that an app can tell apart. Not here: who is told (ledger.ts).
import { CallaError } from "@calla/shared";

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

/** What a storage throws, and tells the app. `message`: false where a build for production has left it out. */
export const storageFailure = (reason: StorageReason, message: string | false, cause?: unknown): CallaError =>
  new CallaError("storage", { reason, ...(cause === undefined ? {} : { cause }) }, message);

export const reasonOf = (error: unknown): StorageReason | undefined =>
  error instanceof CallaError && error.code === "storage"
    ? (error.details as { reason?: StorageReason }).reason
    : undefined;
