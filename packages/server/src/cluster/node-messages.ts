// Messages between nodes over one log: an append happened, read on; rights have changed, check anew; disconnect a
// client. A message may be late, doubled or lost; a node ignores its own.
import { CallaError } from "@calla/shared";
import type { Cursor, TargetKey } from "@calla/shared";
import { isKick } from "../identity/kick.ts";
import type { Kick } from "../identity/kick.ts";
import type { PubSub } from "./pubsub.ts";
import { isRightsChange } from "../identity/rights-change.ts";
import type { RightsChange } from "../identity/rights-change.ts";

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

/** What a node's model of a target hashes to, at a place of its history. */
export interface Digest extends Cursor {
  readonly digest: number;
}

const digests = (key: TargetKey): string => `digest:${key}`;

/** Tells the other nodes. */
export function tellDigest({ node, log, pubsub }: Ringing, key: TargetKey, digest: Digest): void {
  if (log.shared) pubsub.publish(digests(key), { node, ...digest });
}

/** Calls back with another node's; returns the undo. */
export const hearDigest = (
  { node, pubsub }: Ringing,
  key: TargetKey,
  told: (digest: Digest) => void,
): (() => void) =>
  pubsub.subscribe(digests(key), (payload) => {
    const { node: by, sequence, mark, digest } = payload as Digest & { readonly node: unknown };
    if (by !== node && [sequence, mark, digest].every(Number.isSafeInteger)) told({ sequence, mark, digest });
  });

const RIGHTS = "reauthorise";

/** Tells the other nodes whose rights have changed. */
export function tellRights({ node, log, pubsub }: Ringing, whose: RightsChange): void {
  if (log.shared) pubsub.publish(RIGHTS, { node, whose });
}

/** Calls back when another node tells it; returns the undo. A payload that says nothing of the kind is an error. */
export const hearRights = ({ node, pubsub }: Ringing, told: (whose: RightsChange) => void): (() => void) =>
  pubsub.subscribe(RIGHTS, (payload) => {
    const { node: by, whose } = payload as { readonly node: unknown; readonly whose: unknown };
    if (by === node) return;
    if (!isRightsChange(whose)) throw new CallaError("protocol", { channel: RIGHTS });
    told(whose);
  });

const KICKS = "disconnect";

/** Tells the other nodes which client is sent away. */
export function tellKick({ node, log, pubsub }: Ringing, kick: Kick): void {
  if (log.shared) pubsub.publish(KICKS, { node, kick });
}

/** Calls back when another node tells it; returns the undo. A payload that says nothing of the kind is an error. */
export const hearKick = ({ node, pubsub }: Ringing, told: (kick: Kick) => void): (() => void) =>
  pubsub.subscribe(KICKS, (payload) => {
    const { node: by, kick } = payload as { readonly node: unknown; readonly kick: unknown };
    if (by === node) return;
    if (!isKick(kick)) throw new CallaError("protocol", { channel: KICKS });
    told(kick);
  });
