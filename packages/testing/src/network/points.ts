// The moments in a conversation at which a cut hurts most, by name. Each is the last instant before a certain packet
// would have arrived.
import type { ClientFrame, ServerFrame } from "@calla/shared";

/**
 * `before-hello`, `before-connected`: during the handshake. `before-receive`: a message, before the server has it.
 * `before-outcome`: after the server's commit, before its acknowledgement (or refusal). `before-settled`,
 * `before-catch-up`: during a resync, before its first answer and between that and what was missed.
 */
export type CutPoint =
  | "before-hello"
  | "before-connected"
  | "before-receive"
  | "before-outcome"
  | "before-settled"
  | "before-catch-up";

/** Every `CutPoint`, for tests that cut at each of them. */
export const CUT_POINTS: readonly CutPoint[] = [
  "before-hello",
  "before-connected",
  "before-receive",
  "before-outcome",
  "before-settled",
  "before-catch-up",
];

const CLIENT: Partial<Record<CutPoint, readonly ClientFrame["type"][]>> = {
  "before-hello": ["Hello"],
  "before-receive": ["TopicMessage"],
};
const SERVER: Partial<Record<CutPoint, readonly ServerFrame["type"][]>> = {
  "before-connected": ["Connected"],
  "before-outcome": ["TopicUpdate", "Acknowledge", "Rejected"],
  "before-settled": ["Settled"],
};

/** Whether these frames, about to reach the server, are the ones to cut in front of. */
export const stopsBeforeServer = (point: CutPoint, frames: readonly ClientFrame[]): boolean =>
  frames.some(({ type }) => CLIENT[point]?.includes(type) === true);

/** The same towards the client; `last` is the type of the frame that reached it before. */
export const stopsBeforeClient = (
  point: CutPoint,
  frames: readonly ServerFrame[],
  last: ServerFrame["type"] | undefined,
): boolean =>
  point === "before-catch-up"
    ? last === "Settled" && frames.some(({ type }) => type === "Snapshot" || type === "TopicUpdate")
    : frames.some(({ type }) => SERVER[point]?.includes(type) === true);
