// The targets in use and what is shown of them: models through the rebase, states to listeners, outcomes to callers.
// Not here: what frames say (incoming.ts), what is stored (ledger.ts), what is sent (runtime.ts).
import { applyMessages, OWN_SESSION, sameInOrder } from "@calla/shared";
import type { Clock, Message, Random, TargetKey, TopicCode, Wiring } from "@calla/shared";
import { backoff } from "../connection/backoff.ts";
import { createCompare } from "./compare.ts";
import { contain, oncePerTurn, signal } from "../base/notifier.ts";
import type { Queue } from "./outbox.ts";
import { advance, emptyReplica, preceded, predict, reset } from "./rebase.ts";
import type { Act, Advance, Confirmed, Predicted } from "./rebase.ts";
import { createRoom, createSpace } from "./kept-predictions.ts";
import { isFollowed, newSubscription } from "./subscriptions.ts";
import { explain, loading, stateOf } from "./target.ts";
import type { AnyState, Dispatch, Pushed, Target } from "./target.ts";
import type { ReconnectOptions } from "../transports/transport.ts";
import { RejectedError } from "../base/rejected-error.ts";

/** What `onOutcome` hears: what became of a dispatch for good, in the words of `write.state`. */
export type DecidedWrite = {
  readonly target: TargetKey;
  readonly id: string;
  /** As they were dispatched: one, or several with one fate. */
  readonly messages: readonly unknown[];
  /** It was dispatched by an earlier page, so nobody here holds its `write`. */
  readonly earlier: boolean;
} &
  /** `applied`: the messages that were applied; `amended`: these are not what was dispatched, for the server changed them first. */
  (
    | {
        readonly is: "applied";
        readonly sequence: number;
        readonly applied: readonly unknown[];
        readonly amended: boolean;
      }
    | { readonly is: "rejected"; readonly error: RejectedError }
    /** Sent under an identity that the server no longer knows: applied or not, nobody can say any more. */
    | { readonly is: "unknown"; readonly error: RejectedError }
  );

export interface TargetsOptions {
  readonly wiring: Wiring;
  readonly clock: Clock;
  readonly random: Random;
  readonly reconnect: ReconnectOptions;
  readonly strict: boolean;
  readonly queue: (key: TargetKey) => Queue<Dispatch>;
  readonly connected: () => boolean;
  /** Why the client is not to come back; "": it is, or nobody has said so. */
  readonly ended: () => TopicCode | "";
  readonly report: (error: unknown) => void;
  readonly onOutcome: ((decided: DecidedWrite) => void) | undefined;
  /** Once per turn in which something has changed. */
  readonly changed: () => void;
}

export type Targets = ReturnType<typeof createTargets>;

export function createTargets(options: TargetsOptions) {
  const { wiring, clock, strict, report } = options;
  const all = new Map<TargetKey, Target>();
  const changed = new Set<Target>();
  const space = createSpace();

  function get(key: TargetKey): Target {
    let found = all.get(key);
    if (!found) {
      found = {
        key,
        slice: key === OWN_SESSION ? wiring.session : wiring.sliceOf(key)?.slice,
        subscription: newSubscription(key),
        queue: options.queue(key),
        delays: backoff(options.reconnect, options.random),
        replica: emptyReplica(),
        room: createRoom(space),
        same: createCompare(),
        awaited: undefined,
        diverged: undefined,
        head: 0,
        owed: 0,
        at: 0,
        outgoing: [],
        state: loading,
        told: loading,
        changes: signal<AnyState>(report),
        pushes: signal<Pushed>(report),
        handle: undefined,
        ready: undefined,
      };
      all.set(key, found);
    }
    return found;
  }

  /** Nothing of it is in use: the next look makes it anew. Its mids stay with its queue. */
  function forget({ key, subscription, replica }: Target): void {
    if (subscription.phase === "off" && replica.pending.length === 0) all.delete(key);
  }

  const notify = oncePerTurn(clock, () => {
    const due = [...changed];
    changed.clear();
    for (const one of due) {
      const state = stateOf(one, options.connected(), options.ended(), one.told);
      one.ready?.settle(state);
      if (state === one.told) continue;
      one.told = state;
      one.changes.emit(state);
    }
    options.changed();
  });

  function touch(one: Target): void {
    changed.add(one);
    notify();
  }

  const fold =
    ({ slice }: Target) =>
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
    ({ messages, outcome, cutOff }: Dispatch) =>
      messages.length === 0 ||
      (outcome !== undefined && ("error" in outcome || Math.min(outcome.sequence, cutOff) <= sequence));

  /** Where confirmed stands, for saying what it contains: nowhere while another history may be on its way. */
  const reached = ({ subscription, awaited, replica: { confirmed } }: Target): number =>
    !isFollowed(subscription)
      ? Infinity
      : subscription.phase === "answered" && !awaited && confirmed
        ? confirmed.sequence
        : -1;

  function left(one: Target, before: Target["replica"]["pending"], sequence: number): void {
    const gone = goneAt(sequence);
    touch(one);
    const { pending } = one.replica;
    if (before === pending) return;
    pending.forEach(explain);
    for (const { entry } of before) {
      if (!gone(entry)) continue;
      entry.shown = false;
      conclude(entry);
    }
  }

  /** Another confirmed model; what it contains leaves pending in the same step. */
  function show(
    one: Target,
    confirmed: Confirmed | undefined,
    sequence = confirmed ? confirmed.sequence : reached(one),
  ): void {
    const before = one.replica.pending;
    one.replica = reset(one.replica, confirmed, goneAt(sequence), fold(one), one.room, one.same);
    left(one, before, sequence);
  }

  /** Its caller hears the outcome once that is recorded and what is shown has it. */
  function conclude(entry: Dispatch): void {
    const { outcome, control, target: key, id, view } = entry;
    if (!outcome || !entry.recorded || entry.told || entry.shown) return;
    const one = get(key);
    entry.told = true;
    const { messages } = view;
    const decided = { target: key, id, messages, earlier: !control };
    const tell = (one: DecidedWrite): void => contain(report, options.onOutcome, one);
    if ("sequence" in outcome) {
      const { sequence, messages: applied } = outcome;
      control?.applied.resolve(outcome);
      // None: sent as void by this version, and applied before the reload that brought it (VE7).
      const amended = applied.length > 0 && !sameInOrder(messages, applied);
      tell({ ...decided, is: "applied", sequence, applied: amended ? applied : messages, amended });
    } else {
      const { error } = outcome;
      control?.applied.reject(error);
      if (error instanceof RejectedError)
        tell({ ...decided, is: error.code === "client-expired" ? "unknown" : "rejected", error });
    }
    forget(one);
    touch(one);
  }

  return {
    all,
    get,
    forget,
    touch,
    show,
    conclude,
    state: (one: Target): AnyState => stateOf(one, options.connected(), options.ended()),
    /** The same confirmed model, without what it contains by now. */
    settle: (one: Target): void => show(one, one.replica.confirmed, reached(one)),
    /** What is pending is predicted anew: its author has another name. */
    repeat: (one: Target): void =>
      show(one, one.replica.confirmed && { ...one.replica.confirmed }, reached(one)),
    /** What an earlier page has left comes before all that this one has dispatched; `show` or the server says on what. */
    precede(one: Target, entries: readonly Dispatch[]): void {
      for (const entry of entries) entry.shown = true;
      one.replica = preceded(one.replica, entries);
    },
    predict(one: Target, entry: Dispatch): void {
      const { failed } = predict(one.replica, entry, fold(one), one.room, one.same);
      entry.shown = true;
      explain(one.replica.pending.at(-1) as Predicted<Dispatch>);
      // A local reject may be overruled; a throw is a bug worth hearing of. Either way the message is sent (RB4).
      if (failed?.kind === "threw") report(failed.error);
      touch(one);
    },
    /** False: this replica folds otherwise than the server, and has been left as it was. */
    advance(one: Target, records: Advance<Dispatch>): boolean {
      const before = one.replica.pending;
      const next = advance(one.replica, records, goneAt(records.sequence), fold(one), one.room, one.same);
      if (next.ok) {
        one.replica = next.replica;
        left(one, before, records.sequence);
      } else report(next.kind === "threw" ? next.error : new RejectedError({ from: "app", ...next }));
      return next.ok;
    },
  };
}

const UNKNOWN = { ok: false, kind: "rejected", code: "topic", details: {} } as const;
