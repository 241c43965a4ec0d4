// What watchers are told, as frames that many share: each encoded once per format, and small enough to be read.
import type { ServerFrames, TargetKey, WireMember } from "@calla/shared";
import { Shared } from "../context/encoder.ts";
import type { Encoder } from "../context/encoder.ts";
import type { MemberPage } from "./member-pages.ts";

/** Bytes of one frame, about: a quarter of what a client takes. */
const PART_BYTES = 262_144;
/** So many members are tried in one frame. */
const MOST = 1_000;

export interface ToldChange {
  readonly joins: readonly WireMember[];
  readonly leaves: readonly number[];
}

type Presence = ServerFrames["Presence"];

/** `encoder`: the one by which their bytes are counted. `whole`: in place of what was known, also where it is nobody. */
export function presenceFrames(
  target: TargetKey,
  { joins, leaves }: ToldChange,
  encoder: Encoder,
  whole = false,
): readonly Shared[] {
  const frames: Shared[] = [];
  for (let at = 0; at === 0 || at < Math.max(joins.length, leaves.length); at += MOST) {
    const change = { joins: joins.slice(at, at + MOST), leaves: leaves.slice(at, at + MOST) };
    split({ type: "Presence", target, ...(whole && at === 0 ? { whole } : {}), ...change }, encoder, frames);
  }
  return frames;
}

/** As much of a page of members as makes one frame. */
export function readable(target: TargetKey, page: MemberPage, encoder: Encoder): MemberPage {
  const { members } = page;
  const { bytes } = encoder.encode({ type: "Members", target, ref: 0, ...page });
  if (members.length < 2 || bytes.length <= PART_BYTES) return page;
  return readable(target, { members: members.slice(0, members.length >> 1), more: true }, encoder);
}

/** Only how many there are. */
export const countFrame = (target: TargetKey, count: number): Shared =>
  new Shared({ type: "Presence", target, joins: [], leaves: [], count });

/** In halves, as long as it is too large. */
function split(frame: Presence, encoder: Encoder, into: Shared[]): void {
  const shared = new Shared(frame);
  const { joins, whole, ...rest } = frame;
  if (joins.length < 2 || shared.in(encoder).bytes.length <= PART_BYTES) return void into.push(shared);
  const half = joins.length >> 1;
  split({ ...rest, ...(whole === undefined ? {} : { whole }), joins: joins.slice(0, half) }, encoder, into);
  split({ ...rest, joins: joins.slice(half), leaves: [] }, encoder, into);
}
