// A client's life from turn to turn: what a turn has changed is shown, stored, sent; what has no answer in time is asked
// or sent again; and the end. Not here: the parts that do it.
import { CallaError, DEFAULT_DECODE_LIMITS } from "@calla/shared";
import type { Cancel, TopicCode } from "@calla/shared";
import { oncePerTurn } from "../base/notifier.ts";
import { createSpace } from "./kept-predictions.ts";
import { again, undecided } from "./outbox.ts";
import { commit } from "./outcomes.ts";
import type { Core, CoreOptions, Ledger, Line } from "./records.ts";
import { settle } from "./replica.ts";
import { flush } from "./sending.ts";
import { hasCaughtUp, isSubscribed, stateOf } from "./state.ts";
import { ask, stop } from "./subscriptions.ts";
import { createSuspects } from "./suspects.ts";
import { touch } from "./targets.ts";

/** Until there is a connection. */
const OFF: Line = { send: () => {}, renew: () => {} };

/** `turned`: called at the end of each turn in which something has changed. */
export function createCore(
  options: CoreOptions & { readonly user: string | null | undefined },
  openLedger: ((core: Core) => Ledger) | undefined,
  turned: () => void,
): Core {
  const { clock, user } = options;
  const core: Core = {
    ...options,
    line: OFF,
    open: false,
    connection: "offline",
    reason: "",
    text: "",
    due: oncePerTurn(clock, () => {
      endTurn(core);
      turned();
    }),
    ledger: undefined,
    targets: new Map(),
    changed: new Set(),
    space: createSpace(),
    queues: new Map(),
    held: new Set(),
    size: 0,
    bytes: 0,
    listed: [],
    heldWrites: [],
    suspects: createSuspects(clock, {
      ask: () => core.line.send([{ type: "Ping", cursors: [] }]),
      // A timer may run a little early by the monotonic clock, and nothing else would look again.
      later: (milliseconds) => void later(core, milliseconds + 1, core.due),
    }),
    telling: new Set(),
    decided: [],
    identity: undefined,
    renewal: undefined,
    userId: user ?? null,
    named: user !== undefined,
    lastRef: 0,
    page: options.random.uint32(),
    hellos: 0,
    greeted: new Map(),
    unsaid: new Set(),
    placed: new Set(),
    maxInFlight: 0,
    taken: DEFAULT_DECODE_LIMITS,
    offset: 0,
    closed: false,
    terminal: "",
    sweeping: false,
    timers: new Set(),
  };
  core.ledger = openLedger?.(core);
  return core;
}

function endTurn(core: Core): void {
  const changed = [...core.changed];
  core.changed.clear();
  for (const one of changed) {
    const state = stateOf(core, one, one.told);
    one.ready?.settle(state);
    if (state === one.told) continue;
    one.told = state;
    one.changes.emit(state);
  }
  // Only then: what stores models ends a turn too, and would wake an idle page for ever.
  if (changed.length > 0) core.ledger?.changed();
  if (core.ledger) core.ledger.commit();
  else commit(core);
  flush(core);
  sweepLater(core);
}

/** A lost frame wedges nothing: what has no answer in time is asked or sent again (CL10). */
function sweepLater(core: Core): void {
  if (core.sweeping || !core.open) return;
  core.sweeping = true;
  later(core, core.answerTimeout, () => {
    core.sweeping = false;
    if (!core.open) return;
    const before = core.clock.monotonic() - core.answerTimeout + 1;
    let waiting = false;
    for (const one of core.targets.values()) {
      const { subscription } = one;
      if (!isSubscribed(subscription) || hasCaughtUp(one)) continue;
      waiting = true;
      // What was told to wait is asked when its time has come.
      if (subscription.askedAt < before && !subscription.retrying) ask(core, one);
    }
    // Not by target: of one that is out of use a mid that was given up may still wait for its answer.
    for (const queue of core.queues.values()) {
      again(queue, 0, before);
      waiting ||= queue.entries.length > 0;
    }
    // A transaction that failed may work by now.
    core.ledger?.commit(true);
    if (waiting) core.due();
  });
}

/** A timer that the client's end cancels. */
export function later(core: Core, milliseconds: number, run: () => void): Cancel {
  if (core.closed) return () => {};
  const cancel = core.clock.setTimeout(() => {
    core.timers.delete(cancel);
    run();
  }, milliseconds);
  core.timers.add(cancel);
  return () => {
    core.timers.delete(cancel);
    cancel();
  };
}

/** The server has refused this client for good, for this reason; "": it is tried again. */
export function ended(core: Core, code: TopicCode | ""): void {
  if (code === core.terminal) return;
  core.terminal = code;
  touchAll(core);
}

export function touchAll(core: Core): void {
  for (const one of core.targets.values()) touch(core, one);
}

/** Nothing is subscribed, and nothing leaves, any more. What is stored is the ledger's to end. */
export function end(core: Core): void {
  core.closed = true;
  for (const cancel of core.timers) cancel();
  for (const one of core.targets.values()) {
    one.ready?.settle({ status: "refused", model: undefined, code: "closed" });
    core.ledger?.leave(one);
    stop(one);
    // Nothing is subscribed any more, so what is known can be told.
    settle(core, one);
    for (const { entry } of one.replica.pending) entry.write?.decided({ error: new CallaError("closed") });
  }
  // What is given up and not answered is shown no more.
  for (const { outcome, write } of undecided(core))
    if (!outcome) write?.decided({ error: new CallaError("closed") });
}
