// The rebase engine: one target's confirmed model, the pending dispatches, and what is visible: confirmed with pending
// applied on top. Pure: values in, values out. Not here: what an update is (the fold is passed in), whether a frame
// fits the cursor, who hears an outcome (runtime.ts).
import { sameInOrder } from "@calla/shared";
import type { Cursor } from "@calla/shared";

/** What folds: a record, or a pending dispatch with the context it was predicted in (fixed when it was dispatched). */
export interface Act {
  readonly id: string;
  readonly messages: readonly unknown[];
  readonly at: number;
  readonly userId: string | null;
  /** The name of an author whom nobody has signed in; "" of others, and until the server has first named this client. */
  readonly visitor: string;
}

/** Known true: the server's model at a place in its history. */
export interface Confirmed extends Cursor {
  readonly model: unknown;
}

/** A pending dispatch and the model after it. A prediction that was refused or threw leaves the model as it was (RB4). */
export interface Predicted<E> {
  readonly entry: E;
  readonly model: unknown;
  readonly skipped: Skipped | undefined;
}

/** Why a prediction was skipped. */
export interface Skipped {
  readonly code: string;
  readonly details: unknown;
}

export interface Replica<E> {
  /** undefined: nothing is known of the target, so nothing is predicted either. */
  readonly confirmed: Confirmed | undefined;
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

export const emptyReplica: Replica<never> = { confirmed: undefined, pending: [] };

/** What the app is shown; undefined while nothing is confirmed. */
export const visible = <E>({ confirmed, pending }: Replica<E>): unknown => {
  const last = pending[pending.length - 1];
  return last ? last.model : confirmed?.model;
};

/** With one more dispatch on top (RB1). `failed` says why its prediction was skipped. */
export function predict<E extends Act, F extends Failure>(
  replica: Replica<E>,
  entry: E,
  fold: Fold<F>,
): { readonly replica: Replica<E>; readonly failed: F | undefined } {
  const before = visible(replica);
  const result = replica.confirmed && fold(before, entry);
  const failed = result && !result.ok ? result : undefined;
  // What changes nothing keeps its reference, so that nobody is notified of nothing.
  const model = result?.ok && !sameInOrder(result.model, before) ? result.model : before;
  return {
    replica: { ...replica, pending: [...replica.pending, { entry, model, skipped: failed && why(failed) }] },
    failed,
  };
}

/**
 * Folds records over confirmed. Dispatches that are `gone` leave pending in the same step. As long as the records are
 * the predictions, nothing else is computed and visible stays the same object (RB3); after the first that is not, the
 * rest of pending is replayed, once per call (RB2).
 */
export function advance<E extends Act, F extends Failure>(
  replica: Replica<E>,
  { records, sequence, mark }: Advance<E>,
  gone: (entry: E) => boolean,
  fold: Fold<F>,
): { readonly ok: true; readonly replica: Replica<E> } | F {
  let model = replica.confirmed?.model;
  let settled = 0;
  let asPredicted = true;
  for (const { act, entry } of records) {
    const result = fold(model, act);
    if (!result.ok) return result;
    const head = replica.pending[settled];
    const own = head !== undefined && head.entry === entry;
    const expected = own ? head.model : model;
    if (own) settled++;
    // What changes nothing keeps its reference, so that predictions made on it stay valid.
    const as = sameInOrder(result.model, expected);
    asPredicted &&= as;
    model = as ? expected : result.model;
  }
  const confirmed = { model, sequence, mark };
  const rest = replica.pending.slice(settled);
  const pending = rest.filter(({ entry }) => !gone(entry));
  return {
    ok: true,
    replica:
      asPredicted && pending.length === rest.length
        ? { confirmed, pending }
        : replay(replica, confirmed, pending, fold),
  };
}

/** With another confirmed model (a snapshot, or none any more) or the same one, without those that are `gone` (RB5). */
export function reset<E extends Act, F extends Failure>(
  replica: Replica<E>,
  confirmed: Confirmed | undefined,
  gone: (entry: E) => boolean,
  fold: Fold<F>,
): Replica<E> {
  const pending = replica.pending.filter(({ entry }) => !gone(entry));
  if (confirmed === replica.confirmed && pending.length === replica.pending.length) return replica;
  return replay(replica, confirmed, pending, fold);
}

function replay<E extends Act, F extends Failure>(
  old: Replica<E>,
  confirmed: Confirmed | undefined,
  entries: readonly Predicted<E>[],
  fold: Fold<F>,
): Replica<E> {
  let model = confirmed?.model;
  const pending = entries.map(({ entry }) => {
    const result = confirmed && fold(model, entry);
    if (result?.ok) model = result.model;
    return { entry, model, skipped: result && !result.ok ? why(result) : undefined };
  });
  // An equal outcome is shown as the same object, so that nobody is notified of nothing.
  const shown = visible(old);
  if (!confirmed || !old.confirmed || !sameInOrder(model, shown)) return { confirmed, pending };
  const last = pending.pop();
  return last
    ? { confirmed, pending: [...pending, { ...last, model: shown }] }
    : { confirmed: { ...confirmed, model: shown }, pending };
}
