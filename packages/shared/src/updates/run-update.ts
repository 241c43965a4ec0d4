// Runs one update with a context of its own, and says what came of it.
import { told } from "#dev/describe";
import { DEV } from "#dev/switch";
import type { Context } from "../wiring/context.ts";
import { sliceError } from "../base/errors.ts";
import type { CallaError } from "../base/errors.ts";
import type { ErrorCode } from "../codes/error-codes.ts";
import { withoutUndefined } from "../values/present.ts";
import type { Message, ModelSlice } from "../wiring/slice.ts";
import { check, ignorePromise } from "../wiring/standard.ts";
import type { Checked } from "../wiring/standard.ts";

/** What the record says beside the message: whatever a context may give. */
export interface ContextValues {
  readonly at: number;
  readonly userId: string | null;
  /** The name of an author that nobody has signed in (author.ts); "" for a user, and for the server itself. */
  readonly visitor: string;
  readonly messageId: string;
}

/** What became of one message. `ids`: how many ids its dispatch has made so far. */
export type UpdateStep =
  | { readonly ok: true; readonly model: unknown; readonly ids: number }
  | { readonly ok: false; readonly kind: "rejected"; readonly code: string; readonly details: unknown }
  | { readonly ok: false; readonly kind: "threw"; readonly error: CallaError };
type UpdateRefusal = Extract<UpdateStep, { ok: false }>;

/** Thrown by `context.reject` to leave the update; what it means is in `refusal`, so catching it changes nothing. */
const LEAVE: unknown = /* @__PURE__ */ new Error(DEV ? "context.reject was called; let it pass." : "");

type AnyUpdate = (model: unknown, message: Message, context: Context<Record<string, unknown>>) => unknown;

/**
 * Text as letters, digits, "_", "-" and "~" with four hexadecimal digits for anything else. No two texts give the same,
 * and no "~" is followed by a letter beyond f: so an id says which part is its author's, and nobody makes another's.
 */
const plain = (text: string): string =>
  text.replace(/[^\w-]/g, (unit) => `~${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

const authorPart = (userId: string | null, visitor: string): string =>
  userId === null ? visitor && `~v${visitor}` : `~u${plain(userId)}`;

/** Never throws. */
export function runUpdate(
  slice: ModelSlice,
  model: unknown,
  message: Message,
  { at, userId, visitor, messageId }: ContextValues,
  idsBefore: number,
): UpdateStep {
  const { type } = message;
  if (!Object.hasOwn(slice.update, type))
    return threw(slice, type, DEV && "is not in this version of the slice.");
  let refusal: UpdateRefusal | undefined;
  let ids = idsBefore;
  let over = false;
  const checkTime = (): void => {
    if (over) throw updateError(slice, type, DEV && "has returned; its context cannot be used any more.");
  };
  const context: Context<Record<string, unknown>> = {
    at,
    userId,
    id: () => {
      checkTime();
      return `${plain(messageId)}-${++ids}${authorPart(userId, visitor)}`;
    },
    reject: (code, details) => {
      checkTime();
      refusal ??= rejection(slice, type, code, details);
      throw LEAVE;
    },
  };
  let next: unknown;
  try {
    next = (slice.update[type] as AnyUpdate)(model, message, context);
  } catch (error) {
    // A rejection is final even if the update caught it and then tripped over something else.
    return refusal ?? threw(slice, type, DEV && `threw: ${told(error)}`, error);
  } finally {
    over = true;
  }
  const problem = noModel(next);
  // A rejection counts whatever is returned after it, but not for what goes on in a promise.
  if (refusal !== undefined && (next === undefined || problem === undefined)) return refusal;
  if (problem !== undefined) return threw(slice, type, problem);
  return { ok: true, model: next, ids };
}

/** What keeps a function's result from being a model, whatever its schema. */
export function noModel(result: unknown): string | false | undefined {
  if (result === undefined) return DEV && "returned undefined; it must return the model.";
  return ignorePromise(result) ? DEV && "returned a promise; it must be synchronous." : undefined;
}

/** A rejection whose code or details are not what the slice declares is a mistake, not a rejection. */
function rejection(slice: ModelSlice, type: string, code: string, details: unknown): UpdateRefusal {
  const schema = Object.hasOwn(slice.rejections, code) ? slice.rejections[code] : undefined;
  let checked: Checked | undefined;
  let cause: unknown;
  try {
    checked = schema && check(schema, withoutUndefined(details));
    if (checked?.ok) return { ok: false, kind: "rejected", code, details: withoutUndefined(checked.value) };
  } catch (error) {
    cause = error;
  }
  const problem =
    DEV &&
    (checked?.ok === false
      ? `with wrong details: ${JSON.stringify(checked.issues)}`
      : schema
        ? `whose schema threw: ${told(cause)}`
        : "which is not in the slice's rejections");
  return threw(slice, type, DEV && `rejected with "${code}", ${problem}.`, cause);
}

/** A refusal for something the programmer did. */
export const threw = (
  slice: ModelSlice,
  type: string,
  what: string | false,
  cause?: unknown,
  code?: "strict",
): UpdateRefusal => ({ ok: false, kind: "threw", error: updateError(slice, type, what, cause, code) });

const updateError = (
  { name }: ModelSlice,
  message: string,
  what: string | false,
  cause?: unknown,
  code: ErrorCode = "update-threw",
): CallaError => sliceError(code, name, DEV && `the update of "${message}" ${what}`, { message, cause });
