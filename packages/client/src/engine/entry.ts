// How far a dispatch has come, in the app's words. Not here: what happens to it (outbox.ts, outcomes.ts).
import type { CallaError } from "@calla/shared";
import type { Dispatch, PendingWrite, WriteState } from "./records.ts";

export function writeState({ outcome, stage, held }: Dispatch): WriteState {
  if (!outcome) return held ? "held" : stage === "new" ? "pending" : stage === "stored" ? "queued" : "sent";
  if ("sequence" in outcome) return "applied";
  const { error } = outcome;
  return says(error, "cancelled") ? "cancelled" : says(error, "client-expired") ? "unknown" : "rejected";
}

/** Calla says so: a reason of the app's may have the same name. */
export const says = (error: CallaError<string>, code: "cancelled" | "client-expired"): boolean =>
  error.code === code && (error as { readonly from?: string }).from !== "app";

/** The same object until it says something else. */
export function listedWrite(entry: Dispatch): PendingWrite {
  const { target, at, view, listed } = entry;
  const state = writeState(entry);
  if (listed?.state === state && listed.at === at && listed.skipped === view.skipped) return listed;
  return (entry.listed = { ...view, target, at, state });
}

/** It is durable, or will not be, for this reason. The first counts. */
export function tellStored(entry: Dispatch, error?: unknown): void {
  entry.stored ??= error ?? true;
  entry.wake?.();
}
