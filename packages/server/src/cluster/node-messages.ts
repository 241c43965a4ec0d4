// Messages between nodes over one log: an append happened, read on; rights have changed, check anew; disconnect a
// client. A message may be late, doubled or lost; a node ignores its own.
import { CallaError } from "@calla/shared";
import type { Cursor, TargetKey } from "@calla/shared";
import { isKick } from "../identity/kick.ts";
import type { Kick } from "../identity/kick.ts";
import type { PubSub } from "./pubsub.ts";
import { isCarried, rungRecords } from "./rung-records.ts";
import type { RungRecords } from "./rung-records.ts";
import { isRightsChange } from "../identity/rights-change.ts";
import type { RightsChange } from "../identity/rights-change.ts";

interface Ringing {
  readonly node: string;
  readonly log: { readonly shared: boolean };
  readonly pubsub: PubSub;
}

/** One channel for all that is told of a target: a subscription costs a broker more than a word that is not for it. */
const channelOf = (key: TargetKey): string => `target:${key}`;

/** Tells other nodes that a target's log has grown, and by what, if it is small. `bytes`: about how much was stored. */
export function ring(
  { node, log, pubsub }: Ringing,
  key: TargetKey,
  grown?: RungRecords,
  bytes?: number,
): void {
  if (!log.shared) return;
  const carried = grown !== undefined && isCarried(grown, bytes) ? grown : {};
  pubsub.publish(channelOf(key), { node, kind: "appended", ...carried });
}

/** What a node's model of a target hashes to, at a place of its history. */
export interface Digest extends Cursor {
  readonly digest: number;
}

/** Tells the other nodes. */
export function tellDigest({ node, log, pubsub }: Ringing, key: TargetKey, digest: Digest): void {
  if (log.shared) pubsub.publish(channelOf(key), { node, kind: "digest", ...digest });
}

/** A push on its way. `except`: the client in whose name it is, wherever it is connected. */
export interface RelayedPush {
  readonly pushed: readonly unknown[];
  readonly except?: string | undefined;
}

/** Tells the other nodes of a push, whether or not they share the log. */
export const tellPush = (
  { node, pubsub }: Pick<Ringing, "node" | "pubsub">,
  key: TargetKey,
  { pushed, except }: RelayedPush,
): void =>
  pubsub.publish(channelOf(key), { node, kind: "push", pushed, ...(except !== undefined && { except }) });

/** Who wants to hear what of a target; the rest is passed over. */
export interface TargetListener {
  /** `grown`: what was appended, where the ring has brought it along. */
  rang?(grown: RungRecords | undefined): void;
  digest?(digest: Digest): void;
  push?(push: RelayedPush): void;
}

/** Calls back with what other nodes tell of a target; returns the undo. A payload that says nothing of the kind is an error. */
export const hearTarget = (
  { node, pubsub }: Pick<Ringing, "node" | "pubsub">,
  key: TargetKey,
  hears: TargetListener,
): (() => void) =>
  pubsub.subscribe(channelOf(key), (payload) => {
    const {
      node: by,
      kind,
      after,
      records,
      sequence,
      mark,
      digest,
      pushed,
      except,
    } = payload as Readonly<Record<string, unknown>>;
    if (by === node) return;
    if (kind === "appended") return hears.rang?.(rungRecords(after, records));
    if (kind === "digest" && isInteger(sequence) && isInteger(mark) && isInteger(digest))
      return hears.digest?.({ sequence, mark, digest });
    if (kind === "push" && Array.isArray(pushed) && (except === undefined || typeof except === "string"))
      return hears.push?.({ pushed, except });
    throw new CallaError("protocol", { channel: channelOf(key) });
  });

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

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
