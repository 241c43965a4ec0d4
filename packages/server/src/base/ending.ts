// How a connection and a subscription end: by a code. Whether the client tries again by itself, the code's table knows
// (PR6); of the few codes that are "either", whoever ends it says so. What stands in a frame is made here and nowhere else.
import { closingCodes, unsubscribedCodes } from "@calla/shared/codes";
import type { OpenCode } from "@calla/shared/codes";
import type { AppCode } from "@calla/shared";

interface Said<Code extends string> {
  readonly code: Code;
  readonly retryable: boolean;
}
type End<Table, OfApp extends string = never> =
  | Exclude<keyof Table & string, OpenCode<Table>>
  | Said<OpenCode<Table> | OfApp>;

/** Why the server ends a connection. */
export type ConnectionEnd = End<typeof closingCodes, AppCode>;
/** Why a client has no subscription to a topic, or no longer. */
export type SubscriptionEnd = End<typeof unsubscribedCodes>;

/** As a `Closing` says it. */
export const connectionEnd = (end: ConnectionEnd) =>
  typeof end === "string" ? { code: end, retryable: closingCodes[end].retryable } : end;
/** As an `Unsubscribed` says it. */
export const subscriptionEnd = (end: SubscriptionEnd) =>
  typeof end === "string" ? { code: end, retryable: unsubscribedCodes[end].retryable } : end;
