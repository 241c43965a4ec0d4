// Makes a dispatch: checked messages, and an entry that outbox and rebase share. Not here: what happens to it then.
import { CallaError, deepFreeze, parseMessage, DEV } from "@calla/shared";
import type { CallaRejectionCode, Serialiser, Slice } from "@calla/shared";
import { roughSize } from "../base/size.ts";
import type { MigratedEntry, Storage, StoredEntry } from "../storage/storage.ts";
import type { Dispatch, PendingWrite } from "./target.ts";
import { rejectedBy } from "../base/rejected-error.ts";
import type { WriteState } from "./write.ts";

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

/** As whom a dispatch is predicted. */
export type AuthorNames = Pick<Dispatch, "userId" | "visitor">;

export type EntryFields = Pick<Dispatch, "target" | "id" | "messages" | "at" | keyof AuthorNames>;

/** Field by field: a literal that begins with a spread grows one property at a time, which took half of a dispatch. */
export const newEntry = (
  { target, id, messages, at, userId, visitor }: EntryFields,
  control?: Dispatch["control"],
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
  control,
});

export const storedEntry = (entry: Dispatch, version: number): StoredEntry => {
  const { target, mid, id, messages, at, held, dropped } = entry;
  const gaveUp = dropped && { gaveUp: dropped.code };
  return { target, mid, id, messages, at, version, ...(held ? { held } : {}), ...gaveUp };
};

/** What the author of a message that was given up hears, unless it had been applied. */
export const givenUp = (code: CallaRejectionCode): CallaError<string> =>
  code === "cancelled" ? new CallaError(code) : rejectedBy(code);

/** A dispatch of an earlier page, as it was stored, in this page's version (VE7). */
export function restored(
  stored: StoredEntry,
  slice: Slice | undefined,
  author: AuthorNames,
  migrate: Storage["migrate"] | undefined,
): Dispatch {
  const { target, mid, id, at, sequence, gaveUp } = stored;
  const here: MigratedEntry = migrate?.(stored, slice) ?? stored;
  const { messages } = here;
  const dropped = gaveUp === undefined ? here.dropped : givenUp(gaveUp as CallaRejectionCode);
  return {
    ...newEntry({ target, id, messages, at, ...author }),
    mid,
    held: stored.held === true && messages.length > 0,
    kept: true,
    dropped,
    // As this version has it; what means nothing any more has only its former form.
    view: { id, messages: messages.length > 0 ? messages : stored.messages, skipped: undefined },
    ...(sequence === undefined
      ? {
          stage: "stored",
          outcome: stored.messages.length === 0 && !dropped ? { error: givenUp("cancelled") } : undefined,
        }
      : { stage: "decided", recorded: true, told: true, outcome: { sequence, messages } }),
  };
}

/** The same object until it says something else. */
export function listedWrite(entry: Dispatch): PendingWrite {
  const { target, at, view, listed } = entry;
  const state = writeState(entry);
  if (listed?.state === state && listed.at === at && listed.skipped === view.skipped) return listed;
  return (entry.listed = { ...view, target, at, state });
}

export function writeState({ outcome, stage, held }: Dispatch): WriteState {
  if (!outcome && held) return "held";
  if (!outcome) return stage === "new" ? "pending" : stage === "stored" ? "queued" : "sent";
  if ("sequence" in outcome) return "applied";
  const { code } = outcome.error;
  return code === "cancelled" ? code : code === "client-expired" ? "unknown" : "rejected";
}
