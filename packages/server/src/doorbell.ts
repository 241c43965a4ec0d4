// Between nodes over one log: an append happened, read on. A ring may be late, double or lost; one's own tells nothing.
import type { TargetKey } from "@calla/shared";
import type { PubSub } from "./pubsub.ts";

interface Ringing {
  readonly node: string;
  readonly log: { readonly shared: boolean };
  readonly pubsub: PubSub;
}

const channel = (key: TargetKey): string => `appended:${key}`;

/** Tells other nodes that a target's log has grown. */
export function ring({ node, log, pubsub }: Ringing, key: TargetKey): void {
  if (log.shared) pubsub.publish(channel(key), node);
}

/** Calls back when another node rings; returns the undo. */
export const hearRing = ({ node, pubsub }: Ringing, key: TargetKey, rang: () => void): (() => void) =>
  pubsub.subscribe(channel(key), (by) => {
    if (by !== node) rang();
  });
