// Which targets have holders, and how far subscribing to them has come. A subscription lives from the first holder until
// `linger` after the last one, and survives every reconnect, each time under a new ref. Not here: what answers do
// (incoming.ts), which subscriptions a Hello names (greeting.ts).
import type { Subscription as Asked, UnsubscribedCode } from "@calla/shared";
import type { Stop } from "../base/notifier.ts";
import type { Core, Target } from "./records.ts";
import { show } from "./outcomes.ts";
import { isSubscribed } from "./state.ts";
import { forget, touch } from "./targets.ts";

/** A new ref: from here on only its answer counts. */
export function renew(core: Core, { subscription }: Target): void {
  subscription.retrying?.();
  subscription.retrying = undefined;
  subscription.phase = "asked";
  subscription.polling = false;
  subscription.askedAt = core.clock.monotonic();
  subscription.ref = ++core.lastRef;
}

/** What a `Subscribe`, and a `Hello`, says of it. */
export function asked(core: Core, one: Target): Asked {
  const { key, subscription, queue, replica, diverged } = one;
  const { settled, last } = core.ledger?.mids(one) ?? queue;
  const cursor = core.ledger ? core.ledger.cursor(one) : replica.confirmed;
  one.awaited = undefined;
  return {
    target: key,
    ref: subscription.ref,
    ...(cursor && cursor.sequence >= 0 ? { cursor: { sequence: cursor.sequence, mark: cursor.mark } } : {}),
    settled,
    sent: last,
    ...(diverged === undefined ? {} : { diverged }),
  };
}

/** Asks (again), at once or after `delay`. */
export function ask(core: Core, one: Target, delay?: number): void {
  renew(core, one);
  if (delay === undefined) core.line.send([{ type: "Subscribe", ...asked(core, one) }]);
  else one.subscription.retrying = core.clock.setTimeout(() => ask(core, one), delay);
  touch(core, one);
}

/** The end, without telling anybody: off, or refused for a reason. */
export function stop({ subscription }: Target, code?: UnsubscribedCode): void {
  subscription.retrying?.();
  lingerNoMore(subscription);
  subscription.phase = code === undefined ? "off" : "refused";
  subscription.code = code ?? "";
  subscription.absent = code === "missing";
  subscription.pinned = false;
}

/** Refused for good. Whoever holds it, or has touched it, is shown why. */
export function refuse(core: Core, one: Target, code: UnsubscribedCode): void {
  const { holders, lingering } = one.subscription;
  stop(one, holders || lingering ? code : undefined);
  if (lingering) linger(core, one);
}

function linger(core: Core, one: Target): void {
  one.subscription.lingering = core.clock.setTimeout(() => unsubscribe(core, one), core.linger);
}

function lingerNoMore(subscription: Target["subscription"]): void {
  subscription.lingering?.();
  subscription.lingering = undefined;
}

/** One more holder; the first asks. Returns its undo. */
export function retain(core: Core, one: Target): Stop {
  const { subscription } = one;
  subscription.holders++;
  lingerNoMore(subscription);
  if (!isSubscribed(subscription)) {
    core.ledger?.hydrate(one);
    ask(core, one);
  }
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    // Nothing is left of those of a closed client.
    if (--subscription.holders || subscription.pinned || subscription.phase === "off") return;
    linger(core, one);
  };
}

/**
 * Subscribes for `linger`, as a holder that comes and goes at once; but what was refused it does not ask for anew, or whoever
 * does this each time that the topic is shown would ask for ever.
 */
export function visit(core: Core, one: Target): void {
  if (!core.closed && one.subscription.phase !== "refused") retain(core, one)();
}

function unsubscribe(core: Core, one: Target): void {
  const { key, subscription } = one;
  const { ref, phase, absent } = subscription;
  core.ledger?.leave(one);
  stop(one);
  // One that was refused for good the server has ended already.
  if (phase !== "refused" || absent) core.line.send([{ type: "Unsubscribe", target: key, ref }]);
  one.awaited = undefined;
  show(core, one, undefined);
  forget(core, one);
}
