// What is said of the connection, and of what was refused.
import type { Board } from "./board.ts";
import type { Outcome } from "./synced-types.ts";
import type { SyncedTopic } from "./synced-topic.ts";

/** The banner: nothing while all is well, otherwise what becomes of one's changes. */
export function banner({ status, pending }: SyncedTopic<Board>): string {
  if (status !== "away" && status !== "joining") return "";
  const state = navigator.onLine ? "No connection; trying again." : "You are offline.";
  const count = pending.length;
  if (count === 0) return `${state} Changes are sent when you are back.`;
  const changes = count === 1 ? "Your change is" : `Your ${count} changes are`;
  return `${state} ${changes} kept while this page stays open, and sent when you are back.`;
}

/** Why a change was not taken, or undefined: it was. */
export function refusal(outcome: Outcome): string | undefined {
  if (outcome.status === "ok") return undefined;
  if (outcome.status === "unknown") return "Nobody can tell whether your last change was taken. Please look.";
  const { limit } = (outcome.details ?? {}) as { readonly limit?: number };
  switch (outcome.code) {
    case "boardFull":
      return `This board is full: it holds ${limit} cards. Delete one first.`;
    case "doingFull":
      return `“Doing” holds ${limit} cards at most. Finish one first.`;
    case "noSuchCard":
      return "Somebody has deleted this card meanwhile.";
    default:
      return `The server did not take this change (${outcome.code}).`;
  }
}
