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

/** From which state to which some frames lead. */
export interface Chain {
  /** undefined: in place of what was known, also where it is nobody. */
  readonly after: number | undefined;
  readonly at: number;
  /** Names a state on the way. */
  next(): number;
}

/** `encoder`: the one by which their bytes are counted. */
export function presenceFrames(
  target: TargetKey,
  change: ToldChange,
  encoder: Encoder,
  { after, at, next }: Chain,
): readonly Shared[] {
  const frame = (part: ToldChange, from: number | undefined, to: number): Presence => ({
    type: "Presence",
    target,
    ...(from === undefined ? {} : { after: from }),
    at: to,
    ...part,
  });
  const one = new Shared(frame(change, after, at));
  const bytes = (): number => one.in(encoder).bytes.length;
  if (sizeOf(change) < 2 || (sizeOf(change) <= MOST && bytes() <= PART_BYTES)) return [one];
  const frames: Shared[] = [];
  let from = after;
  const parts = partsOf(change, (part) => encoder.encode(frame(part, at, at)).bytes.length);
  for (const [i, part] of parts.entries()) {
    const to = i === parts.length - 1 ? at : next();
    frames.push(new Shared(frame(part, from, to)));
    from = to;
  }
  return frames;
}

const sizeOf = ({ joins, leaves }: ToldChange): number => joins.length + leaves.length;

/** In halves, as long as one is too large. */
function partsOf(change: ToldChange, bytesOf: (change: ToldChange) => number): readonly ToldChange[] {
  const size = sizeOf(change);
  if (size < 2 || (size <= MOST && bytesOf(change) <= PART_BYTES)) return [change];
  const { joins, leaves } = change;
  const [come, gone] = [Math.ceil(joins.length / 2), leaves.length >> 1];
  return [
    ...partsOf({ joins: joins.slice(0, come), leaves: leaves.slice(0, gone) }, bytesOf),
    ...partsOf({ joins: joins.slice(come), leaves: leaves.slice(gone) }, bytesOf),
  ];
}

/** As much of a page of members as makes one frame. */
export function readable(target: TargetKey, page: MemberPage, encoder: Encoder): MemberPage {
  const { members } = page;
  const { bytes } = encoder.encode({ type: "Members", target, ref: 0, ...page });
  if (members.length < 2 || bytes.length <= PART_BYTES) return page;
  return readable(target, { members: members.slice(0, members.length >> 1), more: true }, encoder);
}

/** Only how many there are. */
export const countFrame = (target: TargetKey, at: number, count: number): Shared =>
  new Shared({ type: "Presence", target, at, joins: [], leaves: [], count });
