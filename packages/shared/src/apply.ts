// The one place where a user's schemas and updates run, on the server and on the client alike. What they do wrong
// comes back as a value, so one bad message stays one; engines never call user code otherwise. Not here: the stricter
// checks of development (strict.ts).
import { runUpdate } from "./run-update.ts";
import type { ContextValues, Step } from "./run-update.ts";
import { CallaError } from "./errors.ts";
import type { Message, ModelSlice, Slice } from "./slice.ts";
import { AsyncSchemaError, check, ignoreOutcome, isThenable } from "./standard.ts";
import type { Checked, Issue, Schema } from "./standard.ts";
import { checkIdempotent, checkInitial, strictUpdate } from "./strict.ts";

export type { ContextValues } from "./run-update.ts";

/** Development's checks or not. */
export interface Strictness {
  readonly strict: boolean;
}

/** What became of a value that should be a message. `error` tells the app, not the peer, that its schema threw. */
export type Parsed =
  | { readonly ok: true; readonly message: Message }
  | {
      readonly ok: false;
      readonly code: "unknown-message" | "server-only";
      readonly details: { readonly type: string };
    }
  | {
      readonly ok: false;
      readonly code: "invalid";
      readonly details: { readonly issues: readonly Issue[] };
      readonly error?: CallaError;
    };

/** What became of a dispatch: a new model, or nothing at all. */
export type Applied<Model = unknown> =
  | { readonly ok: true; readonly model: Model }
  | { readonly ok: false; readonly kind: "rejected"; readonly code: string; readonly details: unknown }
  | { readonly ok: false; readonly kind: "threw"; readonly error: CallaError };

/**
 * The message that `value` is. Its fields go through the schema without `type`; what the schema gives is the message.
 * Throws only for a schema that is asynchronous or converts: the programmer's fault, whatever the peer sent.
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
  const checked = checkFields(slice, type, schema, fields);
  if (!checked.ok) return checked;
  const output = checked.value;
  if (!isFields(output) || Object.hasOwn(output, "type")) {
    const what = isFields(output)
      ? 'a field named "type", which is the message\'s own name'
      : "no object of fields";
    throw messageError(
      "wiring",
      slice,
      type,
      `has a schema that gives ${what}; describe the message's fields.`,
    );
  }
  if (strict) checkIdempotent(slice, type, schema, output);
  return { ok: true, message: { type, ...output } };
}

type Invalid = Extract<Parsed, { code: "invalid" }>;

function checkFields(
  slice: Slice,
  type: string,
  schema: Schema,
  fields: object,
): Invalid | Extract<Checked, { ok: true }> {
  try {
    const checked = check(schema, fields);
    return checked.ok ? checked : invalid(checked.issues);
  } catch (error) {
    if (error instanceof AsyncSchemaError) {
      throw messageError(
        "wiring",
        slice,
        type,
        "has an asynchronous schema; only synchronous checks can decide.",
      );
    }
    // Hostile input may reach this (a refinement that assumes too much), so the peer is told no more than "invalid".
    const report = messageError(
      "invalid",
      slice,
      type,
      "has a schema that threw; report issues instead.",
      error,
    );
    return { ...invalid([{ message: "the schema threw", path: [] }]), error: report };
  }
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

/** Whether `value` is a model of the slice. Throws for a schema that is asynchronous. */
export function parseModel(slice: ModelSlice, value: unknown): Checked {
  try {
    return check(slice.model, value);
  } catch (error) {
    if (error instanceof AsyncSchemaError) {
      throw new CallaError(
        "wiring",
        { slice: slice.name },
        `Slice "${slice.name}": the model's schema is asynchronous; only synchronous checks can decide.`,
      );
    }
    return { ok: false, issues: [{ message: `the schema threw: ${String(error)}`, path: [] }] };
  }
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const hasType = (value: unknown): value is Message =>
  isFields(value) && Object.hasOwn(value, "type") && typeof value["type"] === "string";

const invalid = (issues: readonly Issue[]): Invalid => ({ ok: false, code: "invalid", details: { issues } });

const initialError = (slice: ModelSlice, text: string): CallaError =>
  new CallaError("wiring", { slice: slice.name }, `Slice "${slice.name}": initial() ${text}`);

const messageError = (
  code: "wiring" | "invalid",
  slice: Slice,
  message: string,
  text: string,
  cause?: unknown,
) =>
  new CallaError(
    code,
    { slice: slice.name, message, cause },
    `Slice "${slice.name}": message "${message}" ${text}`,
  );
