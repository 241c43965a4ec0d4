// What becomes of dispatches: they leave what is pending once what is shown has them, or will not; then their callers and
// the app are told. Not here: what the server decided (outbox.ts), what is recorded where something is stored
// (storage/ledger.ts), how a model is computed (replica.ts).
import { contain } from "../base/notifier.ts";
import { RejectedError } from "../base/rejected-error.ts";
import { says } from "./entry.ts";
import type { Core, DecidedWrite, Dispatch, Outcome, Target } from "./records.ts";
import type { Confirmed } from "./replica.ts";
import { isSubscribed } from "./state.ts";
import { forget, touch } from "./targets.ts";

/** Where confirmed stands, for saying what it contains: nowhere while another history may be on its way. */
const reached = ({ subscription, awaited, replica: { confirmed } }: Target): number =>
  !isSubscribed(subscription)
    ? Infinity
    : subscription.phase === "answered" && !awaited && confirmed
      ? confirmed.sequence
      : -1;

/** These have left what is pending. */
function left(core: Core, one: Target, entries: readonly Dispatch[]): void {
  touch(core, one);
  for (const entry of entries) conclude(core, entry);
}

/** Another confirmed model; what it contains leaves pending in the same step. */
export function show(core: Core, one: Target, confirmed: Confirmed | undefined): void {
  left(core, one, one.replica.reset(confirmed, confirmed ? confirmed.sequence : reached(one)));
}

/** The same confirmed model, without what it contains by now. */
export const settle = (core: Core, one: Target): void => left(core, one, one.replica.settle(reached(one)));

/** Its caller hears the outcome once that is recorded and what is shown has it. */
export function conclude(core: Core, entry: Dispatch): void {
  const { outcome, target } = entry;
  if (!outcome || !entry.recorded || entry.told || entry.shown) return;
  tellOutcome(entry, outcome);
  tell(core, entry, outcome);
  const one = core.targets.get(target);
  if (one?.subscription.phase === "off") forget(core, one);
  // Its model may be stored from here on (OB10).
  if (one && core.ledger) touch(core, one);
}

/** Its caller hears this of it. The first counts. */
export function tellOutcome(entry: Dispatch, outcome: Outcome): void {
  entry.told ??= outcome;
  entry.wake?.();
}

function tell(core: Core, { target, id, view, earlier }: Dispatch, outcome: Outcome): void {
  const { messages } = view;
  const about = { target, id, messages, earlier };
  let decided: DecidedWrite;
  if ("sequence" in outcome) {
    if (!core.onOutcome) return;
    const { sequence, messages: applied } = outcome;
    // None: sent as void by this version, and applied before the reload that brought it (VE7).
    const amended = applied.length > 0 && !core.same(messages, applied);
    decided = { ...about, is: "applied", sequence, applied: amended ? applied : messages, amended };
  } else {
    const { error } = outcome;
    if (!(error instanceof RejectedError)) return;
    const refused = { ...about, is: says(error, "client-expired") ? "unknown" : "rejected", error } as const;
    core.onRejected(refused);
    decided = refused;
  }
  contain(core.report, core.onOutcome, decided);
}
