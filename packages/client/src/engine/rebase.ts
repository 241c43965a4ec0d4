// The rebase engine: one target's confirmed model, the pending dispatches, and what is visible: confirmed with pending
// applied on top. Pure: values in, values out. Not here: what an update is (the fold is passed in), whether a frame
// continues the cursor (incoming.ts), who is told an outcome (targets.ts).
import type { Cursor } from "@calla/shared";
import type { Compare } from "./compare.ts";
import type { PredictionRoom } from "./kept-predictions.ts";

/** What folds: a record, or a pending dispatch with the context it was predicted in (fixed when it was dispatched). */
export interface Act {
  readonly id: string;
  readonly messages: readonly unknown[];
  readonly at: number;
  readonly userId: string | null;
  /** The name of an author whom nobody has signed in; "" of others, and until the server has first named this client. */
  readonly visitor: string;
}

/** What was dispatched here. */
export interface Own extends Act {
  /** How much its messages may add to a model, in bytes, roughly. */
  readonly size: number;
}

/** Known true: the server's model at a place in its history. */
export interface Confirmed extends Cursor {
  readonly model: unknown;
}

/**
 * A pending dispatch and the model after it. A prediction that was refused or threw leaves the model as it was (RB4).
 * The model of the last is what is shown. Of those before it as many are kept as there is room for (RB10): where it is
 * undefined it is computed anew when it is needed.
 */
export interface Predicted<E> {
  readonly entry: E;
  model: unknown;
  readonly skipped: Skipped | undefined;
  /** What the model takes of the room. */
  held: number;
}

/** Why a prediction was skipped. */
export interface Skipped {
  readonly code: string;
  readonly details: unknown;
}

export interface Replica<E> {
  /** undefined: nothing is known of the target, so nothing is predicted either. */
  readonly confirmed: Confirmed | undefined;
  /** A dispatch is appended in place, so that it costs the same whatever is pending; all else makes another list. */
  readonly pending: readonly Predicted<E>[];
}

/** Runs the slice's updates. Never throws. */
export type Fold<Failed extends Failure> = (
  model: unknown,
  act: Act,
) => { readonly ok: true; readonly model: unknown } | Failed;

/** Records that continue the confirmed model, and the cursor after them. */
export interface Advance<E> extends Cursor {
  /** `entry`: the pending dispatch that this record is. */
  readonly records: readonly { readonly act: Act; readonly entry: E | undefined }[];
}

type Failure = { readonly ok: false } & Skipped;
const why = ({ code, details }: Failure): Skipped => ({ code, details });

export const emptyReplica = (): Replica<never> => ({ confirmed: undefined, pending: [] });

/** With dispatches of an earlier page before all others; what they make of the model is computed when one is confirmed. */
export const preceded = <E>({ pending }: Replica<E>, entries: readonly E[]): Replica<E> => ({
  confirmed: undefined,
  pending: [
    ...entries.map((entry) => ({ entry, model: undefined, skipped: undefined, held: 0 })),
    ...pending,
  ],
});

/** What the app is shown; undefined while nothing is confirmed. */
export const visible = <E>({ confirmed, pending }: Replica<E>): unknown => {
  const last = pending[pending.length - 1];
  return last ? last.model : confirmed?.model;
};

/** What changes nothing keeps its reference, so that nobody is notified of nothing, and later predictions stay valid. */
const kept = (model: unknown, before: unknown, same: Compare): unknown =>
  same(model, before) ? before : model;

/** One more dispatch on top (RB1). `failed` says why its prediction was skipped. */
export function predict<E extends Own, F extends Failure>(
  replica: Replica<E>,
  entry: E,
  fold: Fold<F>,
  room: PredictionRoom,
  same: Compare,
): { readonly failed: F | undefined } {
  const before = visible(replica);
  const result = replica.confirmed && fold(before, entry);
  const failed = result && !result.ok ? result : undefined;
  const model = result?.ok ? kept(result.model, before, same) : before;
  append(replica.pending as Predicted<E>[], entry, model, failed, room);
  return { failed };
}

/** The model of what was the last stays if there is room for it; the first one's does in any case. */
function append<E extends Own>(
  pending: Predicted<E>[],
  entry: E,
  model: unknown,
  failed: Failure | undefined,
  room: PredictionRoom,
): void {
  const last = pending[pending.length - 1];
  if (last && pending.length > 1 && last.model !== undefined && last.held === 0) {
    last.held = room.take(last.model, last.entry.size);
    if (last.held === 0) last.model = undefined;
  }
  pending.push({ entry, model, skipped: failed && why(failed), held: 0 });
}

/**
 * Folds records over confirmed. Dispatches that are `gone` leave pending in the same step. As long as the records are
 * the predictions, visible stays the same object and nothing is computed but the records themselves and those predicted
 * models that were not kept (RB3); after the first that is not, the rest of pending is replayed, once per call (RB2).
 */
export function advance<E extends Own, F extends Failure>(
  replica: Replica<E>,
  { records, sequence, mark }: Advance<E>,
  gone: (entry: E) => boolean,
  fold: Fold<F>,
  room: PredictionRoom,
  same: Compare,
): { readonly ok: true; readonly replica: Replica<E> } | F {
  let model = replica.confirmed?.model;
  /** Before the records after which nothing is pending: they are compared with it all at once. */
  let before: { readonly model: unknown } | undefined;
  let settled = 0;
  let asPredicted = true;
  for (const { act, entry } of records) {
    const result = fold(model, act);
    if (!result.ok) return result;
    const head = replica.pending[settled];
    if (head === undefined) {
      before ??= { model };
      ({ model } = result);
      continue;
    }
    let expected = model;
    if (head.entry === entry) {
      settled++;
      if (asPredicted) expected = head.model ?? predicted(model, head.entry, fold, same);
    }
    const as = same(result.model, expected);
    asPredicted &&= as;
    model = as ? expected : result.model;
  }
  // What was not predicted is compared with what is shown, below.
  if (before && asPredicted) model = kept(model, before.model, same);
  const confirmed = { model, sequence, mark };
  if (!asPredicted || replica.pending.some(({ entry }, i) => i >= settled && gone(entry)))
    return {
      ok: true,
      replica: replay(replica, confirmed, (one, i) => i >= settled && !gone(one.entry), fold, room, same),
    };
  for (const { held } of replica.pending.slice(0, settled)) room.give(held);
  return { ok: true, replica: { confirmed, pending: replica.pending.slice(settled) } };
}

function predicted<E extends Own, F extends Failure>(
  before: unknown,
  entry: E,
  fold: Fold<F>,
  same: Compare,
): unknown {
  const result = fold(before, entry);
  return result.ok ? kept(result.model, before, same) : before;
}

/** With another confirmed model (a snapshot, or none any more) or the same one, without those that are `gone` (RB5). */
export function reset<E extends Own, F extends Failure>(
  replica: Replica<E>,
  confirmed: Confirmed | undefined,
  gone: (entry: E) => boolean,
  fold: Fold<F>,
  room: PredictionRoom,
  same: Compare,
): Replica<E> {
  if (confirmed === replica.confirmed && !replica.pending.some(({ entry }) => gone(entry))) return replica;
  return replay(replica, confirmed, ({ entry }) => !gone(entry), fold, room, same);
}

function replay<E extends Own, F extends Failure>(
  old: Replica<E>,
  confirmed: Confirmed | undefined,
  stays: (one: Predicted<E>, index: number) => boolean,
  fold: Fold<F>,
  room: PredictionRoom,
  same: Compare,
): Replica<E> {
  const shown = visible(old);
  for (const { held } of old.pending) room.give(held);
  let model = confirmed?.model;
  const pending: Predicted<E>[] = [];
  old.pending.forEach((one, i) => {
    if (!stays(one, i)) return;
    const result = confirmed && fold(model, one.entry);
    if (result?.ok) ({ model } = result);
    append(pending, one.entry, model, result && !result.ok ? result : undefined, room);
  });
  // An equal outcome is shown as the same object, so that nobody is notified of nothing.
  if (!confirmed || !old.confirmed || !same(model, shown)) return { confirmed, pending };
  const last = pending[pending.length - 1];
  if (!last) return { confirmed: { ...confirmed, model: shown }, pending };
  last.model = shown;
  return { confirmed, pending };
}
