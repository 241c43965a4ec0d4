// One dispatch: its messages, checked, and how far it has come. Outbox and rebase share the record. Not here: what happens
// to it (outbox.ts, replica.ts, outcomes.ts).
import { CallaError, deepFreeze, DEV, parseMessage } from "@calla/shared";
import type { Serialiser, Slice, TargetKey } from "@calla/shared";
import { roughSize } from "../base/size.ts";
import type { AuthorNames, Dispatch, PendingWrite, WriteState } from "./records.ts";

/** Field by field: a literal that begins with a spread grows one property at a time, which took half of a dispatch. */
export const newDispatch = (
  target: TargetKey,
  id: string,
  at: number,
  { userId, visitor }: AuthorNames,
  messages: readonly unknown[],
): Dispatch => ({
  target,
  id,
  messages,
  at,
  userId,
  visitor,
  mid: 0,
  stage: "new",
  out: false,
  sentAt: 0,
  cuts: 0,
  strikes: 0,
  held: false,
  size: roughSize(messages),
  view: { id, messages, skipped: undefined },
  outcome: undefined,
  shown: false,
  decidedUnder: 0,
  cutOff: Infinity,
  kept: false,
  recorded: false,
  told: false,
  dropped: undefined,
  listed: undefined,
  write: undefined,
});

/**
 * The one place where the app may give one message or several: inside they are always an array. Parsed, as every reader
 * will get it, and frozen: what is predicted, stored and sent is one value.
 *
 * @throws CallaError `invalid`, before anything has happened.
 */
export function accept(
  slice: Slice,
  input: unknown,
  serialiser: Serialiser,
  strict: boolean,
): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(input) ? [...input] : [input]; // a hole is undefined
  if (list.length === 0)
    throw new CallaError("invalid", {}, DEV && "A dispatch of no messages; give it at least one.");
  return list.map((one) => {
    const parsed = parseMessage(slice, one, "client", { strict });
    if (parsed.ok) return deepFreeze(serialiser.normaliseMessage(parsed.message));
    const { code, details } = parsed;
    throw new CallaError(
      "invalid",
      { code, ...details },
      DEV && `Slice "${slice.name}" does not take this message (${code}): ${JSON.stringify(details)}.`,
    );
  });
}

export function writeState({ outcome, stage, held }: Dispatch): WriteState {
  if (!outcome) return held ? "held" : stage === "new" ? "pending" : stage === "stored" ? "queued" : "sent";
  if ("sequence" in outcome) return "applied";
  const { code } = outcome.error;
  return code === "cancelled" ? code : code === "client-expired" ? "unknown" : "rejected";
}

/** The same object until it says something else. */
export function listedWrite(entry: Dispatch): PendingWrite {
  const { target, at, view, listed } = entry;
  const state = writeState(entry);
  if (listed?.state === state && listed.at === at && listed.skipped === view.skipped) return listed;
  return (entry.listed = { ...view, target, at, state });
}
