// What became of a dispatch: recorded, then told to its caller and to the app, once it shows. Not here: what is recorded
// where something is stored (storage/ledger.ts), what is shown (replica.ts).
import { contain } from "../base/notifier.ts";
import { RejectedError } from "../base/rejected-error.ts";
import { renewIdentity } from "./identity.ts";
import { leave, number, settledMid } from "./outbox.ts";
import type { Core, DecidedWrite, Dispatch, Outcome, Target } from "./records.ts";
import { forget, targetOf, touch } from "./targets.ts";

/** The server has decided. The caller hears it when that is durable and confirmed has it (OB3). */
export function decide(core: Core, { queue, subscription }: Target, entry: Dispatch, outcome: Outcome): void {
  const cancelled = "error" in outcome && outcome.error.code === "cancelled";
  // Only its mid is void: it will never have arrived, so it moves, held, to another identity (OB33).
  if (entry.held && cancelled) return void (entry.out = false);
  leave(core, queue, entry);
  entry.decidedUnder = subscription.ref;
  // Void because of its version: its author hears why. Applied or refused before the reload, it hears that.
  entry.outcome ??= entry.dropped && cancelled ? { error: entry.dropped } : outcome;
  core.ledger?.decided(entry, "sequence" in outcome ? outcome.sequence : 0);
  renewIdentity(core, entry);
  core.decided.push(entry);
  core.due();
}

/** Where nothing is stored: what the turn has dispatched may leave, and what it has decided is told. */
export function commit(core: Core): void {
  for (const queue of core.queues.values()) {
    for (const entry of number(queue)) {
      entry.stage = "stored";
      entry.write?.stored();
    }
    queue.settled = settledMid(queue);
  }
  tellDecided(core);
}

/** Takes what has been decided; it is recorded by now. */
export function tellDecided(core: Core, decided = core.decided): void {
  if (decided === core.decided) core.decided = [];
  for (const entry of decided) {
    entry.recorded = true;
    conclude(core, entry);
  }
}

/** Its caller hears the outcome once that is recorded and what is shown has it. */
export function conclude(core: Core, entry: Dispatch): void {
  const { outcome, target } = entry;
  if (!outcome || !entry.recorded || entry.told || entry.shown) return;
  entry.told = true;
  entry.write?.decided(outcome);
  if (core.onOutcome) tell(core, entry, outcome);
  const one = targetOf(core, target);
  forget(core, one);
  touch(core, one);
}

function tell(core: Core, { target, id, view, write }: Dispatch, outcome: Outcome): void {
  const { messages } = view;
  const about = { target, id, messages, earlier: !write };
  let decided: DecidedWrite;
  if ("sequence" in outcome) {
    const { sequence, messages: applied } = outcome;
    // None: sent as void by this version, and applied before the reload that brought it (VE7).
    const amended = applied.length > 0 && !core.serialiser.same(messages, applied);
    decided = { ...about, is: "applied", sequence, applied: amended ? applied : messages, amended };
  } else {
    const { error } = outcome;
    if (!(error instanceof RejectedError)) return;
    decided = { ...about, is: error.code === "client-expired" ? "unknown" : "rejected", error };
  }
  contain(core.report, core.onOutcome, decided);
}
