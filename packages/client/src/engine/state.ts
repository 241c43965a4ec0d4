// What the app sees of a target: one object until something in it changes (CL9). Not here: what changes it (replica.ts,
// incoming.ts).
import type { TopicCode } from "@calla/shared";
import type { Compare } from "./compare.ts";
import { visible } from "./rebase.ts";
import type { Predicted, Replica } from "./rebase.ts";
import type { AnyState, Core, Dispatch, Pending, Subscription, Target, TopicStatus } from "./records.ts";

export const newSubscription = (): Subscription => ({
  phase: "off",
  ref: 0,
  holders: 0,
  pinned: false,
  askedAt: 0,
  polling: false,
  code: "",
  absent: false,
  lingering: undefined,
  retrying: undefined,
});

/** Whether what arrives for the target concerns us: it is wanted and not refused. */
export const isSubscribed = ({ phase }: Subscription): boolean => phase === "asked" || phase === "answered";

/** Whether what is confirmed is the newest, as far as can be known; one's own records may be on their way (CL44). */
export const isLive = (
  { subscription, awaited, replica: { confirmed }, head }: Target,
  answered = subscription.phase === "answered",
): boolean => answered && !awaited && confirmed !== undefined && confirmed.sequence >= head;

/** And has all that is known to have become of one's own. */
export const hasCaughtUp = (one: Target): boolean =>
  isLive(one) && (one.replica.confirmed?.sequence ?? 0) >= one.owed;

// ------------------------------------------------------------------------------------------------------ what is pending

/** The same object until it says something else; a state of before says what it said. */
const viewOf = ({ entry: { view }, skipped }: Predicted<Dispatch>, same: Compare): Pending =>
  same(skipped, view.skipped) ? view : { ...view, skipped };

/** What is pending says why it is not shown, if it is not. */
export function explain({ serialiser }: Core, one: Predicted<Dispatch>): void {
  one.entry.view = viewOf(one, serialiser.same);
}

/** A state's `pending`, listed when somebody looks: a dispatch costs the same whatever is pending. */
interface Listing {
  /** It is only appended to (rebase.ts), so its first `length` are what they were. */
  readonly from: Replica<Dispatch>["pending"];
  readonly length: number;
  readonly same: Compare;
  views: readonly Pending[] | undefined;
}

const listed = (listing: Listing): readonly Pending[] =>
  (listing.views ??= listing.from.slice(0, listing.length).map((one) => viewOf(one, listing.same)));

/**
 * The same dispatches, shown or skipped alike, or the same list at the same length. By what they say: within a turn one
 * may be skipped, shown and skipped again, and nobody has heard of that.
 */
const sameListing = (a: Listing, { pending }: Replica<Dispatch>): boolean =>
  a.length === pending.length &&
  (a.from === pending ||
    listed(a).every(({ id, skipped }, i) => {
      const one = pending[i] as Predicted<Dispatch>;
      return id === one.entry.id && a.same(skipped, one.skipped);
    }));

// ------------------------------------------------------------------------------------------------------------ the state

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

const NONE: Listing = { from: [], length: 0, same: Object.is, views: [] };
export const loading: AnyState = newState("loading", undefined, "", NONE);

/**
 * The state to show: the same object until something in it changes (CL9), and the former model as long as it is equal,
 * however that came about (given up in the same turn, replayed). `state`: what it is compared with.
 */
export function stateOf(core: Core, one: Target, state = one.state): AnyState {
  const { subscription, replica } = one;
  // Where the client is not to come back, what has no model gets none (CL30).
  const code = subscription.code || (isSubscribed(subscription) ? core.terminal : "");
  const refused =
    subscription.phase === "refused" ||
    (subscription.phase === "asked" && subscription.absent) ||
    (code !== "" && !replica.confirmed);
  const status = refused
    ? "refused"
    : !replica.confirmed
      ? "loading"
      : core.open && (isLive(one) || isLive(one, subscription.polling))
        ? "live"
        : "stale";
  const shown = refused ? undefined : visible(replica);
  const model = one.same(shown, state.model) ? state.model : shown;
  const before = listings.get(state) ?? NONE;
  const same = sameListing(before, replica);
  if (same && status === state.status && model === state.model && code === state.code)
    return (one.state = state);
  const { pending } = replica;
  const listing = same
    ? before
    : { from: pending, length: pending.length, same: core.serialiser.same, views: undefined };
  return (one.state = newState(status, model, code, listing));
}
