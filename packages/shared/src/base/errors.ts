// Every error Calla makes: one class, a closed union of codes. What each code means, and what to do about it, is in
// codes/error-codes.ts, which no bundle needs. What crosses the wire as a refusal is a value (`Rejected`), never one of
// these.
import { DEV } from "#dev/switch";
import type { ErrorCode } from "../codes/error-codes.ts";
import type { AnyCode } from "../codes/unions.ts";

/**
 * The one error class. `code` tells what kind, `details` the particulars, `message` what to do about it, or the code
 * where that says enough. One that was caught may have any code of Calla's: a typo in a comparison does not compile. In
 * a client look for `RejectedError` first, which has the codes of slices too.
 *
 * @example
 * try { topic.dispatch(message) } catch (error) { if (error instanceof CallaError && error.code === "invalid") … }
 */
export interface CallaError<Code extends string = AnyCode> extends Error {
  readonly name: "CallaError";
  readonly code: Code;
  readonly details: unknown;
}

interface CallaErrorClass {
  /** `message`: false where a build for production has left it out (`DEV && "…"`). */
  new <Code extends AnyCode>(code: Code, details?: unknown, message?: string | false): CallaError<Code>;
  /** What `instanceof` finds: of a generic class it would be a `CallaError<any>`, whose code equals any text. */
  readonly prototype: CallaError<AnyCode>;
}

/** The class of it, for `instanceof`. A storage or a transport of your own throws one with a code of the table. */
export const CallaError: CallaErrorClass = class<Code extends string> extends Error {
  override readonly name = "CallaError";
  readonly code: Code;
  readonly details: unknown;

  constructor(code: Code, details: unknown = {}, message: string | false = code) {
    super(message || code);
    this.code = code;
    this.details = details;
  }
} as CallaErrorClass;

/** An error of one slice, said to be so; `message` is the message type that it happened with. */
export const sliceError = (
  code: ErrorCode,
  slice: string,
  what: string | false,
  details?: { readonly message: string; readonly cause: unknown },
): CallaError => new CallaError(code, { slice, ...details }, DEV && `Slice "${slice}": ${what}`);

/**
 * The message of what was thrown, of whatever realm; what has none as a text.
 *
 * @example
 * messageOf(new TypeError("no")); // "no"
 */
export function messageOf(thrown: unknown): string {
  const { message } = (thrown ?? {}) as { readonly message?: unknown };
  return typeof message === "string" ? message : String(thrown);
}

/**
 * What was thrown, as a text. Thrown things are anything, their texts included.
 *
 * @example
 * describe(new TypeError("no")); // "TypeError: no"
 */
export function describe(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  } catch {
    return "something without a text";
  }
}
