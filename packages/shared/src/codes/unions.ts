// The unions that fields of a client and a server have, made of the tables.
import type { AppCode, ClosingCode } from "./closing-codes.ts";
import type { ConnectionCode } from "./connection-codes.ts";
import type { ErrorCode } from "./error-codes.ts";
import type { ObservedCode } from "./observed-codes.ts";
import type { CallaRejectionCode } from "./rejection-codes.ts";
import type { RequestCode } from "./request-codes.ts";
import type { UnsubscribedCode } from "./unsubscribed-codes.ts";
import type { UntrackedCode } from "./untracked-codes.ts";

/**
 * Why a client's connection is as it is. A newer server may have a code that is not among these: a `switch` has a
 * `default`, and `status.connection` says what becomes of it.
 *
 * @example
 * switch (client.status.reason) { case "unauthenticated": return signIn(); case "superseded": … }
 */
export type StatusReason = ClosingCode | ConnectionCode | "origin" | "host" | AppCode;

/** Why a topic is refused, or stays stale: the topic's own reason, or why the client is not to come back. */
export type TopicCode = UnsubscribedCode | StatusReason;

/** What a server's `onRefused` hears as a code of Calla's. */
export type RefusedCode =
  | ClosingCode
  | UnsubscribedCode
  | CallaRejectionCode
  | RequestCode
  | UntrackedCode
  | ObservedCode;

/** Every code that a CallaError which was caught can have. */
export type AnyCode = ErrorCode | CallaRejectionCode | TopicCode | UntrackedCode;
