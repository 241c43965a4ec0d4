// The one place where a user's schemas and updates run, on the server and on the client alike. What they do wrong
// comes back as a value, so one bad message stays one; engines never call user code otherwise. Not here: the stricter
// checks of development (strict.ts).
import { runUpdate, text } from "./run-update.ts";
import type { ContextValues, Step } from "./run-update.ts";
import { CallaError } from "./errors.ts";
import type { Message, ModelSlice, Slice } from "./slice.ts";
import { check, ignoreOutcome, isThenable } from "./standard.ts";
import type { Checked, Issue } from "./standard.ts";
import { checkInitial, conversion, strictUpdate } from "./strict.ts";

export type { ContextValues } from "./run-update.ts";

/** Development's checks or not. */
export interface Strictness {
  readonly strict: boolean;
}

/** What became of a value that should be a message. */
export type Parsed =
  | { readonly ok: true; readonly message: Message }
  | {
      readonly ok: false;
      readonly code: "unknown-message" | "server-only";
      readonly details: { readonly type: string };
    }
  | Invalid;
interface Invalid {
  readonly ok: false;
  readonly code: "invalid";
  readonly details: { readonly issues: readonly Issue[] };
  /** The schema itself is at fault (it threw, is asynchronous, converts): for the app to report, not for the peer. */
  readonly error?: CallaError;
}

/** What became of a dispatch: a new model, or nothing at all. */
export type Applied<Model = unknown> =
  | { readonly ok: true; readonly model: Model }
  | { readonly ok: false; readonly kind: "rejected"; readonly code: string; readonly details: unknown }
  | { readonly ok: false; readonly kind: "threw"; readonly error: CallaError };

/**
 * The message that `value` is. Its fields go through the schema without `type`; what the schema gives is the message.
 * Never throws: what a peer sends may lead a schema anywhere.
 *
 * @example
 * parseMessage(board, { type: "cardMoved", id: "1", before: null, stray: 1 }, "client");
 * // { ok: true, message: { type: "cardMoved", id: "1", before: null } }
 */
export function parseMessage(
  slice: Slice,
  value: unknown,
  from: "client" | "server",
  { strict }: Strictness = { strict: false },
): Parsed {
  if (!hasType(value)) return invalid([{ message: "a message is an object with a type", path: [] }]);
  const { type, ...fields } = value;
  const schema = Object.hasOwn(slice.messages, type) ? slice.messages[type] : undefined;
  if (schema === undefined)
    return { ok: false, code: "unknown-message", details: { type: type.slice(0, 100) } };
  if (from === "client" && slice.serverOnly(type))
    return { ok: false, code: "server-only", details: { type } };
  try {
    const checked = check(schema, fields);
    if (!checked.ok) return invalid(checked.issues);
    const output = checked.value;
    const problem = outputProblem(output);
    if (problem !== undefined) return faulty(slice, type, problem, "wiring");
    const converts = strict ? conversion(schema, output) : undefined;
    if (converts !== undefined) return faulty(slice, type, converts, "strict");
    return { ok: true, message: { type, ...(output as object) } };
  } catch (error) {
    return faulty(slice, type, `failed: ${text(error)}`, "wiring", error);
  }
}

/** What keeps a schema's output from being a message's fields. */
function outputProblem(output: unknown): string | undefined {
  if (!isFields(output)) return "gives no object of fields; describe the message's fields.";
  if (!Object.hasOwn(output, "type")) return undefined;
  return 'gives a field named "type", which is the message\'s own name; rename the field.';
}

/** The peer hears nothing of what went wrong inside; the app does. */
function faulty(
  slice: Slice,
  type: string,
  what: string,
  code: "wiring" | "strict",
  cause?: unknown,
): Invalid {
  const sentence = `Slice "${slice.name}": the schema of "${type}" ${what}`;
  const error = new CallaError(code, { slice: slice.name, message: type, cause }, sentence);
  return { ...invalid([{ message: "the schema could not decide", path: [] }]), error };
}

/**
 * Applies the messages of one dispatch: all or none. Never throws.
 *
 * @example
 * applyMessages(board, model, [message], { at, userId, messageId }, { strict: true });
 */
export function applyMessages(
  slice: ModelSlice,
  model: unknown,
  messages: readonly Message[],
  values: ContextValues,
  { strict }: Strictness,
): Applied {
  let current = model;
  let ids = 0;
  for (const message of messages) {
    const run = strict ? strictUpdate : runUpdate;
    const step: Step = run(slice, current, message, values, ids);
    if (!step.ok) return step;
    current = step.model;
    ids = step.ids;
  }
  return { ok: true, model: current };
}

/** The model that a target begins with. Throws where `initial` is wrong: no target of the slice could begin. */
export function initialModel(slice: ModelSlice, { strict }: Strictness): unknown {
  const model = slice.initial();
  if (isThenable(model)) {
    ignoreOutcome(model);
    throw initialError(slice, "returned a promise; it must return the model at once.");
  }
  if (model === undefined) throw initialError(slice, "returned undefined; it must return the first model.");
  if (strict) checkInitial(slice, model);
  return model;
}

/** Whether `value` is a model of the slice, and as what its schema gives it back. Never throws. */
export function parseModel(slice: ModelSlice, value: unknown): Checked {
  try {
    return check(slice.model, value);
  } catch (error) {
    return { ok: false, issues: [{ message: `the schema failed: ${text(error)}`, path: [] }] };
  }
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const hasType = (value: unknown): value is Message =>
  isFields(value) && Object.hasOwn(value, "type") && typeof value["type"] === "string";

const invalid = (issues: readonly Issue[]): Invalid => ({ ok: false, code: "invalid", details: { issues } });

const initialError = (slice: ModelSlice, text: string): CallaError =>
  new CallaError("wiring", { slice: slice.name }, `Slice "${slice.name}": initial() ${text}`);
