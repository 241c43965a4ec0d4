// Applies messages, if their result can be sent: no format carries a function in a model or in a rejection's details,
// so it would reach nobody (TE21).
import { applyMessages, CallaError, messageOf } from "@calla/shared";
import type { ContextValues, Limits, Message, ModelSlice, Rejection, Serialiser } from "@calla/shared";
import { bytesOfDetails } from "./details.ts";

/** What makes copies of values as every reader gets them, and throws where it cannot; and what they are as plain values. */
export type Carrier = Pick<Serialiser, "normaliseDetails" | "normaliseModel" | "domain" | "payload">;

/** A new model, or why there is none. `error` is for the app's reporter. */
export type Carried =
  | { readonly ok: true; readonly model: unknown }
  | { readonly ok: false; readonly refusal: Rejection; readonly error?: CallaError };

export interface CarryOptions {
  readonly strict: boolean;
  readonly carrier: Carrier;
  readonly limits: Pick<Limits, "maxDetailsBytes">;
}

/** Applies the messages of one dispatch, all or none. Whether the model can be carried is asked next (model-limits.ts). */
export function applyCarried(
  slice: ModelSlice,
  model: unknown,
  messages: readonly Message[],
  context: ContextValues,
  { strict, carrier, limits }: CarryOptions,
): Carried {
  const result = applyMessages(slice, model, messages, context, { strict });
  if (result.ok) return result;
  if (result.kind === "threw") return threw(result.error);
  const { code, details } = result;
  let size = 0;
  const cause = refused(() => {
    carrier.normaliseDetails(details);
    size = bytesOfDetails(details, carrier);
  });
  if (size > limits.maxDetailsBytes) return threw(largeDetails(slice, messages, code, size, limits));
  if (cause === undefined) return { ok: false, refusal: { from: "app", code, details } };
  const error = errorOf(
    slice,
    messages,
    "rejected with details that cannot be carried",
    sentence(cause),
    cause,
  );
  // In production its author must hear all the same, or it would send the message for ever.
  return strict ? threw(error) : { ok: false, refusal: { from: "app", code, details: {} }, error };
}

/** Throws where a slice begins with what cannot be carried: nobody could subscribe to it. */
export function checkInitial(carrier: Carrier, { name }: ModelSlice, model: unknown): void {
  const cause = refused(() => carrier.normaliseModel(model));
  if (cause === undefined) return;
  throw new CallaError(
    "strict",
    { slice: name, cause: cause.error },
    `Slice "${name}": initial() returned a model that cannot be carried: ${sentence(cause)}`,
  );
}

const threw = (error: CallaError): Carried => ({
  ok: false,
  refusal: { from: "calla", code: "update-threw", details: {} },
  error,
});

interface Cause {
  readonly error: unknown;
}

function refused(carry: () => unknown): Cause | undefined {
  try {
    carry();
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** What is wrong with a model, in the carrier's words, if anything: tried whole, which costs as much as the model. */
export function uncarried(carrier: Carrier, model: unknown): string | undefined {
  const cause = refused(() => carrier.normaliseModel(model));
  return cause && sentence(cause);
}

/** An update has made what cannot be carried: the app's mistake, found by development's checks or in production. */
export const updateError = (
  slice: ModelSlice,
  messages: readonly Message[],
  problem: string,
  strict: boolean,
): CallaError =>
  errorOf(slice, messages, "returned a model that cannot be carried", problem, undefined, strict);

function errorOf(
  { name }: ModelSlice,
  messages: readonly Message[],
  what: string,
  problem: string,
  cause: Cause | undefined,
  strict = true,
): CallaError {
  const types = messages.map(({ type }) => type);
  return new CallaError(
    strict ? "strict" : "update-threw",
    { slice: name, message: types.join(", "), ...(cause && { cause: cause.error }) },
    `Slice "${name}": the update of "${types.join('", "')}" ${what}: ${problem}`,
  );
}

/** In production too, and with the first of them: what is remembered of a client must not depend on what it sends. */
function largeDetails(
  { name }: ModelSlice,
  messages: readonly Message[],
  code: string,
  bytes: number,
  { maxDetailsBytes }: CarryOptions["limits"],
): CallaError {
  const types = messages.map(({ type }) => type);
  return new CallaError(
    "update-threw",
    { slice: name, message: types.join(", "), code, bytes, maxDetailsBytes },
    `Slice "${name}": the update of "${types.join('", "')}" rejected with "${code}" and ${bytes} bytes of details; limits.maxDetailsBytes is ${maxDetailsBytes}, for they are kept until their author has them. Let them name what is wrong, by an id or a count, rather than hold it.`,
  );
}

const sentence = ({ error }: Cause): string => messageOf(error);
