// The targets in use: made when first looked at, forgotten when nothing of them is in use any more; and that something of
// them has changed, which ends the turn. Not here: what happens at its end (life.ts).
import { OWN_SESSION } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { backoff } from "../base/backoff.ts";
import { signal } from "../base/notifier.ts";
import { authorOf } from "./identity.ts";
import { createRoom } from "./kept-predictions.ts";
import type { AnyState, Core, Dispatch, Pushed, Queue, Target } from "./records.ts";
import { foldOf, Replica } from "./replica.ts";
import { loading, newSubscription } from "./state.ts";

export function targetOf(core: Core, key: TargetKey): Target {
  let found = core.targets.get(key);
  if (!found) {
    const slice = key === OWN_SESSION ? core.wiring.session : core.wiring.sliceOf(key)?.slice;
    found = {
      key,
      slice,
      subscription: newSubscription(),
      queue: queueOf(core, key),
      delays: backoff(core.reconnect, core.random),
      replica: new Replica<Dispatch>(
        foldOf(slice, core.strict),
        createRoom(core.space),
        core.same,
        // A local reject may be overruled; a throw is a bug worth hearing of. Either way the message is sent (RB4).
        (failed) => failed.kind === "threw" && core.report(failed.error),
      ),
      author: authorOf(core, key),
      at: 0,
      head: 0,
      owed: 0,
      state: loading,
      unlike: [],
      told: loading,
      replayed: { at: -Infinity, taking: 0, took: 0 },
      changes: signal<AnyState>(core.report),
      pushes: signal<Pushed>(core.report),
    };
    core.targets.set(key, found);
  }
  return found;
}

/** Its mids outlive the target. */
export function queueOf({ queues }: Pick<Core, "queues">, target: TargetKey): Queue {
  let queue = queues.get(target);
  if (!queue) {
    queue = {
      target,
      entries: [],
      last: 0,
      settled: 0,
      loaded: 0,
      known: 0,
      said: 0,
      conflict: Infinity,
    };
    queues.set(target, queue);
  }
  return queue;
}

/** Nothing of it is in use: the next look makes it anew, perhaps before this. Its mids stay with its queue. */
export function forget({ targets }: Core, one: Target): void {
  const { key, subscription, replica } = one;
  if (subscription.phase === "off" && replica.count === 0 && targets.get(key) === one) targets.delete(key);
}

/** Its state may have changed: listeners hear it at the end of the turn. */
export function touch(core: Core, one: Target): void {
  core.changed.add(one);
  due(core);
}

/** Ends the turn: asked for as often as anything has changed, done once. */
export function due(core: Core): void {
  if (core.isDue) return;
  core.isDue = true;
  core.clock.defer(core.endTurn);
}
