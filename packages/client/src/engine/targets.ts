// The targets in use: made when first looked at, forgotten when nothing of them is in use any more.
import { OWN_SESSION } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { signal } from "../base/notifier.ts";
import { backoff } from "../base/backoff.ts";
import { createCompare } from "./compare.ts";
import { createRoom } from "./kept-predictions.ts";
import { queueOf } from "./outbox.ts";
import { emptyReplica } from "./rebase.ts";
import type { AnyState, Core, Pushed, Target } from "./records.ts";
import { loading, newSubscription } from "./state.ts";

export function targetOf(core: Core, key: TargetKey): Target {
  let found = core.targets.get(key);
  if (!found) {
    found = {
      key,
      slice: key === OWN_SESSION ? core.wiring.session : core.wiring.sliceOf(key)?.slice,
      subscription: newSubscription(),
      queue: queueOf(core, key),
      delays: backoff(core.reconnect, core.random),
      replica: emptyReplica(),
      room: createRoom(core.space),
      same: createCompare(core.serialiser),
      at: 0,
      awaited: undefined,
      diverged: undefined,
      head: 0,
      owed: 0,
      outgoing: [],
      state: loading,
      told: loading,
      changes: signal<AnyState>(core.report),
      pushes: signal<Pushed>(core.report),
      ready: undefined,
      handle: undefined,
    };
    core.targets.set(key, found);
  }
  return found;
}

/** Nothing of it is in use: the next look makes it anew. Its mids stay with its queue. */
export function forget(core: Core, { key, subscription, replica }: Target): void {
  if (subscription.phase === "off" && replica.pending.length === 0) core.targets.delete(key);
}

/** Its state may have changed: listeners hear it at the end of the turn. */
export function touch(core: Core, one: Target): void {
  core.changed.add(one);
  core.due();
}
