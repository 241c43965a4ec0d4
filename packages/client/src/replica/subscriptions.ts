// The subscriptions engine: which targets have holders, and how far subscribing to them has come. A subscription lives
// from the first holder until `linger` after the last one, and survives every reconnect, each time under a new ref.
// Pure but for its own state and the clock. Not here: frames (runtime.ts), models (rebase.ts).
import type { Cancel, SteadyClock, TargetKey, UnsubscribedCode } from "@calla/shared";
import type { Stop } from "../base/notifier.ts";

/** `off`: not wanted. `asked`: no answer yet. `answered`: the newest ref was. `refused`: for good, until asked anew. */
export type Phase = "off" | "asked" | "answered" | "refused";

export interface Subscription {
  readonly target: TargetKey;
  phase: Phase;
  /** Names the newest asking; answers to older ones count for nothing (CL4). */
  ref: number;
  holders: number;
  /** Wanted by the server: subscribed without holders until it says otherwise. */
  pinned: boolean;
  /** When it was asked for: what was sent before is covered by the answer. */
  askedAt: number;
  /** Asked for news only: it was live, and counts as that meanwhile (HT10). */
  polling: boolean;
  /** Why it was refused. */
  code: UnsubscribedCode | "";
  /** Refused as missing: it is asked for again when the server says so and on each new connection (CL18). */
  absent: boolean;
  lingering: Cancel | undefined;
  retrying: Cancel | undefined;
}

/** What the owner does about it: asking sends a frame if there is a connection, dropping forgets the model. */
export interface SubscriptionEffects {
  ask(subscription: Subscription): void;
  /** `ref` 0: the server has ended it already. */
  drop(subscription: Subscription, ref: number): void;
  /** For the last time it is as it was: `drop` is next. */
  leave(subscription: Subscription): void;
}

export const newSubscription = (target: TargetKey): Subscription => ({
  target,
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
export const isFollowed = ({ phase }: Subscription): boolean => phase === "asked" || phase === "answered";

export interface Subscriptions {
  /** One more holder; the first asks. Returns its undo. */
  retain(subscription: Subscription): Stop;
  /** A new ref: from here on only its answer counts. */
  renew(subscription: Subscription): number;
  /** Asks again at once, or after `delay`. */
  ask(subscription: Subscription, delay?: number): void;
  /** The end, without telling anybody: off, or refused for a reason. */
  stop(subscription: Subscription, code?: UnsubscribedCode): void;
}

export function createSubscriptions(
  clock: SteadyClock,
  linger: number,
  effects: SubscriptionEffects,
): Subscriptions {
  let lastRef = 0;
  const engine: Subscriptions = {
    retain(subscription) {
      subscription.holders++;
      subscription.lingering?.();
      if (!isFollowed(subscription)) engine.ask(subscription);
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        // Nothing is left of those of a closed client.
        if (--subscription.holders || subscription.pinned || subscription.phase === "off") return;
        subscription.lingering = clock.setTimeout(() => {
          const { ref, phase, absent } = subscription;
          effects.leave(subscription);
          engine.stop(subscription);
          effects.drop(subscription, phase === "refused" && !absent ? 0 : ref);
        }, linger);
      };
    },
    renew(subscription) {
      subscription.retrying?.();
      subscription.retrying = undefined;
      subscription.phase = "asked";
      subscription.polling = false;
      subscription.askedAt = clock.monotonic();
      return (subscription.ref = ++lastRef);
    },
    ask(subscription, delay) {
      engine.renew(subscription);
      if (delay === undefined) effects.ask(subscription);
      else subscription.retrying = clock.setTimeout(() => engine.ask(subscription), delay);
    },
    stop(subscription, code) {
      subscription.retrying?.();
      subscription.lingering?.();
      subscription.phase = code === undefined ? "off" : "refused";
      subscription.code = code ?? "";
      subscription.absent = code === "missing";
      subscription.pinned = false;
    },
  };
  return engine;
}
