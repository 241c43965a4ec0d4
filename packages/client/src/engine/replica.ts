// What is confirmed of a target, and its pending dispatches on top: through the rebase (rebase.ts), and who hears of what
// leaves pending. Not here: what frames say (incoming.ts), what the app sees of it (state.ts).
import { applyMessages } from "@calla/shared";
import type { Message } from "@calla/shared";
import { RejectedError } from "../base/rejected-error.ts";
import { conclude } from "./outcomes.ts";
import { advance as advanced, preceded, predict as predicted, reset } from "./rebase.ts";
import type { Act, Advance, Confirmed, Predicted } from "./rebase.ts";
import type { Core, Dispatch, Target } from "./records.ts";
import { explain, isSubscribed } from "./state.ts";
import { touch } from "./targets.ts";

const UNKNOWN = { ok: false, kind: "rejected", code: "topic", details: {} } as const;

const fold =
  ({ strict }: Core, { slice }: Target) =>
  (model: unknown, { messages, at, userId, visitor, id }: Act) => {
    if (!slice || !("update" in slice)) return UNKNOWN;
    const context = { at, userId, visitor, messageId: id };
    const result = applyMessages(slice, model, messages as readonly Message[], context, { strict });
    return result.ok || result.kind === "rejected"
      ? result
      : { ...result, code: "update-threw", details: {} };
  };

/** Dispatches that are no longer pending once confirmed has reached the sequence (RB5). */
const goneAt =
  (sequence: number) =>
  ({ messages, outcome, cutOff }: Dispatch): boolean =>
    messages.length === 0 ||
    (outcome !== undefined && ("error" in outcome || Math.min(outcome.sequence, cutOff) <= sequence));

/** Where confirmed stands, for saying what it contains: nowhere while another history may be on its way. */
const reached = ({ subscription, awaited, replica: { confirmed } }: Target): number =>
  !isSubscribed(subscription)
    ? Infinity
    : subscription.phase === "answered" && !awaited && confirmed
      ? confirmed.sequence
      : -1;

function changed(core: Core, one: Target, before: Target["replica"]["pending"], sequence: number): void {
  touch(core, one);
  const { pending } = one.replica;
  if (before === pending) return;
  pending.forEach((predicted) => explain(core, predicted));
  const gone = goneAt(sequence);
  for (const { entry } of before) {
    if (!gone(entry)) continue;
    entry.shown = false;
    conclude(core, entry);
  }
}

/** Another confirmed model; what it contains leaves pending in the same step. */
export function show(
  core: Core,
  one: Target,
  confirmed: Confirmed | undefined,
  sequence = confirmed ? confirmed.sequence : reached(one),
): void {
  const before = one.replica.pending;
  one.replica = reset(one.replica, confirmed, goneAt(sequence), fold(core, one), one.room, one.same);
  changed(core, one, before, sequence);
}

/** The same confirmed model, without what it contains by now. */
export const settle = (core: Core, one: Target): void => show(core, one, one.replica.confirmed, reached(one));

/** What is pending is predicted anew: its author has another name. */
export const repeat = (core: Core, one: Target): void =>
  show(core, one, one.replica.confirmed && { ...one.replica.confirmed }, reached(one));

/** What an earlier page has left comes before all that this one has dispatched; `show` or the server says on what. */
export function precede(one: Target, entries: readonly Dispatch[]): void {
  for (const entry of entries) entry.shown = true;
  one.replica = preceded(one.replica, entries);
}

export function predict(core: Core, one: Target, entry: Dispatch): void {
  const { failed } = predicted(one.replica, entry, fold(core, one), one.room, one.same);
  entry.shown = true;
  explain(core, one.replica.pending.at(-1) as Predicted<Dispatch>);
  // A local reject may be overruled; a throw is a bug worth hearing of. Either way the message is sent (RB4).
  if (failed?.kind === "threw") core.report(failed.error);
  touch(core, one);
}

/** False: this replica folds otherwise than the server, and has been left as it was. */
export function advance(core: Core, one: Target, records: Advance<Dispatch>): boolean {
  const before = one.replica.pending;
  const { sequence } = records;
  const next = advanced(one.replica, records, goneAt(sequence), fold(core, one), one.room, one.same);
  if (next.ok) {
    one.replica = next.replica;
    changed(core, one, before, sequence);
  } else core.report(next.kind === "threw" ? next.error : new RejectedError({ from: "app", ...next }));
  return next.ok;
}
