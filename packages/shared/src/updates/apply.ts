// The one place where a user's schemas and updates run, on the server and on the client alike. What they do wrong
// comes back as a value, so one bad message stays one; engines never call user code otherwise. Not here: the stricter
// checks of development (dev/strict.ts).
import { told } from "#dev/describe";
import { DEV } from "#dev/switch";
import { checkInitial, conversion, strictUpdate } from "#dev/strict";
import type { Issue } from "#guards/issues";
import { describe, sliceError } from "../base/errors.ts";
import type { CallaError } from "../base/errors.ts";
import type { ErrorCode } from "../codes/error-codes.ts";
import { isObject } from "../values/kind.ts";
import { withoutUndefined } from "../values/present.ts";
import { noModel, runUpdate, threw } from "./run-update.ts";
import type { ContextValues } from "./run-update.ts";
import type { Message, ModelSlice, Slice } from "../wiring/slice.ts";
import { check } from "../wiring/standard.ts";
import type { Checked } from "../wiring/standard.ts";

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
  if (!isFields(value) || !Object.hasOwn(value, "type") || typeof value["type"] !== "string") {
    return invalid([{ message: "a message is an object with a type", path: [] }]);
  }
  const { type } = value as Message;
  const schema = Object.hasOwn(slice.messages, type) ? slice.messages[type] : undefined;
  if (schema === undefined)
    return { ok: false, code: "unknown-message", details: { type: type.slice(0, 100) } };
  if (from === "client" && slice.serverOnly(type))
    return { ok: false, code: "server-only", details: { type } };
  try {
    const checked = check(schema, withoutUndefined(fieldsOf(value)));
    if (!checked.ok) return invalid(checked.issues);
    const output = withoutUndefined(checked.value);
    if (!isFields(output)) return faulty(slice, type, DEV && "gives no object of fields.");
    if (Object.hasOwn(output, "type"))
      return faulty(slice, type, DEV && 'gives a field "type"; rename the field.');
    if (DEV && strict) {
      const converts = conversion(schema, output);
      if (converts !== undefined) return faulty(slice, type, converts, undefined, "strict");
    }
    return { ok: true, message: { type, ...output } };
  } catch (error) {
    return faulty(slice, type, DEV && `failed: ${told(error)}`, error);
  }
}

/** A message without its type: by hand, for a rest pattern costs a tenth of the server's time for a message. */
function fieldsOf(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (key === "__proto__") return withoutType(value); // an own field all the same, and no assignment makes one
    if (key !== "type") fields[key] = value[key];
  }
  return fields;
}

const withoutType = ({
  type: _type,
  ...fields
}: Readonly<Record<string, unknown>>): Record<string, unknown> => fields;

/** The peer hears nothing of what went wrong inside; the app does. */
const faulty = (
  { name }: Slice,
  message: string,
  what: string | false,
  cause?: unknown,
  code: ErrorCode = "wiring",
): Invalid => ({
  ...invalid([{ message: "the schema could not decide", path: [] }]),
  error: sliceError(code, name, DEV && `the schema of "${message}" ${what}`, { message, cause }),
});

const invalid = (issues: readonly Issue[]): Invalid => ({ ok: false, code: "invalid", details: { issues } });

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
  const run = DEV && strict ? strictUpdate : runUpdate;
  let current = model;
  let ids = 0;
  for (const message of messages) {
    // A record holds whatever its server took for a message.
    const step =
      isFields(message) && typeof message["type"] === "string"
        ? run(slice, current, message, values, ids)
        : threw(slice, "", DEV && "is for no message: it has no type.");
    if (!step.ok) return step;
    current = step.model;
    ids = step.ids;
  }
  return { ok: true, model: current };
}

/**
 * The model that a target begins with. Throws where `initial` is wrong: no target of the slice could begin.
 *
 * @example
 * const model = initialModel(board, { strict: true });
 */
export function initialModel(slice: ModelSlice, { strict }: Strictness): unknown {
  const model = slice.initial();
  const problem = noModel(model);
  if (problem !== undefined) throw sliceError("wiring", slice.name, DEV && `initial() ${problem}`);
  if (DEV && strict) checkInitial(slice, model);
  return model;
}

/**
 * Whether `value` is a model of the slice, and as what its schema gives it back. Never throws.
 *
 * @example
 * const checked = parseModel(board, stored);
 * if (checked.ok) show(checked.value);
 */
export function parseModel(slice: ModelSlice, value: unknown): Checked {
  try {
    return check(slice.model, value);
  } catch (error) {
    return { ok: false, issues: [{ message: `the schema failed: ${describe(error)}`, path: [] }] };
  }
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isObject(value) && !Array.isArray(value);
