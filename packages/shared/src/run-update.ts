// Runs one update with a context of its own, and says what came of it.
import type { Context } from "./context.ts";
import { CallaError } from "./errors.ts";
import type { Message, ModelSlice } from "./slice.ts";
import { check, ignoreOutcome, issuesText, isThenable } from "./standard.ts";

/** What the record says beside the message: whatever a context may give. */
export interface ContextValues {
  readonly at: number;
  readonly userId: string | null;
  readonly messageId: string;
}

/** What became of one message. `ids`: how many ids its dispatch has made so far. */
export type Step =
  | { readonly ok: true; readonly model: unknown; readonly ids: number }
  | { readonly ok: false; readonly kind: "rejected"; readonly code: string; readonly details: unknown }
  | { readonly ok: false; readonly kind: "threw"; readonly error: CallaError };
type Refusal = Extract<Step, { ok: false }>;

/** Thrown by `context.reject` to leave the update; what it means is in `refusal`, so catching it changes nothing. */
const LEAVE = new Error("context.reject was called; let it pass.");

type AnyUpdate = (model: unknown, message: Message, context: Context<Record<string, unknown>>) => unknown;

/** Never throws. */
export function runUpdate(
  slice: ModelSlice,
  model: unknown,
  message: Message,
  values: ContextValues,
  idsBefore: number,
): Step {
  const { type } = message;
  if (!Object.hasOwn(slice.update, type)) {
    return threw(slice, type, "is not in this slice; its record comes from another version.");
  }
  let refusal: Refusal | undefined;
  let ids = idsBefore;
  let over = false;
  const context: Context<Record<string, unknown>> = {
    at: values.at,
    userId: values.userId,
    id: () => {
      if (over) throw late(slice, type);
      return `${values.messageId}-${++ids}`;
    },
    reject: (code, details) => {
      if (over) throw late(slice, type);
      refusal ??= rejection(slice, type, code, details);
      throw LEAVE;
    },
  };
  let next: unknown;
  try {
    next = (slice.update[type] as AnyUpdate)(model, message, context);
  } catch (error) {
    // A rejection is final even if the update caught it and then tripped over something else.
    return refusal ?? threw(slice, type, `threw: ${text(error)}`, error);
  } finally {
    over = true;
  }
  if (isThenable(next)) {
    ignoreOutcome(next);
    return threw(slice, type, "returned a promise; an update must be synchronous.");
  }
  if (refusal !== undefined) return refusal;
  if (next === undefined)
    return threw(slice, type, "returned undefined; it must return the model, changed or not.");
  return { ok: true, model: next, ids };
}

/** A rejection whose code or details are not what the slice declares is a mistake, not a rejection. */
function rejection(slice: ModelSlice, type: string, code: string, details: unknown): Refusal {
  const schema = Object.hasOwn(slice.rejections, code) ? slice.rejections[code] : undefined;
  if (schema === undefined)
    return threw(slice, type, `rejected with "${code}", which is not in the slice's rejections.`);
  try {
    const checked = check(schema, details);
    if (checked.ok) return { ok: false, kind: "rejected", code, details: checked.value };
    return threw(slice, type, `rejected with "${code}" and wrong details: ${issuesText(checked.issues)}.`);
  } catch (error) {
    return threw(slice, type, `rejected with "${code}", whose schema threw: ${text(error)}`, error);
  }
}

/** A refusal for something the programmer did, naming slice and message. */
export const threw = (
  slice: ModelSlice,
  type: string,
  what: string,
  cause?: unknown,
  code: "update-threw" | "strict" = "update-threw",
): Refusal => ({
  ok: false,
  kind: "threw",
  error: new CallaError(
    code,
    { slice: slice.name, message: type, cause },
    `Slice "${slice.name}": the update of "${type}" ${what}`,
  ),
});

const late = (slice: ModelSlice, type: string): CallaError =>
  new CallaError(
    "update-threw",
    { slice: slice.name, message: type },
    `Slice "${slice.name}": the context of "${type}" was used after its update had returned.`,
  );

/** A thrown thing may be anything, its own toString included. */
export function text(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return "something that cannot be shown";
  }
}
