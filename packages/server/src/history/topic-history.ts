// What a target's log still has of the past: who dispatched what and when, page by page, and the model at a sequence.
import { CallaError, initialModel, ORIGIN } from "@calla/shared";
import type { Cursor, MessageOf, ModelSlice, TargetKey } from "@calla/shared";
import type { ServerContext } from "../context/server-context.ts";
import { pageOf } from "../base/limits.ts";
import type { LogRecord } from "../log/log.ts";
import { foldRecord } from "../log/record.ts";

/** One accepted dispatch of the past. */
export interface HistoryEntry<S> {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** null: the server. */
  readonly author: { readonly clientId: string; readonly userId: string | null } | null;
  /** The dispatch's own name, chosen by its author; "#" and the key of one with a `key`. `topic.id`, `sequence` and `mark` together name a record for sure. */
  readonly id: string;
  readonly mark: number;
  /** The slice version of then: what the messages are messages of. */
  readonly version: number;
  readonly messages: readonly MessageOf<S>[];
  /** A whole model in place of messages: a migration, a return after remove, what could not be folded. */
  readonly model?: { readonly value: unknown };
}

/** Which page of a topic's history. */
export interface HistoryOptions {
  /** The newest sequence wanted. Default: the newest there is. */
  readonly upTo?: number | undefined;
  /** At most so many, and never more than `maxCatchUp`. Default 100. */
  readonly limit?: number;
}

/** A page of a topic's history. */
export interface HistoryResult<S> {
  /** Oldest first. */
  readonly entries: readonly HistoryEntry<S>[];
  /** How far back the log reaches: what happened up to this sequence is no longer there. 0: it is all there. */
  readonly from: number;
  /** `upTo` of the page before this one; undefined: there is none. */
  readonly earlier: number | undefined;
}

export async function historyOf<S>(
  { log, limits }: ServerContext,
  key: TargetKey,
  { upTo = Number.MAX_SAFE_INTEGER, limit = 100 }: HistoryOptions,
): Promise<HistoryResult<S>> {
  if (!isCount(upTo) || !isCount(limit) || limit === 0)
    throw new CallaError(
      "invalid",
      { upTo, limit },
      "history: upTo and limit are whole numbers, limit from 1.",
    );
  const { records, from } = await log.history(key, upTo, Math.min(limit, pageOf(limits)));
  const first = records[0];
  const earlier = first !== undefined && first.sequence > from + 1 ? first.sequence - 1 : undefined;
  return { entries: records.map((record) => entryOf<S>(record)), from, earlier };
}

export const entryOf = <S>(record: LogRecord): HistoryEntry<S> => {
  const { sequence, at, author, id, mark, version, messages, model } = record;
  const typed = messages as readonly unknown[] as readonly MessageOf<S>[];
  return { sequence, at, author, id, mark, version, messages: typed, ...(model && { model }) };
};

const isCount = (number: number): boolean => Number.isSafeInteger(number) && number >= 0;

/** How often it is begun anew while the log is compacted. */
const MOST_ATTEMPTS = 5;

/**
 * The model of a past sequence, folded from the newest stored snapshot or whole model before it.
 *
 * @throws CallaError `compacted`: the log does not reach that far back. `version`: what leads there is of another
 * version of the slice. `skipped`: a record on the way cannot be folded. `invalid`: there is no such sequence (yet).
 */
export async function modelAt(
  context: ServerContext,
  slice: ModelSlice,
  key: TargetKey,
  sequence: number,
): Promise<unknown> {
  if (!isCount(sequence)) throw noSuch(key, sequence);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const found = await foldTo(context, slice, key, sequence);
    if (found !== undefined) return found.model;
  }
  throw new CallaError(
    "storage",
    { target: key },
    `The log of "${key}" is compacted all the time; try again.`,
  );
}

/** undefined: compacted meanwhile. */
async function foldTo(
  context: ServerContext,
  slice: ModelSlice,
  key: TargetKey,
  sequence: number,
): Promise<{ readonly model: unknown } | undefined> {
  const { log, limits, clock } = context;
  const { from } = await log.history(key, sequence, 1);
  const snapshot = await log.snapshotAt(key, sequence);
  if (snapshot === undefined && from > 0)
    throw new CallaError(
      "compacted",
      { target: key, sequence, from },
      `The log of "${key}" does not reach back to sequence ${sequence}; it begins after ${from}.`,
    );
  let place: Cursor = snapshot ?? ORIGIN;
  let problem =
    snapshot !== undefined && snapshot.version !== slice.version
      ? otherVersion(slice, key, snapshot)
      : undefined;
  let model = snapshot === undefined ? initialModel(slice, { strict: context.strict }) : snapshot.model;
  while (place.sequence < sequence) {
    const { sequence: after, mark } = place;
    const read = await log.read(key, { sequence: after, mark }, Math.min(sequence - after, pageOf(limits)));
    if (read.status !== "records") return undefined;
    if (read.records.length === 0) throw noSuch(key, sequence);
    for (const record of read.records) {
      place = record;
      if (record.version !== slice.version) problem ??= otherVersion(slice, key, record);
      else if (record.model !== undefined) problem = undefined;
      if (problem !== undefined) continue;
      const folded = foldRecord(slice, key, model, record);
      if (folded.error === undefined) ({ model } = folded);
      else
        problem = new CallaError("skipped", { target: key, sequence: record.sequence, cause: folded.error });
    }
    // A long past is folded between other work.
    await new Promise<void>((go) => clock.setTimeout(go, 0));
  }
  if (problem !== undefined) throw problem;
  return { model };
}

const noSuch = (target: TargetKey, sequence: number): CallaError =>
  new CallaError("invalid", { target, sequence }, `"${target}" has no sequence ${sequence}.`);

const otherVersion = (
  { name, version: ours }: ModelSlice,
  target: TargetKey,
  { sequence, version }: { readonly sequence: number; readonly version: number },
): CallaError =>
  new CallaError(
    "version",
    { target, sequence, version, ours },
    `At sequence ${sequence} "${target}" was of version ${version}; slice "${name}" is of version ${ours} and cannot fold it.`,
  );
