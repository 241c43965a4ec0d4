// How long a member stays listed after its connection has ended: as long as its client may take to come back, or not at all
// where it does not come back, or may not.
import type { AppCode, ClosingCode } from "@calla/shared";

/** Milliseconds for a client that comes back at once: its network has changed, its page was frozen, a proxy has cut it off. */
export const GRACE = 10_000;
/** Milliseconds that a client takes to be let in, behind the moment that it has chosen to come back at. */
const TO_BE_LET_IN = 2_000;
/** A client that polls says how long it is here without another word: it is believed up to so many milliseconds. */
const LONGEST_POLL = 120_000;

/** Ends for technical reasons: the client comes back by itself and has lost no right meanwhile. "": its line broke. */
const COMES_BACK: ReadonlySet<ClosingCode | AppCode | ""> = new Set([
  "",
  "busy",
  "draining",
  "failed",
  "rate",
  "slow",
  "stopping",
  // By another connection of the same client.
  "superseded",
  "too-many-connections",
  "too-slow",
  "transport",
]);

/** How a connection has ended. Times are milliseconds. */
export interface ConnectionLoss {
  /** Why the server ended it; "": it did not. */
  readonly code: ClosingCode | AppCode | "";
  /** Its peer has closed it on purpose: its page is gone, or its app. */
  readonly farewell: boolean;
  /** Over how long its client spreads its return, as it was told by the server's last word, or before that. */
  readonly within: number;
}

/** 0: it is gone at once. */
export function graceOf({ code, farewell, within }: ConnectionLoss): number {
  if (farewell || !COMES_BACK.has(code)) return 0;
  return Math.max(GRACE, within > 0 ? within + TO_BE_LET_IN : 0);
}

/** The same of a poll, which has ended because it had its answer. */
export const pollGrace = (within: number | undefined): number => Math.min(within ?? GRACE, LONGEST_POLL);
