// Why a storage failed, in words that an app can tell apart. Not here: who is told (ledger.ts).
import { CallaError } from "@calla/shared";
import type { StorageReason } from "@calla/shared";

/** What a storage throws, and tells the app. `message`: false where a build for production has left it out. */
export const storageFailure = (reason: StorageReason, message: string | false, cause?: unknown): CallaError =>
  new CallaError("storage", { reason, ...(cause === undefined ? {} : { cause }) }, message);

export const reasonOf = (error: unknown): StorageReason | undefined =>
  error instanceof CallaError && error.code === "storage"
    ? (error.details as { reason?: StorageReason }).reason
    : undefined;
