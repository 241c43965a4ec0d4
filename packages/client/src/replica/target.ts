// One target in use: what the runtime holds of it, and the state that the app sees. Not here: what changes it
// (targets.ts, incoming.ts, ledger.ts). An ephemeral topic is held likewise: its "confirmed model" is the map of latest
// messages.
import { sameInOrder } from "@calla/shared";
import type {
  CallaError,
  EphemeralSlice,
  ModelSlice,
  ServerFrames,
  TargetKey,
  TopicCode,
} from "@calla/shared";
import type { Backoff } from "../connection/backoff.ts";
import type { Compare } from "./compare.ts";
import type { Signal } from "../base/notifier.ts";
import type { Entry, Queue } from "./outbox.ts";
import { visible } from "./rebase.ts";
import type { Act, Predicted, Replica, Skipped } from "./rebase.ts";
import type { PredictionRoom } from "./kept-predictions.ts";
import type { Ready } from "./ready.ts";
import { isFollowed } from "./subscriptions.ts";
import type { Subscription } from "./subscriptions.ts";
import type { WriteControl, WriteState } from "./write.ts";

/** What became of a dispatch. */
export type Outcome =
  | { readonly sequence: number; readonly messages: readonly unknown[] }
  | { readonly error: CallaError<string> };

/** A dispatch that is shown and not yet confirmed. */
export interface Pending<M = unknown> {
  readonly id: string;
  /** As they were dispatched: one, or several with one fate. */
  readonly messages: readonly M[];
  /** Why it is not shown: its update here refuses it (the slice's code), or throws (`update-threw`). It is sent all the same. */
  readonly skipped: Skipped | undefined;
}

/** A dispatch without an outcome, of this page or an earlier one. */
export interface PendingWrite extends Pending {
  readonly target: TargetKey;
  /** When it was dispatched, in milliseconds by the server's clock as far as that was known. */
  readonly at: number;
  readonly state: WriteState;
}

/** A dispatch that is not sent because every connection that carries it ends. */
export interface HeldWrite extends PendingWrite {
  /** As `Write.retry`. */
  retry(): boolean;
  /** As `Write.cancel`. */
  cancel(): boolean;
}

/** One dispatch, for both the outbox and the rebase. */
export interface Dispatch extends Entry, Act {
  messages: Entry["messages"];
  view: Pending;
  outcome: Outcome | undefined;
  /** It is among what is pending in its target's replica. */
  shown: boolean;
  /** The newest asking for its target when its outcome became known. */
  decidedUnder: number;
  /** Its record was in a history that has been cut off since: it is over once confirmed is this far. */
  cutOff: number;
  /** A transaction with it has succeeded. */
  kept: boolean;
  /** The storage has the outcome, or has failed to take it: the caller may hear it. */
  recorded: boolean;
  /** The caller, or an earlier page's, has heard it. */
  told: boolean;
  /** Its mid goes out as void: what its author is told if the server had not taken it before (VE7, OB13, OB20). */
  dropped: CallaError<string> | undefined;
  /** As `client.pending` listed it last. */
  listed: PendingWrite | undefined;
  /** Absent for one of an earlier page. */
  readonly control: WriteControl | undefined;
}

/** `loading`: nothing known yet. `live`: up to date. `stale`: it was; `code` says why it stays so. `refused`: see `code`. */
export type TopicStatus = "loading" | "live" | "stale" | "refused";

export interface AnyState {
  readonly status: TopicStatus;
  readonly model: unknown;
  readonly pending: readonly Pending[];
  readonly code: TopicCode | "";
}

/** Something pushed. `from` is the author's tag, the same for all of one author's in this topic; null: the server. */
export interface Pushed<M = unknown> {
  readonly message: M;
  readonly from: number | null;
  readonly userId: string | null;
}

export interface Target {
  readonly key: TargetKey;
  /** undefined: the wiring does not know it (any more). */
  readonly slice: ModelSlice | EphemeralSlice | undefined;
  readonly subscription: Subscription;
  readonly queue: Queue<Dispatch>;
  /** Spreads asking again. */
  readonly delays: Backoff;
  replica: Replica<Dispatch>;
  readonly room: PredictionRoom;
  /** Compares its models. */
  readonly same: Compare;
  /** Announces a snapshot and is applied together with it (CL5). */
  awaited: ServerFrames["Settled"] | undefined;
  /** The hash of a confirmed model that was not the server's, until that is replaced (VE9). */
  diverged: number | undefined;
  /** The server's head when it last answered. */
  head: number;
  /** The highest sequence at which a message of one's own is known to stand. */
  owed: number;
  /** Times never go back: the last one seen. */
  at: number;
  /** An ephemeral topic's messages of this turn. */
  outgoing: unknown[];
  state: AnyState;
  /** What listeners heard last. */
  told: AnyState;
  readonly changes: Signal<AnyState>;
  readonly pushes: Signal<Pushed>;
  /** The app's handle, made when first asked for. */
  handle: unknown;
  ready: Ready | undefined;
}

/** The same object until it says something else; a state of before says what it said. */
const viewOf = ({ entry: { view }, skipped }: Predicted<Dispatch>): Pending =>
  sameInOrder(skipped, view.skipped) ? view : { ...view, skipped };

/** What is pending says why it is not shown, if it is not. */
export function explain(one: Predicted<Dispatch>): void {
  one.entry.view = viewOf(one);
}

/** A state's `pending`, listed when somebody looks: a dispatch costs the same whatever is pending. */
interface Listing {
  /** It is only appended to (rebase.ts), so its first `length` are what they were. */
  readonly from: Replica<Dispatch>["pending"];
  readonly length: number;
  views: readonly Pending[] | undefined;
}

const listed = (listing: Listing): readonly Pending[] =>
  (listing.views ??= listing.from.slice(0, listing.length).map(viewOf));

/**
 * The same dispatches, shown or skipped alike, or the same list at the same length. By what they say: within a turn one
 * may be skipped, shown and skipped again, and nobody has heard of that.
 */
const sameListing = (a: Listing, { pending }: Replica<Dispatch>): boolean =>
  a.length === pending.length &&
  (a.from === pending ||
    listed(a).every(({ id, skipped }, i) => {
      const one = pending[i] as Predicted<Dispatch>;
      return id === one.entry.id && sameInOrder(skipped, one.skipped);
    }));

const listings = new WeakMap<AnyState, Listing>();

function newState(status: TopicStatus, model: unknown, code: TopicCode | "", listing: Listing): AnyState {
  const state: AnyState = {
    status,
    model,
    get pending() {
      return listed(listing);
    },
    code,
  };
  listings.set(state, listing);
  return state;
}

const NONE: Listing = { from: [], length: 0, views: [] };
export const loading: AnyState = newState("loading", undefined, "", NONE);

/** Whether what is confirmed is the newest, as far as can be known; one's own records may be on their way (CL9). */
export const isLive = (
  { subscription, awaited, replica: { confirmed }, head }: Target,
  answered = subscription.phase === "answered",
): boolean => answered && !awaited && confirmed !== undefined && confirmed.sequence >= head;

/** And has all that is known to have become of one's own. */
export const hasCaughtUp = (target: Target): boolean =>
  isLive(target) && (target.replica.confirmed?.sequence ?? 0) >= target.owed;

/**
 * The state to show: the same object until something in it changes (CL9), and the former model as long as it is equal,
 * however that came about (given up in the same turn, replayed). `state`: what it is compared with.
 */
export function stateOf(
  target: Target,
  connected: boolean,
  ended: TopicCode | "",
  state = target.state,
): AnyState {
  const { subscription, replica } = target;
  // Where the client is not to come back, what has no model gets none (CL30).
  const code = subscription.code || (isFollowed(subscription) ? ended : "");
  const refused =
    subscription.phase === "refused" ||
    (subscription.phase === "asked" && subscription.absent) ||
    (code !== "" && !replica.confirmed);
  const status = refused
    ? "refused"
    : !replica.confirmed
      ? "loading"
      : connected && (isLive(target) || isLive(target, subscription.polling))
        ? "live"
        : "stale";
  const shown = refused ? undefined : visible(replica);
  const model = target.same(shown, state.model) ? state.model : shown;
  const before = listings.get(state) ?? NONE;
  const same = sameListing(before, replica);
  if (same && status === state.status && model === state.model && code === state.code)
    return (target.state = state);
  const { pending } = replica;
  const listing = same ? before : { from: pending, length: pending.length, views: undefined };
  return (target.state = newState(status, model, code, listing));
}
