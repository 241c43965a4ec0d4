// Every error Calla makes: one class, a closed union of codes. What each code means is in error-sentences.ts, which
// no bundle needs. What crosses the wire as a refusal is a value (`Rejected`), never one of these.

import { DEV } from "#dev/switch";

/** The closed union of error codes. */
export type ErrorCode =
  | "wiring"
  | "topic"
  | "strict"
  | "invalid"
  | "invalid-value"
  | "undecodable"
  | "hostile-key"
  | "too-deep"
  | "too-large"
  | "protocol"
  | "version"
  | "skipped"
  | "diverged"
  | "update-threw"
  | "hook"
  | "storage"
  | "transport"
  | "forbidden"
  | "unhandled"
  | "client-expired"
  | "queue-full"
  | "held"
  | "cancelled"
  | "removed"
  | "missing"
  | "compacted"
  | "closed"
  | "rejected";

/**
 * The one error class. `code` tells what kind, `details` the particulars, `message` what to do about it, or the code
 * where that says enough.
 *
 * @example
 * try { topic.dispatch(message) } catch (error) { if (error instanceof CallaError && error.code === "invalid") … }
 */
export class CallaError<Code extends string = ErrorCode> extends Error {
  override readonly name = "CallaError";
  readonly code: Code;
  readonly details: unknown;

  /** `message`: false where a build for production has left it out (`DEV && "…"`). */
  constructor(code: Code, details: unknown = {}, message: string | false = code) {
    super(message || code);
    this.code = code;
    this.details = details;
  }
}

/** An error of one slice, said to be so; `message` is the message type that it happened with. */
export const sliceError = (
  code: ErrorCode,
  slice: string,
  what: string | false,
  details?: { readonly message: string; readonly cause: unknown },
): CallaError => new CallaError(code, { slice, ...details }, DEV && `Slice "${slice}": ${what}`);

/** What was thrown, as a text. Thrown things are anything, their texts included. */
export function describe(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  } catch {
    return "something without a text";
  }
}
