// What the app sees of a target: one object until something in it changes (CL9). Not here: what changes it (replica.ts,
// incoming.ts).
import type { TopicCode } from "@calla/shared";
import type { AnyState, Core, Dispatch, Pending, Subscription, Target, TopicStatus } from "./records.ts";
import type { Replica } from "./replica.ts";

export const newSubscription = (): Subscription => ({
  phase: "off",
  ref: 0,
  holders: 0,
  pinned: false,
  askedAt: 0,
  polling: false,
  code: "",
  absent: false,
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

// ------------------------------------------------------------------------------------------------------------ the state

/** What a state lists as pending: made when somebody looks, so that a dispatch costs the same whatever is pending. */
interface Listing {
  /** It is only appended to, so that a part of it stays what it was. */
  readonly list: Replica<Dispatch>["list"];
  readonly first: number;
  readonly end: number;
}
const listings = new WeakMap<AnyState, Listing>();

function newState(status: TopicStatus, model: unknown, code: TopicCode | "", listing: Listing): AnyState {
  let views: readonly Pending[] | undefined;
  const state: AnyState = {
    status,
    model,
    get pending() {
      return (views ??= viewsOf(listing));
    },
    code,
  };
  listings.set(state, listing);
  return state;
}

/** The same object until it says something else, also in a state of before. */
const viewsOf = ({ list, first, end }: Listing): readonly Pending[] =>
  list
    .slice(first, end)
    .map(({ entry: { view }, skipped }) => (skipped === view.skipped ? view : { ...view, skipped }));

/** The same dispatches, shown or skipped alike. */
function sameListing({ same }: Core, a: Listing, b: Listing): boolean {
  if (a.end - a.first !== b.end - b.first) return false;
  if (a.list === b.list && a.first === b.first) return true;
  for (let i = a.first, j = b.first; i < a.end; i++, j++)
    if (a.list[i]?.entry !== b.list[j]?.entry || !same(a.list[i]?.skipped, b.list[j]?.skipped)) return false;
  return true;
}

const NONE: Listing = { list: [], first: 0, end: 0 };
export const loading: AnyState = newState("loading", undefined, "", NONE);

/** Two models are compared once: a record or a Map takes in proportion to its entries. */
function equal({ same }: Core, one: Target, model: unknown, before: unknown): boolean {
  if (model === before) return true;
  if (model === one.unlike[0] && before === one.unlike[1]) return false;
  if (same(model, before)) return true;
  one.unlike = [model, before];
  return false;
}

/**
 * The state to show: the same object until something in it changes (CL9), and the former model as long as it is equal,
 * however that came about (given up in the same turn, replayed). `state`: what it is compared with.
 */
export function stateOf(core: Core, one: Target, state = one.state): AnyState {
  const { subscription, replica } = one;
  if (replica.behind) replica.replay();
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
  let model = refused ? undefined : replica.visible;
  if (model !== state.model && equal(core, one, model, state.model)) replica.keep((model = state.model));
  const { list, first } = replica;
  const listing = { list, first, end: list.length };
  const saidBy = (former: AnyState): boolean =>
    status === former.status &&
    model === former.model &&
    code === former.code &&
    sameListing(core, listings.get(former) ?? NONE, listing);
  if (saidBy(state)) return (one.state = state);
  // Who has looked since that was told has seen this already.
  if (state !== one.state && saidBy(one.state)) return one.state;
  return (one.state = newState(status, model, code, listing));
}
