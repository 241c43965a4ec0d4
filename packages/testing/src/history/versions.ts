// A slice in every version that a run has: what a record makes of a model, and what a place of the history is in another
// version. Not here: whether the log may look like that (check-log.ts).
import { applyMessages, initialModel, isSession, migrateModel, OWN_SESSION, visitorOf } from "@calla/shared";
import type { Cursor, ModelSlice, Wiring } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import type { LogRecord } from "@calla/server";

/** Of one target, the oldest version first. */
export type Slices = readonly ModelSlice[];

/** A model at a place, in the version of the record there. */
export interface Versioned extends Cursor {
  readonly version: number;
  readonly model: unknown;
}

/** The slices that a log's target has in these wirings, each version once. */
export function slicesOf(wirings: readonly Wiring[], target: TargetKey): Slices {
  const found = new Map<number, ModelSlice>();
  for (const wiring of wirings) {
    const slice = isSession(target) ? wiring.session : wiring.sliceOf(target)?.slice;
    if (slice !== undefined && "update" in slice) found.set(slice.version, slice);
  }
  if (found.size === 0) throw new Error(`No slice of the wiring has the target "${target}".`);
  return [...found.values()].toSorted((a, b) => a.version - b.version);
}

export function sliceIn(slices: Slices, version: number): ModelSlice {
  const slice = slices.find((one) => one.version === version);
  if (slice === undefined)
    throw new Error(`No wiring of the run has version ${version} of ${slices[0]?.name}.`);
  return slice;
}

/** Where every history begins. */
export const originOf = (slices: Slices): Versioned => ({
  sequence: 0,
  mark: 0,
  version: slices[0]!.version,
  model: initialModel(slices[0]!, { strict: false }),
});

/** As whom an update sees an author of a record, or of a dispatch that is to be one. */
export const namesOf = (author: LogRecord["author"], target: TargetKey) => ({
  userId: author?.userId ?? null,
  visitor:
    author === null
      ? ""
      : visitorOf(author.clientId, author.userId, isSession(target) ? OWN_SESSION : target),
});

/** The place after a record, by its own version's updates. It was accepted once, so a refusal is shown as such. */
export function placeAfter(
  slices: Slices,
  target: TargetKey,
  before: Versioned,
  record: LogRecord,
): Versioned {
  const { sequence, mark, version, at, id, messages } = record;
  const place = { sequence, mark, version };
  if (record.model !== undefined) return { ...place, model: record.model.value };
  const model = modelIn(slices, before, version) ?? before;
  const context = { at, ...namesOf(record.author, target), messageId: id };
  const result = applyMessages(sliceIn(slices, version), model.model, messages, context, { strict: false });
  return { ...place, model: result.ok ? result.model : model.model };
}

const migrated = new WeakMap<Versioned, Map<number, { readonly model: unknown } | undefined>>();

/** What a place is in a version; undefined where an older version has it not, or it cannot be migrated. */
export function modelIn(
  slices: Slices,
  place: Versioned,
  version: number,
): { readonly model: unknown } | undefined {
  if (place.version === version) return place;
  const known = migrated.get(place) ?? new Map<number, { readonly model: unknown } | undefined>();
  migrated.set(place, known);
  if (!known.has(version)) known.set(version, otherwise(sliceIn(slices, version), place));
  return known.get(version);
}

/** What a place is to those who are up to date, where it is the last one. */
export const modelNow = (slices: Slices, place: Versioned): unknown =>
  (modelIn(slices, place, slices.at(-1)!.version) ?? place).model;

function otherwise(slice: ModelSlice, { sequence, version, model }: Versioned) {
  // Nothing happened yet: every version begins with its own.
  if (sequence === 0) return { model: initialModel(slice, { strict: false }) };
  if (version > slice.version) return undefined;
  try {
    return { model: migrateModel(slice, model, version) };
  } catch {
    return undefined;
  }
}
