// A client's life from turn to turn: what a turn has changed is shown, stored, sent; what has no answer in time is asked
// or sent again; and the end. Not here: the parts that do it.
import { CallaError, comparing } from "@calla/shared";
import type { Cancel, TopicCode } from "@calla/shared";
import { takenOf } from "./fits.ts";
import { createSpace } from "./kept-predictions.ts";
import { again, send, tellDecided, undecided } from "./outbox.ts";
import { settle, tellOutcome } from "./outcomes.ts";
import type { Core, CoreOptions, Ledger, Line, Target } from "./records.ts";
import { hasCaughtUp, isSubscribed, stateOf } from "./state.ts";
import { ask, stop } from "./subscriptions.ts";
import { createSuspects } from "./suspects.ts";
import { due, touch } from "./targets.ts";

/** Until there is a connection. */
const OFF: Line = { send: () => {}, renew: () => {} };

/** `turned`: called at the end of each turn in which something has changed. */
export function createCore(
  options: CoreOptions & { readonly user?: string | null | undefined },
  openLedger: ((core: Core) => Ledger) | undefined,
  turned: () => void,
): Core {
  const { clock, user } = options;
  const core: Core = {
    ...options,
    line: OFF,
    same: comparing(options.serialiser.same),
    open: false,
    crowded: false,
    taking: 0,
    connection: "offline",
    reason: "",
    text: "",
    endTurn: () => {
      core.isDue = false;
      endTurn(core);
      turned();
    },
    isDue: false,
    targets: new Map(),
    changed: new Set(),
    space: createSpace(),
    queues: new Map(),
    unsaved: new Set(),
    unsent: new Set(),
    conflicted: false,
    decided: [],
    held: new Set(),
    size: 0,
    bytes: 0,
    listed: [],
    heldWrites: [],
    suspects: createSuspects(clock, {
      ask: () => core.line.send([{ type: "Ping", cursors: [] }]),
      // A timer may run a little early by the monotonic clock, and nothing else would look again.
      later: (milliseconds) => void later(core, milliseconds + 1, () => due(core)),
    }),
    userId: user ?? null,
    named: user !== undefined,
    lastRef: 0,
    page: options.random.uint32(),
    // Of the wall clock, so that a page that is loaded again counts higher (PC12).
    hellos: Math.max(0, Math.floor(clock.now())),
    greeted: new Map(),
    unsaid: new Set(),
    placed: new Set(),
    maxInFlight: 0,
    taken: takenOf(undefined),
    offset: 0,
    closed: false,
    terminal: "",
    sweeping: false,
    resting: new Set(),
    timers: new Set(),
  };
  core.ledger = openLedger?.(core);
  return core;
}

function endTurn(core: Core): void {
  const { changed, ledger } = core;
  // Only where something has: what stores models ends a turn too, and would wake an idle page for ever.
  if (changed.size > 0) ledger?.changed();
  // Before anybody looks: a page that takes long to show what it is told holds up no message (CL61).
  send(core);
  if (changed.size > 0) showChanged(core);
  if (!ledger) tellDecided(core);
  sweepLater(core);
}

/** Milliseconds. */
const LONGEST_REST = 5_000;

function showChanged(core: Core): void {
  const { clock } = core;
  const changed = [...core.changed];
  core.changed.clear();
  for (const one of changed) {
    one.presence?.turned();
    const { behind } = one.replica;
    if (behind && rests(core, one)) continue;
    const at = behind ? clock.monotonic() : 0;
    const state = stateOf(core, one, one.told);
    // Not for as long as a machine has slept meanwhile.
    if (behind)
      one.replayed = { at, taking: core.taking, took: Math.min(clock.monotonic() - at, LONGEST_REST) };
    one.ready?.settle(state);
    if (state === one.told) continue;
    one.told = state;
    one.changes.emit(state);
  }
}

/** A page that falls behind spends at most half of its time on replaying what is pending (RB15). */
function rests(core: Core, one: Target): boolean {
  const { at, taking, took } = one.replayed;
  if (core.crowded) {
    // Its turn comes when eight times as long has been taken, or all has: the connection says so.
    if (core.taking - taking >= 8 * took) return false;
    core.changed.add(one);
    return true;
  }
  const left = at + 2 * took - core.clock.monotonic();
  if (left <= 0) return false;
  if (core.resting.has(one)) return true;
  core.resting.add(one);
  later(core, left + 1, () => {
    core.resting.delete(one);
    touch(core, one);
  });
  return true;
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
      again(core, queue, 0, before);
      waiting ||= queue.entries.length > 0;
    }
    // A transaction that failed may work by now.
    core.ledger?.commit(true);
    if (waiting) due(core);
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
    for (const entry of one.replica.entries()) tellOutcome(entry, { error: new CallaError("closed") });
  }
  // What is given up and not answered is shown no more.
  for (const entry of undecided(core))
    if (!entry.outcome) tellOutcome(entry, { error: new CallaError("closed") });
}
