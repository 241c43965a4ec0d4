// Standard Schema: the one way in which a user's schema (zod, valibot, arktype, …) enters Calla. Types come from
// @standard-schema/spec; no schema library is ever imported. Schemas describe values and do not convert them.
import { DEV } from "#dev/switch";
import { plainIssues } from "#guards/issues";
import type { Issue } from "#guards/issues";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { isObject } from "../values/kind.ts";

/** Any schema that follows Standard Schema: zod, zod/mini, valibot, arktype and others. */
export type Schema = StandardSchemaV1;
/** Schemas by name: of a slice's messages by their type, of its rejections by their code. */
export type Schemas = Readonly<Record<string, Schema>>;
/** What a schema accepts. */
export type InputOf<S extends Schema> = StandardSchemaV1.InferInput<S>;
/** What a schema gives. */
export type OutputOf<S extends Schema> = StandardSchemaV1.InferOutput<S>;

/** `unknown` where the schema's output is a valid input again; otherwise the sentence that the compiler shows. */
export type Describes<S extends Schema> =
  OutputOf<S> extends InputOf<S>
    ? unknown
    : {
        "this schema converts: its output is not a valid input. Describe the value, convert it elsewhere": never;
      };

/** What a schema says of a value. */
export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/**
 * Runs a schema. Throws what the schema throws, and where it answers with a promise: an asynchronous schema cannot
 * decide in one synchronous step, and zod answers so when a schema threw.
 */
export function check(schema: Schema, value: unknown): Checked {
  const result = schema["~standard"].validate(value);
  if (ignorePromise(result)) throw new TypeError(DEV ? "it is asynchronous, or (in zod) it threw." : "");
  return readResult(result);
}

/**
 * What a schema has answered, with its complaints made plain and short.
 *
 * @example
 * readResult(await schema["~standard"].validate(value)); // { ok: true, value } or { ok: false, issues }
 */
export const readResult = (result: StandardSchemaV1.Result<unknown>): Checked =>
  result.issues === undefined
    ? { ok: true, value: result.value }
    : { ok: false, issues: plainIssues(result.issues) };

/**
 * Whether the value is a schema at all.
 *
 * @example
 * isSchema(z.string()); // true
 */
export const isSchema = (value: unknown): value is Schema =>
  (isObject(value) || typeof value === "function") &&
  typeof (value as Partial<Schema>)["~standard"]?.validate === "function";

/** Whether this is a promise. Nobody waits for it, so it is kept from becoming an unhandled rejection. */
export function ignorePromise(value: unknown): value is PromiseLike<unknown> {
  if (!isObject(value) || typeof (value as { then?: unknown }).then !== "function") return false;
  const nothing = () => undefined;
  Promise.resolve(value).then(nothing, nothing);
  return true;
}

/** `cards[0].text: Invalid input; title: …` */
export const issuesText = (issues: readonly Issue[]): string =>
  issues
    .map(({ path, message }) => (path.length === 0 ? message : `${pathText(path)}: ${message}`))
    .join("; ");

/** `["cards", 0, "text"]` as `cards[0].text`. */
export const pathText = (path: readonly (string | number)[]): string =>
  path.map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? key : `.${key}`)).join("");
